"""Records of rehearsals: bound to a plan's content and to the files it was made on."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from repoint.adapters.filetree import FileTree
from repoint.errors import GateClosed
from repoint.flows.rehearsing.record import (
    content_digest,
    inputs_of,
    record,
    require_rehearsed,
    standing,
)
from repoint.model.plan import FileChange, InputDigest, Plan
from repoint.model.rehearsal import (
    REHEARSAL_FORMAT,
    Check,
    Control,
    Phase,
    Rehearsal,
    RehearsedConsumer,
    Verdict,
)
from tests.unit.flows.hand_plans import Repository

LOCAL = FileChange("a.yaml", "local", "1" * 64, "2" * 64, ())
STAGING = FileChange("b.yaml", "staging", "3" * 64, "4" * 64, ())


def plan(*changes: FileChange, **given: object) -> Plan:
    inputs = (InputDigest("a.yaml", "1" * 64), InputDigest("base.yaml", "5" * 64))
    base = Plan(
        1, "1", ("local", "staging"), (), changes, (), (), (), (), inputs, "f" * 64
    )  # fmt: skip
    return replace(base, **given)  # type: ignore[arg-type]


def rehearsal(made_of: Plan, verdict: Verdict = Verdict.PASS) -> Rehearsal:
    check = Check("login", verdict, "it is taken", "it is", took_s=0.25)
    row = RehearsedConsumer("web", "local", "pooled", "session", "pgx", "pooler", (check,))
    control = Control("leak", "local", "web", Verdict.PASS, "it leaks", "it does")
    return Rehearsal(
        *(REHEARSAL_FORMAT, "1", made_of.fingerprint, ("local",), "18.4", "1.24.1"),
        fidelity=(),
        consumers=(row,),
        controls=(control,),
        phases=(Phase("servers", 1.5),),
        content=content_digest(made_of, "local"),
        inputs=inputs_of(made_of, {"a.yaml", "base.yaml"}),
    )


def test_a_plan_is_known_by_what_it_changes_in_one_environment(repository: Repository) -> None:
    both = plan(LOCAL, STAGING)
    record([rehearsal(both)], repository.tree)

    alone = plan(LOCAL, environments=("local",), fingerprint="e" * 64)
    assert standing(alone, "local", repository.tree).verdict is Verdict.PASS
    assert standing(both, "staging", repository.tree).why == "it was not rehearsed"

    other = plan(replace(LOCAL, after_sha256="9" * 64))
    assert standing(other, "local", repository.tree).verdict is None


def test_a_file_that_changed_since_is_named(repository: Repository) -> None:
    made = plan(LOCAL)
    record([rehearsal(made)], repository.tree)
    inputs = (InputDigest("a.yaml", "1" * 64), InputDigest("base.yaml", "6" * 64))

    found = standing(plan(LOCAL, inputs=inputs), "local", repository.tree)

    assert found.verdict is None and found.why == "`base.yaml` changed since the rehearsal"


def test_two_runs_write_their_record_one_after_the_other(repository: Repository) -> None:
    done = plan(LOCAL)
    with ThreadPoolExecutor() as pool:
        with repository.tree.locked("rehearse"):
            other = pool.submit(record, [rehearsal(done)], FileTree(repository.root))
            time.sleep(0.3)
            assert not other.done()
        [path] = other.result()

    assert repository.tree.is_there(path)


def test_a_record_holds_no_times_and_is_written_once(repository: Repository) -> None:
    made = plan(LOCAL)
    [path] = record([rehearsal(made)], repository.tree)
    first = repository.tree.read_again(path)

    slower = replace(rehearsal(made), phases=(Phase("servers", 9.0),))
    assert record([slower], repository.tree) == (path,)
    assert repository.tree.read_again(path) == first
    assert b"1.5" not in first and b"0.25" not in first


@pytest.mark.parametrize("verdict", [Verdict.FAIL, Verdict.UNKNOWN])
def test_the_gate_wants_a_rehearsal_that_passed(repository: Repository, verdict: Verdict) -> None:
    made = plan(LOCAL)
    with pytest.raises(GateClosed, match="it was not rehearsed"):
        require_rehearsed(made, ["local"], repository.tree)

    record([rehearsal(made, verdict)], repository.tree)
    with pytest.raises(GateClosed, match=f"its rehearsal's verdict is {verdict}"):
        require_rehearsed(made, ["local"], repository.tree)

    record([rehearsal(made)], repository.tree)
    require_rehearsed(made, ["local", "staging"], repository.tree)  # staging changes nothing


def test_a_damaged_record_is_no_rehearsal(repository: Repository) -> None:
    made = plan(LOCAL)
    [path] = record([rehearsal(made)], repository.tree)
    (repository.root / path).write_text("{")

    assert standing(made, "local", repository.tree).verdict is None
