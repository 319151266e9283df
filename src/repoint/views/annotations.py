"""Findings as GitHub's workflow commands, which mark lines in a pull request.

They need no right and no upload. GitHub shows ten errors and ten warnings of a step, and no more.

Source:
    GitHub, "Workflow commands"; actions/toolkit, `packages/core/src/command.ts` (escaping).
"""

from __future__ import annotations

from collections.abc import Sequence

from repoint.dsn.mask import mask
from repoint.model.plan import Finding, Severity
from repoint.views.places import Places
from repoint.views.visible import visible

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def commands(findings: Sequence[Finding], places: Places) -> str:
    """One line for each finding that nobody accepted."""
    return "".join(_line(one, places) for one in findings if not one.accepted)


def _line(finding: Finding, places: Places) -> str:
    place = places.of(finding)
    properties = {"title": f"{finding.code} {finding.environment}".strip()}
    if place is not None:
        properties["file"] = place.path
    if place is not None and place.line:
        properties["line"] = str(place.line)
    if place is not None and place.end:
        # GitHub's `endColumn` is the last column, not the one after.
        properties |= {"col": str(place.column), "endColumn": str(place.end - 1)}
    told = ",".join(f"{name}={_property(text)}" for name, text in properties.items())
    data = _data("\n".join((finding.message, finding.hint)))
    return f"::{_COMMANDS[finding.severity]} {told}::{data}\n"


def _data(text: str) -> str:
    """Text of a command: what would end its line is written as GitHub reads it."""
    shown = visible(mask(text.strip()))
    return shown.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
