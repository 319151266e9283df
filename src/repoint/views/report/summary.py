"""The first screen: what moves, how it stands, what a person must do, and where the rest is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.flows.dossier import Dossier
from repoint.model.plan import Applicability, Plan
from repoint.model.rehearsal import Verdict
from repoint.views import rehearsal, verification, wording
from repoint.views.report.changes import ChangeView
from repoint.views.report.findings import FindingGroup
from repoint.views.report.names import anchor, edit_anchor
from repoint.views.report.records import EnvironmentView, way_back
from repoint.views.report.ways import Row
from repoint.views.status import SHOWN


@dataclass(frozen=True, slots=True)
class Headline:
    """The verdict in a few words, its tone, and the sentence under it."""

    word: str
    tone: str
    text: str


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with its noun, what it is made of, and where more is told."""

    number: str
    noun: str
    text: str
    href: str
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that a person must do, and where it is told; `command` is what to run."""

    kind: str
    text: str
    href: str = ""
    command: str = ""
    tone: str = "warn"


_PLANNED = ("consumers", "files", "findings", "proof")

Cell = tuple[str, str, str]
"""A column's heading, the word under it, and the id of where more is told; both may be empty."""


@dataclass(frozen=True, slots=True)
class Overview:
    """An environment in a line: what changes there, and how far it is."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What one kind of reader asks, the answer, and where it is proved."""

    question: str
    text: str
    links: tuple[tuple[str, str], ...]


def headline(dossier: Dossier, rows: Sequence[Row]) -> Headline:
    """How it stands, in one sentence: of what was asked for, else of the plan, else of the scan."""
    if dossier.verification is not None:
        value = dossier.verification
        return _judged(f"{value.environment} verified", value.verdict, verification.summary(value))
    if dossier.command == "rehearse" and dossier.rehearsals:
        verdicts = [one.rehearsal.verdict for one in dossier.rehearsals]
        worst = next((v for v in (Verdict.FAIL, Verdict.UNKNOWN) if v in verdicts), Verdict.PASS)
        told = "; ".join(
            f"{one.environment}: {rehearsal.summary(one.rehearsal)}" for one in dossier.rehearsals
        )
        return _judged("Rehearsed", worst, told)
    if dossier.plan is not None:
        return _of_plan(dossier.plan)
    if dossier.inventory is not None:
        found = dossier.inventory
        text = (
            f"{wording.count(len(found.sites), 'site')} in "
            f"{wording.count(found.files_read, 'file')} read of {found.files_seen}"
        )
        return Headline(f"{wording.count(len(rows), 'consumer')} of PostgreSQL", "plain", text)
    if dossier.command == "bench" and dossier.benchmarks:
        return Headline("Measured", "plain", "; ".join(b.pooler for b in dossier.benchmarks))
    return Headline("How far each environment is", "plain", "from the ledger and the files")


def _judged(what: str, verdict: Verdict, text: str) -> Headline:
    word = {Verdict.PASS: "passed", Verdict.FAIL: "failed"}.get(verdict, "not certain")
    tone = {Verdict.PASS: "good", Verdict.FAIL: "bad"}.get(verdict, "warn")
    return Headline(f"{what}: {word}", tone, text)


def _of_plan(plan: Plan) -> Headline:
    text = wording.plan_summary(plan)
    if plan.blocking:
        return Headline("Not ready: findings stand in the way", "bad", text)
    if not plan.applicable:
        return Headline("Not ready: something else would change", "bad", text)
    if plan.is_empty and not plan.tasks:
        return Headline("Nothing left to change", "good", text)
    if plan.tasks or plan.unreadable:
        return Headline("Ready, with work for a person beside it", "warn", text)
    return Headline("Ready to apply", "good", text)


def figures(
    dossier: Dossier, groups: Sequence[FindingGroup], rows: Sequence[Row]
) -> tuple[Figure, ...]:
    """The numbers of the first screen; what is not known has none."""
    found: list[Figure] = []
    if dossier.plan is not None or dossier.inventory is not None:
        noun = "consumer" if len(rows) == 1 else "consumers"
        found.append(Figure(str(len(rows)), noun, _by_route(rows), "#topology"))
    if dossier.plan is not None:
        found += _plan_figures(dossier.plan)
    if dossier.plan is not None or dossier.inventory is not None:
        found.append(_finding_figure(groups))
    if dossier.rehearsals:
        passed = [one for one in dossier.rehearsals if one.rehearsal.verdict is Verdict.PASS]
        stale = sum(bool(one.doubt) for one in dossier.rehearsals)
        tone = "good" if len(passed) == len(dossier.rehearsals) and not stale else "warn"
        text = "environments passed" + (f", {stale} with other content" if stale else "")
        number = f"{len(passed)}/{len(dossier.rehearsals)}"
        found.append(Figure(number, "rehearsed", text, "#rehearsal", tone))
    return tuple(found)


