"""A watch of a controller: each object, what the controller says, what is left to a person."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from repoint.flows.watching import Ended, Watched
from repoint.rollout.gitops import Row, Seen, Standing
from repoint.views.layout import Page, Segment, printed, widths

SIGNS: dict[Standing, Segment] = {
    Standing.REACHED: ("reached", "good"),
    Standing.WAITING: ("waiting", "warn"),
    Standing.FAILED: ("failed", "bad"),
    Standing.UNKNOWN: ("unknown", "warn"),
}
_ENDINGS = {
    Ended.REACHED: "everything is at the planned state",
    Ended.FAILED: "something failed; nothing was changed by repoint",
    Ended.LATE: "not reached in time; nothing was changed by repoint",
}
_ORDER = (Standing.FAILED, Standing.WAITING, Standing.UNKNOWN, Standing.REACHED)


def human(value: Watched, *, width: int = 80, color: bool = False) -> str:
    """What is not reached first, then controllers, what is left to a person, the verdict."""
    page = Page(width)
    page.line((f"{value.subject.environment}: watched, nothing changed", "title"))
    page.blank()
    rows = sorted(value.seen.rows, key=lambda row: (_ORDER.index(row.standing), row.ref))
    cells: list[list[Segment]] = [[SIGNS[row.standing], (str(row.ref), "name")] for row in rows]
    columns = widths(cells) if cells else []
    for row, pair in zip(rows, cells, strict=True):
        page.row(pair, columns)
        if row.reason and row.standing is not Standing.REACHED:
            page.text(row.reason, indent=6)
    for one in value.seen.controllers:
        at = f" at `{one.revision}`" if one.revision else ""
        page.text(f"{one.ref}{at}: {one.summary}", lead=("says: ", "dim"))
    for advice in value.seen.advice:
        page.blank()
        page.text(advice.text, lead=("left to you: ", "warn"))
        for command in advice.commands:
            page.line("    ", command)
    for note in value.notes:
        page.text(note, lead=("note: ", "warn"))
    page.blank()
    word, style = SIGNS[value.seen.standing]
    page.text(_ENDINGS[value.ended], lead=(f"rollout: {word} ", style))
    return printed(page, color=color)


def news(before: Seen | None, after: Seen) -> Iterator[str]:
    """Lines for what changed between two rounds: objects, then controllers."""
    old = {row.ref: row for row in before.rows} if before is not None else {}
    yield from (row_line(row) for row in after.rows if old.get(row.ref) != row)
    told = {one.ref: one for one in before.controllers} if before is not None else {}
    for one in after.controllers:
        if told.get(one.ref) != one:
            yield f"{one.ref} says: {one.summary}"
    known = {advice.text for advice in before.advice} if before is not None else set()
    for advice in after.advice:
        if advice.text not in known:
            yield "; ".join((advice.text, *(f"run `{one}`" for one in advice.commands)))


def row_line(row: Row) -> str:
    """One object as one line."""
    reason = f": {row.reason}" if row.reason else ""
    return f"{row.standing.value:<8} {row.ref}{reason}"


def machine(value: Watched, *, commit: str, content: str, context: str) -> str:
    """All of it as JSON."""
    document: dict[str, Any] = {
        "environment": value.subject.environment,
        "context": context,
        "mode": "gitops",
        "commit": commit,
        "content": content,
        "outcome": value.ended.value,
        "standing": value.seen.standing.value,
        "objects": _objects(value.seen.rows),
        "controllers": [
            {
                "kind": one.ref.kind,
                "namespace": one.ref.namespace,
                "name": one.ref.name,
                "revision": one.revision,
                "summary": one.summary,
                "done": one.done,
                "busy": one.busy,
                "failed": one.failed,
            }
            for one in value.seen.controllers
        ],
        "left": [{"text": one.text, "commands": list(one.commands)} for one in value.seen.advice],
        "notes": list(value.notes),
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _objects(rows: Iterable[Row]) -> list[dict[str, object]]:
    return [
        {
            "kind": row.ref.kind,
            "namespace": row.ref.namespace,
            "name": row.ref.name,
            "standing": row.standing.value,
            "reason": row.reason,
            "fields": list(row.fields),
        }
        for row in rows
    ]
