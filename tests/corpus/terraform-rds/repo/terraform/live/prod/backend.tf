terraform {
  backend "pg" {
    conn_str = "postgres://tfstate:canary-fleet-2@tfstate.cx1a2b3.us-east-1.rds.amazonaws.com/terraform_backend"
  }
}
