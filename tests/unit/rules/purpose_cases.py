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


Case = tuple[str, str, ContainerFacts, Asked]
URL: Asked = {"variable": "DATABASE_URL"}


def sh(script: str) -> tuple[str, ...]:
    return ("sh", "-c", script)


def facts(kind: str, name: str = "shop", image: str = "ghcr.io/acme/shop:1", **more: object):  # type: ignore[no-untyped-def]
    return ContainerFacts(kind=kind, name=name, container=name, image=image, **more)  # type: ignore[arg-type]


def job(command: tuple[str, ...] = (), **more: object):  # type: ignore[no-untyped-def]
    return facts("Job", command=command, **more)


def deploy(command: tuple[str, ...] = (), **more: object):  # type: ignore[no-untyped-def]
    return facts("Deployment", command=command, **more)


def cron(command: tuple[str, ...] = (), **more: object):  # type: ignore[no-untyped-def]
    return facts("CronJob", command=command, schedule="5 3 * * *", **more)


def init(command: tuple[str, ...] = (), **more: object):  # type: ignore[no-untyped-def]
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
HELM = (("helm.sh/hook", "pre-install,pre-upgrade"),)
ARGO = (("argocd.argoproj.io/hook", "PreSync"),)

TABLE: list[Case] = [
    *((f"Job runs {n}", "migration", job(sh(c)), URL) for n, c in MIGRATIONS),
    *((f"CronJob runs {n}", "backup", cron(sh(c)), URL) for n, c in BACKUPS),
    *((f"Job runs {n}", "admin", job(sh(c)), URL) for n, c in ADMIN),
    *((f"init container runs {n}", "probe", init(sh(c)), URL) for n, c in PROBES),
    *((f"Deployment runs {n}", "runtime", deploy(sh(c)), URL) for n, c in SERVERS),
    *((f"Deployment: {n}, then a server", "migration", deploy(sh(f"{c} && exec ./shop")), URL)
      for n, c in MIGRATIONS[:12]),
]  # fmt: skip

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

