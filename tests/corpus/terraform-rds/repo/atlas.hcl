env "local" {
  url = "postgres://postgres:canary-fleet-3@localhost:5432/fleet?search_path=public&sslmode=disable"
  dev = "docker://postgres/15/dev"
}

env "stage" {
  url = "postgres://fleet_owner@fleet-stage.cx1a2b3.us-east-1.rds.amazonaws.com:5432/fleet?search_path=public"
  migration {
    dir = "file://migrations"
  }
}
