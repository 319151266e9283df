"""Calls of libraries that keep session state without any SQL of the program's own.

The calls are data: `data/calls.toml`, read the first time a program is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from repoint.rules.facts import Hazard, HazardKind
from repoint.rules.sent import Fate, Sent, fate, is_setting
from repoint.rules.source_text import Source
from repoint.rules.tables import table

_QUOTED = re.compile(r"[\"'](?P<name>[a-z_]+(?:\.\w+)?)[\"']\s*(?::|=>|,)")
_KEY = re.compile(r"[\"']?\b(?P<name>[a-z_]+)\b[\"']?\s*:")
_OPTION = re.compile(r"-c\s*(?P<name>[A-Za-z_][\w.]*)\s*=")


class Call(NamedTuple):
    """An entry of the data file; its comments tell the fields."""

    languages: tuple[str, ...]
    pattern: re.Pattern[str]
    needs: re.Pattern[str] | None
    kind: HazardKind
    subject: str
    says: str
    row: str


@lru_cache(maxsize=1)
def known_calls() -> tuple[Call, ...]:
    """Every call of the data file, in its order."""
    data = table("calls.toml")
    return tuple(
        Call(
            languages=tuple(entry["languages"]),
            pattern=re.compile(entry["pattern"], re.DOTALL),
            needs=re.compile(entry["needs"]) if "needs" in entry else None,
            kind=HazardKind(entry["kind"]),
            subject=entry.get("subject", ""),
            says=entry.get("says", ""),
            row=entry["row"],
        )
        for entry in data["call"]
    )


def calls(path: str, source: Source, language: str, home: str) -> Iterator[Hazard]:
    """Evidence in a program's code: calls that keep session state, or make it right."""
    text = source.uncommented
    for call in known_calls():
        if language not in call.languages or (call.needs and not call.needs.search(text)):
            continue
        for match in call.pattern.finditer(text):
            if not match.group().startswith(("'", '"')) and _in_string(source, match):
                continue
            line = text.count("\n", 0, match.start()) + 1
            for subject in _subjects(call, match):
                message = call.says or f"it asks for `{subject}` when it connects"
                yield Hazard(call.kind, path, line, message, home, subject)


def _in_string(source: Source, match: re.Match[str]) -> bool:
    """Whether a match starts inside a string, where it is no code."""
    start = match.start()
    return source.code[start] != source.uncommented[start]


def _subjects(call: Call, match: re.Match[str]) -> list[str]:
    """The settings that a call names; those that PostgreSQL does not know are no evidence."""
    if call.kind is not HazardKind.STARTUP_SETTING:
        return [call.subject]
    groups = match.groupdict()
    options = groups.get("options")
    if options is not None:
        found = (m["name"] for m in _OPTION.finditer(options))
        return [f"options=-c {name}" for name in found if not _kept(name)]
    names = [groups["name"]] if groups.get("name") else []
    names += [m["name"] for m in _QUOTED.finditer(groups.get("names") or "")]
    names += [m["name"] for m in _KEY.finditer(groups.get("keys") or "")]
    if not groups:
        names.append(call.subject)
    prefix = "options=-c " if call.subject == "options" else ""
    return [prefix + name for name in names if is_setting(name) and not _kept(name)]


def _kept(name: str) -> bool:
    """Whether PgBouncer keeps the setting apart by itself (SP12)."""
    return fate(Sent(name, name), None, 0) is Fate.WORKS
