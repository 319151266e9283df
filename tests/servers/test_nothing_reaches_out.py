"""No SQL and no setting of a repository runs a program, or opens a file of this machine."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from repoint.adapters import servers as programs
from repoint.adapters.lab import PrivateLab, PrivateServers
from repoint.adapters.pgclient import connect
from repoint.errors import LabFailed
from repoint.model.sensitive import Sensitive
from repoint.rehearsal.lab import DatabaseSpec, LabSpec, RoleSpec
from repoint.wire.login import Login, Tls
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import Servers, major_of
from tests.servers.lab_child import HOST, POOLER, spec

pytestmark = pytest.mark.servers

PASSWORD = Sensitive("throwaway-of-the-tests")
DENIED = ("42501", "0A000")


@dataclass(frozen=True)
class Place:
    """A laboratory with a database `app`, its owner `app` and a superuser `root`, and a folder."""

    lab: Any
    drop: Path
    major: int

    def refusals(self, *statements: str, user: str = "") -> list[str]:
        """The SQLSTATE of each statement, empty for one that is taken."""
        return [self.refusal(statement, user) for statement in statements]

    def refusal(self, statement: str, user: str = "") -> str:
        with closing(self.open(user)) as session:
            try:
                session.query(statement)
            except ServerRefusal as refused:
                return refused.sqlstate
        return ""

    def open(self, user: str) -> Any:
        if user:
            login = Login("psycopg", user, PASSWORD, "app", tls=Tls("always"))
            return self.lab.connect(HOST, login)
        return self.lab.administrator("app")


@pytest.fixture(scope="module", params=[15, 18])
def place(request: pytest.FixtureRequest, real_servers: Servers) -> Iterator[Place]:
    real_servers.need(request.param)
    drop = Path(tempfile.mkdtemp(prefix="lab-drop-", dir="/tmp"))
    drop.chmod(0o777)
    given = spec()
    cluster = replace(
        given.postgres,
        major=request.param,
        roles=(RoleSpec("app", PASSWORD), RoleSpec("root", PASSWORD, superuser=True)),
        databases=(DatabaseSpec("app", "app"),),
    )
    with PrivateServers(programs, connect).open(replace(given, postgres=cluster)) as lab:
        yield Place(lab, drop, major_of(lab))
    assert list(drop.iterdir()) == []
    drop.rmdir()


@pytest.mark.parametrize("user", ["", "root", "app"])
def test_no_program_is_run_and_no_file_is_opened(place: Place, user: str) -> None:
    drop = place.drop
    found = place.refusals(
        f"COPY (SELECT 1) TO PROGRAM 'touch {drop}/program'",
        f"COPY (SELECT 1) TO '{drop}/file'",
        "CREATE TEMPORARY TABLE t (x text); COPY t FROM '/etc/passwd'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT pg_ls_dir('/')",
        f"SELECT lo_export(lo_create(0), '{drop}/large')",
        "SELECT lo_import('/etc/passwd')",
        "CREATE FUNCTION f() RETURNS int LANGUAGE C AS 'libc.so.6', 'system'",
        "CREATE EXTENSION file_fdw",
        f"ALTER SYSTEM SET archive_command = 'touch {drop}/archive'",
        f"CREATE TABLESPACE t LOCATION '{drop}'",
        f"LOAD '{drop}/evil.so'",
        user=user,
    )

    assert set(found) <= {*DENIED, "58P01"} and "" not in found, found


@pytest.mark.parametrize("user", ["", "root"])
def test_nobody_becomes_more_than_he_is(place: Place, user: str) -> None:
    found = place.refusals(
        "GRANT pg_execute_server_program TO CURRENT_USER",
        "GRANT pg_read_server_files TO app",
        "CREATE ROLE worse SUPERUSER",
        "ALTER ROLE CURRENT_USER SUPERUSER",
        "SET ROLE repoint_superuser",
        "SET SESSION AUTHORIZATION repoint_superuser",
        "GRANT repoint_superuser TO app",
        "ALTER ROLE repoint_superuser PASSWORD 'x'",
        "ALTER ROLE app SET session_preload_libraries = '/tmp/evil.so'",
        "ALTER DATABASE app SET session_preload_libraries = '/tmp/evil.so'",
        "CREATE FUNCTION e() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
        "CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION e()",
        user=user,
    )

    assert set(found) <= set(DENIED), found


def test_what_a_superuser_prepares_in_production_is_prepared_here(place: Place) -> None:
    useful = [
        "CREATE SCHEMA shop AUTHORIZATION app",
        "CREATE TABLE shop.t (id bigint PRIMARY KEY)",
        "INSERT INTO shop.t VALUES (1)",
        "ALTER DEFAULT PRIVILEGES IN SCHEMA shop GRANT SELECT ON TABLES TO PUBLIC",
        "ALTER DATABASE app SET statement_timeout = '5s'",
        "DROP SCHEMA shop CASCADE",
        "ALTER DATABASE app RESET ALL",
    ]
    if place.major >= 16:
        useful += ["CREATE ROLE reader", "GRANT reader TO app", "ALTER ROLE app SET jit = off"]

    for user in ("", "root"):
        assert set(place.refusals(*useful, user=user)) == {""}
        if place.major >= 16:
            assert place.refusals("DROP ROLE reader", user=user) == [""]


def test_a_trap_in_the_poolers_own_query_catches_no_superuser(place: Place) -> None:
    """Before CloudNativePG 1.30.0 `user_search` looks `=` up where the database says."""
    trap = [
        "CREATE FUNCTION public.trap(name, text) RETURNS boolean LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE NOTICE 'caught %', current_user; RETURN true; END $$",
        "CREATE OPERATOR public.= (LEFTARG = name, RIGHTARG = text, FUNCTION = public.trap)",
    ]
    with closing(place.lab.administrator()) as session:
        for statement in trap:
            session.query(statement)
    try:
        with closing(place.lab.superuser()) as session:
            session.query("SET search_path = public, pg_catalog")
            session.query("SELECT usename FROM public.user_search('app')")
            caught = set(session.notices)
    finally:
        with closing(place.lab.administrator()) as session:
            session.query("DROP FUNCTION public.trap CASCADE")

    assert caught == {"caught repoint_lookup"}


def opened(given: LabSpec) -> Any:
    return PrivateServers(programs, connect).open(given)


def test_no_parameter_of_a_cluster_names_a_library_or_a_file(real_servers: Servers) -> None:
    real_servers.need()
    hostile = {
        "session_preload_libraries": "/tmp/evil.so",
        "extension_control_path": "/tmp",
        "include": "/etc/passwd",
        "x.y = '1'\nsession_preload_libraries": "/tmp/evil.so",
    }

    with opened(spec(*hostile.items(), ("work_mem", "8MB"))) as lab:
        assert isinstance(lab, PrivateLab)
        with closing(lab.superuser()) as session:
            assert session.query("SHOW session_preload_libraries") == (("",),)
            assert session.query("SHOW work_mem") == (("8MB",),)
        told = "\n".join(lab.fidelity)

    assert told.count("was not set") == len(hostile)
    assert "evil" not in told and "passwd" not in told


def test_no_parameter_of_a_pooler_writes_a_file(real_servers: Servers) -> None:
    real_servers.need()
    folder = Path(tempfile.mkdtemp(prefix="lab-drop-", dir="/tmp"))
    folder.chmod(0o777)
    hostile = (
        ("logfile", f"{folder}/log"),
        ("pidfile", f"{folder}/pid"),
        ("stats_period\nlogfile", f"{folder}/log"),
        ("%include", "/etc/passwd"),
        ("server_reset_query", f"SELECT 1\nlogfile = {folder}/log"),
    )
    given = spec(pooler=hostile)
    pooler = replace(
        given.bouncers[0],
        mode=f"session\npidfile = {folder}/pid",
        pg_hba=("host all @/etc/passwd 0.0.0.0/0 trust",),
    )
    odd = replace(given, bouncers=(pooler,))
    try:
        with pytest.raises(LabFailed, match="pool_mode"), opened(odd):
            pass
        with opened(replace(given, bouncers=(replace(pooler, mode="session"),))) as lab:
            assert lab.answers(POOLER)
            told = "\n".join(lab.fidelity)
        assert list(folder.iterdir()) == []
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    assert "lines of `pg_hba` of Pooler `pooler` were left out" in told
    assert told.count("of Pooler `pooler` was not set") == 4
