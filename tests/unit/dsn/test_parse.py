"""Every spelling of a connection string is found, and read part by part."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.dsn.mask import mask
from repoint.dsn.parse import Dsn, find, parse
from repoint.model.consumer import Style
from tests.unit.dsn.dsn_strategies import urls


def summary(dsn: Dsn) -> tuple[object, ...]:
    ports = [token.text if token else None for token in dsn.ports]
    hosts = [token.text for token in dsn.hosts]
    database = dsn.database.text if dsn.database else None
    return dsn.style, hosts, ports, database, dsn.user, dsn.schema


READ = [
    pytest.param(
        "postgresql://naytife:canary-a@postgres.naytife.svc.cluster.local:5432/naytifedb"
        "?search_path=naytife_schema&sslmode=disable",
        (
            Style.URL,
            ["postgres.naytife.svc.cluster.local"],
            ["5432"],
            "naytifedb",
            "naytife",
            "naytife_schema",
        ),
        id="the plan's URL, which libpq refuses",
    ),
    pytest.param(
        "postgres://u:canary-a@b/c?d#e@h:5432/db?sslmode=require",
        (Style.URL, ["h"], ["5432"], "db", "u", None),
        id="raw @ / ? # in the password",
    ),
    pytest.param(
        "postgres://u:canary-%40%2F@h/db",
        (Style.URL, ["h"], [None], "db", "u", None),
        id="percent-encoded password and no port",
    ),
    pytest.param(
        "postgres://u:${PASSWORD}@${HOST}:${PORT}/${DB}",
        (Style.URL, ["${HOST}"], ["${PORT}"], "${DB}", "u", None),
        id="shell variables in every part",
    ),
    pytest.param(
        "postgres://$(USER):$(PW)@$(HOST):$(PORT)/$(DB)?search_path=$(SCHEMA)",
        (Style.URL, ["$(HOST)"], ["$(PORT)"], "$(DB)", "$(USER)", "$(SCHEMA)"),
        id="Kubernetes variables in every part",
    ),
    pytest.param(
        'postgres://{{ .Values.u }}:{{ .p }}@{{ .h }}:{{ .port }}/{{ .db | default "a/b?c" }}',
        (
            Style.URL,
            ["{{ .h }}"],
            ["{{ .port }}"],
            '{{ .db | default "a/b?c" }}',
            "{{ .Values.u }}",
            None,
        ),
        id="template actions with slashes and spaces inside",
    ),
    pytest.param(
        "postgresql://%(user)s:%(pw)s@%(host)s/%(db)s",
        (Style.URL, ["%(host)s"], [None], "%(db)s", "%(user)s", None),
        id="Python placeholders",
    ),
    pytest.param(
        "postgres://<user>:<password>@<host>:5432/<db>",
        (Style.URL, ["<host>"], ["5432"], "<db>", "<user>", None),
        id="placeholders of a manual",
    ),
    pytest.param(
        "postgres://u@h1:5432,h2:5433,h3/db?target_session_attrs=primary",
        (Style.URL, ["h1", "h2", "h3"], ["5432", "5433", None], "db", "u", None),
        id="several hosts",
    ),
    pytest.param(
        "postgres://u@[fd00::1]:5432/db",
        (Style.URL, ["[fd00::1]"], ["5432"], "db", "u", None),
        id="IPv6 in brackets",
    ),
    pytest.param(
        "postgres:///db?host=/var/run/postgresql&port=5433",
        (Style.URL, ["/var/run/postgresql"], ["5433"], "db", None, None),
        id="a socket named in the query",
    ),
    pytest.param(
        "postgres://u:canary-p@h/db?application_name=a@b&search_path=s",
        (Style.URL, ["h"], [None], "db", "u", "s"),
        id="an @ in the query",
    ),
    pytest.param(
        "jdbc:postgresql://h:5432/db?user=me@server&password=canary-p@x/y",
        (Style.JDBC, ["h"], ["5432"], "db", "me@server", None),
        id="an @ in the query alone",
    ),
    pytest.param(
        "host=h dbname=d options='-c search_path=\\'a\\''",
        (Style.KEYWORD_VALUE, ["h"], [None], "d", None, "'a'"),
        id="an escaped quote in a pair",
    ),
    pytest.param(
        "postgres:///db", (Style.URL, [], [], "db", None, None), id="an empty host stays empty"
    ),
    pytest.param(
        "postgres://me:x@h/db?options=-c%20search_path%3Dhydra",
        (Style.URL, ["h"], [None], "db", "me", "hydra"),
        id="search_path inside options",
    ),
    pytest.param(
        "jdbc:postgresql://h:5432/db?user=me&password=canary-x&currentSchema=hydra",
        (Style.JDBC, ["h"], ["5432"], "db", "me", "hydra"),
        id="JDBC with the user in its query",
    ),
    pytest.param(
        "r2dbc:pool:postgresql://h/db?schema=hydra",
        (Style.JDBC, ["h"], [None], "db", None, "hydra"),
        id="R2DBC behind its pool",
    ),
    pytest.param(
        "postgresql+asyncpg://u@h/db",
        (Style.URL, ["h"], [None], "db", "u", None),
        id="SQLAlchemy's driver suffix",
    ),
    pytest.param(
        "db+postgresql+psycopg2://u:canary-1@h:5432/db",
        (Style.URL, ["h"], ["5432"], "db", "u", None),
        id="Celery's result backend",
    ),
    pytest.param(
        "sqla+postgresql://u@h/db",
        (Style.URL, ["h"], [None], "db", "u", None),
        id="Kombu's transport",
    ),
    pytest.param(
        "host=a,b port=5432 dbname=d user=u password='canary x\\' y' sslmode=require",
        (Style.KEYWORD_VALUE, ["a", "b"], ["5432", "5432"], "d", "u", None),
        id="libpq pairs, quoted password, one port for two hosts",
    ),
    pytest.param(
        "user=postgres password=canary;a'b host=/var/run/postgresql dbname=d",
        (Style.KEYWORD_VALUE, ["/var/run/postgresql"], [None], "d", "postgres", None),
        id="libpq pairs in another order, over a socket",
    ),
    pytest.param(
        "host = db port = 5432 dbname = d options = '-c search_path=hydra'",
        (Style.KEYWORD_VALUE, ["db"], ["5432"], "d", None, "hydra"),
        id="libpq pairs with spaces around the equals signs",
    ),
    pytest.param(
        "Host=h;Port=5432;Database=d;Username=u;Password=canary a,b=c;Search Path=s",
        (Style.KEYWORD_VALUE, ["h"], ["5432"], "d", "u", "s"),
        id="Npgsql",
    ),
    pytest.param(
        "Server=h1:5432,h2;Database=d;User Id=u;Pooling=true;Include Error Detail=true",
        (Style.KEYWORD_VALUE, ["h1", "h2"], ["5432", None], "d", "u", None),
        id="Npgsql with Server, two hosts and one port inside",
    ),
    pytest.param(
        "pgsql:host=h;port=5432;dbname=d",
        (Style.KEYWORD_VALUE, ["h"], ["5432"], "d", None, None),
        id="PDO",
    ),
    pytest.param(
        "psycopg.connect(host='h', port=5432, dbname=\"d\", user=u)",
        (Style.KEYWORD_VALUE, ["h"], ["5432"], "d", "u", None),
        id="arguments of a call",
    ),
]


@pytest.mark.parametrize(("text", "expected"), READ)
def test_reads_every_part(text: str, expected: tuple[object, ...]) -> None:
    dsn = parse(text)
    assert dsn is not None
    assert summary(dsn) == expected


NOTHING = [
    pytest.param("mysql://u:p@h:3306/db", id="MySQL"),
    pytest.param("redis://h:6379/0 amqp://u:p@h mongodb://h", id="other servers"),
    pytest.param("tcp://postgres:5432", id="a bare TCP address"),
    pytest.param("cockroachdb://u@h:26257/db", id="CockroachDB"),
    pytest.param("jdbc:mysql://h/db", id="JDBC for MySQL"),
    pytest.param("postgres:16-alpine ghcr.io/x/postgres://", id="images and a bare scheme"),
    pytest.param("host=cache port=6379", id="a Redis address in pairs"),
    pytest.param("Server=tcp:x.database.windows.net,1433;Database=d;User ID=u", id="SQL Server"),
    pytest.param("Server=db;Port=3306;Database=d;Uid=u", id="MySQL for .NET"),
    pytest.param("mysql:host=h;dbname=d", id="PDO for MySQL"),
    pytest.param("virtual host=example.org path=/x", id="prose with a host pair"),
    pytest.param("--host=db --port=5432 --user=u", id="flags are words of a command"),
    pytest.param('"postgres://" + user + "@" + host', id="a URL that code puts together"),
]


@pytest.mark.parametrize("text", NOTHING)
def test_finds_nothing_in(text: str) -> None:
    assert find(text) == ()


AROUND = [
    pytest.param('{"url": "postgres://u:p\'q@h/db", "x": 1}', "postgres://u:p'q@h/db", id="JSON"),
    pytest.param("export A=postgres://h/db; run", "postgres://h/db", id="shell, unquoted"),
    pytest.param("psql 'postgres://h/db?a=b' -c x", "postgres://h/db?a=b", id="shell, quoted"),
    pytest.param('A="postgres://u:"$P"@h/db"', 'postgres://u:"$P"@h/db', id="shell, joined quotes"),
    pytest.param("see (postgres://h/db).", "postgres://h/db", id="prose"),
    pytest.param("<url>postgres://h/db</url>", "postgres://h/db", id="XML"),
    pytest.param('a \\"postgres://h/db\\" b', "postgres://h/db", id="escaped quotes"),
    pytest.param("postgres://u:a\"b'c@h/db", "postgres://u:a\"b'c@h/db", id="quotes in a password"),
    pytest.param('psql "host=h user=u" -c 1', "host=h user=u", id="pairs in shell quotes"),
    pytest.param("{url: postgres://h/${DB}}", "postgres://h/${DB}", id="flow mapping"),
]


@pytest.mark.parametrize(("text", "expected"), AROUND)
def test_ends_where_the_string_ends(text: str, expected: str) -> None:
    (dsn,) = find(text)
    assert text[dsn.start : dsn.end] == expected


def test_finds_each_of_several() -> None:
    text = "postgres://a/x,postgres://b/y\nhost=c dbname=z user=u\njdbc:postgresql://d/w"
    assert [dsn.host for dsn in find(text)] == ["a", "b", "c", "d"]
    brokers = "sqla+postgresql://u@a/x;sqla+postgresql://u@b/y"
    assert [dsn.host for dsn in find(brokers)] == ["a", "b"]


def test_parse_wants_exactly_one() -> None:
    assert parse("postgres://a/x postgres://b/y") is None
    assert parse("nothing") is None


@given(urls())
def test_a_hostile_password_moves_no_other_part(
    generated: tuple[str, str, str, str | None],
) -> None:
    text, _, host, port = generated
    dsn = parse(text)
    assert dsn is not None
    assert dsn.has_password
    assert [token.text for token in dsn.hosts] == [host]
    assert [token.text if token else None for token in dsn.ports] == [port]
    assert (dsn.start, dsn.end) == (0, len(text))


@given(urls())
def test_tokens_are_the_text_they_point_at_and_show_no_password(
    generated: tuple[str, str, str, str | None],
) -> None:
    text, _, _, _ = generated
    prefix = 'a: "'
    (dsn,) = find(f'{prefix}{text}"')
    shown = [*dsn.hosts, *(t for t in dsn.ports if t), *(p.value for p in dsn.params)]
    for token in shown:
        assert f'{prefix}{text}"'[token.start : token.end] == token.text
    assert "canary-" not in repr(dsn)


FRAGMENTS = (
    "postgres:// jdbc:postgresql:// host= port=5432 Host=h; Database=d; @ / ? # & , ; ' \" ` \\ "
    "${ } $( ) {{ }} %( )s < > [ ] = : user=u password=p x"
)
PIECES = st.sampled_from([*FRAGMENTS.split(), "\n", " "])


@settings(max_examples=200)
@given(st.one_of(st.text(max_size=80), st.lists(PIECES, max_size=30).map("".join)))
def test_any_text_is_read_without_a_crash(text: str) -> None:
    found = find(text)
    assert [dsn.start for dsn in found] == sorted(dsn.start for dsn in found)
    for dsn in found:
        for token in (*dsn.hosts, *(t for t in dsn.ports if t)):
            assert text[token.start : token.end] == token.text


HUGE = [
    "postgres://", "host=", "host=a ", "user=u;", "postgres://u:p@", "postgres://h?a=", "${a", "{{",
    "Host=h;Database=", "postgres://h,", "\"'", "postgres://[", "host='", "password=",
    "name: pass ", "a-", "pass:", "postgres://$(", "-p ", "<password ",
    "password: |\n ", "PASSWORD '", "x:1:y:z:",
]  # fmt: skip


@pytest.mark.parametrize("piece", HUGE)
def test_a_huge_hostile_text_is_read_to_its_end(piece: str) -> None:
    text = piece * (200_000 // len(piece)) + "\npostgres://canary-host/db"
    assert find(text)[-1].host == "canary-host"
    assert mask(text)
