"""A part of a tree that is passed by holds no site: the walk finds the same without pruning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.formats.base import Mapping, Node, ParsedFile, Scalar
from repoint.formats.kinds import kind_of
from repoint.formats.read import read_file
from repoint.model.consumer import Site
from repoint.sites import tree
from repoint.sites.detect import detect
from repoint.sites.pruning import DEAD, OWN, Live, find_live
from tests.unit.sites.test_tables import TABLES, rows

TOP = Path(__file__).resolve().parents[3]
FILES = [
    path
    for folder in ("examples", "tests/corpus", "tests/variants", "tests/golden")
    for path in sorted((TOP / folder).rglob("*"))
    if path.is_file() and kind_of(path.name, b"") is not None
]


def all_live(root: Node, key: str, live: Live, *, encoded: bool) -> None:
    """In the place of `find_live`: every part of a tree is looked at."""
    todo = [root]
    while todo:
        node = todo.pop()
        if isinstance(node, Scalar) or id(node) in live:
            continue
        live[id(node)] = OWN
        todo += [value for _, value in node.pairs] if isinstance(node, Mapping) else node.items


def unpruned(parsed: ParsedFile) -> tuple[Site, ...]:
    """What the walk finds when it passes by nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree, "find_live", all_live)
        patch.setattr(tree, "telling_text", lambda text: True)
        return detect(parsed)


def test_every_corpus_file_gives_the_same_sites_without_pruning() -> None:
    different = []
    found = 0
    for path in FILES:
        parsed = read_file(str(path.relative_to(TOP)), path.read_bytes())
        sites = detect(parsed)
        found += len(sites)
        if sites != unpruned(parsed):
            different.append(str(path))

    assert found > 300
    assert different == []


@pytest.mark.parametrize(("path", "text"), [row.values[:2] for t in TABLES for row in rows(t)])
def test_every_table_gives_the_same_sites_without_pruning(path: str, text: str) -> None:
    parsed = read_file(path, text.encode())

    assert detect(parsed) == unpruned(parsed)


WORDS = st.sampled_from(
    (
        "host", "DB_HOST", "DB_PORT", "database", "port", "user", "name", "value", "key", "env",
        "data", "spec", "command", "args", "script", "scripts", "run", "auth", "connection", "op",
        "path", "url", "literals", "labels", "test", ".pgpass", "app.json", "type", "PG", "<<",
        "kind", "apiVersion", "externalClusters", "connectionParameters", "patch", "Name", "Value",
    )
)  # fmt: skip
TEXTS = st.sampled_from(
    (
        "pg", "pg.example.com", "5432", "postgres", "add", "/spec/script", "/data/DB_HOST",
        "Secret", "v1", "DB_HOST", "PGHOST=pg", "postgres://app@pg/x", "psql -h pg", "psql", "-h",
        "host=pg dbname=x", '{"database": {"host": "pg"}}', "nc", "-z", "script", "cG9zdGdyZXM=",
        "cG9zdGdyZXM6Ly9hcHBAcGcvc2hvcA==", "database:\n  host: pg\n", "#!/bin/sh\npsql -h pg\n",
        "{{ .Values.host }}", "pg:5432:shop:app:x", "mysql", "x", "", "two words", " pg ",
        "pg /x y", "<the host>", "pg1,pg2, pg3", "${DB_HOST:-pg 1}", "psql -h pg -U app",
    )
)  # fmt: skip
TREES = st.recursive(
    TEXTS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(WORDS, inner, min_size=1, max_size=4)
    ),
    max_leaves=14,
)
NAMES = st.sampled_from(("a.json", "values.json", "kustomization.json", "database.json"))


@given(NAMES, TREES)
def test_any_tree_gives_the_same_sites_without_pruning(name: str, root: object) -> None:
    parsed = read_file(name, json.dumps(root, indent=1).encode())

    assert detect(parsed) == unpruned(parsed)


ALIASED = """
words: &words
  - psql -h pg
before_script: *words
settings: &settings
  first: psql -h pg2
scripts: *settings
patches:
  - {op: add, path: /spec/script, value: [[psql -h pg3]]}
"""


def test_what_an_alias_puts_under_a_key_for_scripts_is_a_script() -> None:
    parsed = read_file(".gitlab-ci.yml", ALIASED.encode())

    assert {site.host.text for site in detect(parsed)} == {"pg", "pg2", "pg3"}
    assert detect(parsed) == unpruned(parsed)


def test_a_part_without_a_mark_is_passed_by() -> None:
    raw = b"a: {b: [x, y], c: {d: e}}\nspec: {env: {DB_HOST: pg}}\n"
    root = read_file("a.yaml", raw).documents[0].root
    assert isinstance(root, Mapping)
    live: Live = {}
    find_live(root, "", live, encoded=False)

    assert live[id(root.get("a"))] == DEAD
    assert live[id(root.mapping("spec", "env"))] == OWN
