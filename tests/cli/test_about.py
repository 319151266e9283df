"""Completion and the schema: what they print works where it goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from repoint.cli import main

CONFIG = """source: {hosts: [postgres.app.svc]}
target: {cluster: pg, pooler: pg-pooler}
environments: {local: {}, staging: {}, production: {}}
"""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_completion_script_parses_in_its_shell(shell: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["completion", shell])
    assert result.exit_code == 0
    assert "_REPOINT_COMPLETE" in result.stdout
    program = shutil.which(shell)
    if program is None:
        return  # the text was checked; only its own shell can say more
    script = tmp_path / "script"
    script.write_text(result.stdout)
    subprocess.run([program, "-n", str(script)], check=True)


def complete(words: str, cwd: Path) -> list[str]:
    """What bash would offer for the last word of `words`."""
    env = {
        **os.environ,
        "_REPOINT_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "repoint"],
        env=env,
        cwd=cwd,
        capture_output=True,
        text=True,
        check=True,
    )
    return [line.partition(",")[2] for line in done.stdout.splitlines() if line]


def test_commands_and_environments_are_completed(tmp_path: Path) -> None:
    (tmp_path / "repoint.yaml").write_text(CONFIG)
    (tmp_path / "deep").mkdir()
    assert complete("repoint sc", tmp_path) == ["scan", "scaffold", "schema"]
    assert complete("repoint plan --env s", tmp_path / "deep") == ["staging"]


def test_a_broken_configuration_completes_nothing(tmp_path: Path) -> None:
    (tmp_path / "repoint.yaml").write_text("source: [\n")
    assert complete("repoint plan --env s", tmp_path) == []


def test_the_schema_is_json_and_knows_the_sections() -> None:
    result = CliRunner().invoke(main, ["schema"])
    document = json.loads(result.stdout)
    sections = document["$defs"]["Config"]["properties"]
    assert {"source", "target", "environments", "consumers", "accept", "exclude"} <= set(sections)


def test_explain_prints_the_page_of_a_code_in_any_case() -> None:
    result = CliRunner().invoke(main, ["explain", "rp211"])
    assert result.exit_code == 0
    assert result.stdout.startswith("# RP211: ")


def test_explain_alone_lists_every_code() -> None:
    listed = CliRunner().invoke(main, ["explain"]).stdout.splitlines()
    assert "RP401: a file changed after the plan was made" in listed
    assert len(listed) == len({line.partition(":")[0] for line in listed})


def test_explain_of_an_unknown_code_suggests_near_ones() -> None:
    result = CliRunner().invoke(main, ["explain", "RP2111"])
    assert result.exit_code == 2
    assert "did you mean `RP211`" in result.stderr


def test_codes_are_completed(tmp_path: Path) -> None:
    assert complete("repoint explain rp40", tmp_path)[:2] == ["RP400", "RP401"]
