"""Findings as SARIF 2.1.0, for code scanning: the rule, the place, and what stays the same.

The document holds no text of any file, no time and no path of this machine, so that the same tree
gives the same bytes. A fingerprint is made of the rule, the file, the environment, the consumer and
the message, not of the line: a finding keeps it when lines are added above. It is not made of the
line's text either, since a digest of a short password can be guessed.

Source:
    OASIS SARIF 2.1.0; GitHub, "SARIF support for code scanning" (limits, required properties).
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from repoint import __version__
from repoint.dsn.mask import mask
from repoint.model.plan import Finding, Plan
from repoint.planning.inventory import Inventory
from repoint.rules.catalog import ALL_RULES
from repoint.rules.rule import Rule
from repoint.views.machine import encode
from repoint.views.markup import EVERYTHING, Scope
from repoint.views.places import Place, Places
from repoint.views.visible import visible

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
MOST_RESULTS = 25_000
"""Results of one run that GitHub takes."""
FINGERPRINT = "repointFinding/v1"
_ROOT = "%SRCROOT%"
_UNREAD = frozenset({"RP311", "RP312", "RP313"})
_NUMBER = re.compile(r"\bline \d+")
Json = dict[str, object]


def scan(
    inventory: Inventory, places: Places, scope: Scope = EVERYTHING, *, pages: str = ""
) -> str:
    """The findings of a scan, and what could not be read as notifications."""
    unread = [
        _notification(f"{one.path}: {one.reason}", "warning", places.file(one.path))
        for one in inventory.unreadable
    ]
    return _log("scan", inventory.findings, unread, places, scope, pages)


def plan(value: Plan, places: Places, scope: Scope = EVERYTHING, *, pages: str = "") -> str:
    """The findings of a plan; what was not read and proofs that failed as notifications."""
    told = [_notification(text, "warning") for text in value.unreadable]
    told += [
        _notification(f"overlay {proof.overlay}: a field would change unplanned: {field}", "error")
        for proof in value.proofs
        for field in proof.unexplained
    ]
    return _log("plan", value.findings, told, places, scope, pages)


def check(
    findings: Sequence[Finding], places: Places, scope: Scope = EVERYTHING, *, pages: str = ""
) -> str:
    """The findings of a check; those that tell of something unread as notifications, too."""
    unread = [
        _notification(one.message, "warning", places.of(one))
        for one in findings
        if one.code in _UNREAD
    ]
    return _log("check", findings, unread, places, scope, pages)


def _log(
    verb: str,
    findings: Sequence[Finding],
    told: Sequence[Json],
    places: Places,
    scope: Scope,
    pages: str,
) -> str:
    """One run; `pages` is the address of the folder with the rules' pages, empty for none."""
    shown = findings[:MOST_RESULTS]
    left = len(findings) - len(shown)
    if left:
        most = f"{left} findings are left out: a run holds {MOST_RESULTS}"
        told = [*told, _notification(most, "warning")]
    used = {finding.code for finding in shown}
    rules = sorted((rule for rule in ALL_RULES if rule.code in used), key=lambda rule: rule.code)
    numbers = {rule.code: number for number, rule in enumerate(rules)}
    seen: Counter[str] = Counter()
    run: Json = {
        "tool": {"driver": _driver(rules, pages)},
        "automationDetails": {"id": f"{'/'.join(('repoint', verb, *scope.words))}/"},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {_ROOT: {"description": {"text": "the top of the work tree"}}},
        "invocations": [{"executionSuccessful": True, "toolExecutionNotifications": list(told)}],
        "results": [_result(one, numbers, places, seen) for one in shown],
    }
    return encode({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _driver(rules: Iterable[Rule], pages: str) -> Json:
    return {
        "name": "repoint",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(rule, pages) for rule in rules],
    }


def _rule(rule: Rule, pages: str) -> Json:
    name = "".join(word.capitalize() for word in re.findall(r"[A-Za-z0-9]+", rule.title))
    problem = {"error": "error", "warning": "warning", "note": "recommendation"}[rule.severity]
    return {
        "id": rule.code,
        "name": name,
        "shortDescription": {"text": rule.title},
        "fullDescription": {"text": rule.why},
        "help": {"text": f"{rule.why}\n\nRemedy: {rule.remedy}", "markdown": rule.page()},
        **({"helpUri": f"{pages.rstrip('/')}/{rule.code}.md"} if pages else {}),
        "defaultConfiguration": {"level": str(rule.severity)},
        "properties": {
            "tags": ["postgresql", "kubernetes"],
            "precision": "high",
            "problem.severity": problem,
        },
    }


def _result(finding: Finding, numbers: dict[str, int], places: Places, seen: Counter[str]) -> Json:
    place = places.of(finding)
    logical = "/".join(part for part in (finding.environment, finding.consumer) if part)
    where: Json = {"physicalLocation": _physical(place)} if place else {}
    if logical:
        where["logicalLocations"] = [{"fullyQualifiedName": _text(logical), "kind": "resource"}]
    index = numbers.get(finding.code)
    result: Json = {
        "ruleId": finding.code,
        **({} if index is None else {"ruleIndex": index}),
        "level": str(finding.severity),
        "message": {"text": _text(f"{finding.message}\n{finding.hint}".strip())},
        "locations": [where] if where else [],
        "partialFingerprints": {FINGERPRINT: fingerprint(finding, place, seen)},
    }
    if finding.accepted:
        result["suppressions"] = [
            {"kind": "external", "status": "accepted", "justification": _text(finding.accepted)}
        ]
    return result


def _physical(place: Place) -> Json:
    uri = quote(place.path.encode(errors="surrogateescape"), safe="/-._~")
    artifact = {"uri": uri, "uriBaseId": _ROOT}
    if not place.line:
        return {"artifactLocation": artifact}
    region: Json = {"startLine": place.line}
    if place.end:
        region |= {"startColumn": place.column, "endLine": place.line, "endColumn": place.end}
    return {"artifactLocation": artifact, "region": region}


def fingerprint(finding: Finding, place: Place | None, seen: Counter[str]) -> str:
    """A digest that does not move with lines; equal findings of one file are numbered in `seen`."""
    parts = (
        finding.code,
        place.path if place else "",
        finding.environment,
        finding.consumer,
        _NUMBER.sub("line", mask(finding.message)),
    )
    made = hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]
    seen[made] += 1
    return f"{made}:{seen[made]}"


def _notification(text: str, level: str, place: Place | None = None) -> Json:
    told: Json = {"level": level, "message": {"text": _text(text)}}
    if place is not None:
        told["locations"] = [{"physicalLocation": _physical(place)}]
    return told


def _text(text: str) -> str:
    return visible(mask(text))
