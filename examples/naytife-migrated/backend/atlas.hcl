// Atlas: versioned migrations, plain SQL.
//   make migrate-new NAME=add_coupons
//   make migrate-up

variable "dev_url" {
  type    = string
  default = "docker://postgres/15/dev?search_path=naytife_schema"
}

# The "local" environment: PostgreSQL from `make db-up`, or a port-forward of
# postgres.naytife.svc.cluster.local on 5432
env "local" {
  url = "postgres://naytife:postgres@localhost:5432/naytifedb?search_path=naytife_schema&sslmode=disable"
  dev = var.dev_url
  migration {
    dir = "file://internal/db/migrations"
  }
}

# The "local_cnpg" environment: direct connection to the CNPG cluster, for local development
env "local_cnpg" {
  url = "postgres://naytife:postgres@naytife-postgres-rw.naytife.svc.cluster.local:5432/naytifedb?search_path=naytife_schema&sslmode=require"
  dev = var.dev_url
  migration {
    dir = "file://internal/db/migrations"
  }
}

# GitHub Actions
env "ci" {
  url = getenv("DATABASE_URL")
  migration {
    dir = "file://internal/db/migrations"
  }
}

# The "prod" environment: the migration Job passes --url
env "prod" {
  migration {
    dir = "file://internal/db/migrations"
  }
}

lint {
  destructive {
    error = true   # ask before dropping anything
  }
}