def _by_route(rows: Sequence[Row]) -> str:
    routes = Counter(row.way for row in rows)
    told = [f"{number} {way}" for way, number in sorted(routes.items())]
    settled = sum(row.settled for row in rows)
    return "; ".join((", ".join(told), *([f"{settled} there already"] if settled else [])))


def _plan_figures(plan: Plan) -> list[Figure]:
    files = len({change.path for change in plan.changes})
    edits = sum(len(change.edits) for change in plan.changes)
    review = sum(
        edit.applicability is Applicability.REVIEW for one in plan.changes for edit in one.edits
    )
    told = wording.count(edits, "edit") + (f", {review} to look at closely" if review else "")
    found = [Figure(str(files), "file" if files == 1 else "files", told, "#changes")]
    if plan.proofs:
        held = sum(one.holds for one in plan.proofs)
        tone = "good" if held == len(plan.proofs) else "bad"
        what = "renders hold: nothing else changes" if tone == "good" else "renders hold"
        found.append(Figure(f"{held}/{len(plan.proofs)}", "proved", what, "#proof", tone))
    return found


def _finding_figure(groups: Sequence[FindingGroup]) -> Figure:
    by_word = Counter(one.word for group in groups for one in group.findings)
    blocking = sum(one.blocks for group in groups for one in group.findings)
    total = sum(by_word.values())
    words = ("error", "warning", "note")
    told = [wording.count(by_word[word], word) for word in words if by_word[word]]
    told += [f"{by_word['accepted']} accepted"] if by_word["accepted"] else []
    noun = "finding" if total == 1 else "findings"
    return Figure(
        *(str(total), noun, ", ".join(told) or "nothing stands against it", "#findings"),
        "bad" if blocking else "good" if not total else "",
    )


def overview(
    changes: Sequence[ChangeView],
    rows: Sequence[Row],
    groups: Sequence[FindingGroup],
    states: Sequence[EnvironmentView],
) -> tuple[Overview, ...]:
    """Every environment that the plan or the ledger tells of."""
    by_name = {one.name: one for one in changes}
    phases = {one.value.name: one for one in states}
    names = dict.fromkeys((*by_name, *phases))
    return tuple(
        Overview(
            name or wording.OUTSIDE,
            (
                *_planned_cells(by_name.get(name), name, rows, groups, any_plan=bool(changes)),
                *_reached_cells(phases.get(name), any_state=bool(states)),
            ),
        )
        for name in names
    )


def _planned_cells(
    change: ChangeView | None,
    name: str,
    rows: Sequence[Row],
    groups: Sequence[FindingGroup],
    *,
    any_plan: bool,
) -> tuple[Cell, ...]:
    if change is None:
        return tuple((heading, "", "") for heading in _PLANNED) if any_plan else ()
    found = sum(one.environment == name for group in groups for one in group.findings)
    held = all(line.holds for line in change.proof.lines)
    words = (
        (str(sum(row.environment == name for row in rows)), anchor("environment", name)),
        (str(len(change.files)), change.id),
        (str(found), "findings"),
        (("holds" if held else "fails") if change.proof.lines else "none due", change.proof_id),
    )
    return tuple((heading, *pair) for heading, pair in zip(_PLANNED, words, strict=True))


def _reached_cells(state: EnvironmentView | None, *, any_state: bool) -> tuple[Cell, ...]:
    if state is None:
        return tuple((str(phase), "", "") for phase in SHOWN) if any_state else ()
    return tuple((phase.name, phase.word, state.id) for phase in state.phases)


def duties(
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


def answers(dossier: Dossier, rows: Sequence[Row]) -> tuple[Answer, ...]:
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
                f"{wording.count(len(rows), 'consumer')}: {_by_route(rows)}.",
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
