"""The document as a whole: what gets out of a field, links, masks, the parts that appear."""

from __future__ import annotations

import base64
import hashlib
import itertools
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.flows.dossier import Dossier
from repoint.rules.catalog import ALL_RULES
from repoint.views.report import render
from repoint.views.report.page import prose, shown
from tests.unit.views.report.dossiers import NoFiles, dossier, poisoned, scanned
from tests.unit.views.report.reading import Document

CANARY = "canary-hunter2"
HOSTILE = [
    '"><script>zq()</script>',
    "' onload='zq()' x='",
    "</style><script>zq()</script>",
    "]]></svg><script>zq()</script>",
    "</script><img src=x onerror=zq()>",
    "\u202egnp.exe\u2066\u200f zq",
    "&lt;b&gt; & &amp; <b>zq</b>",
    "`zq` and ` another",
    "\x00\x01\x1b[31mzq\x7f",
    "{{ 7*7 }}{% raw %}zq",
    "--><!-- zq",
    "zq " * 90,
]


def page(value: Dossier) -> Document:
    return Document(render(value, NoFiles()))


BENIGN = {command: page(replace(dossier(), command=command)) for command in ("plan", "verify")}


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_of_a_repository_becomes_markup(text: str) -> None:
    _stays_inside(text)


# Halves of pairs come from no file: what is read is UTF-8.
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_no_text_at_all_becomes_markup(text: str) -> None:
    _stays_inside(text)


def _stays_inside(text: str) -> None:
    found = page(poisoned(dossier(), text))
    assert not found.problems
    known = BENIGN["plan"].shapes | {("code", ""), ("br", ""), ("details", ""), ("li", "class")}
    assert found.shapes <= known | {("details", "id"), ("summary", ""), ("ol", "start")}
    assert len(found.all("script")) == len(found.all("style")) == 1
    assert found.all("script")[0].text == BENIGN["plan"].all("script")[0].text
    _has_good_ids_and_links(found)


def _has_good_ids_and_links(found: Document) -> None:
    ids = [one.attributes["id"] for one in found.elements if "id" in one.attributes]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch(r"[a-z][a-z0-9-]*", name) for name in ids)
    for one in found.all("a"):
        href = one.attributes["href"]
        assert href.startswith("#") and href[1:] in ids, href
    for one in found.elements:
        for name in ("aria-labelledby", "aria-describedby"):
            assert set(one.attributes.get(name, "").split()) <= set(ids)


def test_text_is_shown_as_it_is_written() -> None:
    text = page(poisoned(dossier(), "a <b> & \"c\" 'd'")).text
    assert "a <b> & \"c\" 'd'" in text


def test_nothing_that_turns_the_direction_of_writing_gets_in() -> None:
    found = page(poisoned(dossier(), "a\u202eb\u2066c\x1bd"))
    assert not re.search("[\u202e\u2066\x1b]", found.html)
    assert "a\\u202eb\\u2066c\\u001bd" in found.text


@pytest.mark.parametrize(
    "text",
    [
        f"postgres://app:{CANARY}@db:5432/app",
        f"host=db password={CANARY}",
        f"PGPASSWORD={CANARY} psql",
        f"jdbc:postgresql://db/app?user=a&password={CANARY}",
    ],
)
def test_a_password_in_any_field_is_masked(text: str) -> None:
    html = render(poisoned(dossier(), text), NoFiles())
    assert "***" in html
    assert CANARY not in html


def test_a_password_is_masked_before_a_box_breaks_its_text_into_lines() -> None:
    name = "x" * 20 + f" postgres://app:{CANARY}@db:5432/app"
    html = render(poisoned(dossier(), name), NoFiles())
    assert "canary" not in html and "hunter2" not in html


def test_what_repoint_says_of_itself_is_shown_as_it_is() -> None:
    told = [rule for rule in ALL_RULES if shown(rule.remedy) != rule.remedy]
    assert told, "else nothing here shows that rules are not masked"
    for rule in told:
        finding = rule.finding("a finding", environment="local")
        value = dossier()
        assert value.plan is not None
        text = page(replace(value, plan=replace(value.plan, findings=(finding,)))).text
        assert text.count(rule.remedy.replace("`", "")) == 2, rule.code


