"""One writing run at a time, and the folder that holds repoint's own files.

`.repoint/` lies at the repository's root. Git is told by `.repoint/.gitignore` to leave out
`lock`, `journal` and `tmp`, which belong to a run on one machine. Receipts, records of rehearsals
and the ledger are meant to be committed: they hold no secret, and a colleague goes on with them.

The guard is `flock`: the kernel lets go of it when the holder dies, however it dies. What is
written in the file tells a person who holds it, and keeps out another machine that sees the same
folder over a network file system where `flock` stays local. A holder of this machine without
the `flock` is dead, and its lock is cleared by itself.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import stat
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from repoint.errors import FileRefused, LockHeld
from repoint.model.told import told

STATE_DIR = ".repoint"
LOCK_NAME = "lock"
IGNORED = (
    "# what else lies here is meant to be committed: it holds no secret\n/lock\n/journal*\n/tmp/\n"
)

# A second: what a dead run had just started is loaded by then.
_TRIES, _PAUSE_S = 50, 0.02
_LONGEST_TOLD = 80
_HELD = (errno.EAGAIN, errno.EACCES)


@contextlib.contextmanager
def held(root: Path, verb: str) -> Iterator[None]:
    """Hold the repository's lock while the block runs.

    Raises:
        LockHeld: another run holds it; the message says who, where, since when and for what.
        FileRefused: `.repoint/` cannot be made or written.
    """
    fd = _taken(state_dir(root) / LOCK_NAME, verb)
    try:
        yield
    finally:
        # What is written there keeps nobody out; the kernel's lock goes with the file.
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
        os.close(fd)


def is_held(root: Path) -> bool:
    """Whether a run on this machine has the lock now; nothing is taken or written."""
    try:
        fd = os.open(root / STATE_DIR / LOCK_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in _HELD
    finally:
        os.close(fd)
    return False


def state_dir(root: Path) -> Path:
    """`.repoint/` below `root`, made with its `.gitignore` when it is missing.

    Synced from the root downwards: a `.gitignore` that is whole tells that its folder is there to
    stay. One that a killed run left cut short is completed.
    """
    folder = root / STATE_DIR
    ignore = folder / ".gitignore"
    try:
        folder.mkdir(mode=0o755, exist_ok=True)
        # A power failure may leave the length of a file without its bytes.
        found = ignore.read_text(errors="replace").rstrip("\0") if ignore.exists() else ""
        if found != IGNORED and IGNORED.startswith(found):
            sync_folder(root)
            fd = os.open(ignore, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            try:
                os.pwrite(fd, IGNORED.encode(), 0)
                os.fsync(fd)
            finally:
                os.close(fd)
            sync_folder(folder)
    except OSError as error:
        raise _refused(".gitignore", error) from None
    return folder


def sync_folder(folder: Path) -> None:
    """Have the kernel write what a folder holds: names, not contents."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _taken(path: Path, verb: str) -> int:
    """The lock file, open and locked; whoever closes it lets go of it."""
    patience = _TRIES
    while True:
        try:
            fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise _refused(path.name, error) from None
        try:
            if _take(fd, path, verb):
                return fd
        except LockHeld:
            os.close(fd)
            patience -= 1
            if patience == 0 or not _is_dead(path):
                raise
            # A program that it had just started holds the lock until it is loaded.
            time.sleep(_PAUSE_S)
        except BaseException:
            os.close(fd)
            raise
        else:
            os.close(fd)


def _take(fd: int, path: Path, verb: str) -> bool:
    """Lock the open file; not when another one stands in its place by now."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        guarded = True
    except OSError as error:
        if error.errno in _HELD:
            raise _held_by(_holder(fd)) from None
        guarded = False
    if not _is_the_one(fd, path):
        return False
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        raise FileRefused(f"`{STATE_DIR}/{LOCK_NAME}` is not a regular file")
    holder = _holder(fd)
    if holder and _may_live(holder, guarded=guarded):
        raise _held_by(holder)
    me = {
        "pid": os.getpid(),
        "started": _start_time(os.getpid()),
        "host": socket.gethostname(),
        "boot": _boot_id(),
        "since": datetime.now(UTC).isoformat(timespec="seconds"),
        "verb": verb,
    }
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps(me).encode(), 0)
        os.fsync(fd)
    except OSError as error:
        raise _refused(LOCK_NAME, error) from None
    return True


def _is_the_one(fd: int, path: Path) -> bool:
    """Whether the open file still has its name; `git clean -x` and people delete lock files."""
    try:
        return os.path.samestat(os.fstat(fd), os.lstat(path))
    except FileNotFoundError:
        return False


def _is_dead(path: Path) -> bool:
    """Whether the file names a process of this machine that is not there any more."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        holder = _holder(fd)
    finally:
        os.close(fd)
    return bool(holder) and not _may_live(holder, guarded=False)


def _may_live(holder: dict[str, object], *, guarded: bool) -> bool:
    """Whether a holder that the file names can still be at work."""
    same_host = holder.get("host") == socket.gethostname()
    if holder.get("boot") != _boot_id():
        return not same_host
    if guarded:
        return False
    pid = holder.get("pid")
    if not isinstance(pid, int) or not same_host:
        return True
    return _alive(pid) and _start_time(pid) == holder.get("started")


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _start_time(pid: int) -> str:
    """Clock ticks since boot at which a process began; empty where /proc is not there."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return told.rpartition(")")[2].split()[19]


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return socket.gethostname()


def _holder(fd: int) -> dict[str, object]:
    """Who the file names; nothing when it is empty or was cut short by a crash."""
    try:
        found = json.loads(os.pread(fd, 4096, 0))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _held_by(holder: dict[str, object]) -> LockHeld:
    pid, host, verb, since = (_told(holder, name) for name in ("pid", "host", "verb", "since"))
    who = f"process {pid} on `{host}`"
    what = f"`repoint {verb}` since {since}"
    hints: tuple[str, ...] = ("wait for it to end",)
    if holder.get("host", socket.gethostname()) != socket.gethostname():
        hints += (f"if that machine is gone, delete `{STATE_DIR}/{LOCK_NAME}`",)
    return LockHeld(f"{who} holds the lock: {what}", hint=hints)


def _told(holder: dict[str, object], name: str) -> str:
    """A field in few characters: the file may come from others, and not speak to a terminal."""
    return told(str(holder.get(name, "?")), _LONGEST_TOLD)


def _refused(name: str, error: OSError) -> FileRefused:
    return FileRefused.by(f"`{STATE_DIR}/{name}` cannot be written", error)
