"""Ledgers made by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.promotion.standing import Standing
from repoint.promotion.timeline import Timeline

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CONTENT = "c" * 64
SETTINGS = "5" * 64


def at(minute: float) -> datetime:
    """So many minutes after the first entry."""
    return START + timedelta(minutes=minute)


def entry(
    phase: Phase,
    minute: float = 0,
    environment: str = "local",
    verdict: Verdict = Verdict.PASS,
    **given: object,
) -> Entry:
    """An entry by Ada, an hour into the day."""
    base = Entry(
        id=f"{environment}-{phase}-{minute}",
        at=at(minute),
        who="Ada <ada@example.org>",
        tool="1.0.0",
        environment=environment,
        phase=phase,
        verdict=verdict,
        content="" if phase is Phase.COMPARED else CONTENT,
        settings=SETTINGS,
    )
    return replace(base, **given)  # type: ignore[arg-type]


def timeline(*entries: Entry, environment: str = "local", **given: object) -> Timeline:
    """A timeline on content that stands."""
    standing = Standing(environment, CONTENT, Verdict.PASS)
    return Timeline.of(replace(standing, **given), entries)  # type: ignore[arg-type]
