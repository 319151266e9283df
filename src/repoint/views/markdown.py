"""Markdown for a pull request: what matters up front, details folded, within a comment's size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from repoint.model.plan import FileChange, Finding, Plan, PlannedConsumer, Severity, Task
from repoint.planning.inventory import Inventory
from repoint.views import wording
from repoint.views.markup import (
    EVERYTHING,
    Scope,
    Section,
    code,
    codes,
    fenced,
    fit,
    folded,
    listed,
    plain,
    prose,
    row,
    table,
)

_ICONS = {"error": "❌", "warning": "⚠️", "note": "💡"}
_MANY = 8
_WORDY = 6_000
"""Bytes of a file's edits above which a comment counts them instead."""


def scan(inventory: Inventory, scope: Scope = EVERYTHING) -> str:
    """Consumers by environment, then what could not be read and the findings."""
    sections = [Section(0, "## PostgreSQL consumers")]
    sites = {report.site.id: report.site for report in inventory.sites}
    for name in wording.environment_names(inventory):
        rows = []
        for consumer in (c for c in inventory.consumers if c.environment == name):
            own = [sites[site] for site in consumer.sites if site in sites]
            cells = (
                code(wording.workload_name(consumer)),
                str(consumer.purpose),
                codes(wording.current_addresses(own)),
                str(consumer.route),
                plain(consumer.update_required) or "-",
                codes(wording.place(site) for site in own),
            )
            rows.append(row(cells))
        title = f"### {plain(name) or wording.OUTSIDE}"
        headings = ("Consumer", "Purpose", "Current", "Route", "Update required", "Where")
        sections.append(
            table(2, title, headings, rows, "consumer")
            if rows
            else Section(2, f"{title}\n\nNo consumer of PostgreSQL found.")
        )
    unread = [f"- {code(item.path)}: {prose(item.reason)}" for item in inventory.unreadable]
    sections += _unread(unread)
    order = [view.name for view in inventory.environments]
    sections += findings_sections(wording.ordered(inventory.findings, order))
    return fit("scan", scope, sections)


def plan(value: Plan, scope: Scope = EVERYTHING) -> str:
    """The plan as a comment on a pull request."""
    head = f"## repoint plan\n\n**{plain(wording.plan_summary(value))}**"
    sections = [Section(0, f"{head}\n\nNext: {prose(wording.plan_next(value))}")]
    sections += findings_sections(wording.ordered(value.findings, value.environments))
    for name in wording.plan_environments(value):
        sections += _environment(value, name)
    sections += _unread([f"- {prose(text)}" for text in value.unreadable])
    print_of = f"<sub>plan {value.fingerprint[:12]}, repoint {plain(value.tool_version)}</sub>"
    sections.append(Section(0, print_of))
    return fit("plan", scope, sections)


def check(findings: Sequence[Finding], scope: Scope = EVERYTHING) -> str:
    """The findings of a check."""
    title = Section(0, "## repoint check")
    if not findings:
        title = Section(0, "## repoint check\n\nNothing stands against this repository.")
    sections = [title, *findings_sections(wording.ordered(findings, ()))]
    return fit("check", scope, sections)


def findings_sections(findings: Sequence[Finding]) -> list[Section]:
    """What to mend in a table of its own; notes and what somebody accepted are folded."""
    if not findings:
        return []
    urgent = [one for one in findings if _is_urgent(one)]
    others = [one for one in findings if not _is_urgent(one)]
    sections = [Section(0, f"**Findings**: {_counted(findings)}")]
    headings = ("", "Code", "Environment", "Finding", "Where", "What to do")
    title = "### Findings"
    for rank, severity in ((1, Severity.ERROR), (3, Severity.WARNING)):
        rows = _rows(one for one in urgent if one.severity is severity)
        if rows:
            sections.append(table(rank, title, headings, rows, "finding"))
            title = ""
    if others:
        inner = table(6, "", headings, _rows(others), "finding")
        sections.append(folded(6, f"Notes and accepted findings ({len(others)})", inner))
    return sections


def _rows(findings: Iterable[Finding]) -> list[str]:
    """A row for each; what to do is told once where it is the same for several in a row."""
    rows = []
    before = ("", "")
    for one in findings:
        remedy = one.accepted or one.hint
        rows.append(_finding(one, "as above" if before == (one.code, remedy) else prose(remedy)))
        before = one.code, remedy
    return rows


def _is_urgent(finding: Finding) -> bool:
    return not finding.accepted and finding.severity is not Severity.NOTE


