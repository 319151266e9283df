resource "aws_db_instance" "main" {
  identifier     = "fleet-${var.env}"
  engine         = "postgres"
  engine_version = "15.5"
  instance_class = "db.t4g.medium"
  db_name        = "fleet"
  username       = "postgres"
  password       = var.master_password
}

output "address" {
  value = aws_db_instance.main.address
}
