"""The rules' table of drivers agrees with what real drivers put on the wire.

tests/servers/drivers/measured.json was measured with the drivers themselves, and
tests/servers/test_driver_table.py measures them again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from repoint.dsn.params import Reader, canonical, known
from repoint.model.sensitive import Sensitive
from repoint.rules.driver_shapes import login_for, packet, statements_of, tls_of
from repoint.rules.driver_table import SHAPES
from repoint.rules.sent import is_setting
from repoint.wire.login import Statements
from repoint.wire.refusals import DriverRefusal
from tests.unit.rules.build import connection

TABLE = Path(__file__).parents[2] / "servers" / "drivers" / "measured.json"
MEASURED: dict[str, Any] = json.loads(TABLE.read_text("utf-8"))
# pgxpool is pgx with keys of its own; the rules know one row for both.
ROWS = {name: "pgx" if name == "pgxpool" else name for name in MEASURED}
STYLE = {"url": "url", "pairs": "keyword-value"}
TLS = [
    "nothing",
    "sslmode=disable",
    "sslmode=prefer",
    "sslmode=require",
    "sslmode=verify-ca",
    "sslmode=verify-full",
    "ssl=true",
]
NODE_TLS = ["sslmode=require&uselibpqcompat=true", "sslmode=prefer&uselibpqcompat=true"]
# pg8000 takes an ssl context and no sslmode; these do not know `ssl=true`, and send it.
TLS_IN_CODE = {"pg8000": TLS, "asyncpg": ["ssl=true"], "pgx": ["ssl=true"]}


def matters(name: str) -> bool:
    """Whether PostgreSQL would take the key: what it refuses too, nobody has in a string."""
    return is_setting(name) or canonical(name) in ("options", "extrafloatdigits")


def startup_cases() -> list[Any]:
    return [
        pytest.param(name, form, text, said, id=f"{name} {form} {text}")
        for name, row in MEASURED.items()
        for form in STYLE
        for text, said in row["startup"].get(form, {}).items()
    ]


@pytest.mark.parametrize(("name", "form", "text", "said"), startup_cases())
def test_the_packet_is_the_measured_one(name: str, form: str, text: str, said: str) -> None:
    key, _, value = text.partition("=")
    asked = connection((key, value), style="jdbc" if name == "pgjdbc" else STYLE[form])
    if said.startswith("refused: ") and name in ("psycopg", "psycopg2"):
        with pytest.raises(DriverRefusal):
            login_for(asked, name, Sensitive("x"))
        return
    found = dict(packet(asked, ROWS[name]).startup)
    usual = MEASURED[name]["startup"]["nothing asked"]
    wanted = {**usual, **dict(one.split("=", 1) for one in said.split(", ") if "=" in one)}
    wanted = {key: value for key, value in wanted.items() if key in usual or matters(key)}

    assert by_name(found) == by_name(wanted)


def by_name(startup: dict[str, str]) -> dict[str, str]:
    return {canonical(name): value for name, value in startup.items()}


def statement_cases() -> list[Any]:
    return [
        pytest.param(name, text, trips, id=f"{name} {text}")
        for name, row in MEASURED.items()
        for text, trips in row["statements"].items()
        if (not text or "=" in text) and not text.startswith(("?", "autocommit"))
        if not trips[0].startswith("refused")
    ]


@pytest.mark.parametrize(("name", "text", "trips"), statement_cases())
def test_the_way_with_statements_is_the_measured_one(
    name: str, text: str, trips: list[str]
) -> None:
    key, _, value = text.partition("=")
    asked = connection(*([(key, value)] if key else []))

    assert statements_of(asked, ROWS[name]) is manner(trips)


def manner(trips: list[str]) -> Statements:
    """The style of a driver that sent these messages for seven executions of one query."""
    last = trips[-1].split(" | ")
    if "Query" in last and len(last) == 1:
        return Statements.SIMPLE
    if "Bind named" in trips[-1]:
        return Statements.NAMED if "Parse named" in trips[0] else Statements.NAMED_LATER
    # The server may go to another client at Sync alone: a Flush keeps it (PS1).
    synced = [one for one in trips[-1].split("Sync") if one]
    bound = next(one for one in synced if "Bind" in one)
    return Statements.ONE_TRIP if "Parse" in bound else Statements.TWO_TRIPS


def tls_cases() -> list[Any]:
    return [
        pytest.param(name, text, trusted, ends, id=f"{name} {text}{', CA' * trusted}")
        for name, row in MEASURED.items()
        for text in (*TLS, *NODE_TLS * (name == "node-postgres"))
        for trusted in (False, True)
        if text not in TLS_IN_CODE.get(ROWS[name].split("-")[0], [])
        and not (trusted and name == "postgres.js")
        for ends in [row["tls"][text + ", with the CA" * trusted]]
        # Who refuses all tells nothing of names: no CA is named, or lib/pq knows no `prefer`.
        if set(ends.values()) != {"refused"}
    ]


@pytest.mark.parametrize(("name", "text", "trusted", "ends"), tls_cases())
def test_what_tls_is_asked_and_verified_is_the_measured_one(
    name: str, text: str, trusted: bool, ends: dict[str, str]
) -> None:
    params = parse_qsl(text)
    params += [("sslrootcert", "/ca.crt")] if trusted else []

    found = tls_of(connection(*params), ROWS[name])

    assert (ends["good"] == "plain") == (found.wanted == "never")
    if found.wanted == "never":
        return
    assert (ends["no TLS"] == "plain") == (found.wanted == "if-offered")
    assert (ends["other name"] == "refused") == found.check_name
    # libpq with `prefer` turns from another CA's certificate to clear text, and is not refused.
    assert (ends["other CA"] == "refused") == found.check_chain


@pytest.mark.parametrize("text", [text for text in (*TLS, *NODE_TLS) if "compat" not in text])
def test_node_postgres_knows_no_ca_but_its_own(text: str) -> None:
    """TL2: with a mode that verifies, a CA that nobody named is refused under its right name."""
    good = MEASURED["node-postgres"]["tls"][text]["good"]

    found = tls_of(connection(*parse_qsl(text)), "node-postgres")

    assert found.own_store == (good == "refused")


def test_every_driver_that_counts_as_measured_was_measured() -> None:
    measured = {name for name, shape in SHAPES.items() if shape.measured}

    # psql and other programs on libpq itself are psycopg's libpq.
    assert measured - set(ROWS.values()) == {"libpq"}


def test_a_client_side_key_is_never_a_setting_of_the_server() -> None:
    for row in MEASURED.values():
        for text in row["startup"]["url"]:
            name = text.partition("=")[0]
            assert not (known(name).reader is Reader.CLIENT and is_setting(name))
