"""Every code is unique, explained, published and has a remedy."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.errors import RepointError, UsageError
from repoint.model.plan import Severity
from repoint.rules import catalog

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs/reference/rules"


def test_codes_are_unique_across_rules_and_errors() -> None:
    codes = [rule.code for rule in catalog.ALL_RULES]
    codes += [error.code for error in catalog.all_errors()]
    assert sorted(codes) == sorted(set(codes))
    assert all(re.fullmatch(r"RP\d{3}", code) for code in codes)


@pytest.mark.parametrize("rule", catalog.ALL_RULES, ids=lambda rule: rule.code)
def test_a_rule_has_a_title_a_reason_a_remedy_and_evidence(rule: catalog.Rule) -> None:
    assert rule.title and not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.remedy and not rule.remedy.endswith(".")
    assert rule.evidence
    assert rule.finding("it is so").hint == rule.remedy


@pytest.mark.parametrize("error", catalog.all_errors(), ids=lambda error: error.code)
def test_an_error_has_a_hint_and_an_explanation(error: type[RepointError]) -> None:
    assert error.default_hint
    assert error.default_hint in catalog.explain(error.code)


def test_every_error_of_the_package_is_covered() -> None:
    todo, seen = [RepointError], set()
    while todo:
        error = todo.pop()
        seen.add(error)
        todo.extend(error.__subclasses__())
    ours = {error for error in seen if error.__module__ == "repoint.errors"}
    assert set(catalog.all_errors()) == ours


def test_every_row_that_a_rule_cites_is_published() -> None:
    facts = (ROOT / "docs/explanation/facts.md").read_text()
    rows = (ROOT / "docs/explanation/conformance.md").read_text()
    for rule in catalog.ALL_RULES:
        for cited in rule.evidence:
            for row in re.split("-(?=[A-Z])", cited):
                assert f"| {row} |" in facts + rows, f"{rule.code} cites {row}"


def test_every_row_of_the_conformance_table_is_held_by_a_test() -> None:
    """By name, `test_row_x7_...`, or by what a test or its case is said to be about: `X7: ...`."""
    table = (ROOT / "docs/explanation/conformance.md").read_text()
    rows = set(re.findall(r"^\| ([A-Z]\d*|\d\.\d) \|", table, re.MULTILINE))
    held: set[str] = set()
    for path in (ROOT / "tests").rglob("test_*.py"):
        for said in _said(ast.parse(path.read_text("utf-8"))):
            held |= {row for row in rows if re.search(rf"(?:^|\(| ){row}(?:[:,)]| and |$)", said)}
            named = re.match("test_row_((?:[a-z][0-9]*_|[0-9]_)+)", said)
            parts = named.group(1).upper() if named else ""
            held |= {row for row in rows if f"_{row.replace('.', '_')}_" in f"_{parts}"}
    assert rows >= {"P1", "1.1", "E", "X17"}
    assert rows - held == set()


def _said(tree: ast.Module) -> Iterator[str]:
    """Names of functions, first lines of docstrings, and ids of cases."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef):
            yield (ast.get_docstring(node) or "").partition("\n")[0].rstrip(".")
        if isinstance(node, ast.FunctionDef):
            yield node.name
        if isinstance(node, ast.keyword) and node.arg in ("id", "ids"):
            yield from (str(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant))


@pytest.mark.parametrize("code", sorted(catalog.pages()))
def test_the_published_page_is_the_current_one(code: str) -> None:
    assert (PAGES / f"{code}.md").read_text() == catalog.explain(code)


def test_a_code_is_found_in_any_case() -> None:
    assert catalog.find(" rp211 ").code == "RP211"


@pytest.mark.parametrize(
    ("code", "hint"),
    [
        pytest.param("RP220", "did you mean", id="near"),
        pytest.param("postgres://u:canary-1@pg", "`repoint explain` lists", id="no code at all"),
    ],
)
def test_an_unknown_code_is_an_error_with_a_hint(code: str, hint: str) -> None:
    for ask in (catalog.find, catalog.explain):
        with pytest.raises(UsageError) as raised:
            ask(code)
        assert raised.value.hints[0].startswith(hint)
        assert "canary" not in str(raised.value)


def test_what_stops_a_plan_is_decided_on_purpose() -> None:
    errors = {rule.code for rule in catalog.ALL_RULES if rule.severity is Severity.ERROR}
    notes = {rule.code for rule in catalog.ALL_RULES if rule.severity is Severity.NOTE}
    assert notes == {
        "RP140",
        "RP271",
        "RP278",
        "RP281",
        "RP283",
        "RP285",
        "RP286",
        "RP296",
        "RP297",
    }
    assert errors == {
        "RP101",
        "RP107",
        "RP110",
        "RP111",
        "RP112",
        "RP120",
        "RP201",
        "RP202",
        "RP203",
        "RP204",
        "RP206",
        "RP207",
        "RP208",
        "RP209",
        "RP210",
        "RP211",
        "RP212",
        "RP213",
        "RP214",
        "RP216",
        "RP218",
        "RP221",
        "RP222",
        "RP223",
        "RP224",
        "RP225",
        "RP226",
        "RP227",
        "RP228",
        "RP231",
        "RP232",
        "RP234",
        "RP236",
        "RP238",
        "RP239",
        "RP241",
        "RP242",
        "RP243",
        "RP251",
        "RP272",
        "RP273",
        "RP274",
        "RP276",
        "RP284",
        "RP290",
        "RP293",
        "RP295",
        "RP301",
        "RP302",
    }
