"""The repository's files: each read once, written whole or not at all.

A symbolic link to a file stands for the file it names, as long as that lies in the repository;
linked folders are not entered (git does not either), so no file is met twice that way.
"""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from repoint.adapters import gitrepo
from repoint.errors import FileRefused

if TYPE_CHECKING:
    from repoint.model.receipt import FileWrite

_DEEPEST = 200
_EXCLUDE = "list it under `exclude:` in repoint.yaml"
LARGEST = 64 * 1024 * 1024
_SKIPPED = frozenset({".git", ".repoint", "node_modules", ".venv"})
# The journal's names for contents to come: of a run at work, or of one that was killed.
_STAGED = re.compile(r"(?:^|/)\.[^/]+\.repoint-[0-9a-f]{8}(?:-old)?$")


class FileTree:
    """A folder on disk; implements `ports.Tree` and `ports.WritableTree`."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._prefix = f"{self.root}/"
        self._folders = {"": True}
        self._read: dict[str, bytes] = {}
        self._refused: set[str] = set()
        self._paths: tuple[str, ...] | None = None
        self._listing: gitrepo.Listing | None = None

    def paths(self) -> tuple[str, ...]:
        """Every file that git tracks or does not ignore; without git every file."""
        if self._paths is None:
            known = self.listing()
            if known is not None:
                found = known.paths(self._is_file)
            else:
                found = tuple(sorted(filter(self._is_file, self._walk())))
            self._paths = tuple(name for name in found if not _is_own(name))
        return self._paths

    def listing(self, watch: Callable[[bytes], object] | None = None) -> gitrepo.Listing | None:
        """What git knows of the files, from memory the second time; None without git.

        `watch` is told the entries before git looks at a file, where it has not looked yet.
        """
        if self._listing is None:
            self._listing = gitrepo.listing(self.root, watch)
        return self._listing

    def read(self, path: str) -> bytes:
        """The bytes of a file, from memory the second time."""
        if path not in self._read:
            self._read[path] = self.glance(path)
        return self._read[path]

    def remembered(self) -> Mapping[str, bytes]:
        """The files that were read, with what they held."""
        return self._read

    def refused(self) -> frozenset[str]:
        """The files that could not be read when they were asked for."""
        return frozenset(self._refused)

    def glance(self, path: str) -> bytes:
        """The bytes of a file, not kept in memory for a second look."""
        known = self._read.get(path)
        if known is not None:
            return known
        try:
            return self._on_disk(path)
        except FileRefused:
            self._refused.add(path)
            raise

    def keep(self, path: str, raw: bytes) -> None:
        """Keep the bytes of a file that was glanced at in memory."""
        self._read.setdefault(path, raw)

    def _on_disk(self, path: str) -> bytes:
        if self._is_plain(path):
            try:
                return read_opened(os.open(self._prefix + path, _READING), path)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise _unreadable(path, error) from None
        return read_regular(self.target(path), path)

    def read_again(self, path: str) -> bytes:
        """The bytes of a file as they are on disk now."""
        self._read.pop(path, None)
        return self._on_disk(path)

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
            raise FileRefused(
                f"`{path}` is not a path in this repository",
                hint="write it relative to the root, without `..`",
            )
        try:
            real = (self.root / path).resolve()
        except RecursionError:
            raise FileRefused(f"`{path[:200]}...` is nested too deep", hint=_EXCLUDE) from None
        except (OSError, RuntimeError):
            raise FileRefused(
                f"`{path}` is a link that leads nowhere", hint=f"mend the link, or {_EXCLUDE}"
            ) from None
        if not real.is_relative_to(self.root):
            raise FileRefused(
                f"`{path}` leads out of the repository",
                hint=f"put the file in the link's place, or {_EXCLUDE}",
            )
        return real

    def locked(self, verb: str) -> AbstractContextManager[None]:
        """Hold the repository's lock; one writing run at a time."""
        from repoint.adapters import lock

        return lock.held(self.root, verb)

    def commit(self, verb: str, writes: Sequence[FileWrite]) -> None:
        """Write all of `writes` or none, through the journal."""
        from repoint.adapters import journal

        self._folders = {"": True}  # Where each write leads is looked at once more.
        entries = [(write, self._writable(write.path)) for write in writes]
        journal.commit(self.root, verb, entries)
        self._forget()

    def _writable(self, path: str) -> Path:
        """The file that `path` stands for, which is none of git's; own ones go by their name."""
        target = self._plain_target(path) or self.target(path)
        parts = str(target).removeprefix(self._prefix).casefold().split("/")
        if ".git" in parts or (".repoint" in parts and not path.startswith(".repoint/")):
            raise FileRefused(f"`{path}` leads to what is git's or repoint's own")
        return target

    def recover(self) -> str:
        """Finish or undo what a killed run left; `finished`, `undone`, or empty."""
        from repoint.adapters import journal

        outcome = journal.recover(self.root)
        self._forget()
        return outcome

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` with changes that are not committed."""
        return gitrepo.dirty(self.root, paths)

    def is_there(self, path: str) -> bool:
        """Whether anything stands at `path`, be it no regular file."""
        target = self._plain_target(path) or self.target(path)
        return os.path.lexists(target)

    def files_in(self, folder: str) -> tuple[str, ...]:
        """The regular files of a folder, sorted; none without it."""
        place = self.target(folder)
        if not place.is_dir():
            return ()
        names = (f"{folder}/{item.name}" for item in place.iterdir() if item.is_file())
        return tuple(sorted(name for name in names if not _STAGED.search(name)))

    def folders_to_make(self, path: str) -> tuple[str, ...]:
        """Folders that are missing above `path`, outermost first."""
        missing: list[str] = []
        for folder in PurePosixPath(path).parents:
            if str(folder) == "." or (self.root / folder).is_dir():
                break
            missing.append(str(folder))
        return tuple(reversed(missing))

    def _is_file(self, path: str) -> bool:
        """Whether a file, or a link to one, stands at a path that was listed."""
        try:
            mode = os.lstat(self._prefix + path).st_mode
        except (OSError, ValueError):
            return False
        return stat.S_ISREG(mode) or (stat.S_ISLNK(mode) and (self.root / path).is_file())

    def _is_plain(self, path: str) -> bool:
        """Whether no link is on the way to `path`, which may be one itself, nor any `..`.

        Each folder is looked at once: most of a repository's files share theirs.
        """
        folder, _, name = path.rpartition("/")
        if name in ("", ".", "..") or path.startswith("/"):
            return False
        unknown = []
        while folder not in self._folders:
            unknown.append(folder)
            folder = folder.rpartition("/")[0]
        known = self._folders[folder]
        for one in reversed(unknown):
            named = one.rpartition("/")[2] not in ("", ".", "..")
            known = self._folders[one] = known and named and self._is_folder(one)
        return known

    def _plain_target(self, path: str) -> Path | None:
        """The file of a path without a link, be it there or not; None where `target` decides."""
        place = Path(self._prefix + path)
        return place if self._is_plain(path) and not place.is_symlink() else None

    def _is_folder(self, path: str) -> bool:
        try:
            return stat.S_ISDIR(os.lstat(self._prefix + path).st_mode)
        except (OSError, ValueError):
            return False

    def _forget(self) -> None:
        self._folders = {"": True}
        self._read.clear()
        self._refused.clear()
        self._paths = None
        self._listing = None

    def _walk(self) -> Iterator[str]:
        """Every file below the root.

        Raises:
            FileRefused: a folder cannot be read, or lies deeper than any repository's.
        """
        folders = [""]
        while folders:
            folder = folders.pop()
            if folder.count("/") > _DEEPEST:
                raise FileRefused(f"`{folder[:100]}...` is nested too deep", hint=_EXCLUDE)
            try:
                entries = sorted(os.scandir(self._prefix + folder), key=lambda one: one.name)
            except OSError as error:
                raise _unreadable(folder.rstrip("/") or ".", error) from None
            for entry in entries:
                if not entry.is_dir(follow_symlinks=False):
                    yield folder + entry.name
                elif entry.name not in _SKIPPED:
                    folders.append(f"{folder}{entry.name}/")


_READING = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""O_NONBLOCK: opening a pipe that nobody writes to would wait for ever."""


def _is_own(name: str) -> bool:
    return ".repoint" in name and (name.startswith(".repoint/") or bool(_STAGED.search(name)))


def read_regular(target: Path, path: str) -> bytes:
    """All bytes of a regular file of at most 64 MB; `path` is its name in errors.

    Raises:
        FileRefused: it is missing, unreadable, a device, a pipe, or too big.
    """
    try:
        return read_opened(os.open(target, _READING), path)
    except OSError as error:
        raise _unreadable(path, error) from None


def read_opened(fd: int, path: str) -> bytes:
    """All bytes of the open file `fd`, which is closed; refuses what `read_regular` refuses.

    Raises:
        OSError: it cannot be read.
    """
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"`{path}` is not a regular file")
        if status.st_size > LARGEST:
            raise FileRefused(
                f"`{path}` is bigger than {LARGEST // 1024 // 1024} MB", hint=_EXCLUDE
            )
        # One byte more than there should be: a short read is then the end.
        raw = os.read(fd, status.st_size + 1)
        if len(raw) == status.st_size:
            return raw
        pieces = [raw]
        while piece := os.read(fd, 65536):
            pieces.append(piece)
        return b"".join(pieces)
    finally:
        os.close(fd)


def _unreadable(path: str, error: OSError) -> FileRefused:
    return FileRefused.by(f"`{path}` cannot be read", error)
