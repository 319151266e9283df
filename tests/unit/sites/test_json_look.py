"""The look at JSON without places never hides a site, and never what is wrong with a file."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.formats.read import read_file
from repoint.sites.detect import searched
from repoint.sites.json_look import json_may_hold_site
from tests.unit.sites.test_needles import TREES as SETTINGS
from tests.unit.sites.test_pruning import FILES, NAMES, TREES
from tests.unit.sites.test_tables import TABLES, rows


@given(NAMES, st.one_of(TREES, SETTINGS))
def test_a_tree_with_a_site_is_looked_at(path: str, tree: object) -> None:
    raw = json.dumps(tree, indent=1).encode()

    assert json_may_hold_site(path, raw) or not searched(read_file(path, raw))


@given(st.text(alphabet='{}[]:,"\\/ntu0aé -1.eE#\n\t\r\f\v\u2028\ufeff\0', max_size=30))
def test_a_text_with_a_problem_is_looked_at(text: str) -> None:
    raw = text.encode()

    assert json_may_hold_site("a.json", raw) or not read_file("a.json", raw).problem


def test_every_json_with_a_site_is_looked_at() -> None:
    held = [(one.name, one.read_bytes()) for one in FILES if one.suffix == ".json"]
    held += [
        (row.values[0], row.values[1].encode())
        for table in TABLES
        for row in rows(table)
        if row.values[0].endswith(".json")
    ]
    found = [(name, raw) for name, raw in held if searched(read_file(name, raw))]

    assert len(found) > 10
    assert [name for name, raw in found if not json_may_hold_site(name, raw)] == []


@pytest.mark.parametrize(
    "text",
    [
        '[{"address": "queue account version", "user": "worker database", "total": 3}]',
        '{"database": {"type": "postgres", "name": "shop"}}',
        '{"words": ["of a database", "and its host"], "n": [1, true, null, 2.5, NaN]}',
        '{"labels": {"host": "pg"}, "examples": ["postgres://a@b/c"]}',
        '{"name": "host", "in": "query"}',
    ],
)
def test_what_can_hold_no_site_is_left_alone(text: str) -> None:
    assert not json_may_hold_site("x/data.json", text.encode())
    assert not searched(read_file("x/data.json", text.encode()))


@pytest.mark.parametrize(
    "raw",
    [
        b'{"host": "pg"}',
        b'{"a": "two words", "host": "pg", "host": "two words"}',
        b'{"host": "pg /x y"}',
        b'{"address": " pg "}',
        b'{"\\u0068ost": "pg"}',
        b'\xef\xbb\xbf{"a": {"b": [{"host": "pg"}]}}',
        b'{"a": ["psql", "-h", "pg"]}',
        b'{"kind": "Secret", "data": {"u": "eA=="}}',
        b'[{"op": "add", "path": "/a", "value": "b"}]',
        b'{"env": [{"name": "DB_HOST", "value": "two words"}]}',
        b'{"a": 1} {"b": 2}',
        b'{"a": 1, /* a comment */}',
        b"{'a': 1}",
        b'{"a": "\xff"}',
        b'{"a": "\0"}',
        b'"postgres"',
        b"",
        b"[" * 101 + b"]" * 101,
        b"[" * 100_000,
    ],
)
def test_what_may_hold_one_and_what_is_no_strict_json_is_looked_at(raw: bytes) -> None:
    assert json_may_hold_site("a.json", raw)
