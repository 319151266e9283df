"""What is here and what is missing: for a person, and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict

from repoint.flows.doctor import Diagnosis, Item
from repoint.views.layout import Page, Segment, printed, widths
from repoint.views.machine import FORMAT

_HEADINGS: tuple[Segment, ...] = (("WHAT", "head"), ("HERE", "head"), ("FOR", "head"))


def human(value: Diagnosis, cache: str, *, width: int = 80, color: bool = False) -> str:
    """A table of everything, the commands that get what is missing, and the verdict."""
    page = Page(width)
    rows = [_row(item) for item in value.items]
    columns = widths([_HEADINGS, *rows])
    page.row(_HEADINGS, columns, indent=0)
    for row in rows:
        page.row(row, columns, indent=0)
    _where(page, value)
    _missing(page, value)
    page.blank()
    page.text(cache, lead=("cache folder: ", "dim"))
    page.text(verdict(value), lead=("doctor: ", "good" if value.ready else "bad"))
    return printed(page, color=color)


def machine(value: Diagnosis, cache: str) -> str:
    """`ready`, the cache folder and every item."""
    document = {
        "format": FORMAT,
        "ready": value.ready,
        "cache": cache,
        "items": [asdict(item) for item in value.items],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def verdict(value: Diagnosis) -> str:
    """One sentence: can a rehearsal run here, and if not, for want of what."""
    if value.ready:
        return "a rehearsal can run here"
    lacking = ", ".join(item.name for item in value.lacking)
    return f"a rehearsal cannot run here for want of {lacking}"


def _row(item: Item) -> list[Segment]:
    if item.good:
        here: Segment = (item.version or "yes", "good")
    else:
        style = "bad" if item.required else "warn"
        here = (" ".join(filter(None, (item.version, item.problem))), style)
    return [(item.name, "name"), here, (item.needed_for, "")]


def _where(page: Page, value: Diagnosis) -> None:
    found = [item for item in value.items if item.path]
    if found:
        page.blank()
        page.line(("Where", "title"))
    for item in found:
        page.text(item.path, indent=2, lead=(f"{item.name} ", "dim"))


def _missing(page: Page, value: Diagnosis) -> None:
    commands: dict[str, list[Item]] = {}
    for item in value.items:
        if item.get:
            commands.setdefault(item.get, []).append(item)
    if commands:
        page.blank()
        page.line(("To get what is missing", "title"))
    for command, items in commands.items():
        page.line(f"  {command}")
        names = ", ".join(item.name for item in items)
        page.text(names, indent=6, lead=("for ", "dim"))
