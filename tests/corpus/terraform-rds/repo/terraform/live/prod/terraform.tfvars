grafana_db_host = "fleet-prod.cx1a2b3.us-east-1.rds.amazonaws.com:5432"
bastion_host    = "bastion.fleet.example.com"
db_instance     = "fleet-prod"
