"""Every repository of the corpus: a plan is made, and apply writes it or says what blocks it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.acceptance.example import checkout

CORPUS = Path(__file__).parents[1] / "corpus"
REPOSITORIES = sorted(path.parent.name for path in CORPUS.glob("*/repo"))


@pytest.mark.parametrize("name", REPOSITORIES)
def test_a_plan_of_the_corpus_is_one_that_apply_can_write(
    name: str, tmp_path: Path, keys: Path
) -> None:
    made = checkout(CORPUS / name / "repo", tmp_path / name, keys)
    if not (made.root / "repoint.yaml").exists():
        told = made.run("init", status=None)
        if told.returncode:
            assert told.stderr.startswith("error: "), told.stderr
            return
        made.commit("init")

    told = made.run("plan", "--output", str(tmp_path / "plan.json"), status=None)
    assert (tmp_path / "plan.json").exists(), told.stderr
    before = made.files()
    applied = made.run("apply", "--yes", str(tmp_path / "plan.json"), status=None)
    if applied.returncode == 1:
        # Error findings, such as a target that is not there, block: nothing was written.
        assert "RP" in applied.stderr or "findings" in applied.stderr, applied.stderr
        assert made.files() == before
        return
    assert applied.returncode == 0, applied.stderr
    made.run("rollback", "--yes")
    assert made.files() == before
