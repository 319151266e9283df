"""Who takes part in a rehearsal, and who cannot: the planned state, without any server."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.sops import Sops
from repoint.errors import StalePlan, UsageError
from repoint.flows.planning import make_plan
from repoint.flows.rehearsing.addresses import Addresses
from repoint.flows.rehearsing.flow import configuration, prepare
from repoint.rules.facts import ClusterFacts
from tests.unit.flows.rehearsal_shop import (
    CNPG,
    CONFIG,
    DIRECT,
    OLD,
    PLAIN,
    POOLED,
    URL,
    app,
    by_name,
    env,
    from_secret,
    prepared,
    repository,
    scene,
    secret,
    strangers,
)

MIGRATE = app("migrate", "Job", command=["dbmate", "up"], env=env(DATABASE_URL=URL))


def test_everybody_asks_where_the_plan_sends_it(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL)), "migrate.yaml": MIGRATE}

    found = prepared(tmp_path, files)

    assert strangers(found) == ()
    web, migrate = (by_name(found)[name] for name in ("web", "migrate"))
    assert (web.server, web.pooler, web.pool_mode) == (POOLED, "pg-pooler", "session")
    assert (migrate.server, migrate.pooler, migrate.pool_mode) == (DIRECT, "", "")
    assert (web.purpose, migrate.purpose) == ("runtime", "migration")
    assert (web.schema, web.key, web.environment) == ("app", "DATABASE_URL", "local")
    assert migrate.driver == "lib/pq" and web.driver == "pgx"
    assert not web.driver_known and migrate.driver_known
    assert f"nothing tells the driver of {web.id}: it was asked as pgx would" in scene(found).notes
    for one in (web, migrate):
        assert one.login is not None
        assert (one.login.user, one.login.database) == ("web", "shop")
        assert one.login.password == scene(found).passwords.of("web")


def test_the_state_before_the_plan_is_kept_beside(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL))}

    here = scene(prepared(tmp_path, files))

    [client] = here.clients
    assert here.letters[client.id, client.key].host == OLD
    assert here.original["pg-pooler"].parameters == (("default_pool_size", "20"),)
    [(planned, _)] = here.ground.poolers
    assert dict(planned.parameters)["track_extra_parameters"] == "IntervalStyle,search_path"
    [statement] = [one for one in here.statements if one.what == "postInitApplicationSQL"]
    assert (statement.database, statement.sql) == ("shop", "SELECT 1")


def test_files_of_the_poolers_that_take_part_alone(tmp_path: Path) -> None:
    found = prepared(tmp_path, {"web.yaml": app("web", env=env(DATABASE_URL=URL))})

    told = configuration(found)

    assert [(one.pooler, one.file) for one in told] == [
        ("pg-pooler", "pgbouncer.ini"),
        ("pg-pooler", "pg_hba.conf"),
    ]
    assert "track_extra_parameters = IntervalStyle,search_path" in told[0].text


def test_the_target_s_pooler_takes_part_where_nobody_goes_through_it(tmp_path: Path) -> None:
    here = scene(prepared(tmp_path, {"migrate.yaml": MIGRATE}))

    assert [facts.name for facts, _ in here.ground.poolers] == ["pg-pooler"]


def test_role_defaults_and_pre_checks_of_the_repository_are_set(tmp_path: Path) -> None:
    check = 'psql "$DATABASE_URL" -c "CREATE SCHEMA IF NOT EXISTS extra"'
    sql = "ALTER ROLE web SET statement_timeout = '5s';\nALTER ROLE other SET jit = off;\n"
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=PLAIN), command=["sh", "-c", check]),
        "db/roles.sql": sql,
    }

    statements = scene(prepared(tmp_path, files)).statements

    sql_of = {one.what: one.sql for one in statements}
    assert sql_of["db/roles.sql:1"] == "ALTER ROLE \"web\" SET statement_timeout = '5s'"
    assert "db/roles.sql:2" not in sql_of
    assert '"extra" AUTHORIZATION "web"' in sql_of["a pre-check's CREATE SCHEMA"]


def test_a_read_only_service_is_not_rehearsed(tmp_path: Path) -> None:
    reader = URL.replace(OLD, "pg-ro.shop.svc.cluster.local")
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=URL)),
        "reader.yaml": app("reader", env=env(DATABASE_URL=reader)),
    }

    found = prepared(tmp_path, files)

    assert list(by_name(found)) == ["web"]
    [stranger] = strangers(found)
    assert stranger.id == "Deployment/shop/reader/reader"
    assert stranger.reason == "read-only Services are not rehearsed"


def test_a_consumer_that_the_plan_leaves_to_a_person_is_named(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL)), "migrate.yaml": MIGRATE}
    made = repository(tmp_path, files)
    plan = make_plan(made)
    kept = tuple(one for one in plan.changes if "migrate" not in one.path)

    tree = FileTree(tmp_path)
    found = prepare(replace(plan, changes=kept), made, tree, Sops(tree))

    [stranger] = strangers(found)
    assert stranger.id == "Job/shop/migrate/migrate"
    assert stranger.reason == (
        f"after the plan it still names `{OLD}`: the plan leaves that to a person"
    )
    assert (stranger.route, stranger.server) == ("direct", DIRECT)


def test_a_pooler_that_nothing_renders_answers_nobody(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(DATABASE_URL=PLAIN))}
    made = repository(tmp_path, files)
    path = tmp_path / "deploy/cnpg.yaml"
    path.write_text(CNPG.partition("---")[0])
    tree = FileTree(tmp_path)

    found = prepare(make_plan(made), made, tree, Sops(tree))

    [(_, scenes, [stranger])] = found.scenes
    assert scenes == ()
    assert stranger.reason == f"no Pooler or Cluster of the planned render answers to `{POOLED}`"


def test_a_plan_that_is_stale_or_for_another_environment_is_refused(tmp_path: Path) -> None:
    made = repository(tmp_path, {"web.yaml": app("web", env=env(DATABASE_URL=URL))})
    plan = make_plan(made)
    tree = FileTree(tmp_path)
    with pytest.raises(UsageError):
        prepare(plan, made, tree, Sops(tree), ["production"])
    with (tmp_path / "deploy/web.yaml").open("a") as opened:
        opened.write("# later\n")
    with pytest.raises(StalePlan):
        prepare(plan, made, tree, Sops(tree))


def test_nothing_is_written(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL))}
    made = repository(tmp_path, files)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    tree = FileTree(tmp_path)

    found = prepare(make_plan(made), made, tree, Sops(tree))

    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert found.state.contents.keys() >= {"deploy/web.yaml"}


def test_of_two_strings_for_one_server_the_bare_host_is_left_out(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(PGHOST=OLD, DATABASE_URL=URL))}

    assert [one.key for one in scene(prepared(tmp_path, files)).clients] == ["DATABASE_URL"]


def test_a_string_put_together_tells_what_its_parts_do_not(tmp_path: Path) -> None:
    parts = env(DB_HOST=OLD, DB_NAME="shop", URL="host=$(DB_HOST) user=web dbname=$(DB_NAME)")
    here = prepared(tmp_path, {"web.yaml": app("web", env=parts)})

    [client] = scene(here).clients
    assert (client.connection.user, client.connection.database) == ("web", "shop")
    assert not client.is_guessed
    assert not [note for note in scene(here).notes if "does not tell" in note]


def test_a_role_that_nothing_tells_is_a_guess(tmp_path: Path) -> None:
    [client] = scene(prepared(tmp_path, {"web.yaml": app("web", env=env(DB_HOST=OLD))})).clients

    assert client.is_guessed


def test_an_overlay_that_kubectl_alone_builds_is_seen_as_planned(tmp_path: Path) -> None:
    replaced = (
        "resources: [cnpg.yaml, web.yaml]\nreplacements:\n"
        "  - source: {kind: Deployment, name: web}\n"
        "    targets:\n"
        "      - select: {kind: Deployment}\n"
        "        fieldPaths: [spec.template.spec.containers.0.image]\n"
        "        options: {delimiter: /, index: 1}\n"
    )
    made = repository(tmp_path, {"web.yaml": app("web", env=env(DATABASE_URL=URL))})
    (tmp_path / "deploy/kustomization.yaml").write_text(replaced)
    tree = FileTree(tmp_path)
    found = prepare(make_plan(made), made, tree, Sops(tree))

    assert [one.server for one in scene(found).clients] == [POOLED]


def test_keys_that_env_from_hands_to_a_runtime_are_its_migration_s(tmp_path: Path) -> None:
    source = [{"secretRef": {"name": "db"}}]
    files = {
        "secret.yaml": secret(DATABASE_URL=URL, MIGRATION_DATABASE_URL=URL),
        "web.yaml": app("web", envFrom=source),
    }

    assert [one.key for one in scene(prepared(tmp_path, files)).clients] == ["DATABASE_URL"]


def test_who_shares_a_string_gets_a_key_of_its_own_and_both_know_what_it_was(
    tmp_path: Path,
) -> None:
    files = {
        "secret.yaml": secret(url=URL, auth=URL.replace("=app", "=auth")),
        "web.yaml": app("web", env=from_secret("url")),
        "auth.yaml": app("auth", env=from_secret("auth")),
        "migrate.yaml": app("migrate", "Job", command=["dbmate", "up"], env=from_secret("url")),
    }

    found = prepared(tmp_path, files)

    clients = by_name(found)
    assert clients["migrate"].key.startswith(clients["web"].key)
    assert clients["migrate"].key != clients["web"].key
    schemas = {name: scene(found).letters[one.id, one.key].schema for name, one in clients.items()}
    assert schemas == {"web": "app", "auth": "auth", "migrate": "app"}


def test_each_connection_of_a_container_knows_its_own_string(tmp_path: Path) -> None:
    urls = env(DATABASE_URL=URL, AUTH_URL=URL.replace("=app", "=auth"))

    here = scene(prepared(tmp_path, {"web.yaml": app("web", env=urls)}))

    assert {key: one.schema for (_, key), one in here.letters.items()} == {
        "DATABASE_URL": "app",
        "AUTH_URL": "auth",
    }


def test_repoint_yaml_tells_a_schema_that_no_string_does(tmp_path: Path) -> None:
    config = f"{CONFIG}consumers: {{web: {{schema: app}}}}\n"
    files = {"web.yaml": app("web", env=env(DATABASE_URL=PLAIN))}

    web = by_name(prepared(tmp_path, files, config))["web"]

    assert (web.schema, web.schema_alone) == ("app", True)


@pytest.mark.parametrize("told", ["app", "other"])
def test_a_default_of_the_role_tells_more_than_repoint_yaml(tmp_path: Path, told: str) -> None:
    config = f"{CONFIG}consumers: {{web: {{schema: {told}}}}}\n"
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=PLAIN)),
        "db/V1.sql": "ALTER ROLE web SET search_path = public;\n",
        "db/V2.sql": "ALTER ROLE web SET search_path = app, public;\n",
    }

    web = by_name(prepared(tmp_path, files, config))["web"]

    whole = ("app,public", False) if told == "app" else ("other", True)
    assert (web.schema, web.schema_alone) == whole


def test_who_takes_no_part(tmp_path: Path) -> None:
    """A Secret that nobody reads, a compose file, a host elsewhere, what stays where it is."""
    config = f"{CONFIG}consumers: {{other: {{route: unchanged}}}}\n"
    files = {
        "secret.yaml": secret(unread=URL),
        "web.yaml": app("web", env=env(DATABASE_URL=URL, OTHER_URL="postgresql://x@elsewhere/y")),
        "other.yaml": app("other", env=env(DATABASE_URL=URL)),
        "local/docker-compose.yml": f"services: {{app: {{environment: {{URL: '{URL}'}}}}}}\n",
    }

    found = prepared(tmp_path, files, config)

    assert [(one.facts.name, one.key) for one in scene(found).clients] == [("web", "DATABASE_URL")]
    assert strangers(found) == ()


def test_a_developer_s_own_workload_is_tried_as_everybody_s(tmp_path: Path) -> None:
    """The plan moves it, so that it must not be called unknown."""
    config = f"{CONFIG}consumers: {{dev: {{purpose: local-development}}}}\n"

    found = prepared(tmp_path, {"dev.yaml": app("dev", env=env(DATABASE_URL=URL))}, config)

    assert by_name(found)["dev"].server == DIRECT
    assert strangers(found) == ()


def test_a_container_that_asks_two_clusters_is_in_two_scenes(tmp_path: Path) -> None:
    reports = PLAIN.replace(OLD, "reports-rw.shop.svc.cluster.local")
    second = CNPG.partition("---")[0].replace("{name: pg,", "{name: reports,")
    files = {
        "second.yaml": second,
        "web.yaml": app("web", env=env(DATABASE_URL=URL, REPORTS_URL=reports)),
    }

    [(_, scenes, [])] = prepared(tmp_path, files).scenes

    asked = {one.ground.cluster.name: [each.key for each in one.clients] for one in scenes}
    assert asked == {"pg": ["DATABASE_URL"], "reports": ["REPORTS_URL"]}
    assert [one.route for one in scenes[0].clients] == ["pooled"]
    assert [one.facts.route for one in scenes[0].clients] == ["pooled"]


def test_each_environment_has_its_own_clients(tmp_path: Path) -> None:
    """Two clusters of one namespace's name: only the strings tell them apart."""
    config = CONFIG.replace(
        "environments: {local: {namespace: shop, overlay: deploy}}",
        "environments: {local: {overlay: deploy}, live: {overlay: live}}",
    )
    other = app("web", env=env(DATABASE_URL=URL.replace("web:", "live:")))
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=URL)),
        "live/kustomization.yaml": "resources: [cnpg.yaml, web.yaml]\n",
        "live/cnpg.yaml": CNPG,
        "live/web.yaml": other,
    }

    found = prepared(tmp_path, files, config)

    users = {
        name: [one.login.user for one in here.clients if one.login is not None]
        for name, [here], _ in found.scenes
    }
    assert users == {"local": ["web"], "live": ["live"]}


