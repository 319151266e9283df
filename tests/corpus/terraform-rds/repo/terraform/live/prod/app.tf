locals {
  # db_host = "fleet-old.cx1a2b3.us-east-1.rds.amazonaws.com"
  db_host = "fleet-prod.cx1a2b3.us-east-1.rds.amazonaws.com"
}

resource "kubernetes_secret" "fleet_db" {
  metadata {
    name      = "fleet-db"
    namespace = "fleet"
  }
  data = {
    DATABASE_URL  = "postgresql://fleet:${var.fleet_password}@${local.db_host}:5432/fleet?sslmode=require"
    MIGRATION_URL = "postgresql://fleet_owner:${var.owner_password}@fleet-prod.cx1a2b3.us-east-1.rds.amazonaws.com:5432/fleet"
    REDIS_URL     = "redis://${aws_elasticache_cluster.main.cache_nodes[0].address}:6379"
  }
}
