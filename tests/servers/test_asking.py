"""A server that answers late, and one that died, are told from one that says no."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from repoint.flows.rehearsing.asking import asked, late
from repoint.flows.rehearsing.checks_login import LOGIN
from repoint.flows.rehearsing.stage import Answer
from repoint.model.rehearsal import Verdict
from tests.servers.fix_lab import GroundFactory
from tests.servers.staging import client, staged

pytestmark = pytest.mark.servers


@contextmanager
def stopped(lab: Any, *words: str) -> Iterator[None]:
    """The servers of the laboratory with such arguments do nothing for a while."""
    pids = [
        int(entry.parent.name)
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if any(word in (line := read(entry)) and str(lab.folder) in line for word in words)
    ]
    assert pids
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def read(path: Path) -> str:
    try:
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.parametrize(
    ("words", "verdict"),
    [((" -D ", "pgbouncer.ini"), Verdict.UNKNOWN), (("pgbouncer.ini",), Verdict.FAIL)],
    ids=["all of them", "the pooler alone"],
)
def test_a_late_answer_is_unknown_where_postgresql_is_late_too(
    ground: GroundFactory, words: tuple[str, ...], verdict: Verdict
) -> None:
    here = ground()
    one = client(here.pooler())
    stage = staged(here.pooler(), one)
    stage.patience_s = 0.2

    with stopped(here.lab, *words):
        found = asked(stage, one, LOGIN)
        answer = late(stage, one, Answer(Verdict.FAIL, "", "timeout expired"))

    assert (found.verdict, answer.verdict) == (verdict, verdict)
    assert "timeout expired" in found.observed
    assert ("this machine has other work" in found.observed) is (verdict is Verdict.UNKNOWN)
    assert stage.patience_s == 0.2
    assert asked(stage, one, LOGIN).verdict is Verdict.PASS
