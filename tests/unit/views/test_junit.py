"""JUnit's XML against the schema of Jenkins: suites, cases, and unknown that never passes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st

from repoint.model.plan import Finding, Severity
from repoint.model.rehearsal import Check, Control, Rehearsal, Verdict
from repoint.model.verification import Verification
from repoint.views import junit
from tests.cli import samples
from tests.unit.views.test_rehearsal import JOB, VALUE, WEB
from tests.unit.views.test_verification import MADE, SOAK, with_checks

URL = "postgresql://app:canary-1@old.svc:5432/app"


@cache
def schema() -> xmlschema.XMLSchema:
    return xmlschema.XMLSchema(str(Path(__file__).parents[2] / "schemas" / "junit-10.xsd"))


def read(text: str) -> ElementTree.Element:
    schema().validate(text)
    root = ElementTree.fromstring(text)
    for suite in root:
        for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            assert int(suite.get(key, "")) == len(suite.findall(f"testcase/{tag}"))
        assert int(suite.get("tests", "")) == len(suite.findall("testcase"))
    for key in ("tests", "failures", "errors"):
        assert int(root.get(key, "")) == sum(int(suite.get(key, "")) for suite in root)
    return root


def outcomes(root: ElementTree.Element) -> dict[str, str]:
    return {
        f"{case.get('classname')} {case.get('name')}": (
            ",".join(f"{one.tag} {one.get('message', '')}".strip() for one in case)
        )
        for case in root.iter("testcase")
    }


def test_a_rehearsal_has_a_suite_for_checks_and_one_for_controls() -> None:
    root = read(junit.rehearsal(VALUE))
    assert [suite.get("name") for suite in root] == ["rehearse local", "rehearse local: controls"]
    assert outcomes(root) == {
        "rehearse local.Deployment/shop/web/web login": "system-out",
        "rehearse local.Deployment/shop/web/web listen": (
            "skipped does not apply: it does none of this"
        ),
        "rehearse local.Deployment/shop/web/web isolation": "failure public in one of them",
        "rehearse local.Job/shop/migrate login": "skipped unknown: it is sealed",
        "rehearse local.local verdict": "failure the verdict on local is fail",
        "rehearse local: controls.Deployment/shop/web/web leak": "system-out",
        "rehearse local: controls.local verdict": "",
    }
    failure = root.find(".//failure")
    assert failure is not None
    assert failure.text == (
        "expected: shop in every turn\nobserved: public in one of them\nfacts: SP6"
    )
    told = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert told["postgresql"] == "18.4"
    assert told["not like production"] == "PgBouncer 1.24.1 ran, Pooler `pooler` has 1.25.1"


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        (replace(VALUE, consumers=(JOB,)), 1),
        (replace(VALUE, consumers=()), 1),
        (replace(VALUE, consumers=(replace(WEB, checks=WEB.checks[:1]),)), 0),
        (replace(VALUE, consumers=(replace(WEB, checks=WEB.checks[:1]),), controls=()), 1),
    ],
)
def test_unknown_never_passes(value: Rehearsal, errors: int) -> None:
    root = read(junit.rehearsal(value))
    assert root.get("errors") == str(errors)
    assert (value.verdict is Verdict.PASS) is (errors == 0)


def test_a_control_that_did_not_hold_is_no_pass() -> None:
    lost = Control("leak", "local", WEB.id, Verdict.UNKNOWN, "it leaks", "no answer")
    root = read(junit.rehearsal(replace(VALUE, consumers=(), controls=(*VALUE.controls, lost))))
    assert outcomes(root)["rehearse local: controls.local verdict"].startswith("error")


@pytest.mark.parametrize(
    "value",
    [MADE, replace(MADE, soak=SOAK), with_checks(Check("login", Verdict.FAIL, "a", "b"))],
)
def test_a_verification_is_valid_and_red_when_it_failed(value: Verification) -> None:
    root = read(junit.verification(value))
    assert (value.verdict is Verdict.FAIL) is (root.get("failures") != "0")
    names = [str(suite.get("name")) for suite in root]
    assert ("verify local: soak" in names) is (value.soak is not None)


def test_a_check_fails_for_what_blocks_and_tells_the_rest() -> None:
    root = read(junit.check(samples.findings(), ("local",)))
    assert (root.get("tests"), root.get("failures")) == ("4", "1")
    shown = outcomes(root)
    assert shown[f"check local.local RP211 {samples.SECRET}"] == "failure `search_path` | refused"
    twice = outcomes(read(junit.check([*samples.findings()] * 2)))
    assert f"check local.local RP211 {samples.SECRET} (2)" in twice
    assert "accepted: a test password" in "".join(root.itertext())
    clean = read(junit.check((), ("local", "staging")))
    assert [suite.get("failures") for suite in clean] == ["0", "0"]
    assert len(read(junit.check(()))) == 1


@given(st.text(st.characters(), max_size=20), st.text(st.characters(), max_size=20))
def test_any_text_is_valid_xml(name: str, text: str) -> None:
    odd = replace(
        WEB, id=f"{name}\0\x1b]]>", checks=(Check(name, Verdict.FAIL, text, f"{URL} {text}"),)
    )
    shown = junit.rehearsal(replace(VALUE, consumers=(odd,), fidelity=(text, "\ufffe\ud800")))
    read(shown)
    assert "canary-" not in shown


def test_no_environment_is_clear_of_what_is_no_environments_own() -> None:
    shared = Finding("RP110", Severity.ERROR, "it names the source", "mend it")
    told = outcomes(read(junit.check([shared], ["dev", "prod"])))
    assert list(told) == ["check repository.repository RP110"]
    alone = outcomes(read(junit.check([replace(shared, environment="dev")], ["dev", "prod"])))
    assert "check prod.prod nothing stands in the way" in alone
    assert "check dev.dev nothing stands in the way" not in alone
