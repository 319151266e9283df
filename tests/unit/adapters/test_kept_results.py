from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from repoint.adapters import kept_results
from repoint.adapters.kept_results import UserResults

QUESTION = (b"proof", b"canary-password")


@pytest.fixture
def entry(tmp_path: Path) -> Path:
    """The file of the one answer that is kept."""
    UserResults(tmp_path, "p").keep(QUESTION, b"answer")
    return next(one for one in (tmp_path / "results").iterdir() if one.name != "key")


def recalled(folder: Path, program: str = "p", question: tuple[bytes, ...] = QUESTION) -> object:
    """What another process is told."""
    return UserResults(folder, program).recall(question)


def test_an_answer_is_for_the_same_question_and_program(tmp_path: Path, entry: Path) -> None:
    assert recalled(tmp_path) == b"answer"
    assert recalled(tmp_path, program="q") is None
    assert recalled(tmp_path, question=(b"proof", b"canary-passwore")) is None
    assert recalled(tmp_path, question=(b"proofc", b"anary-password")) is None
    assert recalled(tmp_path, question=(b"proof", b"canary-password", b"")) is None


def test_it_is_private_and_tells_nothing_of_the_question(tmp_path: Path, entry: Path) -> None:
    for one in entry.parent.iterdir():
        assert stat.S_IMODE(one.stat().st_mode) == 0o600
        assert b"canary" not in one.read_bytes()
    assert stat.S_IMODE(entry.parent.stat().st_mode) == 0o700


def test_names_differ_from_key_to_key(tmp_path: Path, entry: Path) -> None:
    """Whoever sees the folder of one user cannot try passwords without the key."""
    UserResults(tmp_path / "..", "p").keep(QUESTION, b"answer")
    other = tmp_path / ".." / "results"
    assert entry.name not in {one.name for one in other.iterdir()}
    shutil.rmtree(other)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda raw: b"",
    "cut in the head": lambda raw: raw[:10],
    "cut in the body": lambda raw: raw[:-1],
    "longer": lambda raw: raw + b"x",
    "a bit of the body": lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
    "a bit of the sum": lambda raw: raw[:20] + bytes([raw[20] ^ 1]) + raw[21:],
    "another version": lambda raw: raw.replace(b"result 1", b"result 2"),
    "zeros": lambda raw: bytes(len(raw)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_none(tmp_path: Path, entry: Path, damage: str) -> None:
    entry.write_bytes(DAMAGES[damage](entry.read_bytes()))
    assert recalled(tmp_path) is None
    UserResults(tmp_path, "p").keep(QUESTION, b"new")
    assert recalled(tmp_path) == b"new"


def test_one_under_another_name_is_none(tmp_path: Path, entry: Path) -> None:
    other = (b"proof", b"other")
    UserResults(tmp_path, "p").keep(other, b"wrong")
    wrong = next(o for o in entry.parent.iterdir() if o not in (entry, entry.parent / "key"))
    wrong.replace(entry)
    assert recalled(tmp_path) is None


@pytest.mark.parametrize("key", [b"", b"short", bytes(range(32))], ids=["none", "short", "other"])
def test_another_key_fits_nothing(tmp_path: Path, entry: Path, key: bytes) -> None:
    (entry.parent / "key").write_bytes(key)
    assert recalled(tmp_path) is None
    UserResults(tmp_path, "p").keep(QUESTION, b"new")
    assert recalled(tmp_path) == b"new"


def test_one_made_with_another_key_is_none(tmp_path: Path, entry: Path) -> None:
    """An entry put there by somebody who may write, and does not know the key."""
    forger = UserResults(tmp_path / "forged", "p")
    (tmp_path / "forged").mkdir()
    forger.keep(QUESTION, b"forged")
    forged = next(o for o in (tmp_path / "forged/results").iterdir() if o.name != "key")
    entry.write_bytes(forged.read_bytes())
    assert recalled(tmp_path) is None


def test_a_folder_that_is_gone_or_a_file_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "gone", tmp_path / "file"):
        kept = UserResults(folder, "p")
        kept.keep(QUESTION, b"answer")
        assert kept.recall(QUESTION) is None


def test_the_oldest_go_when_they_are_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(6):
        UserResults(tmp_path, "p").keep((b"%d" % number,), b"answer")
        for one in (tmp_path / "results").iterdir():
            status = one.stat()
            os.utime(one, ns=(status.st_atime_ns, status.st_mtime_ns - 10**9))
    monkeypatch.setattr(kept_results, "MOST_FILES", 3)
    UserResults(tmp_path, "p").keep((b"6",), b"answer")
    left = [n for n in range(7) if recalled(tmp_path, question=(b"%d" % n,)) is not None]
    assert left == [4, 5, 6]


def test_the_oldest_go_when_they_are_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_results, "MOST_BYTES", 500)
    UserResults(tmp_path, "p").keep((b"large",), b"x" * 600)
    assert recalled(tmp_path, question=(b"large",)) is None
