"""Fixtures with real servers; tests/servers/conftest.py says how to use them."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol

import pytest

from repoint.adapters import servers as programs
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cluster_conf import database_sql, role_sql
from repoint.rehearsal.lab import BouncerSpec, DatabaseSpec, LabSpec, PostgresSpec, RoleSpec
from repoint.wire.login import Login, Statements, Tls

CLUSTER = "pg-rw.shop.svc.cluster.local"
CNPG_PGBOUNCER = (1, 25, 1)
PASSWORD = Sensitive("throwaway-of-the-tests")
_AS_DRIVERS_DO = Tls()
_LOG_TAIL = 6000
_NUMBERS = count(1)
_USED = pytest.StashKey[list["Ground"]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-servers",
        action="store_true",
        help="fail, and do not skip, a test whose PostgreSQL or PgBouncer is not here",
    )


def pytest_report_header() -> list[str]:
    postgres = sorted({programs_version(one.version) for one in programs.all_postgres()})
    bouncers = sorted({programs_version(one.version) for one in programs.all_pgbouncers()})
    return [
        f"postgres: {', '.join(postgres) or 'none'}; pgbouncer: {', '.join(bouncers) or 'none'}"
    ]


def programs_version(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def major_of(lab: Any) -> int:
    return int(lab.postgres_version.partition(".")[0])


class PoolerFactory(Protocol):
    """The fixture `pooler`."""

    def __call__(
        self,
        *,
        mode: str = ...,
        parameters: Mapping[str, str] = ...,
        pgbouncer: str = ...,
        postgres: int = ...,
        **spec: Any,
    ) -> Pool: ...


class GroundFactory(Protocol):
    """The fixture `ground`; calling it again in a test gives another database."""

    def __call__(self, postgres: int = ...) -> Ground: ...


@dataclass
class Servers:
    """The laboratories of a session, one for each major version of PostgreSQL."""

    stack: ExitStack
    required: bool
    labs: dict[int, Any] = field(default_factory=dict)

    def lab(self, major: int) -> Any:
        if major not in self.labs:
            self.labs[major] = self._open(major)
        return self.labs[major]

    def missing(self, what: str) -> None:
        if self.required:
            pytest.fail(f"{what} is not here, and --require-servers was given", pytrace=False)
        pytest.skip(f"{what} is not here: see `repoint doctor`")

    def need(self, major: int = 0) -> None:
        if programs.find_postgres(major) is None:
            self.missing(f"PostgreSQL {major or ''}".strip())
        if programs.find_pgbouncer(()) is None:
            self.missing("PgBouncer")

    def _open(self, major: int) -> Any:
        from repoint.adapters.lab import PrivateServers
        from repoint.adapters.pgclient import connect

        self.need(major)
        names = tuple(".".join(CLUSTER.split(".")[:size]) for size in (1, 2, 3, 5))
        postgres = PostgresSpec(major, CLUSTER, names, (), (), (("max_connections", "200"),))
        lab = PrivateServers(programs, connect).open(LabSpec("test", postgres, ()))
        return self.stack.enter_context(lab)


@dataclass
class Ground:
    """A test's own database in a laboratory."""

    lab: Any
    servers: Servers
    stack: ExitStack
    database: str
    owner: str

    @property
    def direct(self) -> Pool:
        return Pool(self, CLUSTER)

    def sql(self, *statements: str) -> tuple[tuple[str | None, ...], ...]:
        rows: tuple[tuple[str | None, ...], ...] = ()
        with closing(self.lab.superuser(self.database)) as session:
            for statement in statements:
                rows = session.query(statement)
        return rows

    def role(self, name: str, settings: Mapping[str, str] | None = None, **options: Any) -> str:
        unique = f"{name}_{next(_NUMBERS)}"
        role = RoleSpec(unique, PASSWORD, settings=tuple((settings or {}).items()), **options)
        self.sql(*role_sql(role, major_of(self.lab)))
        return unique

    def pooler(
        self,
        *,
        mode: str = "transaction",
        parameters: Mapping[str, str] | None = None,
        pgbouncer: str = "",
        **spec: Any,
    ) -> Pool:
        wanted = tuple(int(part) for part in pgbouncer.split(".")) if pgbouncer else ()
        found = programs.find_pgbouncer(wanted or CNPG_PGBOUNCER)
        if found is None:
            self.servers.missing(f"PgBouncer {pgbouncer}".strip())
        elif found.version[: len(wanted)] != wanted:
            # Debian's newest suite moves on, and nobody can fetch what it had.
            pytest.skip(f"PgBouncer {pgbouncer} is not to be had; {found.path} is another")
        name = f"pooler-{next(_NUMBERS)}"
        bouncer = BouncerSpec(
            name,
            f"{name}.shop.svc.cluster.local",
            CLUSTER,
            mode,
            tuple((parameters or {}).items()),
            version=wanted or CNPG_PGBOUNCER,
            **spec,
        )
        self.stack.enter_context(self.lab.beside(bouncer))
        return Pool(self, bouncer.host, bouncer)


