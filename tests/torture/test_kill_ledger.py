"""SIGKILL at every touch of the disk: the ledger tells of what was done, and of nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.identity import GitIdentity
from repoint.flows.apply import apply_plan
from repoint.flows.receipts import receipt_path
from repoint.model.ledger import Phase
from repoint.promotion.lines import LEDGER_PATH, decode_ledger
from tests.torture.killing import TIMINGS, kill_everywhere, prepare
from tests.unit.flows.hand_plans import Repository, new_repository


@pytest.fixture
def start(tmp_path: Path) -> Path:
    """The folder that holds the repository."""
    folder = tmp_path / "start"
    folder.mkdir()
    return folder


def begun(folder: Path, *, applied: bool) -> Repository:
    repository = new_repository(folder)
    plan = prepare(folder, repository, sealed=False)
    if applied:
        who = GitIdentity(repository.root)
        apply_plan(plan, repository.tree, repository.store, allow_dirty=True, identity=who)
    return repository


@pytest.mark.slow
@pytest.mark.parametrize("timing", TIMINGS)
@pytest.mark.parametrize("verb", ["told-apply", "told-rollback"])
def test_files_receipt_and_ledger_change_together(start: Path, verb: str, timing: str) -> None:
    repository = begun(start, applied=verb == "told-rollback")
    path = repository.root / LEDGER_PATH
    known = path.read_bytes() if path.exists() else b""
    lasts = set()
    for kill in kill_everywhere(start, verb, timing, stride=2):
        raw = kill.after.get(LEDGER_PATH) or b""
        assert raw.startswith(known), f"killed {timing} touch {kill.number}"
        entries = decode_ledger(raw)
        last = entries[-1].phase if entries else None
        applied = receipt_path("local") in kill.after
        assert applied == (last is Phase.APPLIED), f"killed {timing} touch {kill.number}"
        lasts.add(last)
    assert lasts == {Phase.APPLIED, Phase.TAKEN_BACK if known else None}


@pytest.mark.slow
@pytest.mark.parametrize("timing", TIMINGS)
def test_a_line_is_whole_or_not_there(start: Path, timing: str) -> None:
    repository = begun(start, applied=True)
    known = (repository.root / LEDGER_PATH).read_bytes()
    counts = set()
    for kill in kill_everywhere(start, "record", timing):
        raw = kill.after[LEDGER_PATH]
        assert raw is not None and raw.startswith(known)
        counts.add(len(decode_ledger(raw)))
    assert counts == {1, 2}
