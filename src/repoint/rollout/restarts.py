"""Who restarts a workload when what it reads has changed.

A template that changes by itself (a checksum annotation, a generated name with a hash) needs
nobody: its own apply is the restart. Reloader restarts what is annotated for it. All others
repoint restarts, also those that mount a file: a file that changes under a program is not
assumed to be read again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from repoint.model.cluster import Document
from repoint.rollout.inputs import Input
from repoint.rollout.names import INPUTS
from repoint.rollout.objects import marks_of, template_of

_AUTO = {
    "Secret": ("reloader.stakater.com/auto", "secret.reloader.stakater.com/auto"),
    "ConfigMap": ("reloader.stakater.com/auto", "configmap.reloader.stakater.com/auto"),
}
_NAMED = {
    "Secret": "secret.reloader.stakater.com/reload",
    "ConfigMap": "configmap.reloader.stakater.com/reload",
}
_EXCLUDED = {
    "Secret": "secrets.exclude.reloader.stakater.com/reload",
    "ConfigMap": "configmaps.exclude.reloader.stakater.com/reload",
}
_SEARCH = "reloader.stakater.com/search"
_MATCH = "reloader.stakater.com/match"
_IGNORED = "reloader.stakater.com/ignore"


class Restart(StrEnum):
    """How a workload gets what changed."""

    NONE = "none"
    """Nothing that it reads has changed since its pods were made."""
    BY_APPLY = "by its own change"
    """Its template changes anyway."""
    BY_RELOADER = "by Reloader"
    BY_REPOINT = "by repoint"


@dataclass(frozen=True, slots=True)
class Decision:
    """How a workload restarts, and the mark its template gets (empty: none)."""

    restart: Restart
    mark: str = ""


def decide(
    live: Document | None,
    *,
    digest: str,
    template_changes: bool,
    reloaded: bool,
) -> Decision:
    """What a workload needs.

    Args:
        live: The workload as it is; None when it is not there.
        digest: Of the tokens of what it reads (see `inputs_digest`).
        template_changes: Its pod template changes by the apply, marks aside.
        reloaded: Reloader restarts it for everything that changed (see `by_reloader`).
    """
    on_template = str(marks_of(template_of(live or {})).get(INPUTS, ""))
    on_workload = str(marks_of(live).get(INPUTS, ""))
    if live is None:
        return Decision(Restart.BY_APPLY, digest)
    if not digest or digest in (on_template, on_workload):
        # A mark is never taken away: that would be a restart of its own.
        return Decision(Restart.BY_APPLY if template_changes else Restart.NONE, on_template)
    if template_changes:
        return Decision(Restart.BY_APPLY, digest)
    if reloaded:
        return Decision(Restart.BY_RELOADER, on_template)
    return Decision(Restart.BY_REPOINT, digest)


def by_reloader(
    workload: Document, inputs: Iterable[Input], objects: Mapping[tuple[str, str], Document]
) -> bool:
    """Whether Reloader is told to restart the workload for each of `inputs`.

    `objects` are the Secrets and ConfigMaps of its namespace by kind and name: they may say
    `match` or `ignore`.
    """
    marks = {**marks_of(template_of(workload)), **marks_of(workload)}
    wanted = tuple(inputs)
    return bool(wanted) and all(
        _reloads(marks, one, marks_of(objects.get((one.kind, one.name)))) for one in wanted
    )


def _reloads(marks: Mapping[str, Any], one: Input, its_own: Mapping[str, Any]) -> bool:
    if _true(its_own, _IGNORED) or _true(marks, _IGNORED):
        return False
    if one.name in _names(marks, _EXCLUDED[one.kind]):
        return False
    if any(_says_no(marks, key) for key in _AUTO[one.kind]):
        return False
    if any(_true(marks, key) for key in _AUTO[one.kind]):
        return True
    if any(re.fullmatch(name, one.name) for name in _patterns(marks, _NAMED[one.kind])):
        return True
    return _true(marks, _SEARCH) and _true(its_own, _MATCH)


def _patterns(marks: Mapping[str, Any], key: str) -> list[str]:
    """Names that Reloader takes for regular expressions; a broken one is a name."""
    found = []
    for name in _names(marks, key):
        try:
            re.compile(name)
        except re.error:
            found.append(re.escape(name))
        else:
            found.append(name)
    return found


def _names(marks: Mapping[str, Any], key: str) -> list[str]:
    return [name.strip() for name in str(marks.get(key, "")).split(",") if name.strip()]


def _true(marks: Mapping[str, Any], key: str) -> bool:
    return str(marks.get(key, "")).lower() == "true"


def _says_no(marks: Mapping[str, Any], key: str) -> bool:
    return str(marks.get(key, "")).lower() == "false"
