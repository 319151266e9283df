"""What may be left of a folder when the power fails: a model of a disk, and of what was synced.

A run's calls are recorded as they are made. A disk that loses its power keeps what was synced, and
of the rest whatever it likes: a name without its file, a file without its contents, the second
of two renames without the first. POSIX promises no more than this:

- `fsync` of a file keeps its bytes, mode and owner, not its name;
- `fsync` of a folder keeps the names in it, not what they name, nor the folder's own name;
- one rename inside a folder is there or is not there.

Real file systems keep more, mostly. What is recovered here is recovered there.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = 0


@dataclass
class Inode:
    """A file, folder (its names) or link as it is now."""

    kind: str
    mode: int
    data: bytes = b""
    names: dict[str, int] = field(default_factory=dict)

    def copy(self) -> Inode:
        """One that can be changed by itself."""
        return Inode(self.kind, self.mode, self.data, dict(self.names))


@dataclass(frozen=True)
class Operation:
    """One change of one inode, or (`what` is `sync`) the promise that all before it are kept.

    `names` gives new names, None for those that go; `offset` and `data` are of a write, `offset`
    alone of a truncation. `made` is the inode that is new with it.
    """

    what: str
    inode: int
    names: tuple[tuple[str, int | None], ...] = ()
    offset: int = 0
    data: bytes = b""
    mode: int = 0
    made: Inode | None = None


Inodes = dict[int, Inode]


class Recording:
    """The operations of a run below `root`, on top of what stood there at first."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.first: Inodes = {}
        self.operations: list[Operation] = []
        self._read(self.root)
        self.now = {number: one.copy() for number, one in self.first.items()}
        self._open: dict[int, tuple[int, bool]] = {}
        self._at: dict[int, int] = {}

    def _read(self, path: Path) -> int:
        status, number = path.lstat(), len(self.first)
        mode = stat.S_IMODE(status.st_mode)
        if path.is_symlink():
            self.first[number] = Inode("link", mode, os.fsencode(path.readlink()))
        elif path.is_dir():
            self.first[number] = Inode("folder", mode)
            names = {item.name: self._read(item) for item in sorted(path.iterdir())}
            self.first[number].names = names
        else:
            self.first[number] = Inode("file", mode, path.read_bytes())
        return number

    def _place(self, path: object) -> tuple[int, str] | None:
        """The folder's inode and the name of a path, None outside the root."""
        whole = Path.cwd() / os.fsdecode(path)  # type: ignore[arg-type]
        if not whole.is_relative_to(self.root):
            return None
        inside, folder = whole.relative_to(self.root).parts, ROOT
        if not inside:
            return ROOT, ""
        for part in inside[:-1]:
            folder = self.now[folder].names[part]
        return folder, inside[-1]

    def _find(self, path: object) -> int | None:
        place = self._place(path)
        if place is None:
            return None
        folder, name = place
        return self.now[folder].names.get(name) if name else ROOT

    def add(self, operation: Operation) -> None:
        """Remember it, and do it to what stands now."""
        self.operations.append(operation)
        do(self.now, operation)

    def _named(self, path: object, new: int | None, made: Inode | None = None) -> None:
        place = self._place(path)
        if place is not None:
            self.add(Operation("names", place[0], ((place[1], new),), made=made))

    def _make(self, path: object, kind: str, mode: int) -> None:
        self._named(path, len(self.now), Inode(kind, mode))

    def on_open(self, fd: int, path: Any, flags: int, mode: int = 0o777, **_: object) -> None:
        """`os.open`, which may make the file."""
        if self._place(path) is None:
            self._open.pop(fd, None)
            return
        if self._find(path) is None:
            mask = os.umask(0)
            os.umask(mask)
            self._make(path, "file", mode & ~mask)
        number = self._find(path)
        assert number is not None
        self._open[fd], self._at[fd] = (number, bool(flags & os.O_APPEND)), 0
        if flags & os.O_TRUNC:
            self.add(Operation("truncate", number))

    def on_close(self, _: None, fd: int) -> None:
        """`os.close`."""
        self._open.pop(fd, None)

    def on_write(self, count: int, fd: int, data: Any) -> None:
        """`os.write`, at the end or where the last one ended."""
        if fd in self._open:
            number, at_end = self._open[fd]
            offset = len(self.now[number].data) if at_end else self._at[fd]
            self.add(Operation("write", number, offset=offset, data=bytes(data)[:count]))
            self._at[fd] = offset + count

    def on_pwrite(self, count: int, fd: int, data: Any, offset: int) -> None:
        """`os.pwrite`."""
        if fd in self._open:
            piece = bytes(data)[:count]
            self.add(Operation("write", self._open[fd][0], offset=offset, data=piece))

    def on_ftruncate(self, _: None, fd: int, length: int) -> None:
        """`os.ftruncate`."""
        if fd in self._open:
            self.add(Operation("truncate", self._open[fd][0], offset=length))

    def on_fsync(self, _: None, fd: int) -> None:
        """`os.fsync` and `os.fdatasync`."""
        if fd in self._open:
            self.add(Operation("sync", self._open[fd][0]))

    def on_sync(self, _: None) -> None:
        """`os.sync`."""
        for number in list(self.now):
            self.add(Operation("sync", number))

    def on_fchmod(self, _: None, fd: int, mode: int) -> None:
        """`os.fchmod`."""
        if fd in self._open:
            self.add(Operation("mode", self._open[fd][0], mode=mode))

    def on_chmod(self, _: None, path: Any, mode: int, **__: object) -> None:
        """`os.chmod`."""
        number = self._find(path)
        if number is not None:
            self.add(Operation("mode", number, mode=mode))

    def on_mkdir(self, _: None, path: Any, mode: int = 0o777, **__: object) -> None:
        """`os.mkdir`."""
        mask = os.umask(0)
        os.umask(mask)
        self._make(path, "folder", mode & ~mask)

    def on_gone(self, _: None, path: Any, **__: object) -> None:
        """`os.unlink` and `os.rmdir`."""
        self._named(path, None)

    def on_rename(self, _: None, old: Any, new: Any, **__: object) -> None:
        """`os.rename` and `os.replace`: inside a folder they are one thing."""
        source, target, number = self._place(old), self._place(new), self._find(old)
        if source is None or target is None or number is None:
            return
        if source[0] != target[0]:
            raise AssertionError("a rename from folder to folder is not modelled")
        self.add(Operation("names", source[0], ((source[1], None), (target[1], number))))


