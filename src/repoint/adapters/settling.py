"""Brings what a run wrote to the disk at once, where it is much: contents and names alike.

`fsync` of a thousand files, and of their folders, takes several times as long as writing them.
`syncfs` promises the same of all that was written to a file system before, in one step, and since
Linux 5.8 it tells, as `fsync` does, of a write that failed after the file system was opened here.
That holds for the file systems named below; with any other each file is synced by itself. So it
is for few files: `syncfs` waits for what other programs wrote, too.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

MANY = 64
"""So many files are brought to the disk at once."""

_TRUSTED = frozenset({0xEF53, 0x58465342, 0x9123683E})
"""`f_type` of ext4 (and 2, 3), XFS and Btrfs; see statfs(2)."""


class FileSystems:
    """Open file systems; `settle` ends when all that was written to them is on their disks."""

    def __init__(self, opened: dict[int, str]) -> None:
        self._opened = opened

    def settle(self) -> None:
        """Wait for the disks.

        Raises:
            OSError: something could not be written since they were opened.
        """
        for fd, folder in self._opened.items():
            sync_file_system(fd, folder)


@contextlib.contextmanager
def at_once(folders: Collection[Path], files: int) -> Iterator[FileSystems | None]:
    """The file systems that `folders` are on, or are to be made on, open in the block.

    None where `files` are few, or where one of them does not promise enough: then every file
    has to be synced by itself.

    Raises:
        OSError: a folder cannot be opened.
    """
    if files < MANY or not _kernel_tells():
        yield None
        return
    with contextlib.ExitStack() as stack:
        opened: dict[int, str] = {}
        for folder in _one_of_each(folders):
            fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            stack.callback(os.close, fd)
            opened[fd] = str(folder)
        trusted = all(_is_trusted(fd) for fd in opened)
        yield FileSystems(opened) if trusted else None


def _one_of_each(folders: Collection[Path]) -> list[Path]:
    """A folder of each device; one that is not there yet will be on that of its parent."""
    found: dict[int, Path] = {}
    for folder in folders:
        place = next(one for one in (folder, *folder.parents) if one.is_dir())
        found.setdefault(place.stat().st_dev, place)
    return list(found.values())


def sync_file_system(fd: int, name: str) -> None:
    """`syncfs(2)`, which Python lacks.

    Raises:
        OSError: something could not be written; `name` stands in it.
    """
    if _libc().syncfs(fd) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), name)


def _is_trusted(fd: int) -> bool:
    """Whether `fd` is on a file system whose `syncfs` is known to keep its promise."""
    # `f_type` comes first, as long as a machine word; the rest is less than 256 bytes.
    status = (ctypes.c_long * 64)()
    return _libc().fstatfs(fd, status) == 0 and status[0] in _TRUSTED


def _kernel_tells() -> bool:
    """Whether `syncfs` tells of failed writes: Linux 5.8 or later."""
    if sys.platform != "linux":
        return False
    major, _, rest = os.uname().release.partition(".")
    minor = rest.partition(".")[0]
    return major.isdigit() and minor.isdigit() and (int(major), int(minor)) >= (5, 8)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)
