"""A journal that somebody committed: recovering harms nothing that no run of repoint staged."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest

from repoint.adapters import journal, lock
from repoint.errors import RepointError

STEP: dict[str, object] = {
    "path": "a.yaml",
    "target": "a.yaml",
    "staged": ".a.yaml.repoint-0123abcd",
    "before": sha256(b"a: 1\n").hexdigest(),
    "after": sha256(b"a: 2\n").hexdigest(),
    "mode": 0o644,
    "uid": -1,
    "gid": -1,
    "made_dirs": [],
    "drop_dirs": [],
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with a file staged, a link that leads out, and files beside it."""
    root = (tmp_path / "repository").resolve()
    (root / ".git").mkdir(parents=True)
    (root / ".git" / "config").write_bytes(b"[core]\n")
    (root / "a.yaml").write_bytes(b"a: 1\n")
    (root / ".a.yaml.repoint-0123abcd").write_bytes(b"a: 2\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "key").write_bytes(b"mine\n")
    (tmp_path / "mine" / ".key.repoint-0123abcd").write_bytes(b"mine\n")
    (tmp_path / "empty").mkdir()
    (root / "out").symlink_to(tmp_path / "mine")
    return root


def write(root: Path, *records: object) -> None:
    """Make the journal of these lines."""
    log = lock.state_dir(root) / journal.JOURNAL_NAME
    log.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in records))


def everything(folder: Path) -> dict[str, bytes]:
    """Every name below `folder` but repoint's own state, with what a file holds."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b""
        for path in sorted(folder.rglob("*"))
        if ".repoint" not in path.relative_to(folder).parts
    }


def test_an_honest_journal_is_finished(root: Path) -> None:
    write(root, {"state": "begin", "verb": "apply", "steps": [STEP]}, {"state": "commit"})

    assert journal.recover(root) == "finished"
    assert (root / "a.yaml").read_bytes() == b"a: 2\n"


@pytest.mark.parametrize("state", ["begin", "commit", "revert"])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"staged": "{above}/mine/key"}, id="an absolute file to remove"),
        pytest.param({"staged": "../mine/key"}, id="a file above to remove"),
        pytest.param({"staged": "a.yaml"}, id="a file of the repository to remove"),
        pytest.param({"target": "{above}/mine/key", "after": ""}, id="an absolute target"),
        pytest.param(
            {"target": "{above}/mine/key", "staged": "{above}/mine/.key.repoint-0123abcd"},
            id="absolute and beside",
        ),
        pytest.param(
            {"target": "../mine/key", "staged": "../mine/.key.repoint-0123abcd"}, id="above"
        ),
        pytest.param(
            {"target": "out/key", "staged": "out/.key.repoint-0123abcd"}, id="through a link"
        ),
        pytest.param(
            {"target": ".git/config", "staged": ".git/.config.repoint-0123abcd"}, id="git's own"
        ),
        pytest.param({"made_dirs": ["../empty"]}, id="a folder above to remove"),
        pytest.param({"drop_dirs": ["{above}/empty"]}, id="an absolute folder to remove"),
        pytest.param({"target": ["a.yaml"]}, id="a list for a name"),
        pytest.param({"target": 5}, id="a number for a name"),
        pytest.param({"target": "a\x00.yaml", "staged": ".a\x00.yaml.repoint-0123abcd"}, id="NUL"),
    ],
)
def test_a_hostile_step_is_refused_and_touches_nothing(
    root: Path, change: dict[str, object], state: str
) -> None:
    above = str(root.parent)
    text = json.dumps({**STEP, **change}).replace("{above}", above)
    write(root, {"state": "begin", "verb": "x", "steps": [json.loads(text)]}, {"state": state})
    before = everything(root.parent)

    with pytest.raises(RepointError, match="cannot be read"):
        journal.recover(root)
    assert everything(root.parent) == before


@pytest.mark.parametrize(
    "raw",
    [b"[]\n", b"{}\n", b"null\n", b'"x"\n', b"\xff\n", b"[" * 100_000 + b"\n", b'{"steps": 5}\n'],
    ids=["list", "empty", "null", "text", "bytes", "depth", "number"],
)
def test_what_no_run_wrote_is_refused(root: Path, raw: bytes) -> None:
    (lock.state_dir(root) / journal.JOURNAL_NAME).write_bytes(raw)

    with pytest.raises(RepointError):
        journal.recover(root)


@pytest.mark.timeout(30)
@pytest.mark.parametrize("make", [os.mkfifo, lambda log: log.symlink_to("/dev/zero")])
def test_a_pipe_or_a_link_is_not_read(root: Path, make: Callable[[Path], None]) -> None:
    make(lock.state_dir(root) / journal.JOURNAL_NAME)

    with pytest.raises(RepointError):
        journal.recover(root)
