"""Files that are parsed when they are first asked for."""

from __future__ import annotations

import pytest

from repoint.formats import shelf as shelf_module
from repoint.formats.base import FileKind, ParsedFile, TextMap
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf, text_of

TEXTS = {"b.yaml": b"kind: Secret\n", "a.yaml": b"services: {}\n", "c.env": b"DB_HOST=db\n"}


def test_a_file_is_parsed_once() -> None:
    shelf = Shelf(TEXTS)
    assert shelf["b.yaml"] is shelf["b.yaml"]
    assert shelf["b.yaml"].documents[0].root is not None


def test_paths_are_sorted_and_others_stand_among_them() -> None:
    shelf = Shelf(TEXTS, ["0.json"], lambda path: ParsedFile(path, FileKind.JSON, "", TextMap(())))
    assert list(shelf) == ["0.json", "a.yaml", "b.yaml", "c.env"] and len(shelf) == 4
    assert "0.json" in shelf and "d.yaml" not in shelf
    assert shelf["0.json"].kind is FileKind.JSON


def test_what_is_not_there_is_not_asked_for() -> None:
    shelf = Shelf(TEXTS, [], lambda path: pytest.fail(path))
    with pytest.raises(KeyError):
        shelf["d.yaml"]


def test_holding_tells_by_the_bytes() -> None:
    assert Shelf(TEXTS).holding("kind") == ("b.yaml",)
    assert Shelf(TEXTS).holding("services", "kind") == ("a.yaml", "b.yaml")
    with pytest.raises(KeyError):
        Shelf(TEXTS).holding("chart")


def test_a_file_that_was_opened_on_demand_and_is_broken_is_told() -> None:
    broken = ParsedFile("0.json", FileKind.JSON, "", TextMap(()), problem="line 1: unexpected end")
    shelf = Shelf(TEXTS, ["0.json", "1.json"], lambda path: broken)
    assert shelf.opened_in_vain() == {}
    assert shelf["0.json"].problem
    assert shelf.opened_in_vain() == {"0.json": "line 1: unexpected end"}


def test_the_bytes_of_files_that_may_matter_are_at_hand_and_no_others() -> None:
    shelf = Shelf({"a.yaml": b"a: 1\n"}, ["b.yaml"], lambda path: read_file(path, b""))
    assert shelf.raw("a.yaml") == b"a: 1\n"
    assert shelf.raw("b.yaml") is None


def test_of_a_large_repository_only_so_many_trees_stand_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelf_module, "MOST_TEXT", 30)
    shelf = Shelf({"a.yaml": b"a: 1\n", "b.yaml": b"b: 2\n" * 8})
    first = shelf["a.yaml"]
    assert shelf["a.yaml"] is first
    assert shelf["b.yaml"] is shelf["b.yaml"]
    again = shelf["a.yaml"]
    assert again is not first and again.text == first.text


def test_what_could_not_be_read_is_told_though_its_tree_went(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelf_module, "MOST_TEXT", 0)
    shelf = Shelf(TEXTS, ["1.yaml"], lambda path: read_file(path, b"\0"))
    assert shelf["1.yaml"].problem and shelf["a.yaml"] and shelf["b.yaml"]
    assert list(shelf.opened_in_vain()) == ["1.yaml"]


def test_a_single_look_leaves_no_tree(monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(TEXTS)
    assert shelf.passing("a.yaml") is not shelf.passing("a.yaml")
    assert shelf.passing("a.yaml") is not shelf["a.yaml"]
    assert shelf.passing("a.yaml") is shelf["a.yaml"]


@pytest.mark.parametrize(
    "raw",
    [b"a: 1\n", b"\xef\xbb\xbfa: 1\r\n", b"\xffa", b"\xff\xfea\0", b"a\0", b"a: [\n", b""],
    ids=["plain", "BOM", "not UTF-8", "UTF-16", "NUL", "broken", "empty"],
)
def test_the_text_is_that_of_the_parsed_file(raw: bytes) -> None:
    shelf = Shelf({"a.yaml": raw})
    assert shelf.text("a.yaml") == read_file("a.yaml", raw).text == text_of(shelf, "a.yaml")
    assert text_of({"a.yaml": read_file("a.yaml", raw)}, "a.yaml") == shelf["a.yaml"].text


def test_a_word_may_be_spelled_by_an_escape() -> None:
    texts = {"a.yaml": b"kind: Job\n", "b.json": b'{"kind": "J\\u006fb"}', "c.yaml": b"kind: Pod\n"}
    shelf = Shelf(texts, ["d.yaml"])
    assert [path for path in shelf if shelf.may_say(path, ("Job",))] == ["a.yaml", "b.json"]
    assert shelf.holds("a.yaml", "kind") and not shelf.holds("d.yaml", "kind")
