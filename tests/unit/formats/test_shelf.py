"""Files that are parsed when they are first asked for."""

from __future__ import annotations

import pytest

from repoint.formats.base import FileKind, ParsedFile, TextMap
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf

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
