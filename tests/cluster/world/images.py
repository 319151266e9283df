"""What stands for each container image, since none can be had: programs, and how they start."""

from __future__ import annotations

import fnmatch
import re
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from repoint.adapters import servers
from repoint.adapters.lab.account import servers_account
from scripts.cluster import PARTS

BIN = "/image/bin"
PATH = f"{BIN}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_MAJOR = re.compile(r":(\d+)")
_CNPG_PGBOUNCER = (1, 25, 1)
_POSTGRES = Path(__file__).with_name("postgres-entrypoint.sh")


@dataclass(frozen=True)
class Image:
    """Programs by name, which are in the PATH of its containers, and what starts by itself.

    `single` are programs of one file, which may be in a folder that the container's user may
    not enter. `binds` are pairs of something outside and its place inside; `uid` is who runs it,
    unless the pod says otherwise, and `stop` the signal that asks it to end.
    """

    programs: Mapping[str, Path] = field(default_factory=dict)
    single: Mapping[str, Path] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    binds: tuple[tuple[Path, str], ...] = ()
    uid: int = 0
    stop: signal.Signals = signal.SIGTERM
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Images:
    """The images of the example: `backend` is its own program, `migrations` its SQL files.

    Nobody can pull one whose name has a text of `broken` in it.
    """

    backend: Path
    migrations: Path
    broken: set[str]

    def find(self, name: str) -> Image | None:
        """The image of that name, None for one that nobody could pull."""
        if any(text in name for text in self.broken):
            return None
        known: dict[str, Callable[[], Image | None]] = {
            "*/backend:*": lambda: Image(single={"api": self.backend}, entrypoint=("api",)),
            "*/backend-migrations:*": lambda: Image(
                single=_workload("atlas"), binds=((self.migrations, "/migrations"),)
            ),
            "oryd/hydra:*": lambda: Image(single=_workload("hydra"), entrypoint=("hydra",)),
            "*/writer:*": lambda: Image(single=_workload("writer"), entrypoint=("writer",)),
            "*/postgres-exporter:*": lambda: Image(
                single=_workload("postgres_exporter"), entrypoint=("postgres_exporter",)
            ),
            "redis:*": lambda: Image(
                single=_workload("redis-server", "redis-cli"), entrypoint=("redis-server",)
            ),
            "postgres:*": lambda: _postgres(name),
            "*/postgresql:*": lambda: Image(clients()),
            "*/pgbouncer:*": lambda: _pgbouncer(),
        }
        for pattern, image in known.items():
            if fnmatch.fnmatch(name, pattern):
                return image()
        return None


def clients() -> dict[str, Path]:
    """psql and its like, in the newest version that is here."""
    found = servers.find_psql()
    if found is None:
        return {}
    folder = found.path.parent
    return {name: folder / name for name in ("psql", "pg_isready") if (folder / name).exists()}


def missing_servers() -> str:
    """What the example's databases need and is not here, in words; empty when all is."""
    if servers.find_postgres(15) is None:
        return "PostgreSQL 15"
    if servers.find_postgres(18) is None:
        return "PostgreSQL 18"
    if servers.find_pgbouncer(_CNPG_PGBOUNCER) is None:
        return "PgBouncer"
    if "pg_isready" not in clients():
        return "psql and pg_isready"
    if shutil.which("pg_dump") is None:
        return "pg_dump"
    return ""


def _workload(*names: str) -> dict[str, Path]:
    return dict.fromkeys(names, PARTS["workloads"].program)


def _postgres(name: str) -> Image | None:
    """The official image: its entrypoint makes the database that the variables ask for."""
    told = _MAJOR.search(name)
    found = servers.find_postgres(int(told[1])) if told else None
    if found is None:
        return None
    server = {one: found.folder / one for one in ("initdb", "postgres")}
    return Image(
        {**clients(), **server},
        {"docker-entrypoint.sh": _POSTGRES},
        ("docker-entrypoint.sh",),
        uid=servers_account().uid,
        stop=signal.SIGINT,
    )


def _pgbouncer() -> Image | None:
    """CNPG's image: its manager starts PgBouncer and the exporter of its metrics."""
    found = servers.find_pgbouncer(_CNPG_PGBOUNCER)
    if found is None:
        return None
    manager = Path(__file__).with_name("pooler-manager.sh")
    single = {"cnpg": PARTS["cnpg"].program, "manager": manager}
    return Image(
        {"pgbouncer": found.path},
        single,
        ("manager",),
        uid=servers_account().uid,
        # What the manager sends: PgBouncer ends when no server connection is in use (OP10).
        stop=signal.SIGINT,
    )
