"""What can go wrong with the servers is said in one line, and nothing is left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from repoint.adapters import servers as programs
from repoint.adapters.lab import PrivateLab, PrivateServers, bouncer, postgres
from repoint.adapters.lab.ports import LOOPBACK, free_port
from repoint.adapters.pgclient import connect
from repoint.errors import LabFailed, ServersMissing
from repoint.model.sensitive import Sensitive
from repoint.ports.servers import PgbouncerProgram, PostgresPrograms
from repoint.rehearsal.lab import BouncerSpec, DatabaseSpec, LabSpec, RoleSpec
from repoint.wire.login import Login, Tls
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import GroundFactory, PoolerFactory, Servers
from tests.servers.lab_child import HOST, POOLER, spec
from tests.servers.leavings import eventually

pytestmark = pytest.mark.servers

PASSWORD = Sensitive("hunter2-of-the-tests")
APP = Login("psycopg", "app", PASSWORD, "app", tls=Tls("always", check_chain=True))


@pytest.fixture
def tmp(real_servers: Servers, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A TMPDIR that the servers' user can enter; it must be empty in the end."""
    real_servers.need()
    folder = Path(tempfile.mkdtemp(prefix="lab-test-", dir="/tmp"))
    folder.chmod(0o777)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    yield folder
    left = list(folder.iterdir())
    shutil.rmtree(folder, ignore_errors=True)
    assert left == []


def laboratory(**how: Path) -> PrivateServers:
    return PrivateServers(programs, connect, **how)


def with_app(given: LabSpec, *sql: tuple[str, str]) -> LabSpec:
    """The spec with a role and a database `app`."""
    cluster = replace(
        given.postgres,
        roles=(RoleSpec("app", PASSWORD),),
        databases=(DatabaseSpec("app", "app", sql),),
    )
    return replace(given, postgres=cluster)


def failure(given: LabSpec) -> str:
    with pytest.raises(LabFailed) as caught, laboratory().open(given):
        pass
    assert "\n" not in caught.value.message and not caught.value.message.endswith(".")
    return caught.value.message


class Found:
    """Programs at hand, as a machine has them."""

    def __init__(
        self, postgres: PostgresPrograms | None = None, pgbouncer: PgbouncerProgram | None = None
    ) -> None:
        self._postgres = postgres
        self._pgbouncer = pgbouncer

    def find_postgres(self, major: int) -> PostgresPrograms | None:
        return self._postgres

    def find_pgbouncer(self, wanted: tuple[int, ...]) -> PgbouncerProgram | None:
        return self._pgbouncer


def test_no_postgres(tmp: Path) -> None:
    here = Found(None, programs.find_pgbouncer(()))

    with pytest.raises(ServersMissing, match="no PostgreSQL"):
        PrivateServers(here, connect).open(spec()).__enter__()


def test_no_pgbouncer(tmp: Path) -> None:
    here = Found(programs.find_postgres(0), None)

    with pytest.raises(ServersMissing, match="no PgBouncer"):
        PrivateServers(here, connect).open(spec()).__enter__()


def test_a_postgres_without_tls(tmp: Path) -> None:
    found = programs.find_postgres(0)
    assert found is not None
    here = Found(replace(found, tls=False), programs.find_pgbouncer(()))

    with pytest.raises(ServersMissing, match="without TLS"):
        PrivateServers(here, connect).open(spec()).__enter__()


def test_a_postgres_that_cannot_be_run(tmp: Path) -> None:
    found = programs.find_postgres(0)
    assert found is not None
    here = Found(replace(found, folder=Path("/nowhere")), programs.find_pgbouncer(()))

    with pytest.raises(LabFailed, match=r"cannot be run: .*/nowhere/initdb"):
        PrivateServers(here, connect).open(spec()).__enter__()


def test_a_postgres_that_refuses_to_start(tmp: Path) -> None:
    told = failure(spec(("wal_level", "minimal"), ("max_wal_senders", "10")))

    assert told.startswith("PostgreSQL does not start: FATAL:")
    assert "wal_level" in told


def test_a_pgbouncer_that_refuses_to_start(tmp: Path) -> None:
    told = failure(spec(pooler=(("default_pool_size", "x"),)))

    assert told.startswith("PgBouncer of `pooler` does not start: ")


def test_sql_that_postgres_refuses_is_named_without_its_text(tmp: Path) -> None:
    given = with_app(spec(), ("the first", "SELECT 1"), ("init.sql", "SELECT 'geheim'::int"))

    told = failure(given)

    assert told == "PostgreSQL refuses the SQL of `init.sql` (SQLSTATE 22P02)"