@dataclass
class Pool:
    """A Service that a test connects to."""

    ground: Ground
    host: str
    spec: BouncerSpec | None = None

    def login(
        self,
        driver: str = "psycopg",
        *,
        user: str = "",
        database: str = "",
        startup: Mapping[str, str] | None = None,
        tls: Tls = _AS_DRIVERS_DO,
        statements: Statements = Statements.ONE_TRIP,
        password: Sensitive = PASSWORD,
    ) -> Login:
        return Login(
            driver,
            user or self.ground.owner,
            password,
            database or self.ground.database,
            tuple((startup or {}).items()),
            tls,
            statements,
        )

    def connect(
        self, driver: str = "psycopg", *, timeout_s: float = 5.0, **how: Any
    ) -> Conversation:
        login = self.login(driver, **how)
        session: Conversation = self.ground.lab.connect(self.host, login, timeout_s=timeout_s)
        self.ground.stack.callback(session.close)
        return session

    def console(self, sql: str) -> tuple[tuple[str | None, ...], ...]:
        with closing(self.ground.lab.console(self.host)) as session:
            rows: tuple[tuple[str | None, ...], ...] = session.query(sql)
            return rows

    def answers(self) -> bool:
        return bool(self.ground.lab.answers(self.host))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    if report.failed:
        for lab in {id(one.lab): one.lab for one in item.stash.get(_USED, [])}.values():
            for log in sorted(lab.folder.glob("*.log"), key=lambda path: path.stat().st_mtime):
                text = log.read_text(errors="replace")[-_LOG_TAIL:]
                report.sections.append((log.name, text))
    return report


def _drop(made: Ground) -> None:
    if not made.lab.answers(CLUSTER):
        made.lab.start_postgres()
    with closing(made.lab.superuser()) as session:
        session.query(f'DROP DATABASE "{made.database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def real_servers(pytestconfig: pytest.Config) -> Iterator[Servers]:
    with ExitStack() as stack:
        yield Servers(stack, bool(pytestconfig.getoption("--require-servers")))


@pytest.fixture
def ground(real_servers: Servers, request: pytest.FixtureRequest) -> Iterator[GroundFactory]:
    grounds = request.node.stash.setdefault(_USED, [])
    with ExitStack() as stack:

        def make(postgres: int = 18) -> Ground:
            lab = real_servers.lab(postgres)
            number = next(_NUMBERS)
            made = Ground(lab, real_servers, stack, f"shop_{number}", f"shop_{number}")
            with closing(lab.superuser()) as session:
                for statement in role_sql(RoleSpec(made.owner, PASSWORD), major_of(lab)):
                    session.query(statement)
                session.query(database_sql(DatabaseSpec(made.database, made.owner)))
            stack.callback(_drop, made)
            grounds.append(made)
            return made

        yield make


@pytest.fixture
def pooler(ground: GroundFactory) -> PoolerFactory:
    def make(*, postgres: int = 18, **spec: Any) -> Pool:
        return ground(postgres).pooler(**spec)

    return make
