"""What was tried and done: rehearsals, benchmarks, a verification, the ledger."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repoint.dsn.mask import mask
from repoint.flows.dossier import Dossier
from repoint.flows.status import EnvironmentStatus
from repoint.model.benchmark import Benchmark
from repoint.model.dossier import RehearsalRecord
from repoint.model.ledger import Entry
from repoint.model.rehearsal import Check, RehearsedConsumer, Verdict
from repoint.views import benchmark, rehearsal, status
from repoint.views.report.names import Ids, anchor, consumer_anchor

WORDS = {
    Verdict.PASS: "ok",
    Verdict.FAIL: "FAIL",
    Verdict.UNKNOWN: "unknown",
    Verdict.SKIPPED: "-",
}
"""How a verdict is told in a matrix; a cell without a question is empty."""
TONES = {
    **{"pass": "good", "yes": "good", "ok": "good", "holds": "good"},
    **{"fail": "bad", "FAIL": "bad", "drift": "bad", "error": "bad", "fails": "bad"},
    **{"unknown": "warn", "warning": "warn", "old": "warn"},
}
"""The color of a word; the word alone tells the same."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """A check that did not pass, with both sides."""

    consumer: str
    check: Check


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """A consumer's row: its name, how it connects, and a word for each check."""

    href: str
    name: str
    about: str
    verdict: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """An environment's rehearsal; `checks` are the columns, `skipped` reasons with their checks."""

    id: str
    record: RehearsalRecord
    verdict: str
    summary: str
    checks: tuple[str, ...]
    rows: tuple[MatrixRow, ...]
    troubles: tuple[Trouble, ...]
    skipped: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class BenchView:
    """A benchmark with its chart, as markup of pygal's without styles of its own."""

    id: str
    value: Benchmark
    chart: str
    told: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhaseView:
    """One step of an environment's way: its word, and the entry behind it."""

    name: str
    word: str
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class EnvironmentView:
    """How far an environment is: its steps, remarks, gates, the next command, the way back."""

    id: str
    value: EnvironmentStatus
    phases: tuple[PhaseView, ...]
    remarks: tuple[str, ...]
    back: str


def matrices_of(dossier: Dossier) -> tuple[Matrix, ...]:
    """The rehearsal of each environment that has one."""
    ids = Ids()
    return tuple(_matrix(one, ids) for one in dossier.rehearsals)


def _matrix(record: RehearsalRecord, ids: Ids) -> Matrix:
    value = record.rehearsal
    asked = [one for one in value.consumers if one.environment == record.environment]
    names = [name for name in rehearsal.names_of(asked) if _is_asked(asked, name)]
    return Matrix(
        ids.take(anchor("rehearsal", record.environment)),
        record,
        str(value.verdict),
        rehearsal.summary(value),
        tuple(names),
        tuple(_row(one, names) for one in asked),
        tuple(
            Trouble(_short(one), check)
            for one in asked
            for check in one.checks
            if check.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
        ),
        _skipped(asked),
    )


def _short(one: RehearsedConsumer) -> str:
    """Its short name, masked while it is whole: a part of a connection string looks harmless."""
    return rehearsal.short(replace(one, id=mask(one.id)))


def _is_asked(consumers: Iterable[RehearsedConsumer], name: str) -> bool:
    """Whether a check was put to anybody; what was only skipped is told by its reason."""
    return any(
        check.verdict is not Verdict.SKIPPED
        for one in consumers
        for check in one.checks
        if check.id == name
    )


def _row(one: RehearsedConsumer, names: Sequence[str]) -> MatrixRow:
    words = {check.id: WORDS[check.verdict] for check in one.checks}
    how = [one.route, one.pool_mode, f"as {one.driver}" if one.driver else "logs nobody in"]
    return MatrixRow(
        consumer_anchor(one.environment, one.id),
        _short(one),
        ", ".join(part for part in how if part),
        str(one.verdict),
        tuple(words.get(name, "") for name in names),
    )


def _skipped(consumers: Iterable[RehearsedConsumer]) -> tuple[tuple[str, str], ...]:
    reasons: dict[str, dict[str, None]] = {}
    for one in consumers:
        for check in one.checks if one.driver else ():
            if check.verdict is Verdict.SKIPPED:
                reasons.setdefault(check.observed, {})[check.id] = None
    return tuple((reason, ", ".join(names)) for reason, names in reasons.items())


def benches_of(values: Sequence[Benchmark]) -> tuple[BenchView, ...]:
    """Each benchmark with its chart."""
    ids = Ids()
    return tuple(
        BenchView(
            ids.take(anchor("benchmark", one.environment, one.pooler)),
            one,
            benchmark.bare_chart(one),
            benchmark.conclusions(one),
        )
        for one in values
    )


def environments_of(dossier: Dossier) -> tuple[EnvironmentView, ...]:
    """How far each environment is."""
    found = dossier.status.environments if dossier.status is not None else ()
    return tuple(
        EnvironmentView(
            anchor("state", one.name),
            one,
            tuple(
                PhaseView(str(phase), status.cell(one, phase), one.timeline.last(phase))
                for phase in status.SHOWN
            ),
            tuple(status.remarks(one)),
            way_back(one),
        )
        for one in found
    )


def way_back(one: EnvironmentStatus) -> str:
    """The command that takes an environment back, empty where nothing was applied."""
    if not one.timeline.standing.is_applied:
        return ""
    rolled = " --rollout" if one.timeline.switch_began is not None else ""
    return f"repoint rollback --env {one.name}{rolled}"