def test_parameters_that_this_postgres_does_not_take_are_told_by_name(tmp: Path) -> None:
    given = spec(("jit", "off"), ("no_such_thing", "v4lue"), ("work_mem", "v4lue"))

    with laboratory().open(given) as lab:
        session = lab.superuser()
        assert session.query("SHOW jit") == (("off",),)
        session.close()
        told = "\n".join(lab.fidelity)

    assert "the Cluster's parameter `no_such_thing` was not set" in told
    assert "the Cluster's parameter `work_mem` was not set" in told
    assert "v4lue" not in told and "jit" not in told


def test_other_versions_than_production_are_told(tmp: Path) -> None:
    given = spec()
    pooler = replace(given.bouncers[0], version=(9, 8), overrides=(("default_pool_size", "1"),))
    cluster = replace(given.postgres, major=99)

    with laboratory().open(replace(given, postgres=cluster, bouncers=(pooler,))) as lab:
        told = lab.fidelity
        ran = lab.postgres_version, lab.pgbouncer_version

    assert f"PostgreSQL {ran[0]} ran, the Cluster's image has 99" in told
    assert f"PgBouncer {ran[1]} ran, Pooler `pooler` has 9.8" in told
    assert "Pooler `pooler` ran with `default_pool_size = 1`" in told


@pytest.mark.parametrize("module", [postgres, bouncer], ids=["postgres", "pgbouncer"])
def test_a_port_that_is_taken_meanwhile(
    tmp: Path, monkeypatch: pytest.MonkeyPatch, module: object
) -> None:
    with socket_in_use() as taken:
        ports = iter([taken])
        monkeypatch.setattr(module, "free_port", lambda: next(ports, None) or free_port())

        with laboratory().open(with_app(spec())) as lab:
            assert next(ports, None) is None
            for host in (HOST, POOLER):
                session = lab.connect(host, APP)
                assert session.query("SELECT 1") == (("1",),)
                session.close()


@contextmanager
def socket_in_use() -> Iterator[int]:
    """A port that somebody else listens on."""
    with socket.create_server((LOOPBACK, 0)) as other:
        yield other.getsockname()[1]


def test_a_pgbouncer_that_was_killed(tmp: Path) -> None:
    with laboratory().open(with_app(spec())) as lab:
        lab.connect(POOLER, APP).close()
        kill(lab, "pgbouncer.ini")

        with pytest.raises(LabFailed, match="PgBouncer of `pooler` died"):
            lab.connect(POOLER, APP)
        lab.connect(HOST, APP).close()


def test_a_postgres_that_was_killed(tmp: Path) -> None:
    with laboratory().open(with_app(spec())) as lab:
        kill(lab, "-D")

        for host in (HOST, POOLER):
            with pytest.raises(LabFailed, match="PostgreSQL died"):
                lab.connect(host, APP, timeout_s=2.0)


def kill(lab: object, word: str) -> None:
    """SIGKILL to the server of the laboratory that has `word` in its arguments."""
    assert isinstance(lab, PrivateLab)
    pids = [
        int(entry.parent.name)
        for entry in Path("/proc").glob("[0-9]*/cmdline")
        if str(lab.folder).encode() in (line := read(entry)) and word.encode() in line
    ]
    assert len(pids) == 1
    os.kill(pids[0], signal.SIGKILL)


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@pytest.mark.parametrize("size", ["300k", "12m", "26m", "40m"])
def test_a_full_disk(tmp: Path, monkeypatch: pytest.MonkeyPatch, size: str) -> None:
    """A small disk, full in initdb, at the start, or while the databases are made."""
    disk = tmp / "disk"
    disk.mkdir()
    argv = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=1777", "tmpfs", str(disk)]
    if os.geteuid() != 0 or subprocess.run(argv, capture_output=True, check=False).returncode:
        disk.rmdir()
        pytest.skip("mounting a small disk needs root")
    try:
        monkeypatch.setattr(tempfile, "tempdir", str(disk))
        fill = "CREATE TABLE t AS SELECT repeat('x', 1000) FROM generate_series(1, 60000)"
        told = failure(with_app(spec(), ("fill", fill)))
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
        disk.rmdir()
    assert "No space left on device" in told or "SQLSTATE 53100" in told


def test_logs_are_kept_on_demand(tmp: Path, tmp_path: Path) -> None:
    bad = spec(("wal_level", "minimal"), ("max_wal_senders", "10"))

    with pytest.raises(LabFailed), laboratory(keep_logs=tmp_path / "logs").open(bad):
        pass

    kept = {path.name: path for path in (tmp_path / "logs").iterdir()}
    assert "wal_level" in kept["prod-postgres.log"].read_text()
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept.values())


