"""Containers by what their manifests say, and the purpose they must get.

A case is `(words, purpose, facts, asked)`; `asked` are judge's keyword arguments.
"""

from __future__ import annotations

from typing import TypedDict

from repoint.rules.purpose import ContainerFacts


class Asked(TypedDict, total=False):
    """What the connection is known by."""

    variable: str
    key: str
    user: str
    source_key: str


Case = tuple[str, str, ContainerFacts, Asked]
URL: Asked = {"variable": "DATABASE_URL"}


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def facts(
    kind: str, name: str = "shop", image: str = "ghcr.io/acme/shop:1", **more: object
) -> ContainerFacts:
    return ContainerFacts(kind=kind, name=name, container=name, image=image, **more)


def job(command: tuple[str, ...] = (), **more: object) -> ContainerFacts:
    return facts("Job", command=command, **more)


def deploy(command: tuple[str, ...] = (), **more: object) -> ContainerFacts:
    return facts("Deployment", command=command, **more)


def cron(command: tuple[str, ...] = (), **more: object) -> ContainerFacts:
    return facts("CronJob", command=command, schedule="5 3 * * *", **more)


def init(command: tuple[str, ...] = (), **more: object) -> ContainerFacts:
    return deploy(command, init=True, **more)


MIGRATIONS = [
    ("Atlas", "atlas migrate apply --url $DATABASE_URL"),
    ("Atlas declarative", "atlas schema apply --auto-approve -u $DATABASE_URL"),
    ("golang-migrate with flags between", "migrate -path /m -database $DATABASE_URL up"),
    ("Flyway", "flyway -url=$URL migrate"),
    ("Liquibase", "liquibase --changelog-file=c.xml update"),
    ("Alembic", "alembic -c /app/alembic.ini upgrade head"),
    ("Alembic as a module", "python -m alembic upgrade head"),
    ("Flask-Migrate", "flask db upgrade"),
    ("Django", "python manage.py migrate --noinput"),
    ("Django by poetry", "poetry run python src/manage.py migrate"),
    ("django-tenants", "python manage.py migrate_schemas --shared"),
    ("Rails", "bundle exec rails db:migrate"),
    ("Rake", "bin/rake db:schema:load"),
    ("Prisma", "npx prisma migrate deploy"),
    ("Prisma in node_modules", "./node_modules/.bin/prisma migrate deploy --schema x"),
    ("Prisma push", "pnpm exec prisma db push"),
    ("Drizzle", "npx drizzle-kit migrate"),
    ("TypeORM", "npx typeorm migration:run -d dist/ds.js"),
    ("Sequelize", "npx sequelize-cli db:migrate"),
    ("Knex", "npx knex migrate:latest"),
    ("node-pg-migrate", "npx node-pg-migrate up"),
    ("dbmate", "dbmate --wait up"),
    ("Goose", "goose -dir /m postgres $DSN up"),
    ("Sqitch", "sqitch deploy --verify db:pg:x"),
    ("SQLx", "sqlx migrate run"),
    ("Diesel", "diesel migration run"),
    ("tern", "tern migrate -m /migrations"),
    ("Entity Framework", "dotnet ef database update --connection $C"),
    ("an EF bundle", "/app/efbundle --connection $C"),
    ("Laravel", "php artisan migrate --force"),
    ("Doctrine", "php bin/console doctrine:migrations:migrate -n"),
    ("Phinx", "vendor/bin/phinx migrate"),
    ("Ecto release", 'bin/shop eval "Shop.Release.migrate"'),
    ("Mix", "mix ecto.migrate"),
    ("Hydra", "hydra migrate sql -e --yes"),
    ("Kratos", "kratos migrate sql -e --yes"),
    ("Temporal", "temporal-sql-tool --ep db update-schema -d ./schema"),
    ("Zitadel", "zitadel setup --steps s.yaml"),
    ("Airflow", "airflow db migrate"),
    ("Superset", "superset db upgrade"),
    ("Sentry", "sentry upgrade --noinput"),
    ("pgroll", "pgroll start /m/1.json"),
    ("an npm script", "npm run db:migrate"),
    ("a script with a telling name", "/app/bin/migrate.sh"),
    ("a program's own subcommand", "/shop migrate"),
    ("a compiled migration script", "node dist/scripts/run-migrations.js"),
    ("DDL by psql", 'psql $DATABASE_URL -c "ALTER TABLE a ADD COLUMN b int"'),
    ("a file of SQL", "psql $DATABASE_URL -f /sql/0042.sql"),
]
BACKUPS = [
    ("pg_dump", "pg_dump -h $PGHOST -Fc shop > /backup/x"),
    ("pg_dumpall in a pipe", "pg_dumpall -h db | gzip | aws s3 cp - s3://x"),
    ("pg_restore", "pg_restore -d shop /x.dump"),
    ("pgBackRest", "pgbackrest --stanza=db backup"),
    ("WAL-G", "wal-g backup-push /data"),
    ("a dump behind a wait loop", "until pg_isready; do sleep 1; done; pg_dump shop > x"),
]
ADMIN = [
    ("createdb", "createdb -h db shop"),
    ("a role", 'psql -h db -U postgres -c "CREATE ROLE shop LOGIN"'),
    ("grants in a here-document", "psql $U <<EOF\nGRANT ALL ON DATABASE a TO b;\nEOF"),
    ("VACUUM", 'psql -c "VACUUM ANALYZE"'),
    ("vacuumdb", "vacuumdb --all"),
    ("a query by hand", 'psql -c "DELETE FROM sessions WHERE old"'),
    ("an extension", 'psql -c "CREATE EXTENSION IF NOT EXISTS pgcrypto"'),
    ("killing sessions", 'psql -c "select pg_terminate_backend(pid) from pg_stat_activity"'),
]
PROBES = [
    ("pg_isready", "until pg_isready -h db; do echo wait; sleep 2; done"),
    ("nc", "while ! nc -z db 5432; do sleep 1; done"),
    ("wait-for-it", "./wait-for-it.sh db:5432 -t 60"),
    ("wait4x", "wait4x postgresql $DSN"),
    ("psql asks one", 'until psql $U -c "SELECT 1"; do sleep 1; done'),
    ("a socket", "until (echo > /dev/tcp/db/5432) 2>/dev/null; do sleep 1; done"),
]
SERVERS = [
    ("gunicorn", "gunicorn shop.wsgi"),
    ("uvicorn", "uvicorn app:app --host 0.0.0.0"),
    ("Rails server", "bundle exec rails server -b 0.0.0.0"),
    ("puma", "bundle exec puma -C config/puma.rb"),
    ("Sidekiq", "bundle exec sidekiq"),
    ("Celery", "celery -A shop worker"),
    ("Django's own server", "python manage.py runserver 0:8000"),
    ("Laravel's queue", "php artisan queue:work"),
    ("Hydra", "hydra serve all"),
    ("npm start", "npm run start:prod"),
    ("an Elixir release", "bin/shop start"),
    ("Temporal", "temporal-server start"),
]

