"""Completion in real shells: what Tab offers, and that nothing ever breaks the prompt."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from click.testing import CliRunner

from repoint.cli import main
from tests.cli.terminals import started

CONFIG = """source: {hosts: [postgres.app.svc]}
target: {cluster: pg, pooler: pg-pooler}
environments: {local: {}, staging: {}}
"""
KUBECONFIG = """apiVersion: v1
kind: Config
contexts:
- {name: "arn:aws:eks:one", context: {cluster: a, user: a}}
- {name: "arn:aws:eks:two", context: {cluster: a, user: a}}
- {name: "$(touch hacked)", context: {cluster: a, user: a}}
- {name: "a b", context: {cluster: a, user: a}}
"""
SHELLS = {"bash": "repoint.bash", "zsh": "_repoint", "fish": "repoint.fish"}
ARNS = ["arn:aws:eks:one", "arn:aws:eks:two"]
CASES = [
    ("repoint sca", ["scan", "scaffold"]),
    ("repoint data w", ["written"]),
    ("repoint plan --det", ["--detailed-exitcode"]),
    ("repoint plan --format ma", ["markdown"]),
    ("repoint plan --env ", ["local", "staging"]),
    ("repoint plan --env local --env s", ["staging"]),
    ("repoint verify --env l", ["local"]),
    ("repoint -C sub/folder plan --env s", ["staging"]),
    ("repoint rollout --override so", ["soaked"]),
    ("repoint rollout --mode ", ["kubectl", "gitops"]),
    ("repoint scan --purpose mi", ["migration"]),
    ("repoint completion z", ["zsh"]),
    ("repoint explain rp40", [f"RP40{number}" for number in range(10)]),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A repository with a program called `repoint` on the way to it."""
    (tmp_path / "repoint.yaml").write_text(CONFIG)
    (tmp_path / "kubeconfig").write_text(KUBECONFIG)
    (tmp_path / "sub" / "folder").mkdir(parents=True)
    (tmp_path / "sub" / "folder" / "repoint.yaml").write_text(CONFIG)
    (tmp_path / "plan.json").write_text("{}")
    program = tmp_path / "bin" / "repoint"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m repoint "$@"\n')
    program.chmod(0o755)
    return tmp_path


def script(shell: str, folder: Path) -> Path:
    """The completion script, written as its user would."""
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    path = folder / SHELLS[shell]
    path.write_text(done.stdout)
    return path


def environment(folder: Path) -> dict[str, str]:
    return {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "KUBECONFIG": str(folder / "kubeconfig"),
        "HOME": str(folder),
    }


def need(shell: str) -> str:
    """The shell's program, else the test cannot say anything."""
    found = shutil.which(shell)
    if found is None:
        assert shell != "bash", "bash is on every machine that builds repoint"
        pytest.skip(f"{shell} is not installed here")
    return found


