"""Finds server programs on this machine and asks each what it is.

Order: the override variables, the cache folder, PATH, then where distributions and Homebrew put
them. A program counts when it runs as the user that a rehearsal runs it as, which is not root:
PostgreSQL and PgBouncer refuse root. What a program says is kept while the process lives.
"""

from __future__ import annotations

import os
import pwd
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from repoint.adapters.runner import run
from repoint.adapters.servers.binaries import (
    ClientTool,
    PgbouncerBinary,
    PostgresBinaries,
    nearest,
    version_in,
)
from repoint.adapters.servers.cache import cache_folder
from repoint.errors import RepointError

POSTGRES_VARIABLE = "REPOINT_POSTGRES"
PGBOUNCER_VARIABLE = "REPOINT_PGBOUNCER"

_SYSTEM = Path("/")
_BIN_FOLDERS = (
    "usr/lib/postgresql/*/bin",
    "usr/pgsql-*/bin",
    "usr/local/pgsql*/bin",
    "opt/homebrew/opt/postgresql*/bin",
    "usr/local/opt/postgresql*/bin",
    "home/linuxbrew/.linuxbrew/opt/postgresql*/bin",
    "Applications/Postgres.app/Contents/Versions/*/bin",
)
_POOLER_FOLDERS = (
    "usr/sbin",
    "usr/bin",
    "usr/local/bin",
    "opt/homebrew/bin",
    "home/linuxbrew/.linuxbrew/bin",
)
_PROBE_S = 10.0


def find_postgres(major: int) -> PostgresBinaries | None:
    """The best PostgreSQL of a major version with TLS, None without one; 0 is any version.

    Overrides win, then the newest minor.
    """
    good = [one for one in all_postgres() if not one.flaw and major in (0, one.major)]
    forced = [one for one in good if one.folder in _overrides(POSTGRES_VARIABLE)]
    return max(forced or good, key=lambda one: one.version, default=None)


def find_pgbouncer(wanted: tuple[int, ...]) -> PgbouncerBinary | None:
    """The PgBouncer that is most like `wanted`, None when none is good enough.

    The same version, else the newest before it, else the oldest after it; the newest of all
    for an empty `wanted`. An override wins whatever its version is.
    """
    good = tuple(one for one in all_pgbouncers() if not one.flaw)
    forced = tuple(one for one in good if one.path in _overrides(PGBOUNCER_VARIABLE))
    return nearest(forced or good, wanted)


def all_postgres() -> tuple[PostgresBinaries, ...]:
    """Every PostgreSQL server that runs here, without TLS too, in the order of looking."""
    servers = _distinct(folder / "postgres" for folder in _postgres_folders())
    found = (_postgres_at(server.parent) for server in servers)
    return tuple(one for one in found if one is not None)


def all_pgbouncers() -> tuple[PgbouncerBinary, ...]:
    """Every PgBouncer that runs here, too old ones too, in the order of looking."""
    found = (_pgbouncer_at(path) for path in _distinct(_pgbouncer_paths()))
    return tuple(one for one in found if one is not None)


def broken_overrides() -> tuple[tuple[str, str], ...]:
    """`(variable, path)` of each override that names nothing that runs here."""
    looked_at = (
        (POSTGRES_VARIABLE, _postgres_at),
        (PGBOUNCER_VARIABLE, _pgbouncer_at),
    )
    return tuple(
        (variable, str(path))
        for variable, look in looked_at
        for path in _overrides(variable)
        if look(path) is None
    )


def find_psql() -> ClientTool | None:
    """The newest `psql` that runs here."""
    return _client("psql")


def find_pgbench() -> ClientTool | None:
    """The newest `pgbench` that runs here."""
    return _client("pgbench")


def forget() -> None:
    """Ask every program anew from now on; for after a fetch."""
    _ask.cache_clear()


