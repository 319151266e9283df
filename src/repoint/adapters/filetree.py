"""The repository's files: each read once, written whole or not at all.

A symbolic link to a file stands for the file it names, as long as that lies in the repository;
linked folders are not entered (git does not either), so no file is met twice that way.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath

from repoint.adapters import gitrepo, journal, lock
from repoint.errors import FileRefused
from repoint.model.receipt import FileWrite

LARGEST = 64 * 1024 * 1024
_SKIPPED = frozenset({".git", ".repoint", "node_modules", ".venv"})


class FileTree:
    """A folder on disk; implements `ports.Tree` and `ports.WritableTree`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._read: dict[str, bytes] = {}
        self._paths: tuple[str, ...] | None = None

    def paths(self) -> tuple[str, ...]:
        """Every file that git tracks or does not ignore; without git every file."""
        if self._paths is None:
            names = gitrepo.listed(self.root)
            found = names if names is not None else tuple(sorted(self._walk(self.root, "")))
            self._paths = tuple(
                name
                for name in found
                if not name.startswith(".repoint/") and (self.root / name).is_file()
            )
        return self._paths

    def read(self, path: str) -> bytes:
        """The bytes of a file, from memory the second time."""
        if path not in self._read:
            self._read[path] = self.read_again(path)
        return self._read[path]

    def read_again(self, path: str) -> bytes:
        """The bytes of a file as they are on disk now."""
        self._read.pop(path, None)
        return read_regular(self.target(path), path)

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file of the repository."""
        try:
            return self.target(path).is_file()
        except (FileRefused, OSError):
            return False

    def target(self, path: str) -> Path:
        """The file that `path` stands for, links followed.

        Raises:
            FileRefused: it leads out of the repository.
        """
        if not path or PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
            raise FileRefused(f"`{path}` is not a path in this repository")
        try:
            real = (self.root / path).resolve()
        except (OSError, RuntimeError):
            raise FileRefused(f"`{path}` is a link that leads nowhere") from None
        if not real.is_relative_to(self.root):
            raise FileRefused(f"`{path}` leads out of the repository")
        return real

    def locked(self, verb: str) -> AbstractContextManager[None]:
        """Hold the repository's lock; one writing run at a time."""
        return lock.held(self.root, verb)

    def commit(self, verb: str, writes: Sequence[FileWrite]) -> None:
        """Write all of `writes` or none, through the journal."""
        entries = [(write, self.target(write.path)) for write in writes]
        journal.commit(self.root, verb, entries)
        self._forget()

    def recover(self) -> str:
        """Finish or undo what a killed run left; `finished`, `undone`, or empty."""
        outcome = journal.recover(self.root)
        self._forget()
        return outcome

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` with changes that are not committed."""
        return gitrepo.dirty(self.root, paths)

    def is_there(self, path: str) -> bool:
        """Whether anything stands at `path`, be it no regular file."""
        target = self.target(path)
        return target.exists() or target.is_symlink()

    def files_in(self, folder: str) -> tuple[str, ...]:
        """The regular files of a folder, sorted; none without it."""
        place = self.target(folder)
        if not place.is_dir():
            return ()
        return tuple(sorted(f"{folder}/{item.name}" for item in place.iterdir() if item.is_file()))

    def folders_to_make(self, path: str) -> tuple[str, ...]:
        """Folders that are missing above `path`, outermost first."""
        missing: list[str] = []
        for folder in PurePosixPath(path).parents:
            if str(folder) == "." or (self.root / folder).is_dir():
                break
            missing.append(str(folder))
        return tuple(reversed(missing))

    def _forget(self) -> None:
        self._read.clear()
        self._paths = None

    def _walk(self, folder: Path, prefix: str) -> Iterator[str]:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _SKIPPED:
                        yield from self._walk(Path(entry.path), f"{prefix}{entry.name}/")
                else:
                    yield prefix + entry.name


def read_regular(target: Path, path: str) -> bytes:
    """All bytes of a regular file of at most 64 MB; `path` is its name in errors.

    Raises:
        FileRefused: it is missing, unreadable, a device, a pipe, or too big.
    """
    try:
        # O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
        fd = os.open(target, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise FileRefused(f"`{path}` cannot be read: {error.strerror}") from None
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"`{path}` is not a regular file")
        if status.st_size > LARGEST:
            raise FileRefused(f"`{path}` is bigger than {LARGEST // 1024 // 1024} MB")
        pieces: list[bytes] = []
        while piece := os.read(fd, max(status.st_size + 1, 4096)):
            pieces.append(piece)
        return b"".join(pieces)
    except OSError as error:
        raise FileRefused(f"`{path}` cannot be read: {error.strerror}") from None
    finally:
        os.close(fd)
