"""Names that cannot be written into a plan are told, and stop nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CONFIG = """source: {hosts: [pg.old.svc]}
target: {cluster: new, pooler: new-pooler}
environments: {local: {manifests: .}}
"""
MANIFEST = b'kind: ConfigMap\nmetadata: {name: a}\ndata: {URL: "postgres://pg.old.svc/shop"}\n'


def test_a_name_with_a_line_end_forges_no_line(tmp_path: Path) -> None:
    (tmp_path / "a\nwrote b.yaml").write_bytes(MANIFEST)
    repoint = [sys.executable, "-m", "repoint", "-C", str(tmp_path)]
    made = subprocess.run([*repoint, "init"], capture_output=True, check=True, text=True)
    assert r"a\u000awrote b.yaml" in made.stderr
    assert "wrote b.yaml" not in [line[:12] for line in made.stderr.splitlines()]


def test_a_name_that_is_not_utf8_is_listed_as_unreadable(tmp_path: Path) -> None:
    (tmp_path / "repoint.yaml").write_text(CONFIG)
    (tmp_path / "good.yaml").write_bytes(MANIFEST)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.yaml")).write_bytes(MANIFEST)
    repoint = [sys.executable, "-m", "repoint", "-C", str(tmp_path)]
    scan = subprocess.run([*repoint, "scan", "--format", "json"], capture_output=True, check=True)
    found = json.loads(scan.stdout)
    assert {"path": "bad\\xff.yaml", "reason": "its name is not UTF-8"} in found["unreadable"]
    assert [site["path"] for site in found["sites"]] == ["good.yaml"]
    plan = subprocess.run([*repoint, "plan"], capture_output=True, check=False)
    assert plan.returncode in (0, 1) and b"bug" not in plan.stderr


def test_a_name_that_stdout_has_no_letters_for_is_spelled_by_their_numbers(tmp_path: Path) -> None:
    (tmp_path / "ü→😀.yaml").write_bytes(MANIFEST)
    scan = [sys.executable, "-m", "repoint", "-C", str(tmp_path), "scan", "--format"]
    for encoding, told in (("ascii", r"\u00fc"), ("latin-1", "ü")):
        environment = {**os.environ, "PYTHONIOENCODING": encoding}
        human, machine = (
            subprocess.run([*scan, form], env=environment, capture_output=True, check=True).stdout
            for form in ("human", "json")
        )
        assert rf"{told}\u2192\ud83d\ude00.yaml".encode(encoding) in human
        [site] = json.loads(machine.decode(encoding))["sites"]
        assert site["path"] == "ü→😀.yaml"


def test_a_locale_that_cannot_spell_a_name_is_no_bug(tmp_path: Path) -> None:
    (tmp_path / "ü.yaml").write_bytes(MANIFEST)
    for command in (["init", "-q"], ["add", "-A"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    repoint = [sys.executable, "-m", "repoint", "-C", str(tmp_path), "scan"]
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    done = subprocess.run(
        repoint, env={**os.environ, **plain}, capture_output=True, check=False, text=True
    )
    assert done.returncode == 1
    assert "the locale's encoding, `ascii`, cannot spell the name of a file" in done.stderr
    assert "PYTHONUTF8=1" in done.stderr
