"""Rehearsals, verifications and the status of environments as comments on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from repoint.flows.status import EnvironmentStatus, Status
from repoint.model.rehearsal import Check, Control, Rehearsal, RehearsedConsumer, Verdict
from repoint.model.verification import Soak, Verification, VerifiedConsumer
from repoint.views import rehearsal as rehearsed
from repoint.views import status as standing
from repoint.views import verification as verified
from repoint.views.markup import (
    EVERYTHING,
    Scope,
    Section,
    code,
    fit,
    folded,
    listed,
    plain,
    prose,
    row,
    table,
)

_ICONS = {
    Verdict.PASS: "✅",
    Verdict.FAIL: "❌",
    Verdict.UNKNOWN: "❔",
    Verdict.SKIPPED: "-",
}


def rehearsal(value: Rehearsal, scope: Scope = EVERYTHING) -> str:
    """A row for each consumer and a column for each check, then what did not pass."""
    title = f"## Rehearsal: {_ICONS[value.verdict]} {value.verdict}"
    sections = [Section(0, f"{title}\n\n{plain(rehearsed.summary(value))}")]
    for name in value.environments:
        consumers = [one for one in value.consumers if one.environment == name]
        if not consumers:
            continue
        sections.append(_matrix(name, consumers))
        wrong = [told for one in consumers for told in _wrong(rehearsed.short(one), one.checks)]
        if wrong:
            sections.append(listed(1, "**Did not pass**", wrong, "check"))
        sections += _controls([one for one in value.controls if one.environment == name])
    if value.fidelity:
        notes = listed(5, "", [f"- {prose(note)}" for note in value.fidelity], "difference")
        sections.append(folded(5, f"Not like production ({len(value.fidelity)})", notes))
    return fit("rehearse", scope, sections)


def verification(value: Verification, scope: Scope = EVERYTHING) -> str:
    """Each connection with its verdict, what did not pass, the environment and the soak."""
    title = f"## Verify {plain(value.environment)}: {_ICONS[value.verdict]} {value.verdict}"
    sections = [Section(0, f"{title}\n\n{plain(verified.summary(value))}")]
    rows = [_connection(one) for one in value.consumers]
    if rows:
        headings = ("", "Connection", "Route", "Read from")
        sections.append(table(2, "", headings, rows, "connection"))
    wrong = [told for one in value.consumers for told in _wrong(one.id, one.checks)]
    wrong += _wrong("the environment", value.checks)
    if wrong:
        sections.append(listed(1, "**Did not pass**", wrong, "check"))
    sections += _controls(value.controls)
    if value.limits:
        limits = listed(5, "", [f"- {prose(limit)}" for limit in value.limits], "limit")
        sections.append(folded(5, f"Not asked in this way ({len(value.limits)})", limits))
    if value.soak is not None:
        sections.append(_soak(value.soak))
    return fit("verify", scope, sections)


def status(value: Status, scope: Scope = EVERYTHING) -> str:
    """A table of phases with the next command, then what stands in the way."""
    sections = [Section(0, "## repoint status")]
    headings = ("Environment", "Content", *map(str, standing.SHOWN), "Next")
    rows = [_environment(one) for one in value.environments]
    if rows:
        sections.append(table(1, "", headings, rows, "environment"))
    remarks = [
        f"- **{plain(one.name)}**: {prose(text)}"
        for one in value.environments
        for text in standing.remarks(one)
    ]
    if remarks:
        sections.append(listed(2, "", remarks, "remark"))
    sections += [Section(3, prose(note)) for note in standing.notes(value)]
    return fit("status", scope, sections)


def _matrix(name: str, consumers: Sequence[RehearsedConsumer]) -> Section:
    """The checks that were put to anybody; a consumer's cell is empty where it was not asked."""
    names = [
        check
        for check in rehearsed.names_of(consumers)
        if any(_verdict(one, check) not in (None, Verdict.SKIPPED) for one in consumers)
    ]
    rows = []
    for one in consumers:
        verdicts = (_verdict(one, check) for check in names)
        cells = [_ICONS[verdict] if verdict is not None else "" for verdict in verdicts]
        how = ", ".join(part for part in (one.route, one.pool_mode, one.driver) if part)
        rows.append(row((code(rehearsed.short(one)), plain(how), *cells)))
    headings = ("Consumer", "How", *map(plain, names))
    return table(2, f"### {plain(name)}", headings, rows, "consumer")


def _verdict(one: RehearsedConsumer, name: str) -> Verdict | None:
    return next((check.verdict for check in one.checks if check.id == name), None)


def _wrong(who: str, checks: Iterable[Check]) -> list[str]:
    return [
        f"- {_ICONS[check.verdict]} **{check.verdict}** {code(who)}, {code(check.id)}: "
        f"expected {prose(check.expected)}; observed {prose(check.observed)}"
        for check in checks
        if check.verdict in (Verdict.FAIL, Verdict.UNKNOWN)
    ]


def _controls(found: Sequence[Control]) -> list[Section]:
    """Controls that held are folded: they say that a check could have failed."""
    lines = [
        f"- {_ICONS[one.verdict]} {code(one.id)}: {prose(one.expected)}; "
        f"observed: {prose(one.observed)}"
        for one in sorted(found, key=lambda one: one.verdict is Verdict.PASS)
    ]
    if not lines:
        return []
    if any(one.verdict in (Verdict.FAIL, Verdict.UNKNOWN) for one in found):
        return [listed(1, "**Controls**", lines, "control")]
    title = f"Controls, all as they must be ({len(lines)})"
    return [folded(4, title, listed(4, "", lines, "control"))]


def _connection(one: VerifiedConsumer) -> str:
    icon = f"{_ICONS[one.verdict]} {one.verdict}"
    return row((icon, code(one.id), plain(one.route) or "-", plain(one.read_from) or "-"))


def _soak(soak: Soak) -> Section:
    ended = f", {soak.ended}" if soak.ended else ""
    title = f"### Soak: {_ICONS[soak.verdict]} {soak.verdict}"
    head = f"{title}\n\n{verified.lasting(soak.lasted_s)}, {soak.readings} readings{ended}"
    lines = [
        f"- {_ICONS[one.verdict]} {code(f'{one.pooler} {one.user}@{one.database}')}: "
        f"{prose(one.observed)}"
        for one in soak.pools
    ]
    lines += [
        f"- {_ICONS[one.verdict]} {code(one.consumer)}: {one.count} restarts; {prose(one.observed)}"
        for one in soak.restarts
    ]
    lines += [f"- {prose(gap)}" for gap in soak.gaps]
    return listed(3, head, lines, "line")


def _environment(one: EnvironmentStatus) -> str:
    return row(
        (
            plain(one.name),
            code(standing.short_content(one)),
            *(standing.cell(one, phase) for phase in standing.SHOWN),
            code(one.next.command) if one.next and one.next.command else "-",
        )
    )
