"""One spelling for what the major versions of PostgreSQL spell in their own way (DC2 to DC4)."""

from __future__ import annotations

import re

from repoint.comparison.model import Objects

# Each begins where nothing like it goes before, and none is tried twice: time grows as texts do.
_STRING = r"E?'(?:[^'\\]|''|\\(?s:.))*+(?:'|\\?\Z)"
_NAME = r'(?:(?<!")"(?:[^"]|"")++"|(?<![\w$])[^\W\d][\w$]*+)'
_QUOTED = re.compile(rf'({_STRING})|"([a-z_][a-z0-9_]*+)"')
_QUALIFIED = re.compile(rf"({_STRING})|(?:{_NAME}\.)+(?=[\"\w*])")
_BLANK = re.compile(r"\s+")
_UTC = frozenset({"utc", "etc/utc", "gmt", "etc/gmt", "uct", "etc/uct", "zulu", "etc/zulu"})

_SPELLED = {
    "views": ("definition",),
    "rules": ("definition",),
    "indexes": ("definition",),
    "constraints": ("definition",),
    "triggers": ("definition",),
    "columns": ("default", "generated", "type"),
    "tables": ("partition", "partition key"),
    "functions": ("arguments", "result", "body"),
    "policies": ("using", "check"),
    "types": ("base", "constraints", "fields"),
    "other objects": ("definition",),
}
"""Aspects that a server writes from a parse tree, and so in its own version's manner."""


def normal(objects: Objects, family: str, majors: tuple[int, int]) -> Objects:
    """A family's objects in one spelling; `majors` are those of both servers."""
    low, high = min(majors), max(majors)
    if low == high:
        return _zones(objects) if family == "database" else objects
    if family == "database":
        return _zones(objects)
    if family == "grants" and low < 17 <= high:
        return _without_maintain(objects)
    names = family in ("comments", "functions", "owners", "grants")
    spelled = _SPELLED.get(family, ())
    short = family in ("views", "rules") and low < 16 <= high
    return {
        (unquoted(name) if names else name): {
            aspect: _spelled(text, short=short) if aspect in spelled else text
            for aspect, text in aspects.items()
        }
        for name, aspects in objects.items()
    }


def unquoted(text: str) -> str:
    """`text` without the quotes that a name needs for the sake of one version's keywords."""
    return _QUOTED.sub(lambda found: found[1] or found[2], text)


def _spelled(text: str, *, short: bool) -> str:
    if not text:
        return text
    text = unquoted(text)
    if short:
        # Up to 15 a view names the table of each column, from 16 on only where it must (DC3).
        text = _QUALIFIED.sub(lambda found: found[1] or "", text)
    return _BLANK.sub(" ", text).strip()


def _without_maintain(objects: Objects) -> Objects:
    """MAINTAIN is new in 17, and part of ALL there: whoever has the others has it (DC4)."""
    found = {}
    for name, aspects in objects.items():
        listed = [
            one
            for one in aspects["privileges"].split(", ")
            if one.removesuffix(" WITH GRANT OPTION") != "MAINTAIN"
        ]
        if listed:
            found[unquoted(name)] = {"privileges": ", ".join(listed)}
    return found


def _zones(objects: Objects) -> Objects:
    """The names of UTC are one."""
    found = dict(objects)
    zone = found.get("TimeZone", {}).get("value", "")
    if zone.lower() in _UTC:
        found["TimeZone"] = {"value": "UTC"}
    return found
