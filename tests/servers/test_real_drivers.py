"""Installed drivers, asked themselves: they agree with what the client does in their manner."""

from __future__ import annotations

import contextlib
from functools import partial
from pathlib import Path
from typing import cast

import pytest

from repoint.adapters.real_drivers import DRIVERS, observe
from repoint.flows.rehearsing.casting import Scene
from repoint.flows.rehearsing.checks_driver import real_driver
from repoint.flows.rehearsing.stage import Stage
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.model.source import Location
from repoint.rehearsal.cast import Client
from repoint.rehearsal.driver import Observation
from repoint.rules.driver_shapes import login_for
from repoint.rules.facts import Connection, ConsumerFacts
from repoint.wire.refusals import DriverRefusal, ServerRefusal
from tests.servers.drivers.install import ToolchainMissing, program
from tests.servers.fix_lab import PASSWORD, GroundFactory, Pool

pytestmark = pytest.mark.servers

PATH = ("search_path", "elsewhere")
CA = ("sslrootcert", "/production/ca.crt")
FULL = ("sslmode", "verify-full")


@pytest.fixture(scope="module")
def python() -> str:
    """An interpreter that has all four drivers."""
    try:
        return program("python").argv[0]
    except ToolchainMissing as missing:
        pytest.skip(str(missing))


def connection(pool: Pool, *params: tuple[str, str], style: str = "url") -> Connection:
    """A consumer's string that names the Service."""
    return Connection(
        site="deploy/secret.yaml:7:3:DATABASE_URL",
        location=Location("deploy/secret.yaml", 7, 3, "/0/stringData/DATABASE_URL"),
        style=style,
        host=pool.host,
        user=pool.ground.owner,
        database=pool.ground.database,
        schema="",
        params=params,
        sealed=False,
    )


def ask(python: str, pool: Pool, driver: str, *params: tuple[str, str], **how: str) -> Observation:
    """What the driver did with that string."""
    one = connection(pool, *params, style=how.get("style", "url"))
    login = login_for(connection(pool), driver, Sensitive(how.get("password", PASSWORD.reveal())))
    with contextlib.suppress(DriverRefusal):
        login = login_for(one, driver, login.password)
    lab = pool.ground.lab
    return observe(
        one, login, lab.address(pool.host), pool.host, ca_file=Path(lab.ca_file), python=python
    )


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_it_connects_straight_and_pooled(python: str, ground: GroundFactory, driver: str) -> None:
    here = ground()
    here.sql(f'create schema "{here.owner}" authorization "{here.owner}"')
    for pool in (here.direct, here.pooler()):
        seen = ask(python, pool, driver)
        assert (seen.status, seen.schema, seen.text) == ("connected", here.owner, "")
        assert seen.version


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_TL1_it_compares_the_name_that_the_consumer_knows(
    python: str, ground: GroundFactory, driver: str
) -> None:
    here = ground()

    straight = ask(python, here.direct, driver, FULL, CA)
    pooled = ask(python, here.pooler(), driver, FULL, CA)

    assert straight.status == "connected", straight.text
    assert pooled.status == "refused"
    assert "match" in pooled.text


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_X16_SP1_a_search_path_fails_as_the_client_says(
    python: str, ground: GroundFactory, driver: str
) -> None:
    pool = ground().pooler(pgbouncer="1.24")
    one = connection(pool, PATH)

    seen = ask(python, pool, driver, PATH)

    assert seen.status == "refused"
    with pytest.raises((DriverRefusal, ServerRefusal)) as caught:
        pool.ground.lab.connect(pool.host, login_for(one, driver, PASSWORD))
    said = getattr(caught.value, "text", "") or str(caught.value)
    assert said in seen.text


@pytest.mark.parametrize("driver", sorted(DRIVERS))
def test_a_wrong_password_is_not_in_what_is_said(
    python: str, ground: GroundFactory, driver: str
) -> None:
    here = ground()

    seen = ask(python, here.direct, driver, password="canary-of-a-password")

    assert seen.status == "refused"
    assert "password authentication failed" in seen.text
    assert "canary" not in repr(seen)


def test_pairs_are_read_as_pairs(python: str, ground: GroundFactory) -> None:
    here = ground()
    seen = ask(python, here.direct, "psycopg", ("sslmode", "require"), style="keyword-value")
    assert seen.status == "connected", seen.text


def test_the_users_own_variables_do_not_count(
    python: str, ground: GroundFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ground()
    for name, value in (("PGSSLMODE", "verify-full"), ("PGOPTIONS", "-c search_path=pg_catalog")):
        monkeypatch.setenv(name, value)
    seen = ask(python, here.direct, "psycopg2")
    assert (seen.status, seen.schema) == ("connected", "public")


def test_who_has_no_such_driver_is_told(python: str, ground: GroundFactory) -> None:
    here = ground()
    login = login_for(connection(here.direct), "pgx", PASSWORD)
    seen = observe(connection(here.direct), login, ("127.0.0.1", 1), "pg", python=python)
    assert (seen.status, seen.text) == ("skipped", "pgx is not Python's")


def test_a_server_that_never_answers_is_a_refusal(python: str, ground: GroundFactory) -> None:
    here = ground()
    login = login_for(connection(here.direct), "asyncpg", PASSWORD)
    one = connection(here.direct)
    seen = observe(one, login, ("127.0.0.1", 1), here.direct.host, timeout_s=1, python=python)
    assert seen.status == "refused"


def client(pool: Pool, schema: str, *params: tuple[str, str], driver: str = "psycopg") -> Client:
    """A consumer that wants this schema."""
    one = connection(pool, *params)
    facts = ConsumerFacts(
        "Deployment/shop/web", "Deployment", "shop", "web", "runtime", "pooled", 1, 0, (), (one,)
    )
    login = login_for(one, driver, PASSWORD)
    return Client(
        facts.id, "local", "runtime", pool.host, "p", "transaction", facts, login,
        schema=schema, connection=one,
    )  # fmt: skip


def test_the_check_of_a_rehearsal_asks_the_driver_itself(
    python: str, ground: GroundFactory
) -> None:
    here = ground()
    here.sql(f'create schema "{here.owner}" authorization "{here.owner}"')
    pool = here.pooler()
    scene = cast(Scene, None)
    stage = Stage(here.lab, scene, observe=partial(observe, python=python))

    right = real_driver(stage, client(pool, here.owner))
    wrong_schema = real_driver(stage, client(pool, "elsewhere"))
    refused = real_driver(stage, client(pool, here.owner, FULL, CA))
    no_python = real_driver(stage, client(pool, here.owner, driver="pgx"))
    nobody = real_driver(Stage(here.lab, scene), client(pool, here.owner))

    assert right.verdict is Verdict.PASS
    assert right.observed.endswith(f"sees {here.owner}")
    assert wrong_schema.verdict is Verdict.FAIL
    assert refused.verdict is Verdict.FAIL
    assert "does not match host name" in refused.observed
    assert (no_python.verdict, nobody.verdict) == (Verdict.SKIPPED, Verdict.SKIPPED)


def test_a_driver_that_is_not_beside_repoint_is_skipped(ground: GroundFactory) -> None:
    here = ground()
    one = client(here.direct, "", driver="pg8000")
    assert one.connection is not None
    assert one.login is not None
    seen = observe(one.connection, one.login, here.lab.address(here.direct.host), one.server)
    assert (seen.status, seen.text) == ("skipped", "pg8000 is not installed beside repoint")
