"""The process that rolls out, named so that another one on this machine can tell if it ended."""

from __future__ import annotations

import getpass
import os
import socket
from pathlib import Path

_PROC = Path("/proc")


def holder_name() -> str:
    """`user@host`, for people."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "unknown"  # A user without a name, as in some containers.
    return f"{user}@{socket.gethostname()}"


def process_mark() -> str:
    """This process among all of this machine's; empty where the system tells too little.

    It is made of the boot, the namespace of process ids (a container has its own, and may have
    this host's name), the id, and when the process began: ids are used again.
    """
    began = _began(os.getpid())
    return f"{_machine()}:{os.getpid()}:{began}" if began and _machine() else ""


def is_gone(mark: str) -> bool:
    """Whether a process that left `mark` surely ended; False for one of another machine."""
    machine, _, rest = mark.rpartition(":")[0].rpartition(":")
    began = mark.rpartition(":")[2]
    if not machine or machine != _machine() or not rest.isdecimal():
        return False
    return _began(int(rest)) != began


def _machine() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{(_PROC / 'self/ns/pid').readlink().name}"
    except OSError:
        return ""


def _began(pid: int) -> str:
    """When a process began, in the kernel's ticks; empty when it is not there, or a zombie."""
    try:
        # The name, in parentheses, may hold spaces: what follows the last one is counted.
        after = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if after[0] in ("Z", "X") else after[19]
