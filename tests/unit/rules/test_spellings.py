"""One setting in every spelling of a connection string: what is sent, and its fate at a pool."""

from __future__ import annotations

import itertools

import pytest

from repoint.dsn.parse import parse
from repoint.rules.facts import Connection
from repoint.rules.sent import Fate, Sent, fate, sent
from tests.unit.rules.build import connection, pooler

GO = ("pgx",)


def read(text: str) -> Connection:
    """A connection string as the rules see it."""
    dsn = parse(text)
    assert dsn is not None
    params = tuple((one.name, one.value.text) for one in dsn.params)
    return connection(*params, style=dsn.style.value, schema=dsn.schema or "")


@pytest.mark.parametrize(
    ("text", "drivers", "expected"),
    [
        pytest.param("postgres://u@h/d?search_path=a", GO, ("search_path", "a"), id="URL"),
        pytest.param(
            "postgres://u@h/d?search_path=%22A%20b%22%2Cpublic",
            GO,
            ("search_path", '"A b",public'),
            id="URL, encoded",
        ),
        pytest.param("host=h user=u search_path=a", GO, ("search_path", "a"), id="keywords"),
        pytest.param(
            "host=h user=u search_path='a, b'", GO, ("search_path", "a, b"), id="keywords, quoted"
        ),
        pytest.param(
            "postgres://u@h/d?options=-csearch_path%3Da", (), ("search_path", "a"), id="options"
        ),
        pytest.param(
            "postgres://u@h/d?options=-c%20search_path%3Da%2C%5C%20b",
            (),
            ("search_path", "a, b"),
            id="options, a space escaped",
        ),
        pytest.param(
            "postgres://u@h/d?options=--search_path%3Da", (), ("search_path", "a"), id="two dashes"
        ),
        pytest.param(
            "host=h user=u options='-c statement_timeout=5s'",
            (),
            ("statement_timeout", "5s"),
            id="keywords, options",
        ),
        pytest.param(
            "jdbc:postgresql://h/d?currentSchema=a", (), ("search_path", "a"), id="JDBC schema"
        ),
        pytest.param(
            "jdbc:postgresql://h/d?options=-c%20search_path=a",
            (),
            ("search_path", "a"),
            id="JDBC options",
        ),
        pytest.param(
            "Host=h;Username=u;Database=d;Search Path=a", (), ("search_path", "a"), id="Npgsql"
        ),
        pytest.param(
            "Host=h;Username=u;Database=d;Options=-c statement_timeout=5s",
            (),
            ("statement_timeout", "5s"),
            id="Npgsql options",
        ),
    ],
)
def test_a_setting_is_seen(text: str, drivers: tuple[str, ...], expected: tuple[str, str]) -> None:
    (item,) = sent(read(text), drivers)
    assert (item.name, item.value) == expected


@pytest.mark.parametrize(
    ("text", "drivers"),
    [
        pytest.param("postgres://u@h/d?sslmode=require", GO, id="the client's own"),
        pytest.param("jdbc:postgresql://h/d?ApplicationName=x", (), id="JDBC, harmless"),
        pytest.param("jdbc:postgresql://h/d?search_path=a", (), id="JDBC, which ignores it"),
        pytest.param("postgres://u@h/d?options=", (), id="options, empty"),
        pytest.param("postgres://u@h/d?target_session_attrs=any", GO, id="where to connect"),
        pytest.param("Host=h;Username=u;Database=d;SSL Mode=Require", (), id="Npgsql TLS"),
    ],
)
def test_nothing_is_sent(text: str, drivers: tuple[str, ...]) -> None:
    assert sent(read(text), drivers) == ()


VERSIONS = (13, 14, 15, 16, 17, 18)
BOUNCERS = ((1, 21, 0), (1, 22, 1), (1, 23, 0), (1, 24, 1), (1, 25, 1), (1, 26, 1))
LISTS = ("neither", "tracked", "ignored", "both")
PATH = Sent("search_path", "search_path")
TIMEOUT = Sent("statement_timeout", "statement_timeout")
READ_ONLY = Sent("default_transaction_read_only", "default_transaction_read_only")
REPORTED = {"search_path": 18, "default_transaction_read_only": 14}


def expected(name: str, postgres: int, newer: bool, lists: str) -> Fate:
    """SP1, SP3, SP6, SP10 and SP13, said once more and on their own."""
    reported = postgres >= REPORTED.get(name, 99)
    if lists == "ignored" or (lists == "both" and newer):
        return Fate.IGNORED
    if newer and (lists == "tracked" or name in REPORTED):
        return Fate.WORKS if reported else Fate.MIXED
    if lists in ("tracked", "both"):
        return Fate.WORKS if reported else Fate.UNTRACKABLE
    return Fate.REFUSED


@pytest.mark.parametrize("item", [PATH, TIMEOUT, READ_ONLY], ids=lambda item: item.name)
@pytest.mark.parametrize("lists", LISTS)
def test_the_fate_on_every_pair_of_versions(item: Sent, lists: str) -> None:
    parameters = tuple(
        (key, item.name)
        for key, where in (
            ("track_extra_parameters", ("tracked", "both")),
            ("ignore_startup_parameters", ("ignored", "both")),
        )
        if lists in where
    )
    for postgres, bouncer in itertools.product(VERSIONS, BOUNCERS):
        one = pooler(pgbouncer=bouncer, parameters=parameters)
        wanted = expected(item.name, postgres, bouncer >= (1, 26), lists)
        assert fate(item, one, postgres) is wanted, (postgres, bouncer)


@pytest.mark.parametrize("postgres", VERSIONS)
def test_SP2_options_are_dropped_where_a_parameter_is_refused(postgres: int) -> None:
    hidden = Sent("statement_timeout", "options=-c statement_timeout", in_options=True)
    for bouncer in BOUNCERS:
        assert fate(hidden, pooler(pgbouncer=bouncer), postgres) is Fate.DROPPED


@pytest.mark.parametrize(
    "name",
    ["TimeZone", "DateStyle", "application_name", "client_encoding", "IntervalStyle"],
)
def test_SP12_what_every_version_keeps(name: str) -> None:
    for postgres, bouncer in itertools.product(VERSIONS, BOUNCERS):
        assert fate(Sent(name, name), pooler(pgbouncer=bouncer), postgres) is Fate.WORKS
