"""The journal as a file: JSON lines, each synced before anything is done that it tells of.

The first line names the files of the run, those after it a state that the run reached. A line that
was cut short by a crash has no line break, and does not count.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from repoint.adapters import lock
from repoint.errors import HalfDone

JOURNAL_NAME = "journal"


@dataclass(frozen=True, slots=True)
class Step:
    """One file of a run, as the journal records it; paths are relative to the root.

    `mode`, `uid` and `gid` are those of the file before, or of a new file (owner -1).
    """

    path: str
    target: str
    staged: str
    before: str
    after: str
    mode: int
    uid: int
    gid: int
    made_dirs: tuple[str, ...]
    drop_dirs: tuple[str, ...]


def digest(content: bytes | None) -> str:
    """SHA-256 in hexadecimal; empty for a file that does not exist."""
    return "" if content is None else sha256(content).hexdigest()


def begin(log: Path, verb: str, steps: Sequence[Step]) -> int:
    """Make the journal of a run; its length in bytes."""
    listed = [asdict(step) for step in steps]
    document: dict[str, object] = {"state": "begin", "verb": verb, "steps": listed}
    return _write(log, document, os.O_CREAT | os.O_EXCL)


def append(log: Path, state: str) -> None:
    """Add a state; a journal that somebody deleted meanwhile is not made again.

    Raises:
        OSError: the line may be there or not.
    """
    _write(log, {"state": state})


def cut(log: Path, length: int) -> None:
    """Take back what was added after `length` bytes, if anything was."""
    fd = os.open(log, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.ftruncate(fd, length)
        os.fsync(fd)
    finally:
        os.close(fd)


def read(log: Path) -> tuple[tuple[Step, ...], frozenset[str]]:
    """The files of a run and the states that it reached; none when it had not begun.

    Raises:
        HalfDone: it is not what a run wrote.
    """
    try:
        records = [json.loads(line) for line in _content(log).split(b"\n")[:-1]]
        steps = tuple(_step_of(item) for record in records[:1] for item in record["steps"])
        for step in steps:
            _check_step(log.parent.parent, step)
        return steps, frozenset(record["state"] for record in records[1:])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise HalfDone(
            f"`{lock.STATE_DIR}/{JOURNAL_NAME}` cannot be read",
            hint=(
                "see with `git status` what the run that was stopped had written",
                f"then delete `{lock.STATE_DIR}/{JOURNAL_NAME}` and run `repoint plan`",
            ),
        ) from None


def verb_of(log: Path) -> str:
    """The verb of the run, such as `apply`; a question mark where it is not told in letters."""
    try:
        record = json.loads(_content(log).partition(b"\n")[0])
        verb = str(record["verb"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return "?"
    return verb if re.fullmatch(r"[a-z][a-z -]{0,20}", verb) else "?"


def delete(log: Path) -> None:
    """The run is over.

    A deletion that a power failure takes back does no harm: recovering once more changes nothing.
    """
    log.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        lock.sync_folder(log.parent)


def _write(log: Path, record: dict[str, object], flags: int = 0) -> int:
    """Add one line and sync it; its length."""
    fd = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC | flags, 0o600)
    try:
        line = json.dumps(record).encode() + b"\n"
        view = memoryview(line)
        while view:
            view = view[os.write(fd, view) :]
        os.fsync(fd)
    finally:
        os.close(fd)
    lock.sync_folder(log.parent)
    return len(line)


def _content(log: Path) -> bytes:
    """The journal's bytes; a link or a pipe in its place is not read."""
    fd = os.open(log, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(fd, "rb") as opened:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise ValueError("not a regular file")
        return opened.read()


def _check_step(root: Path, step: Step) -> None:
    """A journal may have come with the repository: it moves files of the repository alone.

    Raises:
        ValueError: a name leads out of `root` or into git's own folder, or what would be moved
            is not named as a run names what it stages.
    """
    folder, _, name = step.target.rpartition("/")
    beside = step.staged.removeprefix(f"{folder}/" if folder else "")
    if not re.fullmatch(rf"\.{re.escape(name[:200])}\.repoint-[0-9a-f]{{8}}", beside, re.DOTALL):
        raise ValueError("not what a run stages")
    for inside in (step.target, *step.made_dirs, *step.drop_dirs):
        parts = inside.split("/")
        if {"", ".", "..", ".git"} & set(parts) or "\0" in inside:
            raise ValueError("not a file of the repository")
        above = root.joinpath(*parts[:-1])
        if above.resolve() != above:
            raise ValueError("behind a link")


def _step_of(item: dict[str, object]) -> Step:
    fields = {
        name: tuple(value) if isinstance(value, list) else value for name, value in item.items()
    }
    return Step(**fields)  # type: ignore[arg-type]  # what asdict wrote
