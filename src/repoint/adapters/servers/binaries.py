"""Server programs as values, and what they say of themselves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

OLDEST_PGBOUNCER = (1, 24)
"""Older ones lack settings that CloudNativePG writes, so a rehearsal could not be like it."""
OLDEST_CLIENT = (17,)
"""Older ones know neither `require_auth` (16) nor `sslnegotiation` (17), so they prove less."""

_VERSION = re.compile(r"(?<![\w.])v?(\d+(?:\.\d+)*)")


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `initdb` and `postgres`; `version` is such as (18, 4)."""

    folder: Path
    version: tuple[int, ...]
    tls: bool

    @property
    def major(self) -> int:
        """Such as 18."""
        return self.version[0]

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot use it; empty when it can."""
        return "" if self.tls else "has no TLS"


@dataclass(frozen=True, slots=True)
class PgbouncerBinary:
    """A `pgbouncer`; `version` is such as (1, 24, 1)."""

    path: Path
    version: tuple[int, ...]
    tls: bool

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot use it; empty when it can."""
        if self.version < OLDEST_PGBOUNCER:
            return f"is older than {dotted(OLDEST_PGBOUNCER)}"
        return "" if self.tls else "has no TLS"


@dataclass(frozen=True, slots=True)
class ClientTool:
    """`psql` or `pgbench`; `version` is PostgreSQL's, such as (18, 6)."""

    path: Path
    version: tuple[int, ...]

    @property
    def flaw(self) -> str:
        """Why a rehearsal cannot ask it everything; empty when it can."""
        return f"is older than {dotted(OLDEST_CLIENT)}" if self.version < OLDEST_CLIENT else ""


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


def dotted(version: tuple[int, ...]) -> str:
    """(1, 24, 1) is `1.24.1`."""
    return ".".join(str(part) for part in version)


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
