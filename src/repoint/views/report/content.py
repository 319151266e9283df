"""Everything that the template shows, worked out: the template itself decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from repoint import __version__
from repoint.flows.dossier import Dossier
from repoint.model.plan import Finding
from repoint.ports.repository import Tree
from repoint.views import status
from repoint.views.report import summary
from repoint.views.report.changes import ChangeView, changes_of, tokens
from repoint.views.report.duties import Answer, Duty, answers_of, duties_of
from repoint.views.report.findings import CodeView, FindingGroup, codes_of, groups_of
from repoint.views.report.places import Place, places_of
from repoint.views.report.records import (
    BenchView,
    EnvironmentView,
    Matrix,
    benches_of,
    environments_of,
    matrices_of,
)
from repoint.views.report.ways import Row, rows_of


@dataclass(frozen=True, slots=True)
class Content:
    """The parts of a report in their order; an empty part is left out of the document."""

    dossier: Dossier
    version: str
    headline: summary.Headline
    figures: tuple[summary.Figure, ...]
    duties: tuple[Duty, ...]
    answers: tuple[Answer, ...]
    overview: tuple[summary.Overview, ...]
    rows: tuple[Row, ...]
    places: tuple[Place, ...]
    changes: tuple[ChangeView, ...]
    findings: tuple[FindingGroup, ...]
    matrices: tuple[Matrix, ...]
    benches: tuple[BenchView, ...]
    states: tuple[EnvironmentView, ...]
    codes: tuple[CodeView, ...]
    unreadable: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the report is about."""
        if self.dossier.cluster:
            return f"Move to {self.dossier.cluster}"
        return "Consumers of PostgreSQL"

    @property
    def sections(self) -> tuple[tuple[str, str], ...]:
        """The id and the heading of each part that is here."""
        plan = self.dossier.plan
        wanted = (
            ("summary", "Summary", True),
            ("topology", "Topology", bool(self.places)),
            ("changes", "Changes", plan is not None),
            ("findings", "Findings", plan is not None or self.dossier.inventory is not None),
            ("proof", "Proof", plan is not None),
            ("rehearsal", "Rehearsal", bool(self.matrices)),
            ("benchmark", "Benchmark", bool(self.benches)),
            ("verification", "Verification", self.dossier.verification is not None),
            ("state", "State", bool(self.states)),
            ("ledger", "Ledger", self.dossier.status is not None),
            ("codes", "Codes", bool(self.codes)),
            ("unreadable", "Not read", bool(self.unreadable)),
            ("about", "About", True),
        )
        return tuple((name, heading) for name, heading, here in wanted if here)

    @property
    def environments(self) -> tuple[str, ...]:
        """Every environment that something is told of, for the filter."""
        names = [place.name for place in self.places]
        names += [one.name for one in self.changes]
        names += [one.value.name for one in self.states]
        names += [one.record.environment for one in self.matrices]
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def purposes(self) -> tuple[str, ...]:
        """Every purpose of a consumer, for the filter."""
        return tuple(sorted({word for row in self.rows for word in row.purpose.split(", ")}))

    @property
    def severities(self) -> tuple[str, ...]:
        """Every severity of a finding, for the filter."""
        return tuple(dict.fromkeys(group.word for group in self.findings))

    @property
    def code_links(self) -> dict[str, str]:
        """Where each code that is explained here is."""
        return {one.code: one.id for one in self.codes}


def content_of(dossier: Dossier, tree: Tree) -> Content:
    """Work everything out; `tree` has the files that the plan changes, for the diffs."""
    rows = rows_of(dossier)
    findings, unreadable = _findings(dossier)
    purposes = {(row.environment, row.id): tokens(row.purpose) for row in rows}
    known = [view.name for view in dossier.inventory.environments] if dossier.inventory else []
    order = dossier.plan.environments if dossier.plan is not None else known
    groups = groups_of(findings, order, purposes)
    changes = changes_of(dossier.plan, tree) if dossier.plan is not None else ()
    states = environments_of(dossier)
    codes = {group.code for group in groups}
    codes |= {edit.rule for one in changes for file in one.files for edit in file.edits}
    return Content(
        dossier=dossier,
        version=__version__,
        headline=summary.headline(dossier, rows),
        figures=summary.figures(dossier, groups, rows),
        duties=duties_of(dossier, groups, states),
        answers=answers_of(dossier, rows),
        overview=summary.overview(changes, rows, groups, states),
        rows=rows,
        places=places_of(dossier, rows),
        changes=changes,
        findings=groups,
        matrices=matrices_of(dossier),
        benches=benches_of(dossier.benchmarks),
        states=states,
        codes=codes_of(codes),
        unreadable=unreadable,
        notes=tuple(status.notes(dossier.status)) if dossier.status is not None else (),
    )


def _findings(dossier: Dossier) -> tuple[tuple[Finding, ...], tuple[str, ...]]:
    """The findings, and what could not be read, of the plan, else of the scan."""
    if dossier.plan is not None:
        return dossier.plan.findings, dossier.plan.unreadable
    if dossier.inventory is not None:
        found = dossier.inventory
        return found.findings, tuple(f"{one.path}: {one.reason}" for one in found.unreadable)
    return (), ()