def test_half_of_a_pair_which_no_file_can_hold_is_spelled_out() -> None:
    assert shown("a\ud800b") == prose("a\ud800b") == "a\\ud800b"


def test_the_policy_lets_in_this_style_and_this_script_alone() -> None:
    found = BENIGN["plan"]
    (policy,) = [
        one.attributes["content"]
        for one in found.all("meta")
        if one.attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    for tag, rule in (("style", "style-src"), ("script", "script-src")):
        (one,) = found.all(tag)
        digest = base64.b64encode(hashlib.sha256(one.text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    assert not [one for one in found.elements if "style" in one.attributes]
    assert not [name for one in found.elements for name in one.attributes if name.startswith("on")]


def test_nothing_is_loaded_from_anywhere() -> None:
    html = render(dossier(), NoFiles())
    addresses = set(re.findall(r"https?://[^\s\"'<]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(?:src|srcset|poster|action)=|@import|url\((?!#)", html)


def test_the_same_dossier_gives_the_same_bytes() -> None:
    assert render(dossier(30), NoFiles()) == render(dossier(30), NoFiles())


def test_each_part_appears_with_what_it_tells_of() -> None:
    parts = {
        "inventory": None,
        "plan": None,
        "status": None,
        "rehearsals": (),
        "benchmarks": (),
        "verification": None,
    }
    gone = {
        "plan": {"changes", "proof"},
        "rehearsals": {"rehearsal"},
        "benchmarks": {"benchmark"},
        "verification": {"verification"},
        "status": {"state", "ledger"},
    }
    whole = _sections(page(dossier()))
    for name, without in gone.items():
        found = page(replace(dossier(), **{name: parts[name]}))  # type: ignore[arg-type]
        assert whole - _sections(found) >= without, name
        assert not found.problems
        _has_good_ids_and_links(found)
    bare = page(Dossier("status"))
    assert _sections(bare) == {"summary", "about"}


def _sections(found: Document) -> set[str]:
    return {
        one.attributes["id"]
        for one in found.all("section")
        if one.parents[-1] == "main" and "id" in one.attributes
    }


def test_headings_come_in_their_order_and_every_table_is_named() -> None:
    for found in (page(dossier(30)), page(scanned()), page(scanned(0))):
        levels = [int(e.tag[1]) for e in found.elements if re.fullmatch("h[1-6]", e.tag)]
        assert levels.count(1) == 1
        assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
        captions = [e for e in found.elements if e.tag == "caption" and e.text.strip()]
        assert len(captions) == len(found.all("table"))
        assert all(e.attributes.get("scope") in ("row", "col") for e in found.all("th"))
        for one in found.all("svg"):
            assert (
                "aria-labelledby" in one.attributes
                or one.attributes.get("aria-hidden")
                or ("chart" in " ".join(one.attributes.values()))
            )


def test_no_consumer_is_no_trouble() -> None:
    for value in (dossier(0), scanned(0)):
        assert "No consumer of PostgreSQL was found here." in page(value).text


def test_what_a_person_must_do_comes_first_with_links_and_commands() -> None:
    text = page(dossier()).by_id("summary").text
    for told in (
        "mend or accept RP211: search_path is refused",
        "by hand values.enc:3, dsn: put host pg-pooler.app.svc.cluster.local",
        "stop deploy/overlay: 1 field would change without being planned",
        "review local: deploy/new.yaml:1: a patch of its own",
        "repoint rehearse --env local",
        "repoint rollback --env local --rollout",
        "1 gate passed by, with a reason",
    ):
        assert told in " ".join(text.split()), told


def test_prose_marks_code_between_backticks_and_leaves_a_lone_one() -> None:
    assert prose("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert prose("a ` b") == "a ` b"


def test_a_link_into_a_report_leads_to_the_same_in_the_next_one() -> None:
    first, second = page(dossier(5)), page(replace(dossier(9), commit="b" * 40))
    for kind in ("consumer-", "finding-", "edit-", "file-", "code-"):
        old = {e.attributes["id"] for e in first.elements if _is_a(e.attributes, kind)}
        new = {e.attributes["id"] for e in second.elements if _is_a(e.attributes, kind)}
        assert old and old <= new, kind


def _is_a(attributes: dict[str, str], kind: str) -> bool:
    return attributes.get("id", "").startswith(kind)
