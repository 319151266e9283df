"""Images and libraries whose source is elsewhere: what is known of them, and from where."""

from __future__ import annotations

import pytest

from repoint.rules.facts import HazardKind
from repoint.rules.known_images import image_hazards, is_known, known_images
from repoint.rules.source_scan import scan_source

K = HazardKind
NODE, TIMEOUT = (K.DRIVER, "node-postgres"), (K.STARTUP_SETTING, "statement_timeout")
OFF = {"PGRST_DB_CHANNEL_ENABLED": "false"}


@pytest.mark.parametrize(
    ("image", "variables", "expected"),
    [
        pytest.param("oryd/hydra:v2.2.0", {}, [(K.DRIVER, "pgx")], id="MG12 hydra"),
        pytest.param("docker.io/oryd/kratos:v1", {}, [(K.DRIVER, "pgx")], id="MG12 kratos"),
        pytest.param(
            "postgrest/postgrest:v12", {}, [(K.DRIVER, "libpq"), (K.LISTEN, "")], id="ST11"
        ),
        pytest.param("postgrest/postgrest", OFF, [(K.DRIVER, "libpq")], id="ST11 switched off"),
        pytest.param("quay.io/keycloak/keycloak:26", {}, [(K.DRIVER, "pgjdbc")], id="keycloak"),
        pytest.param(
            "grafana/grafana:11.3.0", {}, [(K.DRIVER, "lib/pq"), (K.MIGRATOR, "")], id="PS1 grafana"
        ),
        pytest.param(
            "docker.io/grafana/grafana-oss:12.0.1",
            {"GF_DATABASE_MIGRATION_LOCKING": "false"},
            [(K.DRIVER, "lib/pq")],
            id="PS1 grafana without the lock",
        ),
        pytest.param(
            "quay.io/prometheuscommunity/postgres-exporter:v0.15.0",
            {},
            [(K.DRIVER, "lib/pq")],
            id="the exporter",
        ),
        pytest.param("docker.n8n.io/n8nio/n8n:1.70.3", {}, [NODE], id="MG4 n8n before 2.7"),
        pytest.param("n8nio/n8n:2.6.3", {}, [NODE], id="MG4 n8n 2.6"),
        pytest.param("n8nio/n8n:2.7.4", {}, [NODE, TIMEOUT], id="MG4 n8n 2.7"),
        pytest.param("n8nio/n8n:2.19.1", {}, [NODE, TIMEOUT], id="MG4 n8n 2.19"),
        pytest.param("n8nio/n8n", {}, [NODE, TIMEOUT], id="MG4 n8n, the newest"),
        pytest.param(
            "n8nio/n8n:latest",
            {"DB_POSTGRESDB_STATEMENT_TIMEOUT": "0"},
            [NODE],
            id="MG4 n8n without a timeout",
        ),
        pytest.param("gitea/gitea:1.24", {}, [(K.DRIVER, "lib/pq")], id="PS1 gitea"),
        pytest.param(
            "temporalio/server:1", {"DB": "postgres12"}, [(K.DRIVER, "lib/pq")], id="PS1 temporal"
        ),
        pytest.param(
            "temporalio/server:1", {"DB": "postgres12_pgx"}, [(K.DRIVER, "pgx")], id="temporal pgx"
        ),
        pytest.param("temporalio/server:1", {}, [], id="temporal, and nothing tells the plugin"),
        pytest.param(
            "ghcr.io/goauthentik/server:2025.8",
            {},
            [(K.DRIVER, "psycopg"), (K.SERVER_CURSOR, ""), (K.MIGRATOR, "")],
            id="MG11 ST12 authentik",
        ),
        pytest.param("ghcr.io/acme/shop:1", {}, [], id="somebody's own image"),
        pytest.param("ghcr.io/acme/gitea-sync:1", {}, [], id="a name that holds another"),
        pytest.param("", {}, [], id="no image"),
    ],
)
def test_what_is_known_of_an_image(
    image: str, variables: dict[str, str], expected: list[tuple[HazardKind, str]]
) -> None:
    found = image_hazards(image, variables, "deploy/a.yaml", 7)
    assert [(h.kind, h.subject) for h in found] == expected
    assert all((h.path, h.line, h.linked) == ("deploy/a.yaml", 7, True) for h in found)


def test_every_entry_says_where_it_is_from() -> None:
    assert all(one.source and (one.driver or one.keeps) for one in known_images())
    assert all(one.says for one in known_images() if one.keeps)


def test_known_images_are_built_elsewhere() -> None:
    assert is_known("postgrest/postgrest:v12") and is_known("oryd/hydra")
    assert not is_known("registry.example.com/shop/web:1.4.0") and not is_known("")


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        pytest.param(
            "package.json",
            '{"dependencies": {"graphile-worker": "0.16"}}',
            [K.DRIVER, K.LISTEN],
            id="ST11 graphile-worker",
        ),
        pytest.param(
            "package.json",
            '{"dependencies": {"pg-boss": "10"}}',
            [K.DRIVER],
            id="ST11 polls",
        ),
        pytest.param("Gemfile", "gem 'good_job'\n", [K.ADVISORY_LOCK, K.LISTEN], id="ST8 GoodJob"),
        pytest.param("Gemfile", "# gem 'good_job'\ngem 'sidekiq'\n", [], id="another queue"),
        pytest.param(
            "bin/docker-entrypoint",
            'if [ "$1" = server ]; then\n  ./bin/rails db:prepare\nfi\nexec "$@"\n',
            [K.MIGRATOR],
            id="MG9 Rails migrates before it serves",
        ),
        pytest.param(
            "docker/entrypoint.sh", "npx prisma migrate deploy\n", [K.MIGRATOR], id="MG10"
        ),
        pytest.param("entrypoint.sh", "# rails db:migrate\nexec puma\n", [], id="a comment"),
        pytest.param("bin/setup", "rails db:prepare\n", [], id="a developer's script"),
        pytest.param("mix.exs", '{:oban, "~> 2.17"}', [K.LISTEN], id="ST11 Oban"),
        pytest.param("mix.exs", '{:obanana, "~> 2.17"}', [], id="a name like it"),
        pytest.param(
            "go.mod", "require github.com/golang-migrate/migrate/v4 v4.18\n", [K.MIGRATOR], id="MG5"
        ),
        pytest.param("go.mod", "require github.com/pressly/goose/v3 v3.24\n", [K.MIGRATOR], id="8"),
        pytest.param(
            "go.mod", "github.com/pressly/goose/v3 v3.24 // indirect\n", [], id="an indirect module"
        ),
        pytest.param(
            "package.json",
            '{"dependencies": {"node-pg-migrate": "8"}}',
            [K.DRIVER, K.MIGRATOR],
            id="MG1 node-pg-migrate",
        ),
        pytest.param("pom.xml", "<artifactId>liquibase-core</artifactId>", [], id="MG13 a row"),
    ],
)
def test_libraries(path: str, text: str, expected: list[HazardKind]) -> None:
    assert sorted(h.kind for h in scan_source(path, text)) == expected
