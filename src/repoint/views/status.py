"""Environments and the phases they reached: for a person and as JSON."""

from __future__ import annotations

import json

import msgspec

from repoint.flows.status import EnvironmentStatus, Status
from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.model.told import count
from repoint.promotion.lines import LEDGER_PATH, MERGE_LINE
from repoint.views.layout import Page, Segment, printed, widths
from repoint.views.machine import FORMAT
from repoint.views.wording import half_done_text

SHOWN = (
    *(Phase.PLANNED, Phase.REHEARSED, Phase.APPLIED, Phase.COMPARED),
    *(Phase.ROLLED_OUT, Phase.VERIFIED, Phase.SOAKED),
)
_AHEAD = (Phase.PLANNED, Phase.REHEARSED)
_STYLES = {"pass": "good", "yes": "good", "fail": "bad", "drift": "bad", "unknown": "warn"}
_SHORT = 12
RESUME = "repoint apply --resume"
NOTHING = (
    f"there is no ledger yet: `{LEDGER_PATH}` begins with the first `repoint rehearse`, "
    "`repoint apply` or what follows, and is meant to be committed"
)
UNCONFIGURED = "there is no repoint.yaml here, which names the environments"
LEGEND = "old: for other content, or before a rollback; drift: a value of repoint's was changed"
UNMERGED = f"git merges ledgers by itself with this line in .gitattributes: {MERGE_LINE}"


def human(value: Status, *, width: int = 80, color: bool = False) -> str:
    """A table of phases, then each environment with when, who, gates and the next command."""
    page = Page(width)
    if value.environments:
        header: list[Segment] = [("ENV", "head"), *((str(phase), "head") for phase in SHOWN)]
        rows = [_row(one) for one in value.environments]
        columns = widths([header, *rows])
        if sum(columns) + 2 * len(SHOWN) <= width:
            for row in (header, *rows):
                page.row(row, columns, indent=0)
        else:
            _listed(page, value)
    page.blank()
    for note in notes(value):
        page.text(note, lead=("note: ", "dim"))
    for one in value.environments:
        page.blank()
        _environment(page, one)
    page.blank()
    if value.half_done:
        page.text(half_done_text(value.half_done), lead=("stopped: ", "bad"))
    command = next_command(value)
    if command:
        page.line(("next: ", "title"), f"`{command}`")
    return printed(page, color=color)


def _listed(page: Page, value: Status) -> None:
    """The table, without what never was, where there is no place for its columns."""
    for one in value.environments:
        reached = [(phase, cell(one, phase)) for phase in SHOWN]
        told = ", ".join(f"{phase} {state}" for phase, state in reached if state != "-")
        page.text(told or "nothing yet", lead=(f"{one.name}: ", "name"))


def next_command(value: Status) -> str:
    """The one command to run now: of the first environment that is not where it should be."""
    if value.half_done:
        return RESUME
    if not value.configured:
        return "repoint init"
    steps = (one.next for one in value.environments)
    return next((step.command for step in steps if step is not None and step.command), "")


