"""The verdict of a rehearsal: unknown never counts as pass, and neither does a lame control."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.rehearsal import (
    Check,
    Control,
    Rehearsal,
    RehearsedConsumer,
    Verdict,
)

PASS, FAIL, UNKNOWN, SKIPPED = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN, Verdict.SKIPPED


def rehearsal(checks: tuple[Verdict, ...], controls: tuple[Verdict, ...]) -> Rehearsal:
    made = tuple(Check(f"check-{n}", one, "", "") for n, one in enumerate(checks))
    row = RehearsedConsumer("web", "local", "pooled", "session", "pgx", "pooler", made)
    held = tuple(Control("leak", "local", "web", one, "", "") for one in controls)
    base = Rehearsal(1, "1", "f" * 64, ("local",), "18.4", "1.24.1", (), (row,), held)
    return replace(base)


@pytest.mark.parametrize(
    ("checks", "controls", "verdict"),
    [
        ((PASS, PASS), (PASS,), PASS),
        ((PASS, SKIPPED), (PASS, SKIPPED), PASS),
        ((PASS, FAIL, UNKNOWN), (PASS,), FAIL),
        ((PASS, UNKNOWN), (PASS,), UNKNOWN),
        ((SKIPPED,), (PASS,), UNKNOWN),
        ((), (PASS,), UNKNOWN),
        ((PASS,), (), UNKNOWN),
        ((PASS,), (PASS, FAIL), UNKNOWN),
        ((PASS,), (PASS, UNKNOWN), UNKNOWN),
        ((FAIL,), (FAIL,), FAIL),
    ],
)
def test_verdict(
    checks: tuple[Verdict, ...], controls: tuple[Verdict, ...], verdict: Verdict
) -> None:
    assert rehearsal(checks, controls).verdict is verdict
