provider "postgresql" {
  host     = aws_db_instance.main.address
  port     = 5432
  username = "postgres"
  password = var.master_password
}

resource "postgresql_role" "fleet" {
  name  = "fleet"
  login = true
}
