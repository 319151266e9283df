"""A rollout: the list of its steps, and each line while they run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from repoint.rollout.steps import Action, Draft, Event, Step, Tone
from repoint.views.layout import Page, printed
from repoint.views.visible import visible

_MOST_FIELDS = 6
_INDENT = "      "


def steps(draft: Draft, *, what: str, width: int = 80, color: bool = False) -> str:
    """Every step with the names of the fields that it changes; never a value.

    `what` says what is rolled out: commit and content.
    """
    page = Page(width)
    page.text(f"{what}, to {draft.environment} in context {draft.context}", lead=("", "title"))
    page.blank()
    for number, step in enumerate(draft.steps, 1):
        page.text(step.title, lead=(f"{number:>4}  ", "dim"))
        for line in _details(step):
            page.text(line, lead=(_INDENT, "dim"))
    if draft.is_done:
        page.text(f"nothing to do: all {draft.objects} objects are as they should be")
    for note in draft.notes:
        page.text(note, lead=("note: ", "warn"))
    return printed(page, color=color)


def line(event: Event) -> str:
    """One event as one line; what pods and events say is shown, never obeyed."""
    text = visible(event.text).replace("\n", " ")
    if event.tone in (Tone.BEGAN, Tone.DONE):
        place = f"[{event.number}/{event.total}]"
        return f"{place} {'done: ' if event.tone is Tone.DONE else ''}{text}"
    if event.tone is Tone.LOG:
        return f"{_INDENT}| {text}"
    lead = "note: " if event.tone is Tone.NOTE else ""
    return f"{_INDENT}{lead}{text}"


def machine(
    draft: Draft,
    *,
    commit: str,
    content: str,
    outcome: str,
    events: Sequence[Event] = (),
    error: str = "",
) -> str:
    """All of it as JSON.

    `outcome` is `dry-run`, `nothing`, `done`, `stopped` or `interrupted`; `error` says why it
    stopped.
    """
    value: dict[str, Any] = {
        "environment": draft.environment,
        "context": draft.context,
        "commit": commit,
        "content": content,
        "outcome": outcome,
        "error": error,
        "objects": draft.objects,
        "steps": [_step(one) for one in draft.steps],
        "notes": list(draft.notes),
        "events": [{"tone": one.tone.value, "text": one.text} for one in events],
    }
    return json.dumps(value, indent=2, ensure_ascii=False)


def _step(step: Step) -> dict[str, Any]:
    return {
        "action": step.action.value,
        "kind": step.ref.kind,
        "namespace": step.ref.namespace,
        "name": step.ref.name,
        "new": step.is_new,
        "fields": list(step.fields),
        "why": step.why,
    }


def _details(step: Step) -> list[str]:
    found = []
    if step.is_new and step.action in (Action.APPLY, Action.ROLL):
        found.append("new")
    elif step.fields:
        shown = step.fields[:_MOST_FIELDS]
        more = len(step.fields) - len(shown)
        found.append(", ".join(shown) + (f" and {more} more" if more else ""))
    if step.why:
        found.append(step.why)
    return found