def do(inodes: Inodes, operation: Operation) -> None:
    """Make the change come true."""
    if operation.what == "sync":
        return
    if operation.made is not None:
        number = next(new for _, new in operation.names if new is not None)
        inodes[number] = operation.made.copy()
    one = inodes.get(operation.inode)
    if one is None:
        return  # Of a folder whose making was lost: nobody will ever see it.
    if operation.what == "names":
        for name, new in operation.names:
            if new is None:
                one.names.pop(name, None)
            else:
                one.names[name] = new
    elif operation.what == "write":
        filled = one.data.ljust(operation.offset, b"\0")
        end = operation.offset + len(operation.data)
        one.data = filled[: operation.offset] + operation.data + filled[end:]
    elif operation.what == "truncate":
        one.data = one.data[: operation.offset].ljust(operation.offset, b"\0")
    elif operation.what == "mode":
        one.mode = operation.mode


HOOKS = {
    "open": "on_open", "close": "on_close", "write": "on_write", "pwrite": "on_pwrite",
    "ftruncate": "on_ftruncate", "fsync": "on_fsync", "fdatasync": "on_fsync", "sync": "on_sync",
    "fchmod": "on_fchmod", "chmod": "on_chmod", "mkdir": "on_mkdir", "unlink": "on_gone",
    "rmdir": "on_gone", "rename": "on_rename", "replace": "on_rename",
}  # fmt: skip


@contextlib.contextmanager
def recorded(root: Path) -> Iterator[Recording]:
    """Record what the block does to the folder; calls that fail change nothing.

    Nothing is synced in truth: the power does not fail here.
    """
    recording = Recording(root)

    def watched(real: Callable[..., Any], seen: Callable[..., None]) -> Callable[..., Any]:
        def call(*arguments: Any, **rest: Any) -> Any:
            result = None if real in asleep else real(*arguments, **rest)
            seen(result, *arguments, **rest)
            return result

        return call

    kept = {name: getattr(os, name) for name in HOOKS}
    asleep = {kept[name] for name in ("fsync", "fdatasync", "sync")}
    for name, method in HOOKS.items():
        setattr(os, name, watched(kept[name], getattr(recording, method)))
    try:
        yield recording
    finally:
        for name, real in kept.items():
            setattr(os, name, real)


def unsynced(operations: Sequence[Operation]) -> list[int]:
    """Where the operations stand that no later sync keeps."""
    kept: set[int] = set()
    left: list[int] = []
    for place in range(len(operations) - 1, -1, -1):
        operation = operations[place]
        if operation.what == "sync":
            kept.add(operation.inode)
        elif operation.inode not in kept:
            left.append(place)
    return left[::-1]


def after_power_loss(
    first: Inodes, operations: Sequence[Operation], fates: dict[int, str]
) -> Inodes:
    """What stands after `operations`, where `fates` says what became of the unsynced ones.

    A fate is `kept`, `lost`, and of a write `half` (the second half is lost) or `zeros`.
    """
    inodes = {number: one.copy() for number, one in first.items()}
    for place, operation in enumerate(operations):
        fate = fates.get(place, "kept")
        if operation.made is not None:
            # The inode is there, with nothing in it; what is lost is its name.
            number = next(new for _, new in operation.names if new is not None)
            inodes.setdefault(number, operation.made.copy())
        if fate == "lost":
            continue
        data = operation.data
        if fate == "half":
            data = data[: len(data) // 2]
        elif fate == "zeros":
            data = bytes(len(data))
        do(inodes, Operation(**{**_fields(operation), "data": data, "made": None}))
    return inodes


def _fields(operation: Operation) -> dict[str, Any]:
    return {name: getattr(operation, name) for name in Operation.__dataclass_fields__}


Listing = tuple[tuple[str, str, int, bytes], ...]


def listing(inodes: Inodes) -> Listing:
    """Every path that can be reached, with kind, mode and contents; sorted."""
    found: list[tuple[str, str, int, bytes]] = []
    waiting = [("", ROOT)]
    while waiting:
        prefix, number = waiting.pop()
        for name, inside in inodes[number].names.items():
            one = inodes[inside]
            found.append((f"{prefix}{name}", one.kind, one.mode, one.data))
            if one.kind == "folder":
                waiting.append((f"{prefix}{name}/", inside))
    return tuple(sorted(found))


def write_out(found: Listing, root: Path) -> None:
    """Make the folder as it is listed."""
    root.mkdir()
    for name, kind, mode, data in found:
        path = root / name
        if kind == "link":
            path.symlink_to(os.fsdecode(data))
            continue
        if kind == "folder":
            path.mkdir()
        else:
            path.write_bytes(data)
        path.chmod(mode)
