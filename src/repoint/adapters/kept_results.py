"""Small results that one run of this user keeps for the next; never needed, and never wrong.

A result is found by its question: all that it depends on. The question is told by a keyed digest
alone, with a key of this folder's own, because it holds what files hold, and a digest of a short
password can be guessed. A file is of use when its bytes, its name and the key belong together;
one that is cut short, changed, copied from elsewhere or of another program is as good as none.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

_MAGIC = b"repoint result 1\n"
_KEY_NAME = "key"
_KEY_SIZE = 32
_SUM = 32
MOST_FILES = 4_000
MOST_BYTES = 64 * 1024 * 1024


class UserResults:
    """Results below a private folder; `program` tells which program's; `ports.KeptResults`."""

    def __init__(self, folder: Path, program: str) -> None:
        self._folder = folder / "results"
        self._program = program.encode(errors="surrogateescape")
        self._key: bytes | None = None
        self._fresh = 0

    def __repr__(self) -> str:
        return f"UserResults({str(self._folder)!r})"

    def recall(self, question: Sequence[bytes]) -> bytes | None:
        """The answer to the very same question; None where there is none that can be trusted."""
        try:
            name = self._name(question)
            raw = (self._folder / name).read_bytes()
        except OSError:
            return None
        head, body = raw[: len(_MAGIC) + _SUM], raw[len(_MAGIC) + _SUM :]
        return body if hmac.compare_digest(head, _MAGIC + self._sum(name, body)) else None

    def keep(self, question: Sequence[bytes], answer: bytes) -> None:
        """Keep an answer; where that cannot be it is left."""
        with contextlib.suppress(OSError):
            name = self._name(question)
            fd, fresh = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            try:
                with os.fdopen(fd, "wb") as file:
                    file.write(_MAGIC + self._sum(name, answer) + answer)
                Path(fresh).replace(self._folder / name)
            except BaseException:
                Path(fresh).unlink(missing_ok=True)
                raise
            if not self._fresh % 200:
                self._prune()
            self._fresh += 1

    def _name(self, question: Sequence[bytes]) -> str:
        made = hmac.new(self._own_key(), digestmod=hashlib.sha256)
        for part in (self._program, *question):
            made.update(len(part).to_bytes(8, "big") + part)
        return made.hexdigest()

    def _sum(self, name: str, body: bytes) -> bytes:
        return hmac.digest(self._own_key(), b"\0" + name.encode() + body, "sha256")

    def _own_key(self) -> bytes:
        """The folder's key, made on need; a damaged one is made anew, and fits nothing older."""
        if self._key is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            path = self._folder / _KEY_NAME
            key = path.read_bytes() if path.exists() else b""
            if len(key) != _KEY_SIZE:
                key = os.urandom(_KEY_SIZE)
                fd, fresh = tempfile.mkstemp(dir=self._folder, prefix=".new-")
                with os.fdopen(fd, "wb") as file:
                    file.write(key)
                Path(fresh).replace(path)
            self._key = key
        return self._key

    def _prune(self) -> None:
        """Drop the oldest when they are many or large, and what a killed run left half written."""
        found: list[tuple[int, int, Path]] = []
        for one in self._folder.iterdir():
            if one.name != _KEY_NAME:
                with contextlib.suppress(FileNotFoundError):
                    status = one.stat()
                    found.append((status.st_mtime_ns, status.st_size, one))
        total = 0
        for number, (_, size, one) in enumerate(sorted(found, reverse=True)):
            total += size
            if number >= MOST_FILES or total > MOST_BYTES:
                one.unlink(missing_ok=True)
