"""Sites that no workload reads are judged by file, key and command."""

from __future__ import annotations

import pytest

from repoint.rules.purpose import judge_file
from repoint.rules.purpose_files import owner_around, surroundings

MAKEFILE = (
    "DB_URL ?= postgres://u@db/x\nAPI_DB ?= postgres://u@db/y\n\n.PHONY: up\nup: ## apply\n"
    '\t@migrate -path m -database "$(DB_URL)" up\n\nshell:\n\tpsql -h db -U u x\n'
)
RELEASE = "#!/bin/sh\nexport PGHOST=db\nbundle exec rails db:migrate\n"
NIGHTLY = "#!/bin/sh\nPGHOST=db\npg_dumpall | gzip > x\n"
GITLAB = (
    "test:\n  variables: {DATABASE_URL: 'postgres://u@postgres/x'}\n  script:\n    - rake spec\n"
    "release:\n  variables:\n    DATABASE_URL: postgres://u@db/x\n"
    "  script:\n    - bundle exec rails db:migrate\n"
)

CASES = [
    ("a Makefile's dump", "backup", ("Makefile", "pg_dump", "pg_dump", "", "")),
    ("a Makefile's psql", "admin", ("Makefile", "psql", "psql", "", MAKEFILE)),
    (
        "a Makefile's variable that migrate uses",
        "migration",
        ("Makefile", "DB_URL", "DB_URL", "", MAKEFILE),
    ),
    (
        "a Makefile's variable that nothing uses",
        "unknown",
        ("Makefile", "API_DB", "API_DB", "", MAKEFILE),
    ),
    ("atlas.hcl, local", "local-development", ("backend/atlas.hcl", "env.local.url", "", "", "")),
    (
        "atlas.hcl, local_cnpg",
        "local-development",
        ("backend/atlas.hcl", "env.local_cnpg.url", "", "", ""),
    ),
    ("atlas.hcl, prod", "migration", ("backend/atlas.hcl", "env.prod.url", "", "", "")),
    (".env", "local-development", (".env", "DB_HOST", "", "", "")),
    (".env.example", "local-development", (".env.example", "DATABASE_URL", "", "", "")),
    (".env.prod", "runtime", (".env.prod", "DATABASE_URL", "", "", "")),
    (".env.prod, direct", "migration", (".env.prod", "DIRECT_URL", "", "", "")),
    ("a release script", "migration", ("bin/release.sh", "PGHOST", "", "", RELEASE)),
    ("a nightly script", "backup", ("ops/nightly.sh", "PGHOST", "", "", NIGHTLY)),
    ("a script with a telling name", "backup", ("ops/backup-all.sh", "PGHOST", "", "", "")),
    ("a command in full", "migration", ("x.txt", "url", "alembic upgrade head", "", "")),
    (
        "a role by psql in a script",
        "admin",
        ("init.sh", "psql", "psql", "", 'psql -h a -c "CREATE ROLE x"'),
    ),
    ("a probe in a script", "probe", ("entry.sh", "pg_isready", "pg_isready", "", "")),
    (
        "a dashboard's data source",
        "monitoring",
        ("k8s/grafana.yaml", "datasources.url", "", "", ""),
    ),
    ("a server's data source", "unknown", ("k8s/app.yaml", "datasource.url", "", "", "")),
    ("Terraform's provider", "admin", ("db/roles.tf", "provider.postgresql.host", "", "", "")),
    ("Terraform's state", "admin", ("x.tf", "terraform.backend.pg.conn_str", "", "", "")),
    ("Terraform's DMS", "replication", ("x.tf", "aws_dms_endpoint.source.server_name", "", "", "")),
    ("Terraform's migration variable", "migration", ("x.tf", "MIGRATION_URL", "", "", "")),
    ("Terraform's other values", "unknown", ("live/x.tf", "local.db_host", "", "", "")),
    (
        "database.yml, development",
        "local-development",
        ("config/database.yml", "development.host", "", "", ""),
    ),
    ("sqitch.conf", "migration", ("sqitch.conf", "target.staging.uri", "", "", "")),
    (
        "alembic.ini on this machine",
        "local-development",
        ("alembic.ini", "sqlalchemy.url", "", "", "sqlalchemy.url = postgres://u@localhost/x"),
    ),
    ("alembic.ini", "migration", ("alembic.ini", "sqlalchemy.url", "", "", "")),
    ("pg_service.conf", "admin", ("ops/pg_service.conf", "forum.host", "", "", "")),
    ("pgbouncer.ini", "admin", ("pgbouncer.ini", "intranet", "", "", "")),
    (
        "appsettings for development",
        "local-development",
        ("src/appsettings.Development.json", "ConnectionStrings.Orders", "", "", ""),
    ),
    (
        "a CI service",
        "local-development",
        (".github/workflows/ci.yaml", "DATABASE_URL", "", "", ""),
    ),
    (
        "a CI job that migrates",
        "migration",
        (".gitlab-ci.yml", "DATABASE_URL", "", "", surroundings(".gitlab-ci.yml", GITLAB, 7)),
    ),
    (
        "a CI job that tests",
        "local-development",
        (".gitlab-ci.yml", "DATABASE_URL", "", "", surroundings(".gitlab-ci.yml", GITLAB, 2)),
    ),
    (
        "a Kafka connector's file",
        "replication",
        ("connectors/orders-source.json", "database.hostname", "", "", ""),
    ),
    (
        "a Kafka sink's file",
        "runtime",
        ("connectors/orders-sink.json", "connection.url", "", "", ""),
    ),
    (
        "a cluster's environment is no developer's file",
        "unknown",
        ("env/dev.yaml", "pgHost", "", "", ""),
    ),
    (
        "an overlay named local is none either",
        "unknown",
        ("deploy/overlays/local/a.yaml", "host", "", "", ""),
    ),
    ("a tunnel", "local-development", ("Makefile", "ssh", "ssh", "", "")),
    (
        "Terraform's Deployment",
        "runtime",
        ("x.tf", "DATABASE_URL", "", "", 'resource "kubernetes_deployment_v1" "api" {'),
    ),
    (
        "Terraform's Job",
        "migration",
        ("x.tf", "DATABASE_URL", "", "", 'resource "kubernetes_job" "migrate" {'),
    ),
    (
        "Terraform's other Job",
        "unknown",
        ("x.tf", "DATABASE_URL", "", "", 'resource "kubernetes_job" "a" {'),
    ),
    (
        "Terraform's Helm release",
        "runtime",
        ("x.tf", "database.host", "", "", 'resource "helm_release" "metabase" {'),
    ),
    ("nothing known", "unknown", ("a/b.yaml", "host", "", "", "")),
    ("nothing known but a superuser", "admin", ("a/b.yaml", "host", "", "postgres", "")),
]


