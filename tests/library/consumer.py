"""A program that uses repoint, as somebody else would write it; mypy --strict reads it.

`assert_type` holds each public value to the type that the reference tells.
"""

from __future__ import annotations

from pathlib import Path
from typing import assert_type

import repoint


class Shown:
    """Progress that is printed by somebody."""

    def step(self, label: str, total: int | None = None) -> None: ...

    def advance(self, count: int = 1) -> None: ...

    def at(self, place: str) -> None: ...


def knowledge() -> repoint.Knowledge:
    """What this program knows of its own tools."""
    server = repoint.ServerOptions(host=("server",), port=("port",))
    tool = repoint.Tool(
        name="acme-move",
        purpose=repoint.Purpose.MIGRATION,
        commands=("acme-move up",),
        server=server,
    )
    kind = repoint.KindHabit("AcmeSecret", secret=repoint.SecretMaker(keys="spec.data"))
    image = repoint.ImageHabit("jobs", ("acme/jobs",), keeps=("listen",), says="it listens")
    library = repoint.Library("orm", "go.mod", "acme.dev/orm", driver="pgx")
    return repoint.Knowledge((tool,), (image,), (kind,), (library,))


def move(root: Path, environment: str) -> list[str]:
    """Plan and apply one environment; the lines to show."""
    here = repoint.Repository(root, knowledge=knowledge(), progress=Shown())
    scan = assert_type(here.scan([environment]), repoint.Scan)
    lines = [f"{site.site.location.path}: {site.purpose}" for site in scan.sites]
    assert_type(scan.consumers, tuple[repoint.Consumer, ...])
    assert_type(scan.consumers[0].purpose, repoint.Purpose)
    assert_type(scan.unreadable, tuple[repoint.Unreadable, ...])
    assert_type(scan.findings, tuple[repoint.Finding, ...])
    plan = assert_type(here.plan([environment]), repoint.Plan)
    assert_type(plan.changes, tuple[repoint.FileChange, ...])
    assert_type(plan.tasks, tuple[repoint.Task, ...])
    assert_type(plan.proofs, tuple[repoint.OverlayProof, ...])
    assert_type(plan.applicable, bool)
    again = assert_type(repoint.Plan.from_json(assert_type(plan.to_json(), str)), repoint.Plan)
    try:
        done = assert_type(here.apply(again, [environment]), repoint.Applied)
    except repoint.StalePlan as error:
        return [error.code, error.message, *assert_type(error.hints, tuple[str, ...])]
    except repoint.RepointError:
        here.recover()
        raise
    assert_type(done.environments, tuple[str, ...])
    assert_type(scan.environments, tuple[repoint.EnvironmentView, ...])
    back = assert_type(here.rollback([environment]), repoint.RolledBack)
    check = assert_type(here.check(), repoint.Check)
    lines += [*done.written, *back.notes, str(assert_type(check.passed, bool))]
    assert_type(here.propose(), repoint.Proposal)
    rules = assert_type(repoint.all_rules(), tuple[repoint.Rule, ...])
    return [*lines, repoint.explain(rules[0].code), repoint.__version__]