APP = ("./shop",)
HARD: list[Case] = [
    ("DIRECT_URL in a Deployment", "migration", deploy(), {"variable": "DIRECT_URL"}),
    ("DIRECT_URL beside a known server", "migration", deploy(sh("gunicorn a")), {"variable": "DIRECT_URL"}),
    ("a migration's variable", "migration", deploy(), {"variable": "MIGRATION_DATABASE_URL"}),
    ("a direct key behind an innocent variable", "migration", deploy(), {"variable": "DATABASE_URL", "key": "url_direct"}),
    ("non-pooling URL", "migration", deploy(), {"variable": "POSTGRES_URL_NON_POOLING"}),
    ("unpooled URL", "migration", deploy(), {"variable": "DATABASE_URL_UNPOOLED"}),
    ("shadow database of Prisma", "migration", deploy(), {"variable": "SHADOW_DATABASE_URL"}),
    ("Flyway inside Spring", "migration", deploy(), {"key": "spring.flyway.url"}),
    ("Spring's own pool", "runtime", deploy(), {"key": "spring.datasource.url"}),
    ("chart value of a migration", "migration", facts("HelmRelease", image=""), {"key": "migrations.databaseUrl"}),
    ("chart value of the direct host", "migration", facts("HelmRelease", image=""), {"key": "postgresql.direct.hostname"}),
    ("chart value of a backup", "backup", facts("HelmRelease", image=""), {"key": "backup.pgHost"}),
    ("chart value of an admin's section is an app's", "runtime", facts("HelmRelease", image=""), {"key": "admin.database.host"}),
    ("superuser URL", "admin", deploy(), {"variable": "SUPERUSER_DATABASE_URL"}),
    ("admin URL", "admin", deploy(), {"variable": "DB_ADMIN_URL"}),
    ("replication URL", "replication", deploy(), {"variable": "REPLICATION_DSN"}),
    ("pgBackRest's host", "backup", deploy(), {"variable": "PGBACKREST_PG1_HOST"}),
    ("read-only URL", "runtime", deploy(), {"variable": "READONLY_DATABASE_URL"}),
    ("read replica's URL", "runtime", deploy(), {"variable": "READ_REPLICA_URL"}),
    ("redirect is not direct", "runtime", deploy(), {"variable": "REDIRECT_DB_URL"}),
    ("Directus is not direct", "runtime", deploy(), {"variable": "DIRECTUS_DB_HOST"}),
    ("the exporter's variable in a sidecar", "monitoring", deploy(), {"variable": "DATA_SOURCE_NAME"}),
    ("metadata is not metrics", "runtime", deploy(), {"variable": "HASURA_GRAPHQL_METADATA_DATABASE_URL"}),
    ("a migration's user in a Deployment", "migration", deploy(), {**URL, "user": "shop_migrator"}),
    ("superuser in an app is lazy, not admin", "runtime", deploy(), {**URL, "user": "postgres"}),
    ("superuser in an unknown Job", "admin", job(APP), {**URL, "user": "postgres"}),
    ("replicator in a Deployment", "replication", deploy(), {**URL, "user": "debezium"}),
    ("streaming replica", "replication", deploy(), {**URL, "user": "streaming_replica"}),
    ("Helm pre-upgrade Job of an app", "migration", job(APP, annotations=HELM), URL),
    ("PreSync Job of an app", "migration", job(APP, annotations=ARGO), URL),
    ("PreSync Job that runs a worker command", "migration", job(("./shop", "worker"), annotations=ARGO), URL),
    ("PreSync Job that dumps first", "backup", job(sh("pg_dump x > y"), annotations=ARGO), URL),
    ("PostSync smoke test", "probe", facts("Job", "smoke", annotations=(("argocd.argoproj.io/hook", "PostSync"),)), URL),
    ("Helm test", "probe", job(APP, annotations=(("helm.sh/hook", "test"),)), URL),
    ("Helm hook on a Deployment says nothing", "runtime", deploy(annotations=HELM), URL),
    ("Job named migrate without a command", "migration", facts("Job", "shop-migrate"), URL),
    ("Job named schema-update", "migration", facts("Job", "schema-update"), URL),
    ("Job named seed", "migration", facts("Job", "seed-db"), URL),
    ("Job named db-init", "admin", facts("Job", "db-init"), URL),
    ("Job named restore", "backup", facts("Job", "restore-2024"), URL),
    ("Job of an unknown program", "unknown", job(APP), URL),
    ("Job that runs a server's word", "runtime", job(("./shop", "worker")), URL),
    ("Job named migrate that runs a server's word", "migration", facts("Job", "migrate", command=("./shop", "server")), URL),
    ("CronJob of an application", "runtime", cron(("python", "report.py")), URL),
    ("CronJob named vacuum", "admin", facts("CronJob", "db-vacuum", command=APP), URL),
    ("CronJob named backup with an app image", "backup", facts("CronJob", "shop-backup", command=APP), URL),
    ("CronJob in PostgreSQL's image with an unknown script", "admin", cron(("/scripts/nightly.sh",), image="postgres:16"), URL),
    ("init container of an unknown program", "unknown", init(APP), URL),
    ("init container that migrates", "migration", init(sh("npx prisma migrate deploy")), URL),
    ("init container named migrate", "migration", facts("Deployment", "migrate", init=True), URL),
    ("init container of a bootstrap image", "admin", init(image="ghcr.io/onedr0p/postgres-init:16"), URL),
    ("init container of a wait image", "probe", init(image="jwilder/dockerize"), URL),
    ("init container that waits and migrates", "migration", init(sh("until pg_isready; do sleep 1; done\n./shop migrate")), URL),
    ("init container in PostgreSQL's image", "unknown", init(("/x.sh",), image="postgres:16"), URL),
    ("wait, then serve", "runtime", deploy(sh("until nc -z db 5432; do sleep 1; done; exec ./shop")), URL),
    ("wait-for-it in front of a server", "runtime", deploy(("./wait-for-it.sh", "db:5432", "--", "gunicorn", "a")), URL),
    ("dockerize in front of a migration", "migration", deploy(("dockerize", "-wait", "tcp://db:5432", "alembic", "upgrade", "head")), URL),
    ("the wait loop's own argument", "probe", deploy(sh("until pg_isready -h db; do sleep 1; done; alembic upgrade head")), {"key": "pg_isready"}),
    ("the dump's own argument in a mixed job", "backup", job(sh("pg_dump -h a x | psql -h b y")), {"key": "pg_dump"}),
    ("psql's own argument in a migration job", "admin", job(sh('psql -h a -c "CREATE SCHEMA s"; atlas migrate apply')), {"key": "psql"}),
    ("a probe outside the command", "probe", deploy(), {"key": "pg_isready"}),
    ("entrypoint with arguments", "migration", facts("Job", args=("migrate", "sql"), image="oryd/hydra:v2"), {"key": "dsn"}),
    ("entrypoint script with a tool's arguments", "migration", facts("Job", command=("/entrypoint.sh",), args=("migrate", "sql"), image="oryd/hydra:v2"), URL),
    ("a maintenance command of Hydra", "runtime", facts("CronJob", image="oryd/hydra:v2", args=("janitor", "--tokens", "x")), {"key": "--tokens"}),
    ("migration switched off", "runtime", deploy(("./shop", "serve", "--migrate=false")), URL),
    ("migrations skipped", "runtime", deploy(("./shop", "serve", "--skip-migrations")), URL),
    ("a directory of migrations", "runtime", deploy(("./shop", "serve", "--migrations-dir", "/migrations")), URL),
    ("migrate on start", "migration", deploy(("./shop", "serve", "--migrate")), URL),
    ("copying migrations is no migration", "runtime", deploy(sh("cp -r /migrations /tmp && exec ./shop")), URL),
    ("talking of migrations is no migration", "runtime", deploy(sh("echo running migrate up; exec ./shop")), URL),
    ("a comment is no command", "runtime", deploy(sh("# alembic upgrade head\nexec ./shop")), URL),
    ("waiting for a migration Job", "probe", init(("k8s-wait-for", "job", "shop-migrate"), image="groundnuty/k8s-wait-for"), URL),
    ("mounted script migrates", "migration", deploy(("/scripts/run.sh",), script_commands=("set -e\nrails db:migrate\nexec puma\n",)), URL),
    ("mounted script dumps", "backup", cron(("/scripts/run.sh",), image="postgres:16", script_commands=("pg_dump x | gzip > y",)), URL),
    ("nested shells", "migration", job(sh("bash -c 'alembic upgrade head'")), URL),
    ("a migration after a condition", "migration", deploy(sh('if [ "$M" = 1 ]; then rails db:migrate; fi; exec puma')), URL),
    ("exec form with flags in front", "migration", job(("tini", "--", "python", "manage.py", "migrate")), URL),
    ("authentik's worker migrates at start, yet serves", "runtime", facts("Deployment", image="ghcr.io/goauthentik/server", args=("worker",)), URL),
    ("Airflow waits for its migrations", "probe", init(("airflow", "db", "check-migrations"), image="apache/airflow:2.9"), URL),
    ("Django waits for its database", "probe", init(("python", "manage.py", "wait_for_db")), URL),
    ("Zitadel with everything at start", "migration", facts("Deployment", image="ghcr.io/zitadel/zitadel", args=("start-from-init",)), URL),
    ("a subscription", "replication", job(sh('psql -c "CREATE SUBSCRIPTION s CONNECTION x PUBLICATION p"')), URL),
    ("logical decoding", "replication", deploy(("pg_recvlogical", "--start", "-d", "x")), URL),
    ("Kafka source", "replication", facts("KafkaConnector", "orders-source", ""), {"key": "database.hostname"}),
    ("Kafka sink", "runtime", facts("KafkaConnector", "orders-sink", ""), {"key": "connection.url"}),
    ("a Deployment named admin is an app", "runtime", facts("Deployment", "admin"), URL),
    ("a Deployment named schema-registry is an app", "runtime", facts("Deployment", "schema-registry"), URL),
    ("a Deployment named after a migration is doubtful", "migration", facts("Deployment", "db-migrator"), URL),
    ("backup sidecar by its name", "backup", facts("Deployment", "backup"), URL),
    ("compose service", "runtime", facts("ComposeService", "web"), URL),
    ("compose service that migrates", "migration", facts("ComposeService", "migrate", command=sh("npm run migrate")), URL),
    ("an unknown kind", "unknown", facts("Widget"), URL),
]  # fmt: skip