@pytest.mark.parametrize(("expected", "given"), [c[1:] for c in CASES], ids=[c[0] for c in CASES])
def test_purpose_of_a_file(expected: str, given: tuple[str, str, str, str, str]) -> None:
    verdict = judge_file(*given)
    assert verdict.purpose.value == expected, verdict
    assert given[0] in " ".join(verdict.evidence)


def test_surroundings_are_the_job_the_target_or_the_script() -> None:
    assert surroundings(".gitlab-ci.yml", GITLAB, 2).startswith("test:")
    assert "release" not in surroundings(".gitlab-ci.yml", GITLAB, 2)
    assert surroundings("Makefile", MAKEFILE, 9) == "shell:\n\tpsql -h db -U u x"
    assert surroundings("ops/nightly.sh", NIGHTLY, 2) == NIGHTLY
    assert surroundings("a.yaml", "a\nb", 99) == "a\nb"


TERRAFORM = """resource "kubernetes_job" "migrate" {
  metadata { name = "api-migrate" }
  spec { template { spec { container {
    command = ["goose", "postgres", "postgres://db/x", "up"]
  } } } }
}

resource "kubernetes_deployment_v1" "api" {
  env { value = "postgres://db/x" }
}

resource "helm_release" "grafana" {
  set { value = "db" }
}
"""
NOMAD = """job "shop" {
  group "g" {
    task "api" {
      env { DATABASE_URL = "postgres://db/x" }
    }
    task "prepare" {
      config {
        command = "bin/rails"
        args    = ["db:migrate"]
      }
      env { DATABASE_URL = "postgres://db/x" }
    }
  }
}
"""
CI_SERVICE = (
    "spec:\n  services: [{name: postgres}]\n"
    "  variables:\n    DATABASE_URL: postgres://postgres/x\n"
    "  script:\n    - bundle exec rails db:prepare\n"
)
TASKS = (
    "version: '3'\ntasks:\n  dump:\n    cmds: [pg_dump -h db x]\n  up:\n    env:\n"
    "      DATABASE_URL: postgres://db/x\n    cmds:\n      - python manage.py migrate\n"
)
OWNERS = (
    "DB_HOST ?= old-db\nDB_URL = postgres://owner@$(DB_HOST)/x\n\n"
    "up:\n\tmigrate -database $(DB_URL) up\n"
)
BLOCKS = [
    ("a Job of Terraform", "migration", "Job/api-migrate", "main.tf", TERRAFORM, 4),
    ("a Deployment of Terraform", "runtime", "Deployment/api", "main.tf", TERRAFORM, 9),
    ("a release of Terraform", "runtime", "helm_release/grafana", "main.tf", TERRAFORM, 13),
    ("a Nomad service", "runtime", "Task/api", "shop.hcl", NOMAD, 4),
    ("a Nomad task that migrates", "migration", "Task/prepare", "shop.nomad", NOMAD, 11),
    ("a server beside the CI job", "local-development", "", ".gitlab-ci.yml", CI_SERVICE, 4),
    ("a task of a Taskfile", "migration", "", "Taskfile.yml", TASKS, 7),
    ("a Makefile's variable with an owner", "migration", "", "Makefile", OWNERS, 2),
]


@pytest.mark.parametrize(
    ("purpose", "owner", "path", "text", "line"),
    [case[1:] for case in BLOCKS],
    ids=[case[0] for case in BLOCKS],
)
def test_the_block_around_a_site_tells_its_reader(
    purpose: str, owner: str, path: str, text: str, line: int
) -> None:
    key = "DB_URL" if path == "Makefile" else "DATABASE_URL"
    verdict = judge_file(path, key, key, "", surroundings(path, text, line))

    assert verdict.purpose.value == purpose, verdict
    assert owner_around(path, text, line) == owner
