resource "aws_dms_endpoint" "source" {
  endpoint_id   = "fleet-source"
  endpoint_type = "source"
  engine_name   = "postgres"
  server_name   = "fleet-prod.cx1a2b3.us-east-1.rds.amazonaws.com"
  port          = 5432
  database_name = "fleet"
  username      = "dms"
}

resource "aws_dms_endpoint" "target" {
  endpoint_id   = "lake-target"
  endpoint_type = "target"
  engine_name   = "mysql"
  server_name   = "lake.cx1a2b3.us-east-1.rds.amazonaws.com"
}
