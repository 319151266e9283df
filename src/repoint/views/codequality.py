"""Findings as GitLab's Code Quality report, which a merge request shows beside its changes.

Source:
    GitLab, "Code Quality", "Implement a custom tool": the keys that it reads of CodeClimate's JSON.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence

from repoint.dsn.mask import mask
from repoint.model.plan import Finding, Severity
from repoint.views.places import Places
from repoint.views.sarif import fingerprint
from repoint.views.visible import visible

_SEVERITIES = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.NOTE: "info"}


def report(findings: Sequence[Finding], places: Places) -> str:
    """One entry for each finding that nobody accepted and that has a place."""
    seen: Counter[str] = Counter()
    entries = []
    for one in findings:
        place = places.of(one)
        if one.accepted or place is None:
            continue
        entries.append(
            {
                "description": visible(mask(" ".join(f"{one.message}; {one.hint}".split()))),
                "check_name": one.code,
                "fingerprint": fingerprint(one, place, seen),
                "severity": _SEVERITIES[one.severity],
                "location": {"path": visible(place.path), "lines": {"begin": place.line or 1}},
            }
        )
    return json.dumps(entries, indent=2, ensure_ascii=False) + "\n"
