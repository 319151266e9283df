"""Chooses the view for a format; each is imported only when it is the one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoint.cli.asked import Asked
    from repoint.cli.output import Terminal
    from repoint.model.plan import Finding, Plan
    from repoint.model.rehearsal import Rehearsal
    from repoint.model.verification import Verification
    from repoint.planning.inventory import Inventory


def scan(
    terminal: Terminal,
    form: str,
    inventory: Inventory,
    asked: Asked,
    *,
    configured: bool = True,
    short: bool = False,
) -> str:
    """An inventory as `form`: human (its end alone where `short`), json, markdown or sarif."""
    if form == "json":
        from repoint.views import machine

        return machine.scan(inventory)
    if form == "markdown":
        from repoint.views import markdown

        return markdown.scan(inventory, asked.scope)
    if form == "sarif":
        from repoint.views import sarif

        return sarif.scan(inventory, asked.places, asked.scope, pages=asked.pages)
    from repoint.views import human

    view = human.summary if short else human.scan
    return view(inventory, width=terminal.width, color=terminal.color, configured=configured)


def plan(terminal: Terminal, form: str, value: Plan, asked: Asked) -> str:
    """A plan as `form`: human, json, markdown, sarif, github, gitlab or diff."""
    if form == "json":
        from repoint.views import machine

        return machine.plan(value)
    if form == "markdown":
        from repoint.views import markdown

        return markdown.plan(value, asked.scope)
    if form == "diff":
        from repoint.views import diff

        return diff.plan(value, asked.tree)
    if form == "sarif":
        from repoint.views import sarif

        return sarif.plan(value, asked.places, asked.scope, pages=asked.pages)
    if form == "github":
        from repoint.views import annotations

        return annotations.commands(value.findings, asked.places)
    if form == "gitlab":
        from repoint.views import codequality

        return codequality.report(value.findings, asked.places)
    from repoint.views import human

    return human.plan(value, width=terminal.width, color=terminal.color)


def check(terminal: Terminal, form: str, findings: Sequence[Finding], asked: Asked) -> str:
    """Findings as `form`: human, json, markdown, sarif, junit, github or gitlab."""
    if form == "json":
        from repoint.views import machine

        return machine.check(findings)
    if form == "markdown":
        from repoint.views import markdown

        return markdown.check(findings, asked.scope)
    if form == "sarif":
        from repoint.views import sarif

        return sarif.check(findings, asked.places, asked.scope, pages=asked.pages)
    if form == "junit":
        from repoint.views import junit

        return junit.check(findings, asked.environments)
    if form == "github":
        from repoint.views import annotations

        return annotations.commands(findings, asked.places)
    if form == "gitlab":
        from repoint.views import codequality

        return codequality.report(findings, asked.places)
    from repoint.views import human

    return human.check(findings, width=terminal.width, color=terminal.color)


def rehearsal(
    terminal: Terminal, form: str, value: Rehearsal, asked: Asked, due: Collection[str]
) -> str:
    """A rehearsal as `form`: human, json, markdown or junit; its plan edits `due` environments."""
    from repoint.views import comments, machine
    from repoint.views import rehearsal as view

    if form == "json":
        return machine.rehearsal(value)
    if form == "markdown":
        return comments.rehearsal(value, asked.scope)
    if form == "junit":
        from repoint.views import junit

        return junit.rehearsal(value)
    return view.rehearsal(value, due, width=terminal.width, color=terminal.color)


def verification(terminal: Terminal, form: str, value: Verification, root: str = ".") -> str:
    """A verification of the repository at `root` as `form`: human, json, markdown or junit."""
    from repoint.views import comments, machine
    from repoint.views import verification as view

    if form == "json":
        return machine.verification(value)
    if form == "markdown":
        from repoint.cli.asked import scope_of

        return comments.verification(value, scope_of(Path(root), (value.environment,)))
    if form == "junit":
        from repoint.views import junit

        return junit.verification(value)
    return view.verification(value, width=terminal.width, color=terminal.color)
