"""A way back through the cluster: files, data, steps, and who is where in the end."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from repoint.flows.comparing.switching import WayBack
from repoint.model.rehearsal import Verdict
from repoint.model.verification import Verification
from repoint.rollout.steps import Draft, Event
from repoint.views import comparison, machine, rollout
from repoint.views.layout import Page, printed

_MOST_FILES = 12


@dataclass(slots=True)
class Story:
    """What is known so far. `way` is None where no consumer has to move; `lost` was accepted."""

    environment: str
    context: str
    files: Sequence[str]
    draft: Draft | None = None
    way: WayBack | None = None
    lost: Sequence[str] = ()
    verification: Verification | None = None
    events: list[Event] = field(default_factory=list)


def before(story: Story, *, width: int = 80, color: bool = False) -> str:
    """What would be done: the files, what the data says, and the steps."""
    page = Page(width)
    page.text(f"the files of {story.environment}", lead=("", "title"))
    for path in story.files[:_MOST_FILES]:
        page.line("  ", path)
    if len(story.files) > _MOST_FILES:
        page.line("  ", f"and {len(story.files) - _MOST_FILES} more")
    if not story.files:
        page.line("  ", "they are as they were before the move")
    page.blank()
    page.line(("the data", "title"))
    for line in _data(story):
        page.text(line, indent=2)
    text = printed(page, color=color)
    known = [one for one in story.way.written if one is not None] if story.way else []
    if any(one.verdict is not Verdict.PASS for one in known):
        text += comparison.written(known, width=width, color=color)
    if story.draft is not None:
        what = "the way back"
        text += "\n" + rollout.steps(story.draft, what=what, width=width, color=color)
    return text


def document(story: Story, *, outcome: str, error: str = "") -> str:
    """All of it as JSON.

    `outcome` is `dry-run`, `nothing`, `done`, `unverified`, `stopped`, `interrupted`, or, where a
    controller brings the objects, `waiting`; `error` says why it stopped.
    """
    way, draft = story.way, story.draft
    steps: dict[str, Any] | None = None
    if draft is not None:
        told = rollout.machine(draft, commit="", content="", outcome=outcome, events=story.events)
        known = json.loads(told)
        steps = {key: known[key] for key in ("objects", "steps", "notes", "events")}
    data = {
        "source": str(way.standing.verdict) if way else "",
        "reasons": list(way.standing.reasons) if way else [],
        "trouble": way.trouble if way else "",
        "unasked": way.unasked if way else "",
        "accepted": list(story.lost),
        "written": _written(way),
    }
    found = story.verification
    return machine.encode(
        {
            "environment": story.environment,
            "context": story.context,
            "outcome": outcome,
            "error": error,
            "files": list(story.files),
            "data": data,
            "rollout": steps,
            "verification": json.loads(machine.verification(found)) if found else None,
        }
    )


def _written(way: WayBack | None) -> list[dict[str, Any] | None]:
    found: list[dict[str, Any] | None] = []
    for one in way.written if way is not None else ():
        if one is None:
            found.append(None)
        else:
            found += json.loads(comparison.written_machine([one]))["databases"]
    return found


def _data(story: Story) -> list[str]:
    way = story.way
    if way is None:
        return ["no consumer has to move, so nothing can be lost"]
    lines = [
        "the source stands" if way.standing.verdict is Verdict.PASS else one
        for one in (way.standing.reasons or ("",))
    ]
    if way.trouble:
        lines.append(way.trouble)
    if way.unasked:
        lines.append(f"the target could not be asked: {way.unasked}")
    for one in way.written:
        if one is None:
            lines.append("no baseline was taken, so nobody can tell what was written since")
        elif one.verdict is Verdict.PASS:
            lines.append(f"nothing was written on the target since {one.since:%Y-%m-%d %H:%M}")
        else:
            lines.append(f"on the target: {one.summary}")
    return lines
