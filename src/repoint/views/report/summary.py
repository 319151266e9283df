"""The first screen: what moves, how it stands, and where the rest is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.flows.dossier import Dossier
from repoint.model.plan import Applicability, Plan
from repoint.model.rehearsal import Verdict
from repoint.views import benchmark, rehearsal, verification, wording
from repoint.views.report.changes import ChangeView
from repoint.views.report.duties import by_route
from repoint.views.report.findings import FindingGroup
from repoint.views.report.names import anchor
from repoint.views.report.records import EnvironmentView
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


_PLANNED = ("consumers", "files", "findings", "proof")

Cell = tuple[str, str, str]
"""A column's heading, the word under it, and the id of where more is told; both may be empty."""


@dataclass(frozen=True, slots=True)
class Overview:
    """An environment in a line: what changes there, and how far it is."""

    name: str
    cells: tuple[Cell, ...]


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
        told = " ".join(benchmark.conclusions(dossier.benchmarks[0]))
        return Headline(f"Measured {dossier.benchmarks[0].pooler}", "plain", told)
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
        found.append(Figure(str(len(rows)), noun, by_route(rows), "#topology"))
    if dossier.plan is not None:
        found += _plan_figures(dossier.plan)
    if dossier.plan is not None or dossier.inventory is not None:
        found.append(_finding_figure(groups))
    if dossier.rehearsals:
        found.append(_rehearsal_figure(dossier))
    return tuple(found)


def _rehearsal_figure(dossier: Dossier) -> Figure:
    """How many environments passed, of all that the report is about."""
    rehearsed = {one.environment for one in dossier.rehearsals}
    asked = set(rehearsed)
    if dossier.command != "rehearse":
        asked |= set(dossier.plan.environments) if dossier.plan is not None else set()
        asked |= {one.name for one in dossier.status.environments} if dossier.status else set()
    passed = [one for one in dossier.rehearsals if one.rehearsal.verdict is Verdict.PASS]
    stale = sum(bool(one.doubt) for one in dossier.rehearsals)
    missing = len(asked - rehearsed)
    tone = "good" if len(passed) == len(asked) and not stale else "warn"
    doubts = [f"{stale} not of this plan"] if stale else []
    doubts += [f"{missing} not rehearsed"] if missing else []
    text = ", ".join(["environments passed", *doubts])
    return Figure(f"{len(passed)}/{len(asked)}", "rehearsed", text, "#rehearsal", tone)


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
