"""What is remembered of a repository beside it: for its owner alone, and never in its work tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.local_state import UserState


@pytest.mark.parametrize(
    ("given", "folder"),
    [("{tmp}/state", "state/repoint"), ("state", "home/.local/state/repoint"), ("", "home")],
)
def test_a_relative_xdg_folder_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, folder: str
) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", given.format(tmp=tmp_path))

    UserState(tmp_path / "work").write("key", b"x")

    assert not list((tmp_path / "work").iterdir())
    assert [one.read_bytes() for one in (tmp_path / folder).rglob("key")] == [b"x"]
