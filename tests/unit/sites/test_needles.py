"""The cheap look never hides a site that the closer look would find."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from repoint.dsn import pairs, params
from repoint.formats.kinds import kind_of
from repoint.formats.read import read_file
from repoint.model.consumer import Site
from repoint.sites import commands, keys
from repoint.sites import detect as module
from repoint.sites.hosts import PG_PORTS
from repoint.sites.needles import may_hold_site, may_hold_site_bytes

TOP = Path(__file__).resolve().parents[3]
FILES = [
    path
    for folder in ("examples", "tests/corpus", "tests/variants")
    for path in sorted((TOP / folder).rglob("*"))
    if path.is_file() and kind_of(path.name, b"") is not None
]


def test_every_file_with_a_site_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "may_hold_site", lambda path, text: True)
    hidden = []
    for path in FILES:
        parsed = read_file(str(path.relative_to(TOP)), path.read_bytes())
        if module.detect(parsed) and not may_hold_site(path.name, parsed.text):
            hidden.append(str(path))

    assert len(FILES) > 300
    assert hidden == []


@pytest.mark.parametrize(
    "text",
    ["nc -z data 5432", "kind: Secret\ndata: {url: eA==}", "ds.host: x", "PGHOST=x", "RDS_HOST=x"],
)
def test_one_word_is_enough(text: str) -> None:
    assert may_hold_site("deploy/x.yaml", text)


@pytest.mark.parametrize("text", ["", "host: redis\nport: 6379\n", "a: [1, 2]\n", "line: adsl\n"])
def test_a_file_without_a_word_for_a_database_is_left_alone(text: str) -> None:
    assert not may_hold_site("deploy/values.yaml", text)


def unfiltered(path: str, raw: bytes) -> tuple[Site, ...]:
    """What the detectors find in a file that nobody looked at before."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "may_hold_site", lambda path, text: True)
        return module.detect(read_file(path, raw))


def spelled(words: Sequence[str]) -> list[str]:
    """The spellings of a key that `keys.words` takes apart again."""
    camel = words[0] + "".join(word.capitalize() for word in words[1:])
    return [
        "_".join(words).upper(), "-".join(words), ".".join(words), " ".join(words), camel,
        words[0].upper() + camel[len(words[0]) :], "".join(word.capitalize() for word in words),
    ]  # fmt: skip


@pytest.mark.parametrize("word", sorted(keys.STRONG | keys.GENERIC))
def test_every_word_for_a_database_is_seen_in_every_spelling(word: str) -> None:
    hosts = ("host", "hostname", "server", "endpoint", "addr", "address", "fqdn", "seeds")
    hidden = []
    found = 0
    for host in (*hosts, "url", "uri", "dsn"):
        for name in spelled((word, host)) + spelled(("my", word, host)) + [word + host]:
            for raw in (f'{{"{name}": "pg1.shop"}}'.encode(), f"- {name}=pg1.shop\n".encode()):
                path = "values.json" if raw.startswith(b"{") else "a.yaml"
                sites = unfiltered(path, raw)
                found += len(sites)
                if sites and not may_hold_site_bytes(path, raw):
                    hidden.append(raw)

    assert found > 30
    assert hidden == []


@pytest.mark.parametrize("name", sorted(commands.CLIENTS))
def test_every_client_is_seen(name: str) -> None:
    client = commands.CLIENTS[name]
    option = client.host[0]
    dash = "-" if len(option) == 1 else "--"
    raw = f"{name} {dash}{option} shop-1\n".encode()

    assert unfiltered("run.sh", raw)
    assert may_hold_site_bytes("run.sh", raw)


@pytest.mark.parametrize("port", sorted(PG_PORTS))
def test_every_port_is_seen(port: str) -> None:
    raw = f"a:\n  host: shop-1\n  port: {port}\n".encode()

    assert unfiltered("a.yaml", raw)
    assert may_hold_site_bytes("a.yaml", raw)
    assert not may_hold_site_bytes("a.yaml", raw.replace(port.encode(), b"1" + port.encode()))


