"""Small disks, read-only disks, and a disk whose power is really cut; needs the right to mount.

The torture runs in a mount namespace of its own: what is mounted here is gone with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from repoint.adapters import settling
from tests.torture.forking import in_child
from tests.torture.looking import look, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.touches import applied_of
from tests.torture.verbs import run_verb, strike
from tests.torture.world import World, make_world

_PAGE = 4096
_SHUTDOWN = 0x8004587D
"""The request by which a file system of Linux stops at once (`FS_IOC_SHUTDOWN`)."""
_WITHOUT_LOG = struct.pack("I", 2)
"""Its argument for: what was not synced is lost."""


def run_full(job: Job) -> Tally:
    """Apply and rollback with no room at all, with one page, with two, until they get through."""
    tally = Tally("full-disk")
    world = make_world(job.scratch / "world")
    place = job.scratch / "small"
    if not _can_mount(place):
        return _limited(tally, job, world)
    applied = applied_of(world, job.scratch / "applied")
    sizes = 0
    for verb, start in (("apply", world), ("rollback", applied)):
        for what in ("pages", "inodes"):
            for spare in range(200):
                with _memory_disk(place, {what: _needed(start, what) + spare}):
                    done = _squeeze(tally, start, place, verb, f"{verb}, {spare} {what} free")
                sizes += 1
                if done:
                    break
    tally.note = f"{sizes} sizes of tmpfs"
    return tally


def run_read_only(job: Job) -> Tally:
    """Nothing can be written: all of the tree, `.repoint/` alone, one folder of a target alone."""
    tally = Tally("read-only")
    world = make_world(job.scratch / "world")
    if not _can_mount(job.scratch / "place"):
        tally.skipped = "nothing can be mounted here"
        return tally
    starts = {"apply": world, "rollback": applied_of(world, job.scratch / "applied")}
    for verb, start in starts.items():
        for folder in (".", ".repoint", "d"):
            root = start.copy(job.scratch / "run")
            for touch in (0, 12, 24):
                what = f"{verb}, `{folder}` read-only"
                if touch:
                    what += f" after a kill at touch {touch}"
                    end = in_child(partial(_armed, root, verb, touch))
                    tally.ended(what, [end])
                with _read_only(root / folder):
                    for one in (verb, "resume"):
                        ends = [in_child(partial(run_verb, root, one))]
                        tally.ended(what, ends, "FileRefused", "HalfDone")
                tally.ended(what, [in_child(partial(run_verb, root, "resume"))])
                tally.judge(what, torn(look(root), start.states))
    return tally


def run_power_cut(job: Job) -> Tally:
    """A real ext4 loses what it had not synced at each touch, and is mounted again."""
    tally = Tally("power-cut")
    image, place = job.scratch / "image", job.scratch / "disk"
    place.mkdir()
    made = _made_ext4(image, place)
    if made:
        tally.skipped = made
        return tally
    used = make_world(job.scratch / "used")
    new = make_world(job.scratch / "new", used=False)
    starts = [("apply", used), ("apply", new)]
    starts.append(("rollback", applied_of(used, job.scratch / "applied")))
    cases: list[tuple[str, World, int, bool, bool]] = []
    for verb, start in starts:
        count = int(in_child(partial(_counted, start, job, verb)).told)
        for at_once in (False, True):
            cases += [(verb, start, number, False, at_once) for number in range(1, count + 1)]
            cases += [(verb, start, count + 1, True, at_once)] * 2
    seen = 0
    for verb, start, number, ended, at_once in job.some_of(cases):
        seen += 1
        what = f"{verb}, power cut after {'its end' if ended else f'touch {number}'}"
        what += ", all settled at once" if at_once else ""
        with _loop(image, place):
            root = start.copy(place / "it")
            os.sync()
            tally.ended(what, [in_child(partial(_cut_off, place, root, verb, number, at_once))])
        with _loop(image, place):
            again = in_child(partial(run_verb, root, "resume"))
            tally.ended(what, [again])
            tally.outcomes[again.told or "nothing left"] += 1
            states = start.states[:: 1 if verb == "apply" else -1]
            tally.judge(what, torn(look(root), states[1:] if ended else states))
            shutil.rmtree(root.parent)
    tally.note = f"{seen} of {len(cases)} touches of ext4"
    return tally


def _squeeze(tally: Tally, start: World, place: Path, verb: str, what: str) -> bool:
    """Run in what little room there is; whether it got through."""
    root = start.copy(place / "it")
    end = in_child(partial(run_verb, root, verb))
    tally.ended(what, [end], "FileRefused", "HalfDone")
    tally.ended(what, [in_child(partial(run_verb, root, "resume"))], "FileRefused")
    tally.outcomes["done"] += end.how == "done"
    before, after = start.states if verb == "apply" else start.states[::-1]
    tally.judge(f"{what}: {end.told}", torn(look(root), [after if end.how == "done" else before]))
    shutil.rmtree(place / "it")
    return end.how == "done"


def _limited(tally: Tally, job: Job, world: World) -> Tally:
    """Without a mount: no file may grow beyond so many bytes."""
    for limit in range(0, 4096, 32):
        root = world.copy(job.scratch / "run")
        end = in_child(partial(_no_bigger_than, root, limit))
        what = f"apply, files of {limit} bytes at most"
        tally.ended(what, [end], "FileRefused", "HalfDone")
        tally.ended(what, [in_child(partial(run_verb, root, "resume"))])
        state = world.after if end.how == "done" else world.before
        tally.judge(what, torn(look(root), [state]))
    tally.note = "limits of files' sizes; nothing can be mounted here"
    return tally


def _no_bigger_than(root: Path, limit: int) -> str:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    return run_verb(root, "apply")


def _armed(root: Path, verb: str, number: int) -> str:
    strike(number, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    return run_verb(root, verb)


def _counted(start: World, job: Job, verb: str) -> str:
    touches = strike(0, lambda *_: None)
    run_verb(start.copy(job.scratch / "counted"), verb)
    return str(touches())


def _cut_off(place: Path, root: Path, verb: str, number: int, at_once: bool) -> str:
    """Do the `number`-th touch, cut the power, and die."""
    if at_once:
        settling.MANY = 1

    def cut(_: str, real: object, given: tuple[object, ...], rest: dict[str, object]) -> None:
        with contextlib.suppress(OSError):
            real(*given, **rest)  # type: ignore[operator]
        _shut_down(place)

    touches = strike(number, cut)
    told = run_verb(root, verb)
    assert touches() < number, told
    _shut_down(place)
    return told


def _shut_down(place: Path) -> None:
    fcntl.ioctl(os.open(place, os.O_RDONLY), _SHUTDOWN, _WITHOUT_LOG)
    os.kill(os.getpid(), signal.SIGKILL)


def _needed(start: World, what: str) -> int:
    """Pages or inodes that the copy of a world takes on a tmpfs."""
    found = list(start.folder.rglob("*"))
    if what == "inodes":
        return len(found) + 2
    regular = [path for path in found if path.is_file() and not path.is_symlink()]
    return sum(-(-path.stat().st_size // _PAGE) for path in regular)


def _can_mount(place: Path) -> bool:
    place.mkdir(exist_ok=True)
    try:
        with _memory_disk(place, {}):
            return True
    except subprocess.CalledProcessError:
        return False


@contextlib.contextmanager
def _memory_disk(place: Path, limits: dict[str, int]) -> Iterator[None]:
    options = {"pages": "nr_blocks", "inodes": "nr_inodes"}
    given = ",".join(f"{options[what]}={count}" for what, count in limits.items())
    place.mkdir(exist_ok=True)
    with _mounted(["-t", "tmpfs", *(["-o", given] if given else []), "tmpfs", place], place):
        yield


@contextlib.contextmanager
def _read_only(folder: Path) -> Iterator[None]:
    with _mounted(["--bind", folder, folder], folder):
        remount = ["mount", "-o", "remount,ro,bind", str(folder)]
        subprocess.run(remount, check=True, capture_output=True)
        yield


@contextlib.contextmanager
def _loop(image: Path, place: Path) -> Iterator[None]:
    with _mounted(["-o", "loop", image, place], place):
        yield


@contextlib.contextmanager
def _mounted(arguments: list[object], place: Path) -> Iterator[None]:
    subprocess.run(["mount", *map(str, arguments)], check=True, capture_output=True)
    try:
        yield
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def _made_ext4(image: Path, place: Path) -> str:
    """Make an ext4 file system in a file; why that cannot be, empty when it can."""
    maker = shutil.which("mkfs.ext4") or shutil.which("mkfs.ext4", path="/usr/sbin:/sbin")
    if maker is None:
        return "there is no mkfs.ext4"
    with image.open("wb") as file:
        file.truncate(8 * 1024 * 1024)
    subprocess.run([maker, "-q", str(image)], check=True, capture_output=True)
    try:
        with _loop(image, place):
            return ""
    except subprocess.CalledProcessError:
        return "no loop device can be mounted here"
