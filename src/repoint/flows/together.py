"""Findings of one cause, told once: a shared manifest, or a value that many consumers read.

They are put together after it is known which of them are accepted, so that an acceptance for one
environment or consumer still takes that one out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from repoint.model.plan import Finding, Severity
from repoint.rules import routing

_MOST_NAMED = 3
_BY_PLACE = frozenset({routing.NAMES_SOURCE.code, routing.MIGRATION_POOLED.code})
"""Rules of which one place is one cause, whoever reads it; their messages name the reader."""


def together(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """One finding for each cause, in the place of the first; the others are named in it.

    Notes and warnings that say the same of one place in several environments become one, and so
    do the findings on one value that several consumers read. Of several environments, such a one
    is none's own: no other environment may seem to have nothing in its way.
    """
    groups: dict[tuple[object, ...], list[Finding]] = {}
    for number, finding in enumerate(findings):
        groups.setdefault(_cause(finding) or (number,), []).append(finding)
    return tuple(_one(group) for group in groups.values())


def _cause(finding: Finding) -> tuple[object, ...] | None:
    """What a finding shares with those of its cause; None where it stands for itself."""
    common = finding.code, finding.severity, finding.hint, finding.location, finding.accepted
    if finding.location is None:
        return None
    if finding.code in _BY_PLACE:
        return common
    if finding.severity is Severity.ERROR or not finding.environment:
        return None
    return (*common, finding.message, finding.consumer)


def _one(group: list[Finding]) -> Finding:
    first, others = group[0], group[1:]
    if not others:
        return first
    consumers = list(dict.fromkeys(one.consumer for one in others if one.consumer))
    if first.code in _BY_PLACE and consumers:
        shared = any(one.environment != first.environment for one in others)
        return replace(
            first,
            message=f"{first.message} (and {_listed(consumers)})",
            environment="" if shared else first.environment,
        )
    known = dict.fromkeys(one.environment for one in group)
    elsewhere = ", ".join(name for name in known if name != first.environment)
    return replace(first, message=f"{first.message} (also in {elsewhere})") if elsewhere else first


def _listed(names: list[str]) -> str:
    more = "" if len(names) <= _MOST_NAMED else ", .."
    return f"{len(names)} more: {', '.join(names[:_MOST_NAMED])}{more}"
