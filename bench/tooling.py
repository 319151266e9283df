"""What developers of one application run beside the cluster: compose, .env, HCL, Make, scripts."""

from __future__ import annotations

from bench.layout import LOCAL, MIGRATION, PROBE, source_host, url
from bench.marks import Use, Wanted, decoy, site


def tooling(app: str) -> dict[str, str]:
    """Every such file, marked, by path below the application's folder."""
    return {
        "compose.yaml": _compose(app),
        ".env": _dotenv(app),
        "backend/atlas.hcl": _atlas(app),
        "backend/Makefile": _makefile(app),
        "scripts/backup.sh": _backup(app),
        "scripts/migrate.sh": _migrate(app),
        "scripts/README.md": _readme(app),
        "README.md": f"# {app}\n\nEight services, three environments, one PostgreSQL database.\n",
    }


def _compose(app: str) -> str:
    def value(service: str) -> str:
        pointer = f"/0/services/{service}/environment/DATABASE_URL"
        # A migration of local development: both words are right.
        purposes = LOCAL + MIGRATION if service == "migrate" else LOCAL
        readers = (Use(f"ComposeService/{service}", "", purposes[-1]),)
        return url(app, "postgres", Wanted("DATABASE_URL", pointer, "url", purposes, readers))

    return f"""services:
  api:
    image: registry.example.org/{app}/api:dev
    environment:
      DATABASE_URL: {value("api")}
      REDIS_URL: {decoy("redis://redis:6379/0", "redis")}
    depends_on: [postgres, redis]
  worker:
    image: registry.example.org/{app}/worker:dev
    environment:
      DATABASE_URL: {value("worker")}
    depends_on: [postgres]
  migrate:
    image: arigaio/atlas:0.30
    command: [migrate, apply, --url, $DATABASE_URL]
    environment:
      DATABASE_URL: "{value("migrate")}"
  postgres:
    image: {decoy("postgres:15-alpine", "an image")}
    ports: ["{decoy("5432:5432", "a published port")}"]
    environment:
      POSTGRES_USER: {app}
      POSTGRES_PASSWORD: example
  redis:
    image: redis:7-alpine
"""


def _dotenv(app: str) -> str:
    rows = []
    for key in ("DATABASE_URL", "TEST_DATABASE_URL"):
        wanted = Wanted(key, f"/0/{key}", "dotenv", LOCAL)
        rows.append(f"{key}={url(app, 'localhost', wanted)}\n")
    comment = decoy("postgres://user:pass@db.example.org/app", "a comment")
    redis = decoy("redis://localhost:6379/0", "redis")
    return f"# é.g. {comment}\nAPP_ENV=local\n{rows[0]}{rows[1]}REDIS_URL={redis}\n"


def _atlas(app: str) -> str:
    blocks = []
    for environment in ("local", "staging", "production"):
        host = "localhost" if environment == "local" else source_host(environment)
        purposes = LOCAL if environment == "local" else MIGRATION
        wanted = Wanted(f"env.{environment}.url", f"/0/env/{environment}/url", "hcl", purposes)
        blocks.append(
            f'env "{environment}" {{\n  src = "file://schema.hcl"\n'
            f'  url = "{url(app, host, wanted)}"\n'
            f'  dev = "{decoy("docker://postgres/15/dev", "an image")}"\n}}\n'
        )
    return "\n".join(blocks)


def _makefile(app: str) -> str:
    local = url(app, "localhost", Wanted("DB_URL", "", "makefile", LOCAL))
    staging = url(app, source_host("staging"), Wanted("atlas", "", "makefile", MIGRATION))
    comment = decoy("postgres://user:pass@db.example.org/app", "a comment")
    return f"""# make test DB_URL={comment}
DB_URL ?= {local}
GO ?= go

.PHONY: test migrate-staging
test: ## Run the tests
\t$(GO) test ./...

migrate-staging: ## Apply the migrations on staging
\tatlas migrate apply --url "{staging}" --dir file://migrations
"""


def _backup(app: str) -> str:
    host = source_host("production")
    wait = site(host, Wanted("pg_isready", "", "cli-argument", PROBE))
    dump = site(host, Wanted("pg_dump", "", "cli-argument", ("backup",)))
    return f"""#!/bin/sh
# Dumps the production database of {app}.
set -eu
until pg_isready -h {wait} -p 5432 -q; do sleep 1; done
pg_dump -h {dump} -p 5432 -U {app} {app} > "$1"
echo "dump of PostgreSQL written to $1"
"""


def _migrate(app: str) -> str:
    target = url(app, source_host("staging"), Wanted("psql", "", "url", ("migration", "admin")))
    return f"""#!/bin/sh
# Applies every migration of {app} by hand.
set -eu
for file in migrations/*.sql; do
  psql "{target}" --single-transaction --file "$file"
done
"""


def _readme(app: str) -> str:
    example = decoy(
        f"postgres://{app}:secret@{source_host('staging')}:5432/{app}",
        "an example in documentation",
    )
    return f"# Scripts\n\n    psql {example}\n\nSee https://www.postgresql.org/docs/ for more.\n"
