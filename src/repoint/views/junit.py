"""Checks as JUnit's XML, which CI systems show as tests: a suite for each environment.

A check that failed is a failure with both sides. One that is unknown, or does not apply, is
skipped with its reason, so that it is seen; but unknown never counts as pass, so each suite ends
with a case `verdict`, which is an error where the verdict is unknown.

Source:
    The schema of Jenkins' xUnit plugin (`junit-10.xsd`), which GitLab's reader agrees with.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from repoint.dsn.mask import mask
from repoint.model.plan import Finding
from repoint.model.rehearsal import Check, Control, Rehearsal, Verdict, worst
from repoint.model.verification import Soak, Verification
from repoint.views.visible import visible
from repoint.views.wording import finding_place

_NO_CHARACTER = re.compile("[\ufffe\uffff]")
"""What XML forbids beside what `visible` shows already."""


@dataclass(frozen=True, slots=True)
class Case:
    """One test: whose, what it asks, and how it came out. `took_s` is in seconds."""

    who: str
    name: str
    verdict: Verdict
    message: str = ""
    text: str = ""
    took_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Suite:
    """Cases under one name; `properties` are for whoever opens the report."""

    name: str
    cases: tuple[Case, ...]
    properties: tuple[tuple[str, str], ...] = ()


def rehearsal(value: Rehearsal) -> str:
    """A suite of checks for each environment, and one of its negative controls."""
    about = (("postgresql", value.postgres), ("pgbouncer", value.pgbouncer))
    notes = tuple(("not like production", note) for note in value.fidelity)
    suites = []
    for name in value.environments:
        rows = [one for one in value.consumers if one.environment == name]
        cases = [_case(one.id, check) for one in rows for check in one.checks]
        own = [one for one in value.controls if one.environment == name]
        cases.append(_verdict(name, worst(one.verdict for one in rows)))
        suites.append(Suite(f"rehearse {name}", tuple(cases), (*about, *notes)))
        suites.append(_controls(f"rehearse {name}: controls", name, own))
    return _document("repoint rehearse", suites)


def verification(value: Verification) -> str:
    """A suite of live connections, one of the environment, one of the controls and the soak."""
    name = value.environment
    rows = [_case(one.id, check) for one in value.consumers for check in one.checks]
    rows.append(_verdict(name, value.connections))
    about = (("context", value.context), ("way", value.way))
    limits = tuple(("not asked", limit) for limit in value.limits)
    suites = [
        Suite(f"verify {name}", tuple(rows), (*about, *limits)),
        Suite(f"verify {name}: environment", tuple(_case(name, one) for one in value.checks)),
        _controls(f"verify {name}: controls", name, value.controls),
    ]
    if value.soak is not None:
        suites.append(Suite(f"verify {name}: soak", tuple(_soak(name, value.soak))))
    return _document("repoint verify", suites)


def check(findings: Sequence[Finding], environments: Iterable[str] = ()) -> str:
    """A case for each finding, by environment: what blocks fails, the rest is told and passes."""
    names = dict.fromkeys((*environments, *(one.environment for one in findings)))
    suites = [
        Suite(
            f"check {name}".rstrip() if name else "check repository", tuple(_found(findings, name))
        )
        for name in names or [""]
    ]
    return _document("repoint check", suites)


def _found(findings: Sequence[Finding], environment: str) -> Iterator[Case]:
    own = [one for one in findings if one.environment == environment]
    seen: Counter[tuple[str, str]] = Counter()
    for one in own:
        where = finding_place(one)
        # Lines move, and a test is known by its name.
        name = f"{one.code} {one.location.path if one.location else ''}".strip()
        seen[one.consumer, name] += 1
        number = seen[one.consumer, name]
        name += f" ({number})" if number > 1 else ""
        text = "\n".join(part for part in (where, one.message, one.hint) if part)
        who = one.consumer or environment or "repository"
        if one.blocks:
            yield Case(who, name, Verdict.FAIL, one.message, text)
        else:
            word = f"accepted: {one.accepted}" if one.accepted else str(one.severity)
            yield Case(who, name, Verdict.PASS, "", f"{word}\n{text}")
    # What is no environment's own stands in the way of each.
    if not any(one.blocks for one in findings if one.environment in ("", environment)):
        yield Case(environment or "repository", "nothing stands in the way", Verdict.PASS)


def _case(who: str, one: Check) -> Case:
    facts = f"\nfacts: {', '.join(one.facts)}" if one.facts else ""
    text = f"expected: {one.expected}\nobserved: {one.observed}{facts}"
    return Case(who, one.id, one.verdict, one.observed, text, one.took_s)


def _verdict(name: str, verdict: Verdict) -> Case:
    message = "" if verdict is Verdict.PASS else f"the verdict on {name} is {verdict}"
    return Case(name, "verdict", verdict, message, message)


def _controls(name: str, environment: str, found: Sequence[Control]) -> Suite:
    """Controls, and that there is one: without any, nothing shows that a check could fail."""
    cases = [
        Case(
            *(one.consumer or environment, one.id, one.verdict, one.observed),
            text=f"expected: {one.expected}\nobserved: {one.observed}",
        )
        for one in found
    ]
    held = all(one.verdict in (Verdict.PASS, Verdict.SKIPPED) for one in found)
    proved = held and any(one.verdict is Verdict.PASS for one in found)
    cases.append(_verdict(environment, Verdict.PASS if proved else Verdict.UNKNOWN))
    return Suite(name, tuple(cases))


def _soak(environment: str, soak: Soak) -> Iterator[Case]:
    for pool in soak.pools:
        who = f"{pool.pooler} {pool.user}@{pool.database}"
        yield Case(who, "pool", pool.verdict, pool.observed, pool.observed)
    for one in soak.restarts:
        yield Case(one.consumer, "restarts", one.verdict, one.observed, one.observed)
    yield _verdict(environment, soak.verdict)


def _document(name: str, suites: Iterable[Suite]) -> str:
    root = ElementTree.Element("testsuites", {"name": name})
    for suite in suites:
        _suite(root, suite)
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    body = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def _suite(root: ElementTree.Element, suite: Suite) -> None:
    element = ElementTree.SubElement(root, "testsuite", {"name": _text(suite.name)})
    if suite.properties:
        under = ElementTree.SubElement(element, "properties")
        for name, value in suite.properties:
            ElementTree.SubElement(under, "property", {"name": name, "value": _text(value)})
    made = [_element(element, suite.name, case) for case in suite.cases]
    for key, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        element.set(key, str(sum(case.find(tag) is not None for case in made)))
    element.set("tests", str(len(made)))
    element.set("time", _seconds(sum(case.took_s for case in suite.cases)))


def _element(suite: ElementTree.Element, name: str, case: Case) -> ElementTree.Element:
    told = {"classname": _text(f"{name}.{case.who}"), "name": _text(case.name)}
    element = ElementTree.SubElement(suite, "testcase", {**told, "time": _seconds(case.took_s)})
    tag, message = _outcome(case)
    if tag:
        attributes = {"message": _text(message)}
        if tag != "skipped":
            attributes["type"] = str(case.verdict)
        ElementTree.SubElement(element, tag, attributes).text = _text(case.text)
    elif case.text:
        ElementTree.SubElement(element, "system-out").text = _text(case.text)
    return element


def _outcome(case: Case) -> tuple[str, str]:
    """The element that tells how a case came out, and its message; empty when it passed."""
    if case.verdict is Verdict.FAIL:
        return "failure", case.message
    if case.verdict is Verdict.UNKNOWN and case.name == "verdict":
        return "error", case.message
    if case.verdict is Verdict.UNKNOWN:
        return "skipped", f"unknown: {case.message}"
    if case.verdict is Verdict.SKIPPED:
        return "skipped", f"does not apply: {case.message}"
    return "", ""


def _seconds(took_s: float) -> str:
    return f"{took_s:.3f}"


def _text(text: str) -> str:
    return _NO_CHARACTER.sub(lambda found: f"\\u{ord(found[0]):04x}", visible(mask(text)))
