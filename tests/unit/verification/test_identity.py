"""Which server answered, from what it says of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.rehearsal import Verdict
from repoint.verification.activity import Session, session_of, source_is_left
from repoint.verification.identity import Who, kind_of, right_kind, right_server, who_of

POSTGRES = who_of(("7", "here", "false", "100.5", "pg", "42"), "7")
BOUNCER = who_of(("7", "", "false", "100.5", "pg", "42"), "99")


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (POSTGRES, "PostgreSQL itself"),
        (BOUNCER, "PgBouncer"),
        (replace(POSTGRES, given_pid="99"), ""),
        (replace(BOUNCER, given_pid="7"), ""),
        (replace(POSTGRES, given_pid=""), "PostgreSQL itself"),
        (replace(BOUNCER, given_pid=""), "PgBouncer"),
    ],
)
def test_the_kind(who: Who, kind: str) -> None:
    assert kind_of(who) == kind


@pytest.mark.parametrize(
    ("who", "pooled", "verdict"),
    [
        (BOUNCER, True, Verdict.PASS),
        (BOUNCER, False, Verdict.FAIL),
        (POSTGRES, True, Verdict.FAIL),
        (POSTGRES, False, Verdict.PASS),
        (replace(POSTGRES, given_pid="99"), False, Verdict.UNKNOWN),
    ],
)
def test_the_right_kind(who: Who, pooled: bool, verdict: Verdict) -> None:
    assert right_kind(who, pooled=pooled)[0] is verdict


@pytest.mark.parametrize(
    ("who", "system", "primary", "verdict"),
    [
        (BOUNCER, "42", POSTGRES, Verdict.PASS),
        (BOUNCER, "42", None, Verdict.PASS),
        (BOUNCER, "", POSTGRES, Verdict.PASS),
        (BOUNCER, "43", POSTGRES, Verdict.FAIL),
        (replace(BOUNCER, system=""), "43", POSTGRES, Verdict.PASS),
        (BOUNCER, "42", replace(POSTGRES, started="200"), Verdict.FAIL),
        (replace(BOUNCER, in_recovery=True), "42", POSTGRES, Verdict.FAIL),
        (replace(BOUNCER, cluster="other"), "42", POSTGRES, Verdict.FAIL),
        (replace(BOUNCER, cluster=""), "", None, Verdict.UNKNOWN),
    ],
)
def test_the_right_server(who: Who, system: str, primary: Who | None, verdict: Verdict) -> None:
    assert right_server(who, cluster="pg", system=system, primary=primary)[0] is verdict


PODS = {"10.0.0.7": "web-1"}


@pytest.mark.parametrize(
    ("sessions", "verdict"),
    [
        ([], Verdict.PASS),
        ([Session("web", "psql", "10.0.0.7", False)], Verdict.FAIL),
        ([Session("other", "", "10.0.0.7", False)], Verdict.FAIL),
        ([Session("web", "psql", "10.9.9.9", False)], Verdict.UNKNOWN),
        ([Session("web", "", "", False)], Verdict.UNKNOWN),
        ([Session("other", "", "", True)], Verdict.UNKNOWN),
        ([Session("other", "", "10.9.9.9", False)], Verdict.PASS),
        (
            [Session("web", "", "10.9.9.9", False), Session("web", "", "10.0.0.7", False)],
            Verdict.FAIL,
        ),
    ],
)
def test_who_is_left_at_the_source(sessions: list[Session], verdict: Verdict) -> None:
    assert source_is_left(sessions, ["web"], PODS)[0] is verdict


def test_a_row_of_sessions() -> None:
    assert session_of(("web", "app", None, "true")) == Session("web", "app", "", True)
