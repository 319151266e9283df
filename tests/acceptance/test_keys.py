"""Keys that are missing or wrong: what can be read moves, what cannot is refused by name."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyrage  # type: ignore[import-untyped]
import pytest

from repoint.errors import ExitCode
from tests.acceptance.example import EXAMPLE, SECRETS, Checkout, direct, pooled

PRODUCTION = sorted(path for path, name in SECRETS.items() if name == "production")


@pytest.fixture
def without_production(before: Checkout, tmp_path: Path) -> Checkout:
    """A colleague who holds the keys of local and staging."""
    keys = tmp_path / "keys.txt"
    names = ("local", "staging")
    keys.write_text("".join((EXAMPLE / "keys" / f"{name}.txt").read_text() for name in names))
    return replace(before.copy(tmp_path / "naytife"), keys=keys)


def test_without_the_key_production_is_refused_by_file_name(without_production: Checkout) -> None:
    plan = without_production.json("plan", "--env", "production", status=ExitCode.REFUSED)
    sealed = [one for one in plan["findings"] if one["code"] == "RP312"]
    assert sorted(one["location"]["path"] for one in sealed) == PRODUCTION
    assert {one["severity"] for one in sealed} == {"error"}
    done = without_production.run("apply", "--env", "production", "--yes", status=ExitCode.REFUSED)
    assert "RP312" in done.stderr
    assert without_production.git("status", "--porcelain", "--", ".", ":!.repoint") == ""


def test_without_the_key_scan_tells_which_files_were_not_read(
    without_production: Checkout,
) -> None:
    unreadable = {one["path"] for one in without_production.json("scan")["unreadable"]}
    assert set(PRODUCTION) <= unreadable


def test_without_the_key_of_production_the_others_move(
    without_production: Checkout, moved: Checkout
) -> None:
    arguments = ("--env", "local", "--env", "staging")
    plan = without_production.json("plan", *arguments)
    assert {change["environment"] for change in plan["changes"]} == {"local", "staging"}
    assert not [one for one in plan["findings"] if one["severity"] == "error"]
    without_production.run("apply", *arguments, "--yes")
    mine = replace(without_production, keys=moved.keys)
    for path, environment in SECRETS.items():
        if environment == "production":
            assert mine.text(path) == (EXAMPLE / path).read_text()
        else:
            assert mine.opened(path) == moved.opened(path)
            text = mine.opened(path)
            assert f"@{pooled(environment)}:" in text and f"@{direct(environment)}:" in text
    without_production.run("rollback", "--yes")
    assert mine.git("status", "--porcelain", "--", ".", ":!.repoint") == ""


def test_a_plan_made_with_keys_is_not_applied_half_without_them(
    without_production: Checkout, plan_file: Path
) -> None:
    start = without_production.files()
    done = without_production.run("apply", str(plan_file), status=ExitCode.REFUSED)
    assert any(path in done.stderr for path in PRODUCTION)
    assert done.stdout == ""
    assert without_production.files() == start
    without_production.run("apply", str(plan_file), "--env", "local")


@pytest.mark.parametrize("kind", ["wrong", "empty", "absent", "broken"])
def test_a_useless_key_is_a_clear_refusal(
    before: Checkout, plan_file: Path, tmp_path: Path, kind: str
) -> None:
    keys = tmp_path / "keys.txt"
    if kind == "wrong":
        keys.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    elif kind == "broken":
        keys.write_text("AGE-SECRET-KEY-1NOTAKEY\n")
    elif kind == "empty":
        keys.write_text("")
    stranger = replace(before.copy(tmp_path / "naytife"), keys=keys)
    start = stranger.files()
    done = stranger.run("apply", str(plan_file), status=ExitCode.REFUSED)
    assert any(path in done.stderr for path in SECRETS)
    assert "hint:" in done.stderr and "Traceback" not in done.stderr
    assert keys.read_text() not in done.stderr if kind == "broken" else True
    plan = stranger.json("plan", status=ExitCode.REFUSED)
    named = {f["location"]["path"] for f in plan["findings"] if f["code"] == "RP312"}
    assert named == set(SECRETS)
    assert stranger.files() == start


def test_without_sops_nobody_is_told_to_look_for_a_key(
    before: Checkout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPOINT_SOPS", str(tmp_path / "sops"))
    here = before.copy(tmp_path / "naytife")
    for command in ("plan", "check"):
        told = here.json(command, status=ExitCode.REFUSED)["findings"]
        closed = [one for one in told if one["code"] == "RP312"]
        problem = "is sealed and was not tried: `REPOINT_SOPS` names no program that can be run"
        assert {one["message"] for one in closed} == {f"`{path}` {problem}" for path in SECRETS}
        assert all("repoint[tools]" in one["hint"] for one in closed)
