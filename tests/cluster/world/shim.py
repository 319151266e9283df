"""Runs one container: its own file system, network and log, and a program that ends with it.

Run as `python -I -S shim.py SPEC` by root; it imports the standard library only. SPEC is a JSON
file:

    network    a path that names the network namespace to join
    hostname   what the program believes to be its host
    root       an empty folder, over which the container's file system is mounted
    etc        a folder that becomes its /etc
    binds      pairs of a folder or file outside and its place inside
    argv, cwd, uid, gid
    log        a file that gets what the program prints, in the form that kubelets write

Everything of this machine is there as it is, but for /etc, /tmp, /run and the places of the
binds. The environment is passed on. It ends with the program's own status, 128 and the number
of a signal that ended it; SIGTERM and SIGINT are passed on to the program.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

_NEWNS, _NEWIPC, _NEWUTS, _NEWNET = 0x20000, 0x8000000, 0x4000000, 0x40000000
_BIND, _REC, _PRIVATE = 0x1000, 0x4000, 0x40000
_DEATH_SIGNAL = 1
_OWN = ("etc", "tmp", "run", "sys", "proc", "dev")
_LIBC = ctypes.CDLL(None, use_errno=True)


def _check(done: int, what: str) -> None:
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def _mount(source: str, target: Path, flags: int = 0, kind: str = "") -> None:
    names = [os.fsencode(text) if text else None for text in (source, str(target), kind)]
    _check(_LIBC.mount(*names, ctypes.c_ulong(flags), None), f"mount {target}")


def _bind(source: Path, target: Path) -> None:
    if source.is_dir():
        target.mkdir(parents=True, exist_ok=True)
    else:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.touch()
    _mount(str(source), target, _BIND | _REC)


def _furnish(root: Path, spec: dict[str, Any]) -> None:
    """Mount the container's file system over `root`."""
    _mount("tmpfs", root, kind="tmpfs")
    root.chmod(0o755)
    places = [Path(inside) for _, inside in spec["binds"]]
    _copy_folder(Path("/"), root, places, _OWN)
    for name, mode in (("tmp", 0o1777), ("run", 0o755)):
        (root / name).mkdir()
        (root / name).chmod(mode)
    for name in ("proc", "dev"):
        _bind(Path("/", name), root / name)
    _mount("tmpfs", root / "dev/shm", kind="tmpfs")
    _bind(Path(spec["etc"]), root / "etc")
    for (outside, _), inside in zip(spec["binds"], places, strict=True):
        _bind(Path(outside), root / inside.relative_to("/"))


def _copy_folder(source: Path, target: Path, places: list[Path], but: tuple[str, ...] = ()) -> None:
    """Show what is in `source` below `target`, where `places` are to be made later."""
    for entry in sorted(source.iterdir()):
        shown = target / entry.name
        if entry.name in but or entry in places:
            continue
        if entry.is_symlink():
            shown.symlink_to(entry.readlink())
        elif any(entry in place.parents for place in places):
            shown.mkdir()
            _copy_folder(entry, shown, places)
        elif entry.is_dir() or entry.is_file():
            _bind(entry, shown)


def _enter(spec: dict[str, Any]) -> None:
    network = os.open(spec["network"], os.O_RDONLY)
    _check(_LIBC.setns(network, _NEWNET), "setns")
    os.close(network)
    _check(_LIBC.unshare(_NEWNS | _NEWIPC | _NEWUTS), "unshare")
    name = spec["hostname"].encode()
    _check(_LIBC.sethostname(name, len(name)), "sethostname")
    _mount("none", Path("/"), _REC | _PRIVATE)
    root = Path(spec["root"])
    _furnish(root, spec)
    os.chroot(root)
    os.chdir(spec["cwd"])


def _become(spec: dict[str, Any], output: int) -> None:
    """The child's part: it is the program now."""
    os.setsid()
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.setgroups([])
    os.setgid(spec["gid"])
    os.setuid(spec["uid"])
    # A change of user takes it back, so it comes last.
    _LIBC.prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)
    os.execvpe(spec["argv"][0], spec["argv"], os.environ)


def _write_log(lines: BinaryIO, log: int) -> None:
    for line in lines:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        os.write(log, f"{now} stdout F ".encode() + line.rstrip(b"\n") + b"\n")


def main() -> int:
    """Run the container and give its status."""
    spec = json.loads(Path(sys.argv[1]).read_bytes())
    log = os.open(spec["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.umask(0o022)
    _enter(spec)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _become(spec, writing)
        except OSError as error:
            os.write(writing, f"{spec['argv'][0]}: {error.strerror}\n".encode())
        os._exit(127)
    os.close(writing)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda told, _: _tell(child, told))
    writer = os.fork()
    if writer == 0:
        _only_write(reading, log)
    os.close(reading)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    # What the program said before its end is in the log when the end is known.
    os.waitpid(writer, 0)
    return status if status >= 0 else 128 - status


def _tell(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _only_write(reading: int, log: int) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with os.fdopen(reading, "rb") as lines:
        _write_log(lines, log)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
