"""Scan, plan and findings for a person; 80 columns unless the terminal has more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from repoint.model.consumer import Consumer, Site
from repoint.model.plan import Finding, Plan, PlannedConsumer, Severity, Task
from repoint.planning.inventory import EnvironmentView, Inventory, SiteReport
from repoint.views import wording
from repoint.views.layout import Page, Segment, printed, widths

_MANY = 20
_HEADINGS = ("CONSUMER", "PURPOSE", "ROUTE", "UPDATE REQUIRED")
_SEVERITY_STYLE = {Severity.ERROR: "bad", Severity.WARNING: "warn", Severity.NOTE: "dim"}


def scan(
    inventory: Inventory, *, width: int = 80, color: bool = False, configured: bool = True
) -> str:
    """Who talks to PostgreSQL, by environment and consumer, then what is left over, in sum.

    `configured` tells whether there is a repoint.yaml.
    """
    page = Page(width)
    views = {view.name: view for view in inventory.environments}
    sites = {report.site.id: report.site for report in inventory.sites}
    for name in wording.environment_names(inventory):
        _environment_heading(page, name, views.get(name))
        consumers = [c for c in inventory.consumers if c.environment == name]
        _consumers(page, consumers, sites)
    _orphans(page, inventory)
    _unreadable(page, [(item.path, item.reason) for item in inventory.unreadable])
    _findings(page, wording.ordered(inventory.findings, list(views)))
    _counts(page, inventory)
    page.blank()
    page.text(_scan_summary(inventory), lead=("scan: ", "title"))
    page.text(wording.scan_next(inventory, configured=configured), lead=("next: ", "title"))
    return printed(page, color=color)


def summary(
    inventory: Inventory, *, width: int = 80, color: bool = False, configured: bool = True
) -> str:
    """The end of a scan alone: what could not be read, the counts and the next command."""
    page = Page(width)
    _unreadable(page, [(item.path, item.reason) for item in inventory.unreadable])
    _counts(page, inventory, always=True)
    page.blank()
    page.text(_scan_summary(inventory), lead=("scan: ", "title"))
    page.text(wording.scan_next(inventory, configured=configured), lead=("next: ", "title"))
    return printed(page, color=color)


def plan(value: Plan, *, width: int = 80, color: bool = False) -> str:
    """What would change and why, by environment, with the proof and the next command."""
    page = Page(width)
    for name in wording.plan_environments(value):
        page.blank()
        page.line((name or wording.OUTSIDE, "title"))
        _planned_consumers(page, [row for row in value.consumers if row.environment == name])
        _changes(page, value, name)
        _tasks(page, [task for task in value.tasks if task.environment == name])
        _proof(page, value, name)
        if page.lines[-1] == ((name or wording.OUTSIDE, "title"),):
            page.line(("  nothing to change", "dim"))
    _unreadable(page, [_parted(text) for text in value.unreadable])
    _findings(page, wording.ordered(value.findings, value.environments))
    page.blank()
    page.text(wording.plan_summary(value), lead=("plan: ", "title"))
    page.text(wording.plan_next(value), lead=("next: ", "title"))
    return printed(page, color=color)


def check(findings: Sequence[Finding], *, width: int = 80, color: bool = False) -> str:
    """The findings of a check, and a sentence that sums them up."""
    page = Page(width)
    _findings(page, wording.ordered(findings, ()))
    page.blank()
    errors = sum(finding.blocks for finding in findings)
    if errors:
        codes = wording.by_code([finding for finding in findings if finding.blocks])
        page.text(f"{wording.count(errors, 'error')} to mend: {codes}", lead=("check: ", "bad"))
        page.text(wording.check_next(findings), lead=("next: ", "title"))
    else:
        page.text("nothing stands against this repository", lead=("check: ", "good"))
    return printed(page, color=color)


def _environment_heading(page: Page, name: str, view: EnvironmentView | None) -> None:
    page.blank()
    page.line((name or wording.OUTSIDE, "title"))
    if view is None:
        return
    about = wording.environment_title(view)
    if about:
        page.text(about, indent=2)
    if not view.builds:
        reason = view.problem or "the reason is not known"
        page.text(
            f"{reason}; read from the sources instead", indent=2, lead=("does not build: ", "warn")
        )


def _consumers(page: Page, consumers: Sequence[Consumer], sites: dict[str, Site]) -> None:
    if not consumers:
        page.line(("  no consumer of PostgreSQL found", "dim"))
        return
    cells = [
        _row(wording.workload_name(c), c.purpose, c.route, c.update_required) for c in consumers
    ]
    columns = _headed(page, cells)
    for consumer, row in zip(consumers, cells, strict=True):
        page.row(row, columns)
        own = [sites[site] for site in consumer.sites if site in sites]
        for text in wording.current_addresses(own):
            page.text(text, indent=4, lead=("at ", "dim"))
        for site in own:
            page.text(wording.place(site), indent=4, lead=("in ", "dim"))
        if consumer.evidence:
            page.text("; ".join(consumer.evidence), indent=4, lead=("because ", "dim"))


def _headed(page: Page, cells: Sequence[Sequence[Segment]]) -> list[int]:
    headings: list[Segment] = [(text, "head") for text in _HEADINGS]
    columns = widths([headings, *cells])
    page.blank()
    page.row(headings, columns)
    return columns


def _row(name: str, purpose: str, route: str, update: str) -> list[Segment]:
    return [(name, "name"), (str(purpose), ""), (str(route), ""), (update or "-", "")]


def _orphans(page: Page, inventory: Inventory) -> None:
    linked = {site for consumer in inventory.consumers for site in consumer.sites}
    orphans = [r for r in inventory.sites if r.site.id not in linked and not r.consumer]
    if not orphans:
        return
    page.blank()
    page.line(("Sites that no workload was seen to read", "title"))
    for report in orphans:
        page.text(wording.place(report.site), indent=2)
        page.text(
            f"{wording.address(report.site)} {_orphan_note(report)}", indent=4, lead=("at ", "dim")
        )


def _orphan_note(report: SiteReport) -> str:
    named = ", ".join(report.environments)
    return f"({report.purpose}{', ' + named if named else ''})"


def _unreadable(page: Page, items: Sequence[tuple[str, str]]) -> None:
    if not items:
        return
    page.blank()
    page.line(("Could not be read", "title"))
    for path in dict.fromkeys(path for path, _ in items):
        page.line("  ", (path, "name"))
        for reason in dict.fromkeys(why for where, why in items if where == path and why):
            page.text(reason.removeprefix(f"{path}: "), indent=4)


def _parted(text: str) -> tuple[str, str]:
    """`path: reason` in its two parts."""
    path, _, reason = text.partition(": ")
    return path, reason


def _findings(page: Page, findings: Sequence[Finding]) -> None:
    if not findings:
        return
    page.blank()
    page.line(("Findings", "title"))
    for finding, after in zip(findings, (*findings[1:], None), strict=True):
        said_later = after is not None and (after.code, after.hint) == (finding.code, finding.hint)
        _finding(page, finding, hint=not said_later)


def _finding(page: Page, finding: Finding, *, hint: bool) -> None:
    word = "accepted" if finding.accepted else str(finding.severity)
    style = "dim" if finding.accepted else _SEVERITY_STYLE[finding.severity]
    scope = f"{finding.environment}: " if finding.environment else ""
    page.text(f"{scope}{finding.message}", indent=2, lead=(f"{word} {finding.code} ", style))
    where = wording.finding_place(finding)
    if where:
        page.text(where, indent=4, lead=("at ", "dim"))
    if finding.accepted:
        page.text(finding.accepted, indent=4, lead=("accepted: ", "dim"))
    elif hint and finding.hint:
        page.text(finding.hint, indent=4, lead=("hint: ", "dim"))


def _planned_consumers(page: Page, rows: Sequence[PlannedConsumer]) -> None:
    if not rows:
        return
    cells = [_row(_planned_name(r), r.purpose, r.way, r.update_required) for r in rows]
    columns = _headed(page, cells)
    for row, cell in zip(rows, cells, strict=True):
        page.row(cell, columns)
        page.text(row.current or "(not known)", indent=4, lead=("from ", "dim"))
        page.text(row.new or "(stays)", indent=4, lead=("to   ", "dim"))
        reasons = row.reasons or row.evidence
        if reasons:
            page.text("; ".join(reasons), indent=4, lead=("because ", "dim"))


def _planned_name(row: PlannedConsumer) -> str:
    name = f"{row.kind}/{row.name}"
    return f"{name} [{row.container}]" if row.container else name


def _changes(page: Page, value: Plan, environment: str) -> None:
    changes = wording.changes_of(value, environment)
    if not changes:
        return
    page.blank()
    page.line(("  FILES", "head"))
    for change in changes:
        note = " (sealed, through sops)" if change.sealed else ""
        page.line("  ", (change.path, "name"), (note, "dim"))
        for edit in change.edits:
            where = f"line {edit.line}, {edit.key}: " if edit.key else f"line {edit.line}: "
            page.text(wording.edit_summary(edit), indent=4, lead=(where, ""))
            for text in wording.new_lines(edit):
                page.line("      ", (f"+ {text}", "good"))
            mark = wording.edit_mark(edit)
            why = f"{edit.reason} [{edit.rule}]" if edit.rule else edit.reason
            page.text(f"{why} ({mark})" if mark else why, indent=6, lead=("because ", "dim"))


def _tasks(page: Page, tasks: Sequence[Task]) -> None:
    if not tasks:
        return
    page.blank()
    page.line(("  TASKS FOR A PERSON", "head"))
    for task in tasks:
        page.text(f"{task.path}:{task.line} {task.key}", indent=2)
        page.text(task.put, indent=4, lead=("put ", "dim"))
        page.text(task.reason, indent=4, lead=("because ", "dim"))


def _proof(page: Page, value: Plan, environment: str) -> None:
    lines = wording.proof_lines(value, environment)
    if not lines:
        return
    page.blank()
    page.line(("  PROOF", "head"))
    for line in lines:
        page.text(
            line.text,
            indent=2,
            lead=("ok " if line.holds else "no ", "good" if line.holds else "bad"),
        )


def _counts(page: Page, inventory: Inventory, *, always: bool = False) -> None:
    """How many consumers each environment has, and of what purpose: where they are many."""
    if not always and len(inventory.consumers) < _MANY:
        return
    rows: list[list[Segment]] = []
    for name in wording.environment_names(inventory):
        own = [one for one in inventory.consumers if one.environment == name]
        due = sum(one.update_required not in ("", "none") for one in own)
        each = Counter(str(one.purpose) for one in own).most_common()
        told = ", ".join(f"{number} {purpose}" for purpose, number in each)
        text = f"{wording.count(len(own), 'consumer')}, {due} to update" + (told and f": {told}")
        rows.append([(name or wording.OUTSIDE, "name"), (text, "")])
    page.blank()
    columns = widths(rows) if rows else []
    for row in rows:
        page.row(row, columns, indent=0)


def _scan_summary(inventory: Inventory) -> str:
    parts = [
        wording.count(len(inventory.consumers), "consumer"),
        wording.count(len(inventory.sites), "site"),
        f"{wording.count(inventory.files_read, 'file')} read of {inventory.files_seen}",
    ]
    if inventory.findings:
        parts.append(wording.count(len(inventory.findings), "finding"))
    if inventory.unreadable:
        parts.append(f"{len(inventory.unreadable)} could not be read")
    return "; ".join(parts)
