"""What is planned for one file of a run, and its new content beside the old one."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from pathlib import Path
from secrets import token_hex

from repoint.adapters.journal_file import Step, digest
from repoint.errors import FileRefused, StalePlan
from repoint.model.receipt import FileWrite


def digest_of(target: Path) -> str:
    """The digest of a file as it is on disk; empty where there is none."""
    try:
        with target.open("rb", buffering=0) as opened:
            return digest(opened.readall())
    except FileNotFoundError:
        return ""


def steps_of(root: Path, entries: Sequence[tuple[FileWrite, Path]]) -> list[Step]:
    """A step for each write with the real file it goes to; nothing is touched.

    Raises:
        StalePlan: a file that is to be changed is gone.
        FileRefused: it is no regular file, or is read-only.
    """
    new_mode = 0o666 & ~_umask()
    there: set[str] = set()
    return [_step(f"{root}/", write, str(target), new_mode, there) for write, target in entries]


def _step(prefix: str, write: FileWrite, target: str, mode: int, there: set[str]) -> Step:
    """`there` holds the folders that are known to be there; most files share theirs."""
    relative = target.removeprefix(prefix)
    folder, _, name = relative.rpartition("/")
    staged = f".{name[:200]}.repoint-{token_hex(4)}"
    made = _missing(prefix, folder, there)
    uid, gid = -1, -1
    if write.before is not None:
        try:
            status = os.lstat(target)
        except OSError:
            raise StalePlan(f"`{write.path}` is not there any more") from None
        if not stat.S_ISREG(status.st_mode):
            raise FileRefused(f"`{write.path}` is not a regular file")
        if not os.access(target, os.W_OK) or not status.st_mode & 0o222:
            raise FileRefused(f"`{write.path}` is read-only")
        mode, uid, gid = stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid
    before, after = digest(write.before), digest(write.after)
    return Step(
        *(write.path, relative, f"{folder}/{staged}" if folder else staged, before, after),
        *(mode, uid, gid, made, write.drop_dirs),
    )


def _missing(prefix: str, folder: str, there: set[str]) -> tuple[str, ...]:
    """The folders that have to be made for `folder`, outermost first."""
    missing: list[str] = []
    while folder and folder not in there:
        if Path(prefix + folder).is_dir():
            there.add(folder)
            break
        missing.append(folder)
        folder = folder.rpartition("/")[0]
    return tuple(reversed(missing))


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def stage(root: Path, step: Step, content: bytes | None, *, sync: bool = True) -> None:
    """Write the new content beside the target, closed to others until complete.

    Without `sync` somebody else brings it to the disk.

    Raises:
        OSError: it cannot be written.
        FileRefused: the file would belong to another user than before.
    """
    if content is None:
        return
    for folder in step.made_dirs:
        (root / folder).mkdir(exist_ok=True)
    fd = os.open(
        f"{root}/{step.staged}",
        os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
        0o600,
    )
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        if step.uid != -1 and (step.uid, step.gid) != (os.geteuid(), os.getegid()):
            _chown(fd, step)
        os.fchmod(fd, step.mode)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)


def _chown(fd: int, step: Step) -> None:
    try:
        os.fchown(fd, step.uid, step.gid)
    except PermissionError:
        raise FileRefused(
            f"`{step.path}` belongs to another user, and would not any more",
            hint=f"run it as that user, or take the file over: `chown $(id -u) {step.path}`",
        ) from None
