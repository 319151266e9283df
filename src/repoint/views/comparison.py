"""A comparison of two databases, and what was written since, for a person and for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence

import msgspec

from repoint.comparison.baseline import Baseline, Change, TableWrites, Written
from repoint.comparison.model import Comparison, Difference, Stretch, TableContent
from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict, worst
from repoint.views.layout import Page, Segment, printed, widths
from repoint.views.markup import EVERYTHING, Scope, Section, fit, listed, plain, table
from repoint.views.markup import row as cells

_VERDICT: dict[Verdict, Segment] = {
    Verdict.PASS: ("ok", "good"),
    Verdict.FAIL: ("FAIL", "bad"),
    Verdict.UNKNOWN: ("??", "warn"),
    Verdict.SKIPPED: ("-", "dim"),
}
_SEVERITY: dict[Severity, Segment] = {
    Severity.ERROR: ("error", "bad"),
    Severity.WARNING: ("warning", "warn"),
    Severity.NOTE: ("note", "dim"),
}
_CHANGE: dict[Change, Segment] = {
    Change.UNCHANGED: ("unchanged", "good"),
    Change.CHANGED: ("written", "bad"),
    Change.UNKNOWN: ("??", "warn"),
}
_MOST_NOTES = 20


def human(found: Sequence[Comparison], *, width: int = 80, color: bool = False) -> str:
    """Each database: what differs, then tables, revisions and notes; the verdict at the end."""
    page = Page(width)
    for one in found:
        _database(page, one)
    page.blank()
    for one in found:
        page.text(one.summary, lead=_led(f"{one.target.database}: ", one.verdict))
    if found:
        page.text(_next(found), lead=("next: ", "title"))
    return printed(page, color=color)


def _next(found: Sequence[Comparison]) -> str:
    name = found[0].environment
    if worst(one.verdict for one in found) is Verdict.PASS:
        return f"`repoint rollout --env {name}`"
    return (
        "move what is missing, stop what writes to the source, then run "
        f"`repoint data compare --env {name}` again"
    )


def _database(page: Page, one: Comparison) -> None:
    page.blank()
    source, target = one.source, one.target
    page.line(
        (f"{one.environment}: {source.database}", "title"),
        f"  PostgreSQL {source.version} -> {target.version}",
    )
    if one.differences:
        page.blank()
    for difference in sorted(one.differences, key=_rank)[: _errors(one) + _MOST_NOTES]:
        _difference(page, difference)
    hidden = len(one.differences) - _errors(one) - _MOST_NOTES
    if hidden > 0:
        page.line((f"  and {hidden} more notes and warnings: `--format json` has them", "dim"))
    for unseen in one.unseen:
        page.text(
            f"{unseen.what} of the {unseen.side}: {unseen.why}", indent=2, lead=("?? ", "warn")
        )
    _tables(page, one.tables)
    for revision in one.revisions:
        page.text(
            f"{revision.tool} ({revision.table}): source {revision.source or 'none'}, "
            f"target {revision.target or 'none'}",
            indent=2,
            lead=("revision ", "dim"),
        )
    for note in one.notes:
        page.text(note, indent=2, lead=("note ", "dim"))


def _rank(one: Difference) -> tuple[int, str, str]:
    order = (Severity.ERROR, Severity.WARNING, Severity.NOTE)
    return order.index(one.severity), one.family, one.name


def _errors(one: Comparison) -> int:
    return sum(difference.severity is Severity.ERROR for difference in one.differences)


def _difference(page: Page, one: Difference) -> None:
    word, style = _SEVERITY[one.severity]
    page.text(said(one), indent=2, lead=(f"{word} ", style))
    if one.aspect:
        page.text(one.source or "none", indent=6, lead=("source ", "dim"))
        page.text(one.target or "none", indent=6, lead=("target ", "dim"))


def said(one: Difference) -> str:
    """What a difference is, in a few words."""
    if one.aspect:
        return f"{one.family}: {one.name}, {one.aspect}"
    where = "is not on the target" if one.source else "is on the target alone"
    return f"{one.family}: {one.name} {where}"


def _tables(page: Page, tables: Sequence[TableContent]) -> None:
    if not tables:
        return
    page.blank()
    head: list[Segment] = [(text, "head") for text in ("TABLE", "SOURCE", "TARGET", "ROWS")]
    rows = [[*head, ("", "")]]
    rows += [
        [
            (one.name, "name"),
            (_number(one.source_rows), ""),
            (_number(one.target_rows), ""),
            _VERDICT[one.verdict],
            ("; ".join(_remarks(one)), "dim"),
        ]
        for one in tables
    ]
    columns = widths(rows)
    for row in rows:
        page.row(row, columns)


def _number(value: int | None) -> str:
    return "" if value is None else str(value)


def _remarks(one: TableContent) -> list[str]:
    found = [one.why] if one.why else []
    found += [_stretch(stretch) for stretch in one.stretches]
    if one.resumed and one.read_at is not None:
        found.append(f"read before, at {one.read_at:%Y-%m-%d %H:%M:%S} UTC")
    if one.changes:
        found.append(f"{one.changes} rows were written on the source meanwhile")
    return found


def _stretch(one: Stretch) -> str:
    last = one.first + one.source_rows - 1
    where = f"rows {one.first} to {last}" if one.source_rows else f"before row {one.first}"
    return f"{where}: {one.source_rows} there, {one.target_rows} on the target"


def _led(lead: str, verdict: Verdict) -> Segment:
    word, style = _VERDICT[verdict]
    return f"{lead}{word} ", style


def markdown(found: Sequence[Comparison], scope: Scope = EVERYTHING) -> str:
    """The same as a comment on a pull request."""
    sections: list[Section] = []
    for one in found:
        head = f"## {plain(one.environment)}: {plain(one.target.database)}"
        sections.append(Section(0, f"{head}\n\n**{one.verdict}**: {plain(one.summary)}"))
        rows = [
            cells((str(d.severity), *map(plain, (said(d), d.source, d.target))))
            for d in sorted(one.differences, key=_rank)
        ]
        if rows:
            sections.append(table(1, "", ("", "what", "source", "target"), rows, "difference"))
        unlike = [
            cells((plain(t.name), *_counts(t), str(t.verdict), plain("; ".join(_remarks(t)))))
            for t in one.tables
            if t.verdict is not Verdict.PASS
        ]
        if unlike:
            sections.append(
                table(2, "", ("table", "source", "target", "rows", ""), unlike, "table")
            )
        told = [f"- not seen: {plain(f'{u.what} of the {u.side}: {u.why}')}" for u in one.unseen]
        told += [f"- {plain(note)}" for note in one.notes]
        if told:
            sections.append(listed(3, "", told, "note"))
    return fit("data compare", scope, sections)


def _counts(one: TableContent) -> tuple[str, str]:
    return _number(one.source_rows), _number(one.target_rows)


def machine(found: Sequence[Comparison]) -> str:
    """The comparisons with their verdicts worked out."""
    return _encoded(
        {
            "format": 1,
            "verdict": str(worst(one.verdict for one in found)),
            "databases": [
                {"verdict": str(one.verdict), **msgspec.to_builtins(one)} for one in found
            ],
        }
    )


def written(found: Sequence[Written], *, width: int = 80, color: bool = False) -> str:
    """What was written since the baseline, by table."""
    page = Page(width)
    for one in found:
        page.blank()
        page.line((one.environment, "title"), f"  since {one.since:%Y-%m-%d %H:%M:%S} UTC")
        head: list[Segment] = [
            (text, "head") for text in ("TABLE", "", "ROWS", "INSERTED", "UPDATED", "DELETED", "")
        ]
        told = [table for table in one.tables if table.change is not Change.UNCHANGED]
        rows = [head, *(_row(table) for table in told)] if told else []
        for row in rows:
            page.row(row, widths(rows))
        for name in one.sequences:
            page.text(f"sequence {name} moved on", indent=2, lead=("note ", "dim"))
        for note in one.notes:
            page.text(note, indent=2, lead=("note ", "dim"))
        page.blank()
        page.text(one.summary, lead=_led("", one.verdict))
    return printed(page, color=color)


def _row(one: TableWrites) -> list[Segment]:
    rows = f"{_number(one.rows_before)} -> {_number(one.rows_after)}"
    counts = [_number(count) for count in (one.inserted, one.updated, one.deleted)]
    cells: list[Segment] = [(one.name, "name"), _CHANGE[one.change], (rows, "")]
    return [*cells, *((count, "") for count in counts), (one.why, "dim")]


def written_machine(found: Sequence[Written]) -> str:
    """What was written, with the verdicts worked out."""
    return _encoded(
        {
            "format": 1,
            "verdict": str(worst(one.verdict for one in found)),
            "databases": [
                {"verdict": str(one.verdict), **msgspec.to_builtins(one)} for one in found
            ],
        }
    )


def baseline(taken: Baseline, path: str) -> str:
    """One line on a baseline that was taken."""
    rows = sum(one.rows or 0 for one in taken.tables.values())
    blind = sum(one.rows is None for one in taken.tables.values())
    more = f", {blind} tables not read" if blind else ""
    return f"{path}: {len(taken.tables)} tables, {rows} rows{more}"


def _encoded(document: dict[str, object]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"