def bash(line: str, folder: Path) -> list[str]:
    """What bash has in COMPREPLY, with the words split as readline does."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    broken: list[str] = []
    for word in words:
        for sign in "=:":
            word = word.replace(sign, f"\0{sign}\0")
        broken += [part for part in word.split("\0") if part] or [""]
    asks = f"""
        source {script("bash", folder)}
        compopt() {{ printf 'compopt %s\\n' "$*"; }}
        COMP_LINE={shlex.quote(line)} COMP_POINT={len(line)}
        COMP_WORDS=({shlex.join(broken)}) COMP_CWORD={len(broken) - 1}
        _repoint_completion repoint
        [ ${{#COMPREPLY[@]}} -eq 0 ] || printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return _lines([need("bash"), "--norc", "-c", asks], folder)


def fish(line: str, folder: Path) -> list[str]:
    """What fish offers."""
    asks = f"source {script('fish', folder)}; complete --do-complete {shlex.quote(line)}"
    return [line.partition("\t")[0] for line in _lines([need("fish"), "-c", asks], folder)]


def _lines(argv: list[str], folder: Path) -> list[str]:
    done = subprocess.run(
        argv, cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def typed(shell: str, keys: str, folder: Path) -> str:
    """The line of an interactive shell after `keys`, which `echo` before it makes plain."""
    path = script(shell, folder)
    argv, begin = {
        "bash": (["--norc", "-i"], f"source {path}"),
        "zsh": (["-f", "-i"], f"autoload -U compinit; compinit -D -u; source {path}"),
        "fish": (["--no-config", "-i"], f"source {path}"),
    }[shell]
    given = {**environment(folder), "PS1": "$ ", "TERM": "xterm"}
    with started([need(shell), *argv], env=given, cwd=folder) as (screen, _):
        screen.type(f"{begin}; echo rea''dy\n")
        screen.until("ready\r\n")
        screen.said = ""
        screen.type(f"{keys}\x01echo begin; echo \x05; echo e''nd\n")
        said = screen.until("end\r\n").replace("\r", "")
        return said.rpartition("begin\n")[2].partition("\n")[0].split("\x1b")[0].strip()


@pytest.mark.parametrize(("line", "offered"), CASES, ids=[line for line, _ in CASES])
def test_bash_offers(line: str, offered: list[str], folder: Path) -> None:
    assert bash(line, folder) == offered
    assert not (folder / "hacked").exists()


@pytest.mark.parametrize(("line", "offered"), CASES, ids=[line for line, _ in CASES])
def test_fish_offers(line: str, offered: list[str], folder: Path) -> None:
    assert fish(line, folder) == offered


@pytest.mark.parametrize(
    ("line", "in_bash", "in_fish"),
    [
        ("repoint plan --format=ma", ["markdown"], ["--format=markdown"]),
        ("repoint rollout --mode=", ["kubectl", "gitops"], ["--mode=kubectl", "--mode=gitops"]),
        ("repoint status --env=s", ["staging"], ["--env=staging"]),
        ("repoint verify --context arn:aws:eks:t", ["two"], ["arn:aws:eks:two"]),
        ("repoint verify --context ", ARNS, ARNS),
        ("repoint apply pl", ["compopt -o default"], ["plan.json"]),
        ("repoint plan --output pl", ["compopt -o default"], ["plan.json"]),
        ("repoint plan --output=pl", ["compopt -o default"], ["--output=plan.json"]),
        ("repoint -C s", ["compopt -o dirnames"], ["sub/"]),
    ],
)
def test_values_behind_signs_and_paths(
    line: str, in_bash: list[str], in_fish: list[str], folder: Path
) -> None:
    assert bash(line, folder) == in_bash
    assert fish(line, folder) == in_fish


@pytest.mark.parametrize("shell", sorted(SHELLS))
@pytest.mark.parametrize(
    ("keys", "line"),
    [
        ("repoint rehe\t", "repoint rehearse"),
        ("repoint plan --env st\t", "repoint plan --env staging"),
        ("repoint plan --format=mark\t", "repoint plan --format=markdown"),
        ("repoint apply pla\t", "repoint apply plan.json"),
        ("repoint plan -o pla\t", "repoint plan -o plan.json"),
        ("repoint explain rp424\t", "repoint explain RP424"),
        ("repoint verify --context arn:aws:eks:o\t", "repoint verify --context arn:aws:eks:one"),
    ],
)
def test_tab_in_an_interactive_shell(shell: str, keys: str, line: str, folder: Path) -> None:
    assert typed(shell, keys, folder) == line


@pytest.mark.parametrize(
    "text", ["source: [\n", "\0", "a: &a [*a]\n", "[" * 5000, "environments: 7\n"]
)
def test_a_broken_configuration_offers_nothing(text: str, folder: Path) -> None:
    (folder / "repoint.yaml").write_text(text)
    assert bash("repoint plan --env ", folder) == []
    assert bash("repoint plan --detail", folder) == ["--detailed-exitcode"]


def test_a_configuration_that_takes_for_ever_is_given_up(folder: Path) -> None:
    """A pipe stands in its place, into which nobody writes."""
    (folder / "kubeconfig").unlink()
    os.mkfifo(folder / "kubeconfig")
    asked = {
        **environment(folder),
        "_REPOINT_COMPLETE": "x",
        "COMP_WORDS": "repoint rollout --context ",
    }
    done = subprocess.run(
        [sys.executable, "-m", "repoint"], env=asked, cwd=folder, capture_output=True, check=False
    )
    assert (done.stdout, done.stderr) == (b"", b"")
    assert _with_home(folder) == [], "what was asked still waits"


def _with_home(folder: Path) -> list[str]:
    """The command lines of processes whose home is `folder`."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HOME={folder}".encode() in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_text().replace("\0", " "))
    return found


def test_a_folder_that_is_gone_offers_commands(folder: Path) -> None:
    gone = folder / "gone"
    argv = f"mkdir {gone}; cd {gone}; rmdir {gone}; exec {sys.executable} -m repoint"
    for line, offered in (("repoint rehe", b"plain\trehearse"), ("repoint plan --env ", b"")):
        asked = {**environment(folder), "_REPOINT_COMPLETE": "x", "COMP_WORDS": line}
        done = subprocess.run(["sh", "-c", argv], env=asked, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert done.stdout.startswith(offered) and bool(done.stdout) == bool(offered)


@pytest.mark.parametrize("shell", sorted(SHELLS))
def test_the_script_parses_in_its_shell(shell: str, folder: Path) -> None:
    path = script(shell, folder)
    subprocess.run([need(shell), "-n", str(path)], check=True)


def test_bash_is_left_as_it_was(folder: Path) -> None:
    path = script("bash", folder)
    asks = f"""
        source {path}; before=$(compgen -v)
        COMP_LINE='repoint pl' COMP_POINT=10 COMP_WORDS=(repoint pl) COMP_CWORD=1
        _repoint_completion repoint
        compgen -v
    """
    names = set(_lines([need("bash"), "--norc", "-c", asks], folder))
    assert not names & {"line", "kind", "value", "about", "word", "cut", "IFS_", "response"}
