"""Markdown for a pull request: tables up front, details folded, below GitHub's size limit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from repoint.model.plan import FileChange, Finding, Plan, Task
from repoint.planning.inventory import Inventory
from repoint.views import wording
from repoint.views.visible import visible

LARGEST = 60_000
"""Bytes; a comment on GitHub may have 65,536 characters."""

_ICONS = {"error": "❌", "warning": "⚠️", "note": "💡"}


def scan(inventory: Inventory) -> str:
    """Consumers by environment, then what could not be read and the findings."""
    blocks = ["## PostgreSQL consumers"]
    sites = {report.site.id: report.site for report in inventory.sites}
    for name in wording.environment_names(inventory):
        rows = []
        for consumer in (c for c in inventory.consumers if c.environment == name):
            own = [sites[site] for site in consumer.sites if site in sites]
            rows.append(
                (
                    _code(wording.workload_name(consumer)),
                    str(consumer.purpose),
                    _codes(wording.current_addresses(own)),
                    str(consumer.route),
                    consumer.update_required or "-",
                    _codes(wording.place(site) for site in own),
                )
            )
        blocks.append(f"### {name or wording.OUTSIDE}")
        headings = ("Consumer", "Purpose", "Current", "Route", "Update required", "Where")
        blocks.append(_table(headings, rows) if rows else "No consumer of PostgreSQL found.")
    unread = [f"- {_code(item.path)}: {_plain(item.reason)}" for item in inventory.unreadable]
    blocks += _folded("Could not be read", unread)
    blocks += _findings(
        wording.ordered(inventory.findings, [view.name for view in inventory.environments])
    )
    return _fit(blocks)


def plan(value: Plan) -> str:
    """The plan as a comment on a pull request."""
    blocks = ["## repoint plan", f"**{wording.plan_summary(value)}**"]
    blocks.append(f"Next: {wording.plan_next(value)}")
    blocks += _findings(wording.ordered(value.findings, value.environments))
    for name in wording.plan_environments(value):
        blocks += _environment(value, name)
    blocks += _folded("Could not be read", [f"- {_plain(text)}" for text in value.unreadable])
    blocks.append(f"<sub>plan {value.fingerprint[:12]}, repoint {value.tool_version}</sub>")
    return _fit(blocks)


def check(findings: Sequence[Finding]) -> str:
    """The findings of a check."""
    if not findings:
        return "## repoint check\n\nNothing stands against this repository.\n"
    return _fit(["## repoint check", *_findings(wording.ordered(findings, ()))])


def _environment(value: Plan, name: str) -> list[str]:
    rows = [
        (
            _code(f"{row.kind}/{row.name}") + (f" ({row.container})" if row.container else ""),
            row.purpose,
            _code(row.current) if row.current else "-",
            f"{row.way}: {_code(row.new)}" if row.new else row.way,
            row.update_required or "-",
        )
        for row in value.consumers
        if row.environment == name
    ]
    blocks = [f"### {name or wording.OUTSIDE}"]
    if rows:
        blocks.append(_table(("Consumer", "Purpose", "Current", "New", "Update required"), rows))
    tasks = [_task(task) for task in value.tasks if task.environment == name]
    if tasks:
        blocks += ["**Tasks for a person**", "\n".join(tasks)]
    changes = wording.changes_of(value, name)
    edits = sum(len(change.edits) for change in changes)
    title = f"{wording.count(len(changes), 'file')}, {wording.count(edits, 'edit')}"
    blocks += _folded(title, [_change(change) for change in changes])
    proof = [
        f"- {'✅' if line.holds else '❌'} {_plain(line.text)}"
        for line in wording.proof_lines(value, name)
    ]
    if proof:
        blocks += ["**Proof that nothing else changes**", "\n".join(proof)]
    return blocks


def _change(change: FileChange) -> str:
    note = " (sealed, through sops)" if change.sealed else ""
    lines = [f"**{_code(change.path)}**{note}", ""]
    for edit in change.edits:
        mark = wording.edit_mark(edit)
        tail = f" *{mark}*" if mark else ""
        rule = f" [{edit.rule}]" if edit.rule else ""
        lines.append(
            f"- line {edit.line} {_code(edit.key)}: {_code(wording.edit_summary(edit))}{tail}<br>"
        )
        lines.append(f"  {_plain(edit.reason)}{rule}")
        new = wording.new_lines(edit)
        if new:
            lines += [
                "",
                "  ```diff",
                *(f"  + {text.replace('```', '` ` `')}" for text in new),
                "  ```",
            ]
    return "\n".join(lines) + "\n"


def _task(task: Task) -> str:
    return (
        f"- [ ] {_code(f'{task.path}:{task.line}')} {_code(task.key)}: put {_code(task.put)}, "
        f"because {_plain(task.reason)}"
    )


def _findings(findings: Sequence[Finding]) -> list[str]:
    if not findings:
        return []
    rows = [
        (
            f"{_ICONS[finding.severity]} {'accepted' if finding.accepted else finding.severity}",
            finding.code,
            finding.environment or "-",
            _plain(finding.message),
            _code(wording.finding_place(finding)) if finding.location else "-",
            _plain(finding.accepted or finding.hint),
        )
        for finding in findings
    ]
    headings = ("", "Code", "Environment", "Finding", "Where", "What to do")
    return ["### Findings", _table(headings, rows)]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = ["| " + " | ".join(headings) + " |", "|" + " --- |" * len(headings)]
    lines += ["| " + " | ".join(_cell(text) for text in row) + " |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("\n", " ").replace("|", "\\|")


def _folded(title: str, items: Sequence[str]) -> list[str]:
    if not items:
        return []
    body = "\n".join(items)
    return [f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"]


def _code(text: str) -> str:
    """Text as code on one line, whatever stands in it: a name may come from a stranger."""
    text = text.replace("\n", "\\n")
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _codes(texts: Iterable[str]) -> str:
    return "<br>".join(_code(text) for text in texts) or "-"


def _plain(text: str) -> str:
    """Text that cannot turn into markup or end a table's row."""
    return " ".join(text.replace("<", "&lt;").split())


def _fit(blocks: Sequence[str]) -> str:
    """The blocks up to the size limit; what is left out is said, never cut in the middle."""
    blocks = [visible(block) for block in blocks]
    text = "\n\n".join(blocks) + "\n"
    if len(text.encode()) <= LARGEST:
        return text
    kept: list[str] = []
    room = LARGEST - 200
    for block in blocks:
        room -= len(block.encode()) + 2
        if room < 0:
            break
        kept.append(block)
    left = len(blocks) - len(kept)
    note = f"*{wording.count(left, 'part')} left out to fit a comment; `repoint plan` shows all.*"
    return "\n\n".join([*kept, note]) + "\n"
