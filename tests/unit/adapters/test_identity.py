"""Who works here."""

from __future__ import annotations

import subprocess
from datetime import UTC
from pathlib import Path

import pytest

from repoint.adapters.identity import GitIdentity


@pytest.fixture
def nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose user has no configuration of git."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LOGNAME", "alice")
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    return tmp_path


def configure(root: Path, key: str, value: str) -> None:
    subprocess.run(["git", "-C", str(root), "config", key, value], check=True)


def test_the_name_and_mail_of_git(nobody: Path) -> None:
    configure(nobody, "user.name", "Alice  Example")
    configure(nobody, "user.email", "alice@example.org")

    assert GitIdentity(nobody).who() == "Alice Example <alice@example.org>"


def test_the_mail_alone(nobody: Path) -> None:
    configure(nobody, "user.email", "alice@example.org")

    assert GitIdentity(nobody).who() == "alice@example.org"


def test_without_git_it_is_the_user_of_this_machine(
    nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert GitIdentity(nobody).who() == "alice"
    monkeypatch.setenv("PATH", str(nobody / "none"))
    assert GitIdentity(nobody).who() == "alice"


def test_the_time_is_utc_to_the_second(tmp_path: Path) -> None:
    now = GitIdentity(tmp_path).now()

    assert (now.tzinfo, now.microsecond) == (UTC, 0)
