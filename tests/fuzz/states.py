"""Properties of repoint's own files on disk: a damaged one is refused, and harms nothing."""

from __future__ import annotations

import os
import tempfile
from hashlib import sha256
from pathlib import Path

from repoint.adapters import journal, journal_file, lock
from repoint.errors import RepointError

OUTSIDE = "outside.txt"
FILES = {"a.yaml": b"a: 1\n", "sub/b.yaml": b"b: 2\n", ".git/config": b"[core]\n"}
STAGED = {".a.yaml.repoint-0123abcd": b"a: 11\n", "sub/.b.yaml.repoint-89abcdef": b"b: 22\n"}
_AFTER = {"a.yaml": b"a: 11\n", "sub/b.yaml": b"b: 22\n"}


def recovery(raw: bytes) -> None:
    """A journal of any bytes is recovered or refused; files are as before, or as staged.

    `@ROOT@` in it stands for the folder above the repository.
    """
    with tempfile.TemporaryDirectory(prefix="repoint-fuzz-", dir=_fast()) as name:
        above = Path(name)
        root = above / "repository"
        for path, content in {**FILES, **STAGED}.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        (above / OUTSIDE).write_bytes(b"mine\n")
        log = lock.state_dir(root) / journal_file.JOURNAL_NAME
        log.write_bytes(raw.replace(b"@ROOT@", os.fsencode(above)))
        try:
            outcome = journal.recover(root)
        except RepointError as error:
            assert "\n" not in error.message
        else:
            assert outcome in ("", "finished", "undone")
        assert (above / OUTSIDE).read_bytes() == b"mine\n", "a file outside was touched"
        assert sorted(item.name for item in above.iterdir()) == [OUTSIDE, "repository"]
        for path, content in FILES.items():
            found = (root / path).read_bytes() if (root / path).exists() else None
            assert found in (content, _AFTER.get(path)), f"`{path}` is neither before nor after"


def holder(raw: bytes) -> None:
    """A lock file of any bytes is taken over, or names a holder in one harmless line."""
    with tempfile.TemporaryDirectory(prefix="repoint-fuzz-", dir=_fast()) as name:
        root = Path(name)
        (lock.state_dir(root) / lock.LOCK_NAME).write_bytes(raw)
        try:
            with lock.held(root, "apply"):
                pass
        except RepointError as error:
            told = " ".join((error.message, *error.hints))
            assert told.isprintable(), "a lock file speaks to a terminal"
            assert len(told) < 1000


def genuine(verb: str = "apply", state: str = "commit") -> bytes:
    """A journal that repoint could have written for `FILES` and `STAGED`."""
    steps = ",".join(
        f'{{"path":"{path}","target":"{path}","staged":"{staged}","before":"{_sha(FILES[path])}",'
        f'"after":"{_sha(STAGED[staged])}","mode":420,"uid":{os.getuid()},"gid":{os.getgid()},'
        '"made_dirs":[],"drop_dirs":[]}'
        for path, staged in zip(_AFTER, STAGED, strict=True)
    )
    first = f'{{"state":"begin","verb":"{verb}","steps":[{steps}]}}\n'
    return (first + (f'{{"state":"{state}"}}\n' if state else "")).encode()


def _sha(content: bytes) -> str:
    return sha256(content).hexdigest()


def _fast() -> str | None:
    """A folder in memory, where there is one: each run syncs its files."""
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
