"""What a person must do, and the answers to what readers ask first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.flows.dossier import Dossier
from repoint.model.plan import Applicability, Plan
from repoint.views import wording
from repoint.views.report.findings import FindingGroup
from repoint.views.report.names import anchor, edit_anchor
from repoint.views.report.records import EnvironmentView, way_back
from repoint.views.report.ways import Row


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that a person must do, and where it is told; `command` is what to run."""

    kind: str
    text: str
    href: str = ""
    command: str = ""
    tone: str = "warn"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one kind of reader asks, the answer, and where it is proved."""

    question: str
    text: str
    links: tuple[tuple[str, str], ...]


def duties_of(
    dossier: Dossier, groups: Sequence[FindingGroup], states: Sequence[EnvironmentView]
) -> tuple[Duty, ...]:
    """What a person must do, the most pressing first."""
    found = [_mend(group) for group in groups if any(one.blocks for one in group.findings)]
    if dossier.status is not None and dossier.status.half_done:
        text = wording.half_done_text(dossier.status.half_done)
        found.insert(0, Duty("stopped", text, "#state", tone="bad"))
    plan = dossier.plan
    if plan is not None:
        found += _plan_duties(plan)
    unread = len(plan.unreadable) if plan is not None else 0
    if plan is None and dossier.inventory is not None:
        unread = len(dossier.inventory.unreadable)
    if unread:
        found.append(Duty("look", f"{unread} could not be read", "#unreadable"))
    for record in dossier.rehearsals:
        if record.doubt:
            text = (
                f"the rehearsal of {record.environment} speaks for something else: {record.doubt}"
            )
            again = f"repoint rehearse --env {record.environment}"
            found.append(Duty("rehearse again", text, "#rehearsal", again))
    for one in states:
        step = one.value.next
        if step is not None and step.command:
            found.append(
                Duty(f"next in {one.value.name}", step.why, f"#{one.id}", step.command, "plain")
            )
    return tuple(found)


def _mend(group: FindingGroup) -> Duty:
    """One duty for all findings of a code that stand in the way."""
    blocking = [one for one in group.findings if one.blocks]
    more = f" (and {len(blocking) - 1} more)" if len(blocking) > 1 else ""
    text = f"{group.code}: {blocking[0].message}{more}"
    return Duty("mend or accept", text, f"#{blocking[0].id}", tone="bad")


def _plan_duties(plan: Plan) -> list[Duty]:
    found = [
        Duty(
            "by hand",
            f"{task.path}:{task.line}, {task.key}: put {task.put}",
            f"#{anchor('changes', task.environment)}",
        )
        for task in plan.tasks
    ]
    for proof in plan.proofs:
        if not proof.holds:
            text = (
                f"{proof.overlay}: {wording.count(len(proof.unexplained), 'field')} would change "
                "without being planned"
            )
            found.append(Duty("stop", text, f"#{anchor('proof', proof.applied)}", tone="bad"))
    for change in plan.changes:
        for edit in change.edits:
            if edit.applicability is Applicability.REVIEW:
                where = f"{change.environment}: " if change.environment else ""
                text = f"{where}{change.path}:{edit.line}: {edit.reason}"
                found.append(Duty("review", text, f"#{edit_anchor(change, edit)}", tone="plain"))
    return found


def by_route(rows: Sequence[Row]) -> str:
    """How many consumers go each way, and how many are there already."""
    routes = Counter(row.way for row in rows)
    told = [f"{number} {way}" for way, number in sorted(routes.items())]
    settled = sum(row.settled for row in rows)
    return "; ".join((", ".join(told), *([f"{settled} there already"] if settled else [])))


def answers_of(dossier: Dossier, rows: Sequence[Row]) -> tuple[Answer, ...]:
    """What five kinds of readers ask first, as far as this report knows it."""
    found: list[Answer] = []
    plan = dossier.plan
    if plan is not None:
        found.append(
            Answer(
                "What changes, and does anything else?",
                f"{wording.plan_summary(plan)}. {_proved(plan)}",
                (("changes", "#changes"), ("proof", "#proof")),
            )
        )
    if rows:
        found.append(
            Answer(
                "Who reaches the database, and by which way?",
                f"{wording.count(len(rows), 'consumer')}: {by_route(rows)}.",
                (("topology", "#topology"),),
            )
        )
    if plan is not None:
        found.append(Answer("Is a password touched or shown?", _secrets(plan), _SECRET_LINKS))
    if dossier.status is not None:
        found.append(
            Answer("How do we go back?", _backwards(dossier), (("state and way back", "#state"),))
        )
        found.append(Answer("Who did what, and when?", _told_by(dossier), (("ledger", "#ledger"),)))
    return tuple(found)


_SECRET_LINKS = (("changes", "#changes"), ("what is masked", "#about"))


def _proved(plan: Plan) -> str:
    if not plan.proofs:
        return "No overlay was there to prove it on."
    held = sum(one.holds for one in plan.proofs)
    if held == len(plan.proofs):
        return f"Nothing else: proved field by field on {wording.count(held, 'render')}."
    return f"Yes: {len(plan.proofs) - held} of {len(plan.proofs)} renders change beyond the plan."


def _secrets(plan: Plan) -> str:
    sealed = sum(change.sealed for change in plan.changes)
    text = (
        "No password changes, and none is shown: edits cover hosts, ports and parameters, and "
        "`***` stands in a password's place."
    )
    if sealed:
        text += f" {wording.count(sealed, 'sealed file')} change through sops, one value at a time."
    copied = sum(bool(edit.copies) for change in plan.changes for edit in change.edits)
    if copied:
        text += f" {wording.count(copied, 'edit')} will copy a password from where it stands now."
    return text


def _backwards(dossier: Dossier) -> str:
    states = dossier.status.environments if dossier.status is not None else ()
    told = [f"{one.name}: `{command}`" for one in states if (command := way_back(one))]
    return "; ".join(told) + "." if told else "Nothing was applied yet: there is nothing to undo."


def _told_by(dossier: Dossier) -> str:
    entries = dossier.ledger
    if not entries:
        return "Nothing is in the ledger yet."
    people = len({one.who for one in entries})
    overrides = sum(len(one.overrides) for one in entries)
    passed = f"; {wording.count(overrides, 'gate')} passed by, with a reason" if overrides else ""
    return (
        f"{wording.count(len(entries), 'ledger line')} by {people} "
        f"{'person' if people == 1 else 'people'}, {entries[0].at:%Y-%m-%d} to "
        f"{entries[-1].at:%Y-%m-%d}{passed}."
    )