TABLE: list[Case] = [
    *((f"Job runs {n}", "migration", job(sh(c)), URL) for n, c in MIGRATIONS),
    *((f"CronJob runs {n}", "backup", cron(sh(c)), URL) for n, c in BACKUPS),
    *((f"Job runs {n}", "admin", job(sh(c)), URL) for n, c in ADMIN),
    *((f"init container runs {n}", "probe", init(sh(c)), URL) for n, c in PROBES),
    *((f"Deployment runs {n}", "runtime", deploy(sh(c)), URL) for n, c in SERVERS),
    *(
        (f"Deployment: {n}, then a server", "migration", deploy(sh(f"{c} && exec ./shop")), URL)
        for n, c in MIGRATIONS[:12]
    ),
]

IMAGES: list[Case] = [
    (f"{kind} of image {image}", purpose, facts(kind, "x", image), URL)
    for kind, image, purpose in [
        ("Job", "arigaio/atlas:latest", "migration"),
        ("Job", "flyway/flyway@sha256:00", "migration"),
        ("Job", "registry:5000/acme/shop-migrations:3", "migration"),
        ("Job", "ghcr.io/acme/migrator", "migration"),
        ("Deployment", "quay.io/prometheuscommunity/postgres-exporter:v0.15", "monitoring"),
        ("DaemonSet", "gcr.io/datadoghq/agent:7", "monitoring"),
        ("Deployment", "ankane/pghero", "monitoring"),
        ("Deployment", "dpage/pgadmin4:8", "admin"),
        ("Deployment", "docker.io/library/adminer", "admin"),
        ("Deployment", "prodrigestivill/postgres-backup-local:16", "backup"),
        ("CronJob", "eeshugerman/postgres-backup-s3:16", "backup"),
        ("Deployment", "quay.io/debezium/connect:2.7", "replication"),
        ("Deployment", "sequin/sequin", "replication"),
        ("Deployment", "postgrest/postgrest:v12", "runtime"),
        ("Deployment", "hasura/graphql-engine:v2.40", "runtime"),
        ("Deployment", "hasura/graphql-engine:v2.40.cli-migrations-v3", "migration"),
        ("StatefulSet", "quay.io/keycloak/keycloak:25", "runtime"),
        ("Deployment", "ghcr.io/goauthentik/server:2024.6", "runtime"),
        ("Deployment", "temporalio/auto-setup:1.24", "migration"),
        ("Deployment", "docker.io/gitea/gitea:1.22", "runtime"),
        ("Deployment", "edoburu/pgbouncer:1.25", "admin"),
        ("CronJob", "oryd/hydra:v2", "runtime"),
        ("StatefulSet", "postgres:16", "unknown"),
        ("Job", "postgres:16", "admin"),
        ("Job", "ghcr.io/acme/shop", "unknown"),
        ("Job", "oryd/hydra:v2", "unknown"),
        ("Deployment", "ghcr.io/acme/shop", "runtime"),
        ("CronJob", "alpine:3", "unknown"),
    ]
]
