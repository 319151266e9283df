"""Properties of what is kept between runs: what is damaged is as good as none."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from repoint.adapters.gitrepo import Listing
from repoint.adapters.kept.answers import Answers, blob_id
from repoint.adapters.kept_results import UserResults
from repoint.errors import FileRefused

TEXT = "the answer\n"
FILES = {"a.yaml": b"a: 1\n", "b.go": b"package b\n", "new.yaml": b"c: 3\n", "changed.go": b"d\n"}
REQUEST = ("json", "program")
QUESTION = (b"proof", b"a")
_MAGIC = b"repoint scan 2\n"


def answer(raw: bytes) -> None:
    """A kept answer of any bytes, its checksum right or wrong, is told whole or not at all."""
    good, head = genuine_answer(), len(_MAGIC) + 16
    for content in (raw, good[:head] + raw, *_damaged(good, raw)):
        told = _recalled(content)
        assert told == (TEXT if content == good else None), "a damaged answer is told"
    for body in (raw, good[head:], *_damaged(good[head:], raw)):
        told = _recalled(_summed(body))
        assert told is None or isinstance(told, str)
    assert _recalled(good) == _recalled(_summed(good[head:])) == TEXT


def result(raw: bytes) -> None:
    """A kept result of any bytes, and any key, gives the answer that was kept or none."""
    with _folder() as folder:
        UserResults(folder, "p").keep(QUESTION, TEXT.encode())
        (kept,) = (one for one in (folder / "results").iterdir() if one.name != "key")
        good = kept.read_bytes()
        for content in (raw, good[: len(good) - len(TEXT)] + raw, *_damaged(good, raw)):
            kept.write_bytes(content)
            told = UserResults(folder, "p").recall(QUESTION)
            assert told == (TEXT.encode() if content == good else None)
        kept.write_bytes(good)
        (folder / "results" / "key").write_bytes(raw)
        results = UserResults(folder, "p")
        assert results.recall(QUESTION) is None, "a result outlives its key"
        results.keep(QUESTION, raw)
        assert UserResults(folder, "p").recall(QUESTION) == raw


@cache
def genuine_answer() -> bytes:
    """The file of a kept answer."""
    with _folder() as folder:
        Answers(folder, REQUEST).keep(TEXT, _listing(), {"a.yaml": FILES["a.yaml"]}, (), _read)
        (kept,) = (folder / "scans").iterdir()
        return kept.read_bytes()


def _listing() -> Listing:
    tracked = ("a.yaml", "b.go", "changed.go")
    entries = "".join(f"H 100644 {blob_id(FILES[path])} 0\t{path}\0" for path in tracked)
    return Listing(entries.encode(), ("changed.go",), ("new.yaml",), b"settings")


def _read(path: str) -> bytes:
    if path not in FILES:
        raise FileRefused(f"`{path}` cannot be read: it is not there")
    return FILES[path]


def _recalled(content: bytes) -> str | None:
    with _folder() as folder:
        answers = Answers(folder, REQUEST)
        answers.keep(TEXT, _listing(), {"a.yaml": FILES["a.yaml"]}, (), _read)
        (kept,) = (folder / "scans").iterdir()
        kept.write_bytes(content)
        told = answers.recall(_listing(), _read, lambda path, raw: False)
        return None if told is None else str(told.text, "utf-8", "surrogateescape")


def _summed(body: bytes) -> bytes:
    """A file with that body whose checksum is right: git's listing has one of its own, in it."""
    from hashlib import blake2b

    size = int.from_bytes(body[16:24], "big")
    made = blake2b(body[:24] + body[24 + size :], digest_size=16)
    return _MAGIC + made.digest() + body


def _damaged(good: bytes, raw: bytes) -> Iterator[bytes]:
    """`good` with one place written over, one cut out, and one put in, as `raw` says."""
    at = int.from_bytes(raw[:2], "big") % (len(good) + 1)
    piece = raw[2:]
    yield good[:at] + piece + good[at + len(piece) :]
    yield good[:at] + piece + good[at:]
    yield good[:at] + good[at + 1 + len(piece) % 64 :]


@contextmanager
def _folder() -> Iterator[Path]:
    fast = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="repoint-fuzz-", dir=fast) as name:
        yield Path(name)
