"""Rows against other tools that look into YAML: ast-grep, semgrep, yamllint, on 10k files.

They live in a virtual environment of their own in a cache folder, never in the project's. They are
slow: a few rounds must do. What cannot be installed is skipped, and the table says why.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from bench.goals import GOALS, Row
from bench.measure import Command, Meter, Series, program, ratio, shuffled
from bench.scanning import scan
from bench.trees import Tree

_PACKAGES = {
    "ast-grep": "ast-grep-cli==0.51.1",
    "semgrep": "semgrep==1.182.0",
    "yamllint": "yamllint==1.38.0",
}
_AST_GREP_RULE = """\
id: names-postgresql
language: yaml
severity: warning
message: names PostgreSQL
rule:
  kind: block_mapping_pair
  has: {field: value, regex: "(?i)postgres|5432|pg_isready|psql|pghost|database_url"}
"""
_SEMGREP_RULE = """\
rules:
  - id: names-postgresql
    languages: [yaml]
    severity: WARNING
    message: names PostgreSQL
    patterns:
      - pattern: "$KEY: $VALUE"
      - metavariable-regex:
          metavariable: $VALUE
          regex: "(?i).*(postgres|5432|pg_isready|psql|pghost|database_url)"
"""


def folder() -> Path:
    """Where the peers are installed."""
    kept = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(kept) / "repoint-bench" / "peers"


def install(name: str) -> str:
    """Why a peer cannot be had; empty where it is there."""
    place = folder()
    uv = program("uv")
    if not (place / "bin" / "python").exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([uv, "venv", "--quiet", str(place)], check=True)
    argv = [uv, "pip", "install", "--quiet", "--python", str(place / "bin" / "python")]
    done = subprocess.run([*argv, _PACKAGES[name]], capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or ["no reason"])[-1]


def rows(meter: Meter, tree: Tree, rounds: int) -> tuple[list[Row], list[str]]:
    """The rows, and a line for every peer that is missing."""
    skipped = [f"{name}: {why}" for name in _PACKAGES if (why := install(name))]
    names = [name for name in _PACKAGES if not any(one.startswith(name) for one in skipped)]
    series = {name: Series(name) for name in (*names, "cold")}
    for number in range(rounds):
        for name in shuffled(series, number):
            series[name].samples[number] = meter.run(_command(tree, name))
    made = [Row(GOALS[name], tree.size, ratio(series["cold"], series[name])) for name in names]
    return made, skipped


def _command(tree: Tree, name: str) -> Command:
    """One peer on the whole repository, with no network and no telemetry."""
    if name == "cold":
        return scan(tree.root, tree.empty_cache("peers"))
    here = [folder() / "bin"]
    if name == "ast-grep":
        rule = _written(tree, "ast-grep.yaml", _AST_GREP_RULE)
        argv = [program("ast-grep", here), "scan", "--rule", rule, "--json=compact", "."]
        return Command(tuple(argv), tree.root)
    if name == "semgrep":
        rule = _written(tree, "semgrep.yaml", _SEMGREP_RULE)
        argv = [program("semgrep", here), "scan", "--config", rule, "--metrics=off", "--json"]
        argv += ["--disable-version-check", "--quiet", "."]
        path = os.pathsep.join([str(here[0]), os.environ["PATH"]])
        return Command(tuple(argv), tree.root, {"PATH": path})
    argv = [program("yamllint", here), "-d", "relaxed", "-f", "parsable", "."]
    return Command(tuple(argv), tree.root, allowed=(0, 1))


def _written(tree: Tree, name: str, text: str) -> str:
    path = tree.folder / name
    path.write_text(text)
    return str(path)
