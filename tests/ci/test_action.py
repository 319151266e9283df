"""The GitHub Action: its steps run under bash with the real repoint, and talk to an API at hand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest

from tests.ci.steps import (
    ACTION,
    ROOT,
    STEPS,
    Comments,
    Runner,
    comments,
    git,
    write_program,
    write_shop,
)

SCHEMA = json.loads((ROOT / "tests/schemas/github-actions.json").read_text("utf-8"))
RUNS = [step for step in STEPS if "run" in step]
MARKER = "<!-- repoint: check -->"


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    work = tmp_path / "work"
    work.mkdir()
    write_shop(work)
    git(work, "init", "-q")
    git(work, "add", "-A")
    write_program(tmp_path / "temp" / "repoint" / "bin")
    about = {"server_url": "https://github.example", "token": "canary-token"}
    return Runner(tmp_path / "temp", work, github=about)


@pytest.fixture
def api() -> Iterator[Comments]:
    with comments() as server:
        yield server


def test_it_is_what_github_reads() -> None:
    jsonschema.validate(ACTION, SCHEMA)


@pytest.mark.parametrize("step", RUNS, ids=lambda step: str(step["name"]))
def test_no_script_holds_an_expression(step: dict[str, str]) -> None:
    assert "${{" not in step["run"]
    assert step["shell"] == "bash"


@pytest.mark.parametrize("step", RUNS, ids=lambda step: str(step["name"]))
def test_no_module_is_taken_from_the_repository(step: dict[str, str]) -> None:
    assert not re.search(r"(?<! -I) -m [a-z]", step["run"])


@pytest.mark.parametrize("step", RUNS, ids=lambda step: str(step["name"]))
def test_shellcheck_finds_nothing(step: dict[str, str]) -> None:
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    script = f"#!/usr/bin/env bash\n{step['run']}"
    argv = [str(shellcheck), "--shell=bash", "-"]
    done = subprocess.run(argv, input=script, capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_every_input_is_used_and_every_use_declared() -> None:
    text = (ROOT / "action.yml").read_text("utf-8")
    for name in ACTION["inputs"]:
        assert f"inputs.{name} " in text
    uses = [step["uses"].partition("@")[0] for step in STEPS if "uses" in step]
    assert uses == ["actions/cache", "github/codeql-action/upload-sarif"]


def test_a_check_with_findings_is_summed_up_and_marked(runner: Runner) -> None:
    assert runner.run("Run repoint") == 0
    assert runner.outputs["run"]["status"] == "1"
    out = Path(runner.outputs["run"]["directory"])
    assert (out / "comment.md").read_text().startswith(f"{MARKER}\n")
    assert runner.summary == (out / "comment.md").read_text()
    results = json.loads((out / "repoint.sarif").read_text())["runs"][0]["results"]
    assert {one["ruleId"] for one in results} == {"RP110"}
    lines = [line for line in runner.log.splitlines() if line.startswith("::")]
    assert len(lines) == len(results) == 2
    assert lines[0].startswith("::error title=RP110 local,file=deploy/local/web.yaml,line=8,col=")
    assert list((runner.temp / "repoint-cache").rglob("scans/*"))
    assert runner.run("Tell the verdict") == 1


def test_a_clean_check_passes(runner: Runner) -> None:
    write_shop(runner.work, "pg.new.svc")
    assert runner.run("Run repoint") == 0
    assert runner.outputs["run"]["status"] == "0"
    assert runner.run("Tell the verdict") == 0


def test_a_folder_and_environments_are_named(runner: Runner) -> None:
    (runner.work / "infra dir").mkdir()
    write_shop(runner.work / "infra dir")
    runner.inputs = {"path": "infra dir", "environments": "far local"}
    assert runner.run("Run repoint") == 0
    out = Path(runner.outputs["run"]["directory"])
    assert (
        (out / "comment.md").read_text().startswith("<!-- repoint: check infra%20dir far local -->")
    )
    assert '"uri": "infra%20dir/deploy/far/web.yaml"' in (out / "repoint.sarif").read_text()


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"command": "plan; touch pwned"}, 2),
        ({"environments": "$(touch pwned) `touch pwned` ;touch *"}, 2),
        ({"path": '"; touch pwned; "'}, 2),
        ({"path": "-C$(touch pwned)"}, 2),
        ({"environments": "--no-such-option"}, 2),
        ({"environments": "loc*"}, 2),
    ],
)
def test_no_input_becomes_a_command(runner: Runner, inputs: dict[str, str], status: int) -> None:
    runner.inputs = inputs
    (runner.work / "local").touch()
    assert runner.run("Run repoint") == status
    assert not list(runner.temp.parent.rglob("pwned"))
    assert not (runner.work / "pwned").exists()


def test_links_to_rules_lead_to_the_repository_of_the_action(runner: Runner) -> None:
    runner.run("Run repoint")
    sarif = Path(runner.outputs["run"]["directory"]) / "repoint.sarif"
    assert "helpUri" not in sarif.read_text()
    runner.github |= {"action_repository": "acme/repoint", "action_ref": "v1"}
    runner.run("Run repoint")
    page = "https://github.example/acme/repoint/blob/v1/docs/reference/rules/RP110.md"
    assert f'"helpUri": "{page}"' in sarif.read_text()
    assert (ROOT / "docs/reference/rules/RP110.md").exists()


def test_a_plan_runs_too(runner: Runner) -> None:
    runner.inputs = {"command": "plan"}
    assert runner.run("Run repoint") == 0
    assert runner.summary.startswith("<!-- repoint: plan -->\n\n## repoint plan\n")


def comment(runner: Runner, api: Comments, **more: str) -> int:
    runner.github["event.pull_request.number"] = "7"
    known = {"GITHUB_API_URL": api.address, "GITHUB_REPOSITORY": "acme/shop"}
    return runner.run("Write the comment", **known, **more)


def test_one_comment_is_written_and_then_updated(runner: Runner, api: Comments) -> None:
    api.add("a person wrote this", "User")
    api.add(f"{MARKER}\nwho copies the marker changes nothing", "User")
    for _ in range(120):
        api.add("another bot")
    runner.run("Run repoint")
    assert comment(runner, api, GITHUB_RUN_ID="42", GITHUB_SERVER_URL="https://github.example") == 0
    assert api.asked == ["POST /repos/acme/shop/issues/7/comments Bearer canary-token"]
    written = api.comments[-1]["body"]
    assert written.startswith(f"{MARKER}\n")
    assert "(https://github.example/acme/shop/actions/runs/42)" in written
    assert "canary-token" not in runner.log + written

    write_shop(runner.work, "pg.new.svc")
    runner.run("Run repoint")
    assert comment(runner, api) == 0
    assert api.asked[1].startswith("PATCH /repos/acme/shop/issues/comments/222 ")
    assert "Nothing stands against this repository" in api.comments[-1]["body"]
    assert len(api.comments) == 123
    assert "changes nothing" in api.comments[1]["body"]


def test_nothing_is_begun_where_nothing_is_found(runner: Runner, api: Comments) -> None:
    write_shop(runner.work, "pg.new.svc")
    runner.run("Run repoint")
    assert comment(runner, api) == 0
    assert api.comments == []


@pytest.mark.parametrize(("refusal", "status"), [(403, 0), (404, 0), (422, 1), (500, 1)])
def test_a_token_that_may_not_write_is_told_of(
    runner: Runner, api: Comments, refusal: int, status: int
) -> None:
    runner.run("Run repoint")
    api.refusal = refusal
    assert comment(runner, api) == status
    assert str(refusal) in runner.log
    assert "canary-token" not in runner.log


@pytest.mark.slow
def test_it_installs_itself_from_its_own_checkout(tmp_path: Path) -> None:
    temp = tmp_path / "temp"
    temp.mkdir()
    runner = Runner(temp, tmp_path, inputs={"tools": "false"})
    # Without a network: what it needs, and what builds it, is taken from this Python.
    offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
    beside = sysconfig.get_path("purelib")
    here = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    status = runner.run("Install repoint", **offline, PYTHONPATH=beside, PATH=here)
    assert status == 0, runner.log
    constraints = (temp / "repoint-constraints.txt").read_text().splitlines()
    assert any(line.startswith("click==") for line in constraints)
    assert all(line.count("==") == 1 and "hash" not in line for line in constraints)
    installed = temp / "repoint" / "bin" / "repoint"
    assert runner.outputs["install"]["version"]
    assert installed.exists()