@pytest.mark.parametrize("name", sorted(commands.CONNECTORS | commands.WAITERS))
def test_every_program_that_opens_a_port_is_seen_beside_a_variable(name: str) -> None:
    raw = f"{name} shop-1 $DB_NAME\n{name} shop-1:$DB_NAME\n".encode()

    assert unfiltered("run.sh", raw)
    assert may_hold_site_bytes("run.sh", raw)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a.yaml", 'u: "ecto://app@shop-1/x"'),
        ("a.yaml", "u: host=shop-1 user=app"),
        ("a.yaml", "u: Server=shop-1;User Id=app"),
        ("a.yaml", "u: Data Source=shop-1;Uid=app"),
        ("a.yaml", "u: Uid=app;Address=shop-1"),
        ("a.yaml", "DATA_SOURCE_URI: shop-1/x"),
        ("a.yaml", "ADMINER_DEFAULT_SERVER: shop-1"),
        ("db.yaml", "host: shop-1"),
        ("a.yaml", "db: {server: shop-1, user: app, name: x, database: y}"),
        ("a.yaml", 'db: {server: " shop-1 ", user: app, name: x, database: y}'),
        ("a.yaml", 'db: {server: "shop-1 ", user: app, name: x, database: y}'),
        ("a.yaml", 'db: {server: "shop-1/x y", user: app, name: x, database: y}'),
        ("a.json", '{"db": {"address": "a b", "server": "shop-1", "user": "a", "name": "x"}}'),
        ("a.yaml", "db:\n  env:\n  - {name: server, value: shop-1}\n  - {name: user, value: a}\n"
         "  - {name: database, value: x}"),
        ("a.json", '{"\\u0070\\u0067host": "shop-1"}'),
        ("a.yaml", '"\\x50GHOST": shop-1'),
        ("a.yaml", 'u: "postg\\\n  res://app@shop-1/x"'),
        ("k.yaml", "apiVersion: acid.zalan.do/v1\nkind: x\nspec: {externalClusters: [{name: a, "
         "connectionParameters: {host: shop-1}}]}"),
    ],
)  # fmt: skip
def test_what_names_no_server_by_a_common_word_is_seen(path: str, text: str) -> None:
    raw = text.encode()

    assert unfiltered(path, raw)
    assert may_hold_site_bytes(path, raw)
    assert may_hold_site_bytes(path, b"\xef\xbb\xbf" + raw)


def test_base64_of_a_secret_is_seen() -> None:
    value = base64.b64encode(b"postgres://app@shop-1/x").decode()
    raw = f"apiVersion: v1\nkind: Secret\ndata: {{u: {value}}}\n".encode()

    assert unfiltered("a.yaml", raw)
    assert may_hold_site_bytes("a.yaml", raw)
    assert not may_hold_site_bytes("a.yaml", raw.replace(b"Secret", b"ExternalSecret"))


@pytest.mark.parametrize(
    "text",
    [
        "text: a database at an address\nuser: x\n",
        '{"database": "x", "url": "y"}',
        '{"database": "x", "address": "two words", "user": "y"}',
        "dbus: {address: x}\n",
        "image: logo.jpg\n",
        "kind: ExternalSecret\ndata: [x]\n",
        "passwords: {url: x}\n",
        "secretName: x\ndata: y\n",
    ],
)
def test_a_word_for_a_database_without_a_host_is_left_alone(text: str) -> None:
    assert unfiltered("a.yaml", text.encode()) == ()
    assert not may_hold_site("deploy/database/a.yaml", text)


def some(words: frozenset[str] | Sequence[str]) -> st.SearchStrategy[str]:
    return st.sampled_from(sorted(words))


KEYS = st.lists(
    st.one_of(
        some(keys.STRONG), some(keys.GENERIC), some(keys._ROLES), some(keys._LINKS),
        some(keys._HOST_WORDS | keys._LOOSE_HOST_WORDS), some(("url", "uri", "dsn", "port")),
        some([word for names in (*keys._USER, *keys._DATABASE, *keys._ENGINE) for word in names]),
    ),
    min_size=1, max_size=3,
).flatmap(lambda words: some(spelled(words)))  # fmt: skip
VALUES = st.one_of(
    some(("shop-1", "shop-1.example.com", "shop-1:5000", "shop-1/x", "x", "10.0.0.1", "$DB_HOST")),
    some(PG_PORTS),
    some(keys.STRONG),
    st.builds(
        "{}={} {}={}".format,
        some(params.HOST_NAMES), some(("shop-1",)), some(pairs._LIBPQ_PROOF), some(("x",)),
    ),
    st.builds("Server={};{}={}".format, some(("shop-1",)), some(params.USER_NAMES), some(("x",))),
    st.builds(
        "{} {} {}".format,
        some([*commands.CLIENTS, *commands.WAITERS, *commands.CONNECTORS, *commands.RESOLVERS]),
        some(("-h", "--host", "-z", "-U app -h", "")),
        some(("shop-1", "shop-1 5432", "shop-1 $DB_PORT", "pg-1", "shop-1:6432")),
    ),
)  # fmt: skip
TREES = st.recursive(
    VALUES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(KEYS, some(("a", "env", "command", "data"))), inner, max_size=4),
        st.builds(lambda name, value: [{"name": name, "value": value}], KEYS, inner),
    ),
    max_leaves=8,
)
PATHS = some(("a.json", "values.json", "x/docker-compose.json", "database.json", "ds.json"))


@given(PATHS, TREES)
@example("a.json", {"dsHost": "shop-1"})
def test_no_tree_of_the_rules_own_words_has_a_site_that_is_not_seen(
    path: str, tree: object
) -> None:
    raw = json.dumps(tree, indent=1).encode()

    assert may_hold_site_bytes(path, raw) or not unfiltered(path, raw)


@given(some(("run.sh", ".env", "a.ini", "a.properties", "Makefile", "Dockerfile")), st.data())
def test_no_lines_of_the_rules_own_words_have_a_site_that_is_not_seen(
    path: str, data: st.DataObject
) -> None:
    lines = data.draw(
        st.lists(st.one_of(VALUES, st.builds("{}={}".format, KEYS, VALUES)), max_size=5)
    )
    raw = ("\n".join(lines) + "\n").encode()

    assert may_hold_site_bytes(path, raw) or not unfiltered(path, raw)
