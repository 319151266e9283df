"""Server programs as values, and what they say of themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from repoint.dsn.mask import mask
from repoint.model.version import dotted

OLDEST_PGBOUNCER = (1, 24)
"""Older ones lack settings that CloudNativePG writes, so a rehearsal could not be like it."""
OLDEST_CLIENT = (17,)
"""Older ones know neither `require_auth` (16) nor `sslnegotiation` (17), so they prove less."""

_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)*)")
_CODE = re.compile(r"npm (error|ERR!) (code|errno|syscall) ")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres`; `version` is such as (18, 4).

    `unprivileged` tells whether it runs as others than root, whom it refuses.
    """

    folder: Path
    version: tuple[int, ...]
    tls: bool
    unprivileged: bool = True

    @property
    def major(self) -> int:
        """Such as 18."""
        return self.version[0]

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot use it; empty when it can."""
        return _flaw(self.tls, self.unprivileged)


@dataclass(frozen=True, slots=True)
class PgbouncerBinary:
    """A `pgbouncer`; `version` is such as (1, 24, 1), `unprivileged` as for PostgreSQL."""

    path: Path
    version: tuple[int, ...]
    tls: bool
    unprivileged: bool = True

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot use it; empty when it can."""
        if self.version < OLDEST_PGBOUNCER:
            return f"is older than {dotted(OLDEST_PGBOUNCER)}"
        return _flaw(self.tls, self.unprivileged)


@dataclass(frozen=True, slots=True)
class ClientTool:
    """`psql` or `pgbench`; `version` is PostgreSQL's, such as (18, 6)."""

    path: Path
    version: tuple[int, ...]

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot ask it everything; empty when it can."""
        return f"is older than {dotted(OLDEST_CLIENT)}" if self.version < OLDEST_CLIENT else ""


def _flaw(tls: bool, unprivileged: bool) -> str:
    if not tls:
        return "has no TLS"
    return "" if unprivileged else "only root can run it"


def version_in(text: str) -> tuple[int, ...]:
    """The first version in what a program prints: `postgres (PostgreSQL) 18.4` is (18, 4).

    Empty when there is none.
    """
    found = _VERSION.search(text)
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def package_version(text: str) -> tuple[int, ...]:
    """The upstream version of a Debian or npm package.

    `1:1.24.1-1+deb13u2` is (1, 24, 1); `18.4.0-beta.17` is (18, 4, 0).
    """
    return version_in(text.partition(":")[2] or text)


def complaint(stderr: bytes) -> str:
    """The line of a program's stderr that tells most: an error, else a warning, else the last.

    apt begins them with `E:` and `W:`, npm with `npm error`, pip with `ERROR:`. Passwords are
    masked (a mirror's address may hold one), and no line is longer than 300 characters.
    """
    lines = [" ".join(line.split()) for line in stderr.decode(errors="replace").splitlines()]
    lines = [line for line in lines if line]
    for begin in ("E:", "ERROR", "npm error", "npm ERR!", "W:"):
        for line in lines:
            if line.startswith(begin) and not _CODE.match(line):
                return mask(line)[:_LONGEST].rstrip(".")
    return mask(lines[-1])[:_LONGEST].rstrip(".") if lines else "it said nothing"


def nearest(here: tuple[PgbouncerBinary, ...], wanted: tuple[int, ...]) -> PgbouncerBinary | None:
    """The PgBouncer that behaves most like `wanted`.

    That is the same version, else the newest before it, else the oldest after it: a newer one
    may do what production cannot, and a rehearsal must not promise that.
    """
    alike = [one for one in here if one.version[: len(wanted)] == wanted]
    before = [one for one in here if one.version < wanted]
    if alike or before:
        return max(alike or before, key=lambda one: one.version)
    return min(here, key=lambda one: one.version, default=None)