def machine(value: Status) -> str:
    """Every environment with its phases, gates, overrides and next step."""
    document = {
        "format": FORMAT,
        "half_done": value.half_done,
        "ledger": value.has_ledger,
        "merges": value.merges,
        "environments": [_document(one) for one in value.environments],
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def cell(one: EnvironmentStatus, phase: Phase) -> str:
    """A verdict; `old` when it is no more of what stands, `-` when it never was."""
    timeline = one.timeline
    if phase is Phase.APPLIED:
        return _applied(one)
    last = timeline.last(phase)
    newest = timeline.newest(phase)
    ahead = timeline.pending_rehearsal
    if last is None and newest is not None and phase in _AHEAD and not timeline.standing.is_applied:
        return str(newest.verdict) if newest is ahead or phase is Phase.PLANNED else "old"
    if last is None:
        return "old" if newest is not None else "-"
    return str(last.verdict)


def notes(value: Status) -> list[str]:
    """What there is to say of the ledger itself."""
    found = [] if value.configured else [UNCONFIGURED]
    if any(cell(one, phase) in ("old", "drift") for one in value.environments for phase in SHOWN):
        found.append(LEGEND)
    if not value.has_ledger and value.configured:
        found.append(NOTHING)
    elif value.has_ledger and not value.merges:
        found.append(UNMERGED)
    return found


def _applied(one: EnvironmentStatus) -> str:
    standing = one.timeline.standing
    if not standing.is_applied:
        return "old" if one.timeline.newest(Phase.APPLIED) is not None else "-"
    return {Verdict.PASS: "yes", Verdict.FAIL: "drift"}.get(standing.verdict, "unknown")


def _row(one: EnvironmentStatus) -> list[Segment]:
    cells = [cell(one, phase) for phase in SHOWN]
    return [(one.name, "name"), *((text, _STYLES.get(text, "dim")) for text in cells)]


def _environment(page: Page, one: EnvironmentStatus) -> None:
    page.line((one.name, "title"), (f"  content {short_content(one)}", "dim"))
    for text in remarks(one):
        page.text(text, indent=2)
    for phase in SHOWN:
        entry = one.timeline.last(phase)
        if entry is not None:
            page.text(_told(entry), indent=2, lead=(f"{phase} ", "dim"))
    if one.next is not None and one.next.command:
        page.line(("  next: ", "head"), one.next.command)
        page.text(one.next.why, indent=8)


def short_content(one: EnvironmentStatus) -> str:
    """The start of the digest of what stands."""
    return one.timeline.standing.content[:_SHORT]


def remarks(one: EnvironmentStatus) -> list[str]:
    """What a table cannot hold: drift, edits of others, rollbacks, overrides, closed gates."""
    timeline = one.timeline
    standing = timeline.standing
    found = []
    if standing.why:
        found.append(f"drift: {standing.why}")
    if standing.edited:
        found.append(f"edited by others, beside repoint's values: {', '.join(standing.edited)}")
    if timeline.back is not None:
        found.append(f"{timeline.back.phase}: {_told(timeline.back)}")
    if one.pending:
        found.append(f"a plan made now would change {count(one.pending, 'file')}")
    for entry in timeline.since_back:
        found += [f"passed by: {text} ({_told(entry)})" for text in entry.overrides]
    return found + _closed(one)


def _closed(one: EnvironmentStatus) -> list[str]:
    """The gates that hold its next rollout; before anything is applied their names will do."""
    shut = [gate for gate in one.gates if not gate.holds]
    if one.timeline.rolled_out is not None or not shut:
        return []
    if not one.timeline.standing.is_applied:
        return [f"gates closed: {', '.join(gate.id for gate in shut)}"]
    return [f"gate {gate.id} is closed ({gate.verdict}): {gate.observed}" for gate in shut]


def _told(entry: Entry) -> str:
    detail = f", {entry.detail}" if entry.detail else ""
    return f"{entry.verdict} on {entry.at:%Y-%m-%d %H:%M} by {_name(entry.who)}{detail}"


def _name(who: str) -> str:
    """The name without the mail."""
    return who.partition(" <")[0] or who


def _document(one: EnvironmentStatus) -> dict[str, object]:
    timeline = one.timeline
    standing = timeline.standing
    return {
        "name": one.name,
        "content": standing.content,
        "stands": str(standing.verdict),
        "why": standing.why,
        "files": list(standing.files),
        "edited": list(standing.edited),
        "pending": one.pending,
        "phases": [_phase(one, phase) for phase in SHOWN],
        "taken_back": msgspec.to_builtins(timeline.back),
        "overrides": [text for entry in timeline.since_back for text in entry.overrides],
        "gates": msgspec.to_builtins(one.gates),
        "next": msgspec.to_builtins(one.next),
    }


def _phase(one: EnvironmentStatus, phase: Phase) -> dict[str, object]:
    last = one.timeline.last(phase)
    return {"phase": str(phase), "state": cell(one, phase), "entry": msgspec.to_builtins(last)}