def test_of_several_hosts_the_first_one_counts() -> None:
    cluster = ClusterFacts("pg", "shop", 18, 1, 100, (), own_server_certificate=False)
    known = Addresses([], [cluster], "cluster.local")

    found = known.of("pg-rw,elsewhere.example.org", "shop")

    assert found is not None and found.server == DIRECT
    assert known.of("elsewhere.example.org,pg-rw", "shop") is None
    assert known.of("pg-rw", "other") is None


def test_a_default_in_another_environment_s_manifests_is_not_this_one_s(tmp_path: Path) -> None:
    config = CONFIG.rstrip().removesuffix("}") + ", other: {namespace: other, overlay: other}}\n"
    sql = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: sql}}\ndata: {{sql: '{}'}}\n"
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=PLAIN)),
        "sql.yaml": sql.format("ALTER ROLE web SET search_path = app;"),
        "other/sql.yaml": sql.format("ALTER ROLE web SET search_path = other;"),
        "other/kustomization.yaml": "resources: [sql.yaml]\n",
    }

    found = prepared(tmp_path, files, config)

    here = next(scenes for name, scenes, _ in found.scenes if name == "local")
    assert [client.schema for client in here[0].clients] == ["app"]
    assert not [one.sql for one in here[0].statements if '"other"' in one.sql]
