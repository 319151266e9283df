"""`repoint status` on the worked example, as it goes forth and back."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.identity import GitIdentity
from repoint.errors import ExitCode
from repoint.flows import ledger
from repoint.flows.gates import check_gates, overrides_of, passed_by
from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.config import load_config
from repoint.promotion.lines import LEDGER_PATH
from tests.acceptance.example import EXAMPLE, Checkout, checkout

PASS = Verdict.PASS


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The example with a repoint.yaml."""
    folder = tmp_path_factory.mktemp("status")
    keys = folder / "keys.txt"
    keys.write_text("".join(one.read_text() for one in sorted(EXAMPLE.glob("keys/*.txt"))))
    made = checkout(EXAMPLE, folder / "naytife", keys)
    made.run("init")
    made.commit("repoint init")
    return made


@pytest.fixture
def here(begun: Checkout, tmp_path: Path) -> Checkout:
    """A copy to write to."""
    return begun.copy(tmp_path / "naytife")


def phases(here: Checkout, environment: str) -> dict[str, str]:
    """The state of each phase of an environment."""
    (one,) = here.json("status", "--env", environment)["environments"]
    return {phase["phase"]: phase["state"] for phase in one["phases"]}


def of(here: Checkout, environment: str) -> dict[str, Any]:
    (one,) = here.json("status", "--env", environment)["environments"]
    return one


def reached(here: Checkout, environment: str, phase: Phase, **given: Any) -> None:
    """Record that a step of the cluster side was done with what stands."""
    tree = FileTree(here.root)
    content = ledger.content_of(tree, environment)
    identity = GitIdentity(here.root)
    entry = ledger.entry_of(tree, identity, environment, phase, PASS, content=content, **given)
    ledger.append(tree, entry)


def test_without_a_ledger_it_says_what_there_is_to_do(here: Checkout) -> None:
    done = here.run("status")
    assert "there is no ledger yet" in " ".join(done.stdout.split())
    for name in ("local", "staging", "production"):
        assert f"next: repoint rehearse --env {name}" in done.stdout
    assert all(len(line) <= 80 for line in done.stdout.splitlines())
    assert not (here.root / LEDGER_PATH).exists()


def test_without_repoint_yaml_it_says_so(tmp_path: Path) -> None:
    made = Checkout(tmp_path, tmp_path / "keys.txt")
    assert made.run("status").stdout == (
        "note: there is no repoint.yaml here, which names the environments\n\n"
        "next: `repoint init`\n"
    )
    assert made.json("status")["environments"] == []
    assert made.run("status", "--env", "local", status=ExitCode.USAGE).stderr.startswith("error:")


def test_apply_and_rollback_are_told(here: Checkout) -> None:
    before = here.files()
    here.run("apply", "--env", "local", "--yes")
    status = of(here, "local")
    assert status["stands"] == "pass" and len(status["files"]) == 11
    assert phases(here, "local")["applied"] == "yes"
    assert phases(here, "staging")["applied"] == "-"
    text = " ".join(here.run("status").stdout.split())
    assert "gate rehearsed is closed (unknown)" in text
    assert f"{LEDGER_PATH} merge=union" in text

    (here.root / ".gitattributes").write_text(f"{LEDGER_PATH} merge=union\n")
    assert "merge=union" not in here.run("status").stdout
    (here.root / ".gitattributes").unlink()

    here.run("rollback", "--env", "local", "--yes")
    assert here.files() == before
    assert phases(here, "local")["applied"] == "old"
    status = of(here, "local")
    assert status["taken_back"]["detail"] == "11 files"
    assert len((here.root / LEDGER_PATH).read_text().splitlines()) == 2
    assert "taken-back" in here.run("status").stdout


def test_a_name_that_is_none_is_told_from_an_environment_that_is_not_applied(
    here: Checkout,
) -> None:
    assert "nothing to roll back" in here.run("rollback", "--env", "staging", "--yes").stderr
    here.run("apply", "--env", "local", "--yes")
    assert "applied: local" in here.run("rollback", "--env", "staging", "--yes").stderr
    done = here.run("rollback", "--env", "local", "--env", "prod", "--yes", status=ExitCode.USAGE)
    assert done.stderr.splitlines() == [
        "error: there is no environment `prod`",
        "hint: there are: local, staging, production",
    ]
    (here.root / "repoint.yaml").write_text("source: [\n")  # It is in nobody's way back.
    here.run("rollback", "--env", "prod", "--yes")
    here.run("rollback", "--env", "local", "--yes")


def test_a_commit_of_everything_leaves_a_clean_tree_and_an_empty_plan(here: Checkout) -> None:
    here.run("apply", "--env", "local", "--yes")
    here.commit("apply local")
    assert here.git("status", "--porcelain") == ""
    assert here.run("plan", "--env", "local", "--detailed-exitcode").returncode == 0
    assert LEDGER_PATH not in here.run("scan", "--format", "json").stdout
    here.run("apply", "--env", "staging", "--yes")


def test_the_plan_is_the_same_with_a_ledger(here: Checkout, tmp_path: Path) -> None:
    here.run("plan", "--output", str(tmp_path / "before.json"))
    here.run("plan", "--record", "--output", str(tmp_path / "after.json"))
    assert (tmp_path / "before.json").read_bytes() == (tmp_path / "after.json").read_bytes()
    assert phases(here, "staging")["planned"] == "pass"
    assert here.git("status", "--porcelain", "--", ".", ":!.repoint") == ""


