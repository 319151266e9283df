"""One spelling for what versions spell in their own way, and no less than that."""

from __future__ import annotations

import pytest

from repoint.comparison.normal import normal, unquoted

VIEW = "views"


def view(text: str, majors: tuple[int, int] = (15, 18)) -> str:
    return normal({"v": {"definition": text}}, VIEW, majors)["v"]["definition"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            " SELECT t.a,\n    t.b\n   FROM s.t\n  WHERE (t.a > 1);",
            " SELECT a,\n    b\n   FROM s.t\n  WHERE (a > 1);",
        ),
        ("SELECT s.json FROM s", 'SELECT "json" FROM s'),
        ('SELECT s."from" FROM "Odd".s', 'SELECT "from" FROM "Odd".s'),
        ("SELECT 'a.b' FROM s.t", "SELECT 'a.b' FROM s.t"),
    ],
)
def test_the_same_view_of_two_versions_is_spelled_alike(old: str, new: str) -> None:
    assert view(old) == view(new)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("SELECT t.a FROM t", "SELECT b FROM t"),
        ("SELECT 'a.b' FROM t", "SELECT 'b' FROM t"),
        ("SELECT 'it''s a.b'::text FROM t", "SELECT 'it''s b'::text FROM t"),
        ('SELECT "A" FROM t', "SELECT a FROM t"),
        ("SELECT '\"a\"' FROM t", "SELECT 'a' FROM t"),
        ("SELECT 1.5 FROM t", "SELECT 5 FROM t"),
    ],
)
def test_other_views_stay_other(one: str, other: str) -> None:
    assert view(one) != view(other)


def test_within_one_version_texts_are_taken_to_the_letter() -> None:
    assert view("SELECT t.a FROM t", (18, 18)) == "SELECT t.a FROM t"
    assert view("SELECT t.a FROM t", (16, 18)) == "SELECT t.a FROM t"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('"json"', "json"),
        ('"Json"', '"Json"'),
        ("'\"json\"'", "'\"json\"'"),
        ('x = "user" AND y', "x = user AND y"),
        ("E'\\'\"a\"'", "E'\\'\"a\"'"),
    ],
)
def test_quotes_of_keywords_go_and_others_stay(text: str, shown: str) -> None:
    assert unquoted(text) == shown


def test_MAINTAIN_is_left_out_where_one_side_has_none() -> None:
    grants = {
        "table t to a": {"privileges": "DELETE, MAINTAIN, SELECT"},
        "table u to a": {"privileges": "MAINTAIN WITH GRANT OPTION"},
    }

    assert normal(grants, "grants", (15, 18)) == {"table t to a": {"privileges": "DELETE, SELECT"}}
    assert normal(grants, "grants", (17, 18))["table u to a"] == grants["table u to a"]


@pytest.mark.parametrize(("zone", "alike"), [("Etc/UTC", True), ("GMT", True), ("CET", False)])
def test_the_names_of_UTC_are_one(zone: str, alike: bool) -> None:
    utc = normal({"TimeZone": {"value": "UTC"}}, "database", (15, 18))

    assert (normal({"TimeZone": {"value": zone}}, "database", (15, 18)) == utc) is alike
