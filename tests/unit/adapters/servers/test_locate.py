"""Finding programs: the order of looking, and what does not count.

The programs here are scripts that print what the real ones print; the real ones are found and
asked in tests/servers/test_fetch.py.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from repoint.adapters.servers import locate

Maker = Callable[..., Path]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty machine: its root folder, which every user can enter."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.setattr(locate, "_SYSTEM", folder)
        monkeypatch.setenv("REPOINT_CACHE", str(folder / "cache"))
        monkeypatch.setattr(locate, "_on_path", {}.get)
        for variable in (locate.POSTGRES_VARIABLE, locate.PGBOUNCER_VARIABLE):
            monkeypatch.delenv(variable, raising=False)
        locate.forget()
        yield folder
        locate.forget()


def script(path: Path, said: str, mode: int = 0o755) -> Path:
    for folder in reversed([path.parent, *path.parent.parents]):
        if not folder.exists():
            folder.mkdir(mode=0o755)
    path.write_text(f"#!/bin/sh\n{said}\n")
    path.chmod(mode)
    return path


def postgres(folder: Path, version: str, *, tls: bool = True, initdb: bool = True) -> Path:
    library = "OpenSSL" if tls else ""
    answer = (
        f'if [ "$1" = -C ]; then echo {library}; else echo "postgres (PostgreSQL) {version}"; fi'
    )
    script(folder / "postgres", answer)
    if initdb:
        script(folder / "initdb", f'echo "initdb (PostgreSQL) {version}"')
    return folder


def pgbouncer(path: Path, version: str, tls: str = "OpenSSL 3.5.1") -> Path:
    return script(path, f'printf "PgBouncer {version}\\nlibevent 2.1.12\\ntls: {tls}\\n"')


def test_nothing_is_found_where_nothing_is() -> None:
    assert locate.all_postgres() == ()
    assert locate.find_postgres(18) is None
    assert locate.find_pgbouncer((1, 25)) is None
    assert locate.find_psql() is None


def test_the_cache_and_the_systems_folders_are_looked_at(machine: Path) -> None:
    postgres(machine / "cache/postgres/18.4/bin", "18.4")
    postgres(machine / "cache/postgres/9.6/bin", "9.6.24")
    postgres(machine / "usr/lib/postgresql/15/bin", "15.18")
    postgres(machine / "usr/pgsql-17/bin", "17.2")
    postgres(machine / "opt/homebrew/opt/postgresql@16/bin", "16.3")
    found = [one.version for one in locate.all_postgres()]
    assert found == [(18, 4), (9, 6, 24), (15, 18), (17, 2), (16, 3)]
    taken = locate.find_postgres(16)
    assert taken is not None and taken.folder == machine / "opt/homebrew/opt/postgresql@16/bin"
    newest = locate.find_postgres(0)
    assert newest is not None and newest.version == (18, 4)


def test_a_server_without_tls_or_without_initdb_is_not_taken(machine: Path) -> None:
    postgres(machine / "usr/lib/postgresql/18/bin", "18.4", tls=False)
    postgres(machine / "usr/lib/postgresql/17/bin", "17.2", initdb=False)
    assert [(one.version, one.flaw) for one in locate.all_postgres()] == [((18, 4), "has no TLS")]
    assert locate.find_postgres(18) is None
    assert locate.find_postgres(17) is None


def test_an_override_wins_over_a_newer_one(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    postgres(machine / "cache/postgres/18.4/bin", "18.4")
    mine = postgres(machine / "mine/bin", "18.1")
    pgbouncer(machine / "cache/pgbouncer/1.24.1/usr/sbin/pgbouncer", "1.24.1")
    own = pgbouncer(machine / "mine/pgbouncer", "1.25.0")
    monkeypatch.setenv(locate.POSTGRES_VARIABLE, f"{machine / 'nowhere'}{os.pathsep}{mine}")
    monkeypatch.setenv(locate.PGBOUNCER_VARIABLE, str(own))
    server, pooler = locate.find_postgres(18), locate.find_pgbouncer((1, 24))
    assert server is not None and server.folder == mine
    assert pooler is not None and pooler.path == own
    assert locate.broken_overrides() == ((locate.POSTGRES_VARIABLE, str(machine / "nowhere")),)


def test_an_override_of_another_major_does_not_stand_in(
    machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres(machine / "cache/postgres/18.4/bin", "18.4")
    monkeypatch.setenv(locate.POSTGRES_VARIABLE, str(postgres(machine / "mine/bin", "16.1")))
    found = locate.find_postgres(18)
    assert found is not None and found.version == (18, 4)


def test_a_pgbouncer_that_is_too_old_or_has_no_tls_is_not_taken(machine: Path) -> None:
    pgbouncer(machine / "usr/sbin/pgbouncer", "1.18.0")
    pgbouncer(machine / "usr/local/bin/pgbouncer", "1.25.1", tls="disabled")
    assert [one.flaw for one in locate.all_pgbouncers()] == ["is older than 1.24", "has no TLS"]
    assert locate.find_pgbouncer(()) is None


def test_a_program_found_twice_is_told_once(machine: Path) -> None:
    real = postgres(machine / "usr/lib/postgresql/15/bin", "15.18")
    (machine / "usr/local/pgsql").mkdir(parents=True, mode=0o755)
    (machine / "usr/local").chmod(0o755)
    (machine / "usr/local/pgsql/bin").symlink_to(real)
    assert [one.folder for one in locate.all_postgres()] == [real]


def test_a_program_on_path_is_found(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = postgres(machine / "somewhere", "18.2")
    script(folder / "psql", 'echo "psql (PostgreSQL) 18.2"')
    pooler = pgbouncer(machine / "else/pgbouncer", "1.25.1")
    on_path = {"postgres": str(folder / "postgres"), "pgbouncer": str(pooler)}
    monkeypatch.setattr(locate, "_on_path", {**on_path, "psql": str(folder / "psql")}.get)
    assert [one.folder for one in locate.all_postgres()] == [folder]
    assert [one.path for one in locate.all_pgbouncers()] == [pooler]
    found = locate.find_psql()
    assert found is not None and found.path == folder / "psql"


def test_the_newest_client_is_taken(machine: Path) -> None:
    script(machine / "usr/lib/postgresql/15/bin/psql", 'echo "psql (PostgreSQL) 15.18"')
    new = machine / "cache/clients/18.6/usr/lib/postgresql/18/bin/psql"
    script(new, 'echo "psql (PostgreSQL) 18.6 (Debian 18.6-3)"')
    found = locate.find_psql()
    assert found is not None and (found.path, found.version) == (new, (18, 6))
    assert locate.find_pgbench() is None


@pytest.mark.parametrize("said", ["exit 3", "echo no version", "echo 1.26; exit 1"])
def test_a_program_that_does_not_run_is_not_here(machine: Path, said: str) -> None:
    script(machine / "usr/sbin/pgbouncer", said)
    assert locate.all_pgbouncers() == ()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root asks as another user")
def test_for_root_a_program_that_others_cannot_run_is_told_and_not_taken(machine: Path) -> None:
    folder = postgres(machine / "usr/lib/postgresql/18/bin", "18.4")
    pgbouncer(machine / "usr/sbin/pgbouncer", "1.25.1").chmod(0o700)
    (folder.parent).chmod(0o700)
    assert [one.flaw for one in locate.all_postgres()] == ["only root can run it"]
    assert [one.flaw for one in locate.all_pgbouncers()] == ["only root can run it"]
    assert locate.find_postgres(18) is None
    assert locate.find_pgbouncer(()) is None


def test_a_program_is_asked_once_until_told_to_forget(machine: Path) -> None:
    path = pgbouncer(machine / "usr/sbin/pgbouncer", "1.25.1")
    assert [one.version for one in locate.all_pgbouncers()] == [(1, 25, 1)]
    pgbouncer(path, "1.26.0")
    assert [one.version for one in locate.all_pgbouncers()] == [(1, 25, 1)]
    locate.forget()
    assert [one.version for one in locate.all_pgbouncers()] == [(1, 26, 0)]