def test_drift_is_told_by_file_and_key(here: Checkout) -> None:
    here.run("apply", "--env", "local", "--yes")
    script = here.root / "scripts" / "psql.sh"
    applied = script.read_text()
    script.write_text(applied + "# a comment of somebody else\n")
    status = of(here, "local")
    assert (status["stands"], status["edited"]) == ("pass", ["scripts/psql.sh"])

    here.git("checkout", "--quiet", "--", "scripts/psql.sh")
    status = of(here, "local")
    assert status["stands"] == "fail" and "scripts/psql.sh" in status["why"]
    assert phases(here, "local")["applied"] == "drift"
    assert status["next"]["command"] == "repoint plan --env local"


def test_changes_that_are_due_are_told_with_a_plan(here: Checkout) -> None:
    status = here.json("status", "--env", "local", "--plan")["environments"][0]
    assert status["pending"] == 11
    assert here.json("status", "--env", "local")["environments"][0]["pending"] is None
    assert "would change 11 files" in here.run("status", "--env", "local", "--plan").stdout


def test_the_way_through_the_gates_and_an_override(here: Checkout) -> None:
    here.run("apply", "--yes")
    for phase in (Phase.REHEARSED, Phase.COMPARED, Phase.ROLLED_OUT, Phase.VERIFIED):
        reached(here, "local", phase)
    assert of(here, "local")["next"]["command"] == "repoint verify --env local --soak 30m"
    gates = {gate["id"]: gate["verdict"] for gate in of(here, "staging")["gates"]}
    assert gates == {
        "rehearsed": "unknown",
        "predecessor": "pass",
        "soaked": "unknown",
        "data": "unknown",
    }
    reached(here, "staging", Phase.REHEARSED)
    reached(here, "staging", Phase.COMPARED)

    tree = FileTree(here.root)
    config = load_config(here.text("repoint.yaml"))
    reasons = overrides_of(["soaked"], ["the fair begins tomorrow"])
    found = check_gates(tree, config, "staging", datetime.now(UTC), overrides=reasons)
    assert all(gate.is_open for gate in found)
    reached(here, "staging", Phase.ROLLED_OUT, overrides=passed_by(found))
    assert of(here, "staging")["overrides"] == ["soaked: the fair begins tomorrow"]
    assert "passed by: soaked: the fair begins tomorrow" in here.run("status").stdout

    reached(here, "local", Phase.SOAKED, seconds=1800.0)
    assert of(here, "local")["next"]["command"] == ""
    here.run("rollback", "--env", "local", "--yes")
    gates = {gate["id"]: gate["verdict"] for gate in of(here, "staging")["gates"]}
    assert (gates["predecessor"], gates["soaked"]) == ("fail", "unknown")


def test_markdown_has_a_row_for_each_environment(here: Checkout) -> None:
    here.run("apply", "--env", "local", "--yes")
    text = here.run("status", "--format", "markdown").stdout
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 2 + 3
    assert len({row.count("|") for row in rows}) == 1
    assert "| yes |" in rows[2] and "`repoint rehearse --env local`" in rows[2]


def test_a_broken_ledger_is_told_by_its_line(here: Checkout) -> None:
    here.run("apply", "--env", "local", "--yes")
    path = here.root / LEDGER_PATH
    path.write_text(path.read_text() + "=======\n")
    done = here.run("status", status=ExitCode.REFUSED)
    assert done.stderr.startswith(f"error: `{LEDGER_PATH}` line 2 is a marker of a merge")
    assert "merge=union" in done.stderr


def test_no_secret_comes_into_the_ledger(here: Checkout) -> None:
    here.run("apply", "--yes")
    raw = (here.root / LEDGER_PATH).read_text()
    for path in ("deploy/secrets/local/backend-secret.yaml",):
        for value in here.secret(path).values():
            assert value not in raw
    for line in raw.splitlines():
        assert set(json.loads(line)) <= {
            *("id", "at", "who", "tool", "environment", "phase", "verdict", "content", "plan"),
            *("detail", "overrides", "seconds", "settings", "format"),
        }
    assert (
        subprocess.run(["git", "-C", str(here.root), "check-ignore", LEDGER_PATH]).returncode == 1
    )


def test_a_run_that_was_stopped_is_told_with_the_command_that_ends_it(here: Checkout) -> None:
    assert "stopped" not in here.run("scan").stderr
    journal = here.root / ".repoint" / "journal"
    journal.parent.mkdir(exist_ok=True)
    journal.write_text('{"state": "begin", "verb": "rollback", "steps": []}\n')

    done = here.run("status")
    assert done.stdout.endswith("next: `repoint apply --resume`\n")
    assert "stopped: a run of `repoint rollback` was stopped half-way" in done.stdout
    assert "half-way" not in done.stderr
    assert here.json("status")["half_done"] == "rollback"
    for arguments in (["scan"], ["scan", "--format", "json"], ["plan"], ["check"]):
        told = here.run(*arguments, status=None).stderr.splitlines()
        assert told[-1].startswith("stopped: a run of `repoint rollback`"), arguments
        assert "`repoint apply --resume`" in told[-1]

    journal.write_text('{"state": "begin", "verb": "\\u001b[2J", "steps": []}\n')
    assert here.json("status")["half_done"] == "?"
    here.run("apply", "--resume")
    assert here.json("status")["half_done"] == ""
    assert "half-way" not in here.run("scan").stderr


def test_a_run_that_is_at_work_is_none_that_was_stopped(here: Checkout) -> None:
    journal = here.root / ".repoint" / "journal"
    with FileTree(here.root).locked("apply"):
        journal.write_text('{"state": "begin", "verb": "apply", "steps": []}\n')
        assert here.json("status")["half_done"] == ""
    assert here.json("status")["half_done"] == "apply"
