"""Who takes part in a rehearsal, and who cannot: the planned state, without any server."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.sops import Sops
from repoint.errors import StalePlan, UsageError
from repoint.flows.planning import make_plan
from repoint.flows.rehearsing.casting import Scene, Stranger
from repoint.flows.rehearsing.flow import Prepared, configuration, prepare
from repoint.rehearsal.cast import Client
from tests.unit.flows.rehearsal_shop import (
    CNPG,
    CONFIG,
    DIRECT,
    OLD,
    PLAIN,
    POOLED,
    URL,
    app,
    env,
    from_secret,
    prepared,
    repository,
    secret,
)


def scene(found: Prepared) -> Scene:
    [(_, [one], _)] = found.scenes
    return one


def strangers(found: Prepared) -> tuple[Stranger, ...]:
    [(_, _, several)] = found.scenes
    return several


def by_name(found: Prepared) -> dict[str, Client]:
    return {one.facts.name: one for one in scene(found).clients}


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


@pytest.mark.parametrize(
    ("url", "variables", "variable"),
    [
        pytest.param(URL.replace("secret", "${PASSWORD}"), {}, "${PASSWORD}", id="a shell's"),
        pytest.param(URL.replace("secret", "$(PASSWORD)"), {"PASSWORD": "x"}, "", id="kubelet's"),
        pytest.param(URL, {}, "", id="none"),
    ],
)
def test_a_variable_that_nothing_expands_is_sent_as_it_stands(
    tmp_path: Path, url: str, variables: dict[str, str], variable: str
) -> None:
    """X2."""
    found = prepared(tmp_path, {"web.yaml": app("web", env=env(**variables, DATABASE_URL=url))})

    client = by_name(found)["web"]

    assert client.variable == variable
    assert client.login is not None
    sent = client.login.password.reveal()
    assert (sent == variable) is bool(variable)


def test_a_throwaway_password_has_the_awkward_characters_of_the_real_one(tmp_path: Path) -> None:
    awkward = URL.replace("web:secret", "odd:s%40cret%2F")
    files = {
        "secret.yaml": secret(url=URL, odd=awkward),
        "web.yaml": app("web", env=from_secret("url")),
        "odd.yaml": app("odd", env=from_secret("odd")),
    }

    passwords = scene(prepared(tmp_path, files)).passwords

    assert set(passwords.by_role) == {"keeper", "web", "odd"}
    assert "@" in passwords.of("odd").reveal() and "@" not in passwords.of("web").reveal()
    made = [one.reveal() for one in passwords.by_role.values()]
    assert len(set(made)) == 3 and not any("cret" in one for one in made)


def test_an_encoded_secret_s_password_is_looked_at_decoded(tmp_path: Path) -> None:
    awkward = URL.replace("web:secret", "web:s%40cret")
    encoded = base64.b64encode(awkward.encode()).decode()
    text = secret(url=encoded).replace("stringData", "data")
    files = {"secret.yaml": text, "web.yaml": app("web", env=from_secret("url"))}

    assert "@" in scene(prepared(tmp_path, files)).passwords.of("web").reveal()


def test_what_a_string_leaves_out_is_taken_from_repoint_yaml(tmp_path: Path) -> None:
    bare = env(PGHOST=OLD, PGUSER="web")
    config = CONFIG.replace("sslmode:", "database: reports, sslmode:")
    files = {"web.yaml": app("web", env=bare)}

    here = scene(prepared(tmp_path, files, config))

    [client] = here.clients
    assert client.login is not None
    assert (client.login.user, client.login.database) == ("web", "reports")
    assert "`PGHOST` does not tell its database: `reports` was taken" in here.notes


def test_what_nothing_tells_is_taken_from_the_cluster(tmp_path: Path) -> None:
    here = scene(prepared(tmp_path, {"web.yaml": app("web", env=env(PGHOST=OLD))}))

    [client] = here.clients
    assert client.login is not None
    assert (client.login.user, client.login.database) == ("keeper", "shop")


def test_where_nothing_tells_a_role_it_cannot_be_rehearsed(tmp_path: Path) -> None:
    files = {"web.yaml": app("web", env=env(PGHOST=OLD))}
    made = repository(tmp_path, files)
    path = tmp_path / "deploy/cnpg.yaml"
    path.write_text(CNPG.replace("bootstrap: {initdb:", "other: {initdb:"))

    found = prepare(make_plan(made), made, FileTree(tmp_path), Sops(FileTree(tmp_path)))

    [(_, scenes, [stranger])] = found.scenes
    assert scenes == ()
    assert stranger.reason == "nothing tells the role or the database of `PGHOST`"
    assert (stranger.route, stranger.server) == ("pooled", POOLED)


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


def test_a_string_that_the_driver_does_not_take_has_no_login(tmp_path: Path) -> None:
    """X16: psql is libpq, which knows no `search_path` in a URL."""
    command = ["psql", "$(DATABASE_URL)", "-c", "SELECT 1"]
    files = {"web.yaml": app("web", env=env(DATABASE_URL=URL), command=command)}

    client = by_name(prepared(tmp_path, files))["web"]

    assert client.login is None and client.driver == "libpq"
    assert client.refused == 'invalid URI query parameter: "search_path"'


def test_a_wait_loop_that_logs_nobody_in_only_waits(tmp_path: Path) -> None:
    """Twice the same wait is one."""
    wait = ["sh", "-c", f"until pg_isready -h {OLD}; do sleep 1; done; pg_isready -h {OLD}"]
    files = {
        "web.yaml": app("web", env=env(DATABASE_URL=URL)),
        "wait.yaml": app("wait", command=wait),
    }

    found = by_name(prepared(tmp_path, files))

    assert found["wait"].login is None and found["wait"].purpose == "probe"
    assert len(found) == 2