def _counted(findings: Iterable[Finding]) -> str:
    """How many of each kind, with their codes: all that stays when a table is too long."""
    kinds = [("accepted" if one.accepted else str(one.severity), one.code) for one in findings]
    parts = []
    for word in ("error", "warning", "note", "accepted"):
        numbers = Counter(code for kind, code in kinds if kind == word)
        if numbers:
            each = [
                f"{name} ({number})" if number > 1 else name
                for name, number in sorted(numbers.items())
            ]
            total = numbers.total()
            noun = wording.count(total, word) if word != "accepted" else f"{total} accepted"
            parts.append(f"{noun}: {', '.join(each)}")
    return "; ".join(parts)


def _finding(finding: Finding, remedy: str) -> str:
    word = "accepted" if finding.accepted else str(finding.severity)
    return row(
        (
            f"{_ICONS[finding.severity]} {word}",
            finding.code,
            plain(finding.environment) or "-",
            prose(finding.message),
            code(wording.finding_place(finding)) if finding.location else "-",
            remedy,
        )
    )


def _environment(value: Plan, name: str) -> list[Section]:
    rows = [_consumer(one) for one in value.consumers if one.environment == name]
    title = f"### {plain(name) or wording.OUTSIDE}"
    headings = ("Consumer", "Purpose", "Current", "New", "Update required")
    sections = [table(3, title, headings, rows, "consumer") if rows else Section(3, title)]
    tasks = [_task(task) for task in value.tasks if task.environment == name]
    if tasks:
        sections.append(listed(2, "**Tasks for a person**", tasks, "task"))
    changes = wording.changes_of(value, name)
    if changes:
        edits = sum(len(change.edits) for change in changes)
        summary = f"{wording.count(len(changes), 'file')}, {wording.count(edits, 'edit')}"
        inner = listed(5, "", [_change(change) for change in changes], "file")
        sections.append(folded(5, summary, inner))
    proofs = wording.proof_lines(value, name)
    if proofs:
        sections.append(_proof(proofs))
    return sections


def _consumer(one: PlannedConsumer) -> str:
    container = f" ({plain(one.container)})" if one.container else ""
    return row(
        (
            code(f"{one.kind}/{one.name}") + container,
            plain(one.purpose),
            code(one.current) if one.current else "-",
            f"{plain(one.way)}: {code(one.new)}" if one.new else plain(one.way),
            plain(one.update_required) or "-",
        )
    )


def _proof(lines: Sequence[wording.ProofLine]) -> Section:
    """What failed first; folded where there is much of it and all holds."""
    title = "**Proof that nothing else changes**"
    ordered = sorted(lines, key=lambda line: line.holds)
    items = [f"- {'✅' if line.holds else '❌'} {prose(line.text)}" for line in ordered]
    if not all(line.holds for line in lines):
        return listed(1, title, items, "proof")
    if len(items) <= _MANY:
        return listed(4, title, items, "proof")
    summary = f"Proof that nothing else changes: {wording.count(len(items), 'proof')}, all hold"
    return folded(4, summary, listed(4, "", items, "proof"))


def _change(change: FileChange) -> str:
    note = " (sealed, through sops)" if change.sealed else ""
    lines = [f"**{code(change.path)}**{note}", ""]
    for edit in change.edits:
        mark = wording.edit_mark(edit)
        tail = f" *{mark}*" if mark else ""
        rule = f" [{edit.rule}]" if edit.rule else ""
        lines.append(
            f"- line {edit.line} {code(edit.key)}: {code(wording.edit_summary(edit))}{tail}<br>"
        )
        lines.append(f"  {prose(edit.reason)}{rule}")
        new = wording.new_lines(edit)
        if new:
            block = fenced((f"+ {text}" for text in new), "diff").splitlines()
            lines += ["", *(f"  {text}" for text in block)]
    text = "\n".join(lines) + "\n"
    if len(text.encode()) > _WORDY:
        return f"**{code(change.path)}**{note}: {wording.count(len(change.edits), 'edit')}\n"
    return text


def _task(task: Task) -> str:
    return (
        f"- [ ] {code(f'{task.path}:{task.line}')} {code(task.key)}: put {code(task.put)}, "
        f"because {prose(task.reason)}"
    )


def _unread(items: Sequence[str]) -> list[Section]:
    if not items:
        return []
    return [folded(3, f"Could not be read ({len(items)})", listed(3, "", items))]
