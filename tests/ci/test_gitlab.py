"""The GitLab template: valid with its inputs, and its script runs with the real repoint."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from tests.ci.steps import ROOT, git, write_program, write_shop

TEMPLATE = ROOT / "ci" / "gitlab" / "repoint.gitlab-ci.yml"
SCHEMA = json.loads((ROOT / "tests/schemas/gitlab-ci.json").read_text("utf-8"))
TEXT = TEMPLATE.read_text("utf-8")
INPUTS: dict[str, dict[str, Any]] = yaml.safe_load(TEXT.partition("\n---\n")[0])["spec"]["inputs"]
KEYS = ("description", "check_name", "fingerprint", "severity", "location")


def filled(**given: str) -> dict[str, Any]:
    """The job with inputs in their places: GitLab fills them into what it has read as YAML."""
    values = {name: given.get(name, str(one["default"])) for name, one in INPUTS.items()}

    def fill(node: Any) -> Any:
        if isinstance(node, dict):
            return {key: fill(value) for key, value in node.items()}
        if isinstance(node, list):
            return [fill(value) for value in node]
        if not isinstance(node, str):
            return node
        return re.sub(r"\$\[\[ inputs\.(\w+) \]\]", lambda found: values[found[1]], node)

    return dict(fill(yaml.safe_load(TEXT.partition("\n---\n")[2])))


def test_it_is_what_gitlab_reads() -> None:
    jsonschema.validate(filled(), SCHEMA)
    header = yaml.safe_load(TEXT.partition("\n---\n")[0])
    jsonschema.validate({**header, **filled()}, SCHEMA)


def test_inputs_come_into_scripts_as_variables_only() -> None:
    job = yaml.safe_load(TEXT.partition("\n---\n")[2])["repoint"]
    assert "$[[" not in "".join(job["script"] + job["before_script"])
    used = set(re.findall(r"inputs\.(\w+)", TEXT.partition("\n---\n")[2]))
    assert used == set(INPUTS)


def test_no_module_is_taken_from_the_repository() -> None:
    job = filled()["repoint"]
    assert not re.search(r"(?<! -I) -m [a-z]", "\n".join(job["before_script"] + job["script"]))


@pytest.mark.parametrize("part", ["before_script", "script"])
def test_shellcheck_finds_nothing(part: str) -> None:
    shellcheck = Path(sysconfig.get_path("scripts")) / "shellcheck"
    lines = "\n".join(filled()["repoint"][part])
    for shell in ("sh", "bash"):
        argv = [str(shellcheck), f"--shell={shell}", "-"]
        done = subprocess.run(argv, input=lines, capture_output=True, text=True, check=False)
        assert done.stdout == ""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    work = tmp_path / "project"
    work.mkdir()
    write_shop(work)
    git(work, "init", "-q")
    git(work, "add", "-A")
    write_program(tmp_path / "bin")
    return work


def run(project: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
    job = filled(**inputs)["repoint"]
    environment = {
        "PATH": f"{project.parent / 'bin'}:{os.environ['PATH']}",
        "CI_PROJECT_DIR": str(project),
    }
    for name, text in job["variables"].items():
        environment[name] = text.replace("$CI_PROJECT_DIR", str(project))
    return subprocess.run(
        ["sh", "-c", "\n".join(job["script"])],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_check_leaves_reports_that_gitlab_reads(project: Path) -> None:
    done = run(project)
    assert done.returncode == 1, done.stderr
    assert "RP110" in done.stdout
    reports = project / "repoint-reports"
    named = filled()["repoint"]["artifacts"]["reports"]
    entries = json.loads((project / named["codequality"]).read_text())
    assert [tuple(one) for one in entries] == [KEYS, KEYS]
    assert (project / named["junit"]).read_text().startswith("<?xml ")
    assert (reports / "comment.md").read_text().startswith("<!-- repoint: check -->")
    assert len(json.loads((reports / "repoint.sarif").read_text())["runs"][0]["results"]) == 2
    kept = {path: path.stat().st_mtime_ns for path in (project / ".repoint-cache").rglob("scans/*")}
    assert len(kept) == 5
    assert run(project).stdout == done.stdout
    assert kept == {path: path.stat().st_mtime_ns for path in kept}


def test_a_clean_check_passes_and_a_plan_has_no_tests(project: Path) -> None:
    write_shop(project, "pg.new.svc")
    assert run(project).returncode == 0
    (project / "repoint-reports" / "repoint.xml").unlink()
    assert run(project, command="plan", environments="local").returncode == 0
    assert not (project / "repoint-reports" / "repoint.xml").exists()


def test_another_folder_and_two_environments(project: Path) -> None:
    (project / "infra").mkdir()
    write_shop(project / "infra")
    assert run(project, path="infra", environments="local far").returncode == 1
    entries = json.loads((project / "repoint-reports/gl-code-quality-report.json").read_text())
    assert entries[0]["location"]["path"] == "infra/deploy/local/web.yaml"


@pytest.mark.parametrize(
    "inputs", [{"environments": "$(touch pwned) `touch pwned` *"}, {"path": "a; touch pwned"}]
)
def test_no_input_becomes_a_command(project: Path, inputs: dict[str, str]) -> None:
    assert run(project, **inputs).returncode == 2
    assert not list(project.parent.rglob("pwned"))