def test_certificates_are_good_for_a_clock_that_is_behind(ground: GroundFactory) -> None:
    lab = ground().lab
    for path in (lab.ca_file, lab.ca_file.with_name("server.crt")):
        found = x509.load_pem_x509_certificate(path.read_bytes())
        assert found.not_valid_before_utc < datetime.now(UTC) - timedelta(days=1)
        assert found.not_valid_after_utc > datetime.now(UTC) + timedelta(days=7)


def test_the_server_of_a_pooler_is_checked_by_name_when_asked(tmp: Path) -> None:
    checked = with_app(spec(pooler=(("server_tls_sslmode", "verify-full"),)))

    with laboratory().open(checked) as lab:
        lab.connect(POOLER, APP).close()


def test_the_clusters_own_hba_lines_come_before_the_default(tmp: Path) -> None:
    given = with_app(spec())
    closed = replace(given.postgres, pg_hba=("host app app 127.0.0.1/32 reject",))

    with (
        laboratory().open(replace(given, postgres=closed)) as lab,
        pytest.raises(ServerRefusal, match="pg_hba"),
    ):
        lab.connect(HOST, APP)


def test_a_poolers_own_certificate_has_its_own_names(pooler: PoolerFactory) -> None:
    strict = Tls("always", check_chain=True, check_name=True)

    assert pooler(own_certificate=True).connect(tls=strict).tls == "TLSv1.3"


def test_keys_are_the_servers_own(ground: GroundFactory) -> None:
    here = ground()
    here.pooler(own_certificate=True)

    keys = list(here.lab.folder.rglob("*.key"))

    assert len(keys) >= 3
    assert all(key.stat().st_mode & 0o777 == 0o600 for key in keys)
    owner = (here.lab.folder / "data").stat().st_uid
    assert {key.stat().st_uid for key in keys} == {owner}
    assert owner != 0


def test_a_second_pooler_hides_the_first_for_a_while(tmp: Path) -> None:
    def mode() -> str | None:
        with closing(lab.console(POOLER)) as session:
            return dict(row[:2] for row in session.query("SHOW CONFIG"))["pool_mode"]

    with laboratory().open(spec()) as lab:
        assert isinstance(lab, PrivateLab)
        with lab.beside(BouncerSpec("other", POOLER, HOST, "session")):
            assert mode() == "session"
        assert mode() == "transaction"


def test_idle_server_connections_are_closed_on_demand(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler()
    for name in ("one", "two", "three"):
        pool.connect(user=here.role(name)).query("SELECT 1")

    def held() -> int:
        found = here.sql(
            "SELECT count(*)::text FROM pg_stat_activity"
            f" WHERE datname = '{here.database}' AND application_name = ''"
            " AND pid <> pg_backend_pid()"
        )
        return int(found[0][0] or "")

    assert held() == 3
    here.lab.close_idle()
    assert eventually(lambda: held() == 0)


def test_a_console_that_lets_nobody_in_is_left_alone(tmp: Path) -> None:
    with laboratory().open(with_app(spec(pooler=(("auth_type", "scram-sha-256"),)))) as lab:
        lab.close_idle()
        lab.connect(POOLER, APP).close()


@pytest.mark.parametrize("name", ["ünï.example", "a\nb ü"])
def test_a_name_that_no_certificate_can_carry(tmp: Path, name: str) -> None:
    given = spec()
    odd = replace(given.postgres, names=(*given.postgres.names, name))

    assert failure(replace(given, postgres=odd)) == f"{name!a} cannot stand in a certificate"


def test_what_a_cluster_says_to_everybody_does_not_stop_the_laboratory(tmp: Path) -> None:
    strict = (("default_transaction_read_only", "on"), ("statement_timeout", "50ms"))
    given = with_app(spec(*strict), ("sql", "CREATE TABLE t ()"))

    with laboratory().open(given) as lab, closing(lab.connect(HOST, APP)) as session:
        assert session.query("SHOW default_transaction_read_only") == (("on",),)


@pytest.mark.parametrize("role", ["public", "pg_odd", "cnpg_pooler_pgbouncer"])
def test_a_role_that_no_postgresql_has_is_told(tmp: Path, role: str) -> None:
    given = spec()
    odd = replace(given.postgres, roles=(RoleSpec(role, PASSWORD),))

    with laboratory().open(replace(given, postgres=odd)) as lab:
        assert any(f"role `{role}` was not made" in one for one in lab.fidelity)
