"""A verification as a person, a pull request and a program read it."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from repoint.model.rehearsal import Check, Control, Verdict
from repoint.model.verification import PoolUse, Restarts, Soak, Verification, VerifiedConsumer
from repoint.views import comments, machine
from repoint.views.verification import (
    lasting,
    soak_lines,
    sparkline,
    verification,
)

GOOD = Check("login", Verdict.PASS, "taken", "taken")
BAD = Check("server", Verdict.FAIL, "PgBouncer", "PostgreSQL itself", ("TL8",))
LEFT = Check("health", Verdict.SKIPPED, "well", "it has no probe")
WEB = VerifiedConsumer(
    "Deployment/shop/web/web", "pooled", "pooler.shop", "pgx", "Secret/db key URL", (GOOD, LEFT)
)
CONTROL = Control("other-route-pooled", "local", WEB.id, Verdict.PASS, "the other", "seen")
NAMED = Check("source-named", Verdict.PASS, "nobody names the source", "3 workloads")
POOL = PoolUse(
    *("pooler", "shop", "web", Verdict.PASS, "7 queries", 4, 1, 0.25, 0.5, 1.0, 0.25, 7),
    used=(0.0, 0.5, 1.0, 0.2),
)
SOAK = Soak(8.0, 8.0, 4, "", (POOL,), (Restarts("Deployment/web", Verdict.PASS, 0, "0 restarts"),))
MADE = Verification(1, "0", "local", "kind", "port-forward", (WEB,), (NAMED,), (CONTROL,), ("x",))


def with_checks(*checks: Check) -> Verification:
    return replace(MADE, consumers=(replace(WEB, checks=checks),))


def test_a_person_sees_what_passed_and_what_did_not() -> None:
    text = verification(with_checks(GOOD, BAD, LEFT))
    assert "FAIL Deployment/shop/web/web pooled, as pgx, Secret/db key URL" in text
    assert "expected PgBouncer" in text and "observed PostgreSQL itself" in text
    assert "facts TL8" in text and "health: it has no probe" in text
    assert "verify: FAIL 1 connections, checks: 2 passed, 1 failed" in text
    assert "ok nobody names the source: 3 workloads" in text


def test_colors_change_no_word() -> None:
    plain = verification(MADE)
    assert re.sub(r"\x1b\[[0-9;]*m", "", verification(MADE, color=True)) == plain


def test_a_pull_request_sees_the_same() -> None:
    text = comments.verification(replace(with_checks(GOOD, BAD), soak=SOAK))
    assert text.startswith("<!-- repoint: verify -->\n\n## Verify local: ❌ fail")
    assert "| ❌ fail | `Deployment/shop/web/web` | pooled | Secret/db key URL |" in text
    assert "- ❌ **fail** `Deployment/shop/web/web`, `server`: expected PgBouncer" in text
    assert "- ✅ `pooler web@shop`: 7 queries" in text
    assert "- ✅ `Deployment/web`: 0 restarts; 0 restarts" in text


def test_a_program_sees_verdicts_worked_out() -> None:
    found = json.loads(machine.verification(replace(MADE, soak=SOAK)))
    assert (
        found["verdict"] == found["consumers"][0]["verdict"] == found["soak"]["verdict"] == "pass"
    )
    assert found["soak"]["pools"][0]["used"] == [0.0, 0.5, 1.0, 0.2]
    assert json.loads(machine.verification(MADE))["soak"] is None


@pytest.mark.parametrize(
    ("value", "verdict"),
    [
        (MADE, Verdict.PASS),
        (with_checks(GOOD, BAD), Verdict.FAIL),
        (with_checks(LEFT), Verdict.UNKNOWN),
        (replace(MADE, consumers=()), Verdict.UNKNOWN),
        (replace(MADE, controls=()), Verdict.UNKNOWN),
        (replace(MADE, controls=(replace(CONTROL, verdict=Verdict.UNKNOWN),)), Verdict.UNKNOWN),
        (replace(MADE, controls=(replace(CONTROL, verdict=Verdict.SKIPPED),)), Verdict.UNKNOWN),
        (replace(MADE, checks=(replace(NAMED, verdict=Verdict.FAIL),)), Verdict.FAIL),
        (replace(MADE, checks=(replace(NAMED, verdict=Verdict.SKIPPED),)), Verdict.PASS),
        (replace(MADE, soak=replace(SOAK, lasted_s=1.0)), Verdict.UNKNOWN),
        (replace(with_checks(BAD), soak=SOAK), Verdict.FAIL),
    ],
)
def test_the_verdict_of_the_whole(value: Verification, verdict: Verdict) -> None:
    assert value.verdict is verdict


def test_bars() -> None:
    assert sparkline((0.0, 0.5, 1.0, 2.0, -1.0)) == "▁▅██▁"
    assert sparkline(()) == ""
    assert sparkline([0.0] * 99 + [1.0], width=10) == "▁▁▁▁▁▁▁▁▁█"


def test_how_long() -> None:
    assert [lasting(one) for one in (0, 5, 90, 3600, 5400)] == ["0s", "5s", "1m30s", "1h", "1h30m"]


def test_a_soak_that_still_runs() -> None:
    again = Restarts("Deployment/web", Verdict.FAIL, 2, "2 restarts; `web` ended: OOMKilled")
    lines = soak_lines(replace(SOAK, restarts=(again,), gaps=("a", "b")))
    assert lines[0] == "soaking: 8s of 8s"
    assert lines[1] == "  pooler web@shop  ▁▅█▂  20% used, 1 waited, longest 0.5 s"
    assert lines[2:] == ["  Deployment/web: 2 restarts; `web` ended: OOMKilled", "  b"]