def unprivileged() -> int | None:
    """The user that probes run as: `nobody` for root, None (oneself) for everybody else."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("nobody").pw_uid
    except KeyError:
        return 65534


def _postgres_folders() -> Iterator[Path]:
    yield from _overrides(POSTGRES_VARIABLE)
    yield from _newest_first(cache_folder(), "postgres/*/bin")
    if on_path := _on_path("postgres"):
        yield Path(on_path).parent
    for pattern in _BIN_FOLDERS:
        yield from _newest_first(_SYSTEM, pattern)


def _pgbouncer_paths() -> Iterator[Path]:
    yield from _overrides(PGBOUNCER_VARIABLE)
    yield from _newest_first(cache_folder(), "pgbouncer/*/usr/sbin/pgbouncer")
    if on_path := _on_path("pgbouncer"):
        yield Path(on_path)
    for folder in _POOLER_FOLDERS:
        yield _SYSTEM / folder / "pgbouncer"


def _client(name: str) -> ClientTool | None:
    folders = [
        *_overrides(POSTGRES_VARIABLE),
        *_newest_first(cache_folder(), "clients/*/usr/lib/postgresql/*/bin"),
    ]
    for pattern in _BIN_FOLDERS:
        folders += _newest_first(_SYSTEM, pattern)
    paths = [folder / name for folder in folders]
    if on_path := _on_path(name):
        paths.append(Path(on_path))
    found = [
        ClientTool(path, version)
        for path in _distinct(paths)
        if (version := version_in(_ask(str(path), "--version").text))
    ]
    return max(found, key=lambda one: one.version, default=None)


def _postgres_at(folder: Path) -> PostgresBinaries | None:
    server = folder / "postgres"
    said = _ask(str(server), "--version")
    helper = _ask(str(folder / "initdb"), "--version")
    version = version_in(said.text)
    if not version or not helper.text:
        return None
    # A preset value (PostgreSQL 12 and later): `OpenSSL`, or nothing for a build without TLS.
    # As the first argument -C is allowed to root too, and no data folder is needed for a preset.
    library = _ask(str(server), "-C", "ssl_library", "-c", "config_file=/dev/null", "-D", "/")
    return PostgresBinaries(
        folder, version, bool(library.text.strip()), said.unprivileged and helper.unprivileged
    )


def _pgbouncer_at(path: Path) -> PgbouncerBinary | None:
    said = _ask(str(path), "--version")
    version = version_in(said.text)
    if not version:
        return None
    tls = any(line.startswith("tls:") and "OpenSSL" in line for line in said.text.splitlines())
    return PgbouncerBinary(path, version, tls, said.unprivileged)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What a program printed; `unprivileged` tells whether it runs as others than root too."""

    text: str
    unprivileged: bool = True


@lru_cache(maxsize=256)
def _ask(program: str, *args: str) -> _Answer:
    """Run a program unprivileged, else as root; no text when it does not run at all."""
    if not Path(program).is_file():
        return _Answer("")
    user = unprivileged()
    text = _printed(program, args, user)
    if text or user is None:
        return _Answer(text)
    return _Answer(_printed(program, args, None), False)


def _printed(program: str, args: tuple[str, ...], user: int | None) -> str:
    try:
        done = run(
            [program, *args],
            tool=Path(program).name,
            cwd=_SYSTEM,
            timeout=_PROBE_S,
            user=user,
        )
    except RepointError:
        return ""
    return done.stdout.decode(errors="replace") if done.status == 0 else ""


def _overrides(variable: str) -> list[Path]:
    given = os.environ.get(variable, "").split(os.pathsep)
    return [Path(part).expanduser().absolute() for part in given if part]


def _on_path(name: str) -> str | None:
    return shutil.which(name)


def _newest_first(top: Path, pattern: str) -> list[Path]:
    return sorted(
        top.glob(pattern),
        key=lambda path: version_in(str(path.relative_to(top))),
        reverse=True,
    )


def _distinct(paths: Iterable[Path]) -> Iterator[Path]:
    """Each program once: PATH often leads to a folder that is looked at anyway."""
    seen: set[Path] = set()
    for path in paths:
        real = path.resolve()
        if real not in seen:
            seen.add(real)
            yield path
