"""An edit moves the host, the port or a parameter, and no other byte."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given

from repoint.dsn.parse import parse
from repoint.dsn.retarget import retarget, text_edits
from repoint.errors import EditRefused
from repoint.model.plan import PartEdit
from tests.unit.dsn.dsn_strategies import urls

POOLED = "naytife-postgres-pooler-rw.naytife.svc.cluster.local"


def host(before: str, after: str = POOLED) -> PartEdit:
    return PartEdit("host", before, after)


def port(before: str, after: str) -> PartEdit:
    return PartEdit("port", before, after)


def param(name: str, before: str, after: str) -> PartEdit:
    return PartEdit("param", before, after, name)


CHANGES = [
    pytest.param(
        "postgresql://u:canary-@:/x@postgres:5432/db?search_path=s&sslmode=disable",
        [host("postgres"), param("sslmode", "disable", "require")],
        f"postgresql://u:canary-@:/x@{POOLED}:5432/db?search_path=s&sslmode=require",
        id="the plan's own edit",
    ),
    pytest.param(
        "postgres://u@a/db?search_path=s&sslmode=disable&x=1",
        [param("search_path", "s", "")],
        "postgres://u@a/db?sslmode=disable&x=1",
        id="the first parameter goes, the question mark stays",
    ),
    pytest.param(
        "postgres://u@a/db?search_path=s&sslmode=disable&x=1",
        [param("search_path", "s", ""), param("sslmode", "disable", ""), param("x", "1", "")],
        "postgres://u@a/db",
        id="all parameters go, and the question mark with them",
    ),
    pytest.param(
        "postgres://u@a/db?a=1&search_path=s",
        [param("a", "1", ""), param("search_path", "s", ""), param("sslmode", "", "require")],
        "postgres://u@a/db?sslmode=require",
        id="all parameters give way to a new one",
    ),
    pytest.param(
        "postgres://u@a/db",
        [param("sslmode", "", "require"), param("search_path", "", "a b&c")],
        "postgres://u@a/db?sslmode=require&search_path=a%20b%26c",
        id="two new parameters, escaped",
    ),
    pytest.param(
        "postgres://u@a/db?", [param("sslmode", "", "require")],
        "postgres://u@a/db?sslmode=require", id="a question mark that waits",
    ),
    pytest.param(
        "postgres://a/db?user=u&password=canary-1?", [param("sslmode", "", "require")],
        "postgres://a/db?user=u&password=canary-1?&sslmode=require",
        id="a question mark that ends a value",
    ),
    pytest.param(
        "<u>postgres://u@a/db?x=1&amp;y=2</u>", [param("sslmode", "", "require")],
        "<u>postgres://u@a/db?x=1&amp;y=2&amp;sslmode=require</u>", id="ampersands of XML",
    ),
    pytest.param(
        "jdbc:postgresql://a?currentSchema=s", [param("search_path", "s", "t"), port("", "6432")],
        "jdbc:postgresql://a:6432?currentSchema=t", id="JDBC's name of the search path",
    ),
    pytest.param(
        "jdbc:postgresql://a", [param("search_path", "", "s")],
        "jdbc:postgresql://a/?currentSchema=s", id="JDBC needs the slash",
    ),
    pytest.param(
        "r2dbc:postgresql://a/db", [param("search_path", "", "s")],
        "r2dbc:postgresql://a/db?schema=s", id="R2DBC's name of the search path",
    ),
    pytest.param(
        "postgres://u@a:5432/db", [port("5432", "")], "postgres://u@a/db", id="a port goes",
    ),
    pytest.param(
        "postgres://u@a:1,b:2/db", [host("a,b")], f"postgres://u@{POOLED}:1/db",
        id="one host for a list",
    ),
    pytest.param(
        "postgres://u@a:1,b:2/db", [host("b", "c")], "postgres://u@a:1,c:2/db",
        id="one host of a list",
    ),
    pytest.param(
        "postgres:///db?host=a&port=1", [host("a"), port("1", "2")],
        f"postgres:///db?host={POOLED}&port=2", id="the host of the query",
    ),
    pytest.param(
        "postgres:///db?port=1&host=a", [port("1", "")], "postgres:///db?host=a",
        id="the port of the query goes",
    ),
    pytest.param(
        "host='a' user=u password='x y' port=1 dbname=d", [host("a"), port("1", "")],
        f"host='{POOLED}' user=u password='x y' dbname=d", id="libpq pairs",
    ),
    pytest.param(
        "port=1 host=a dbname=d", [port("1", "")], "host=a dbname=d", id="the first pair goes",
    ),
    pytest.param(
        "host=a dbname=d", [port("", "1"), param("options", "", "-c x=y")],
        "host=a port=1 dbname=d options='-c x=y'", id="libpq pairs, added and quoted",
    ),
    pytest.param(
        "host=a,b port=1,2 dbname=d", [host("a,b")], f"host={POOLED} port=1 dbname=d",
        id="libpq lists shrink together",
    ),
    pytest.param(
        "Host=a;Database=d;Username=u;Password=p;",
        [host("a"), port("", "1"), param("sslmode", "", "verify-full")],
        f"Host={POOLED};Port=1;Database=d;Username=u;Password=p;SSL Mode=VerifyFull;",
        id="Npgsql's names and values",
    ),
    pytest.param(
        "Host=a;SSL Mode=Disable;Database=d", [param("sslmode", "Disable", "Require")],
        "Host=a;SSL Mode=Require;Database=d", id="Npgsql's spelling of a name",
    ),
    pytest.param(
        "pgsql:host=a;dbname=d", [param("sslmode", "", "require")],
        "pgsql:host=a;dbname=d;sslmode=require", id="PDO passes libpq's names",
    ),
    pytest.param(
        "connect(host='a', dbname='d')", [host("a"), param("sslmode", "", "require")],
        f"connect(host='{POOLED}', dbname='d', sslmode='require')", id="arguments of a call",
    ),
    pytest.param(
        "postgres://u:p@a/db", [], "postgres://u:p@a/db", id="nothing asked, nothing changed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("before", "parts", "after"), CHANGES)
def test_changes(before: str, parts: list[PartEdit], after: str) -> None:
    assert retarget(before, parts) == after


REFUSED = [
    pytest.param("postgres://u@a/db", [host("b")], id="another host"),
    pytest.param("postgres://u@a:1/db", [port("2", "3")], id="another port"),
    pytest.param("postgres://u@a:1/db", [port("", "3")], id="a port that is there already"),
    pytest.param("postgres://u@a/db?x=1", [param("x", "2", "3")], id="another value"),
    pytest.param("postgres://u@a/db?x=1", [param("y", "2", "")], id="no such parameter"),
    pytest.param("postgres://u@a/db", [host("a", "")], id="a host cannot be removed"),
    pytest.param("postgres://u@a/db", [PartEdit("user", "u", "v")], id="the user"),
    pytest.param("postgres://u@a/db", [param("password", "", "v")], id="a password"),
    pytest.param("postgres://a/x postgres://a/y", [host("a")], id="two strings"),
    pytest.param("nothing", [host("a")], id="no string"),
    pytest.param(
        "postgres://u@a,b/db", [host("a,b", "c"), host("a", "d")], id="edits that overlap"
    ),
]


@pytest.mark.parametrize(("text", "parts"), REFUSED)
def test_refuses(text: str, parts: list[PartEdit]) -> None:
    with pytest.raises(EditRefused):
        retarget(text, parts)


def test_a_refusal_names_no_value() -> None:
    with pytest.raises(EditRefused) as refused:
        retarget(
            "postgres://canary-u:canary-p@canary-h/canary-d?x=canary-v", [param("x", "a", "b")]
        )
    assert "canary-" not in str(refused.value)


@given(urls())
def test_every_byte_outside_the_parts_is_kept(
    generated: tuple[str, str, str, str | None],
) -> None:
    text, password, old_host, old_port = generated
    parts = [host(old_host)]
    if old_port:
        parts.append(port(old_port, "6432"))
    changed = retarget(text, parts)
    head, _, tail = text.rpartition(f"@{old_host}")
    tail = tail.replace(f":{old_port}", ":6432", 1) if old_port else tail
    assert changed == f"{head}@{POOLED}{tail}"
    assert f":{password}@" in changed


@given(urls())
def test_there_and_back_again(generated: tuple[str, str, str, str | None]) -> None:
    text, _, old_host, _ = generated
    there = retarget(text, [host(old_host), param("application_name", "", "repoint")])
    back = [host(POOLED, old_host), param("application_name", "repoint", "")]
    assert retarget(there, back) == text


@given(urls())
def test_edits_are_sorted_and_disjoint(generated: tuple[str, str, str, str | None]) -> None:
    text, _, old_host, _ = generated
    dsn = parse(text)
    assert dsn is not None
    edits = text_edits(dsn, [param("application_name", "", "x"), host(old_host)])
    assert all(one.end <= two.start for one, two in pairwise(edits))
