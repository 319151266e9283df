"""Chooses the view for a format; each is imported only when it is the one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from repoint.cli.output import Terminal
    from repoint.model.plan import Finding, Plan
    from repoint.model.rehearsal import Rehearsal
    from repoint.model.verification import Verification
    from repoint.planning.inventory import Inventory
    from repoint.ports import Tree


def scan(terminal: Terminal, form: str, inventory: Inventory) -> str:
    """An inventory as `form`: human, json or markdown."""
    from repoint.views import human, machine, markdown

    if form == "json":
        return machine.scan(inventory)
    if form == "markdown":
        return markdown.scan(inventory)
    return human.scan(inventory, width=terminal.width, color=terminal.color)


def plan(terminal: Terminal, form: str, value: Plan, tree: Tree) -> str:
    """A plan as `form`: human, json, markdown or diff."""
    from repoint.views import diff, human, machine, markdown

    if form == "json":
        return machine.plan(value)
    if form == "markdown":
        return markdown.plan(value)
    if form == "diff":
        return diff.plan(value, tree)
    return human.plan(value, width=terminal.width, color=terminal.color)


def check(terminal: Terminal, form: str, findings: Sequence[Finding]) -> str:
    """Findings as `form`: human, json or markdown."""
    from repoint.views import human, machine, markdown

    if form == "json":
        return machine.check(findings)
    if form == "markdown":
        return markdown.check(findings)
    return human.check(findings, width=terminal.width, color=terminal.color)


def rehearsal(terminal: Terminal, form: str, value: Rehearsal) -> str:
    """A rehearsal as `form`: human, json or markdown."""
    from repoint.views import machine
    from repoint.views import rehearsal as view

    if form == "json":
        return machine.rehearsal(value)
    if form == "markdown":
        return view.markdown(value)
    return view.rehearsal(value, width=terminal.width, color=terminal.color)


def verification(terminal: Terminal, form: str, value: Verification) -> str:
    """A verification as `form`: human, json or markdown."""
    from repoint.views import machine
    from repoint.views import verification as view

    if form == "json":
        return machine.verification(value)
    if form == "markdown":
        return view.markdown(value)
    return view.verification(value, width=terminal.width, color=terminal.color)
