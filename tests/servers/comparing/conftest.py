"""Two servers of different ages, and a rich database that was moved from one to the other.

`twins` gives a `Twins`: `pair()` is a source (PostgreSQL 15) and a target (18) that hold the
same after `pg_dump | psql`, each a copy of a template of its own, so that a test may do anything
to either. The same roles are on both.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from repoint.comparison.model import Comparison, Side
from repoint.flows.comparing.flow import Wanted, compare
from repoint.flows.comparing.reaching import APPLICATION
from repoint.flows.comparing.sessions import Database
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.wire.login import Login, Tls
from tests.servers.fix_lab import CLUSTER, Servers

OLD, NEW = 15, 18
RICH = (Path(__file__).parent / "rich.sql").read_text()
ROWS = 2000
ADMIN = "rich_admin"
PASSWORD = Sensitive("throwaway of the twins")
_NUMBERS = count(1)
_ROLES = (
    f"CREATE ROLE {ADMIN} LOGIN SUPERUSER PASSWORD '{PASSWORD.reveal()}'",
    f"CREATE ROLE rich_app LOGIN CONNECTION LIMIT 50 PASSWORD '{PASSWORD.reveal()}'",
    f"CREATE ROLE rich_reader LOGIN PASSWORD '{PASSWORD.reveal()}'",
    "CREATE ROLE rich_group NOLOGIN",
    "GRANT rich_group TO rich_app",
    "ALTER ROLE rich_app SET work_mem = '8MB'",
)


@dataclass
class Half:
    """One side of a pair: a database of its own on one of the servers."""

    lab: Any
    side: Side
    name: str

    def connect(
        self, timeout_s: float = 30.0, user: str = ADMIN, name: str = "a test"
    ) -> Conversation:
        login = Login(
            "psycopg",
            user,
            PASSWORD,
            self.name,
            (("application_name", name),),
            Tls("if-offered"),
        )
        made: Conversation = self.lab.connect(CLUSTER, login, timeout_s=timeout_s)
        return made

    def sql(self, *statements: str) -> tuple[tuple[str | None, ...], ...]:
        rows: tuple[tuple[str | None, ...], ...] = ()
        with closing(self.connect()) as session:
            for one in statements:
                rows = session.query(one)
        return rows

    def database(self, user: str = ADMIN) -> Database:
        return Database(
            self.side, f"test/{self.name}", lambda s: self.connect(s, user, APPLICATION)
        )

    @property
    def url(self) -> str:
        host, port = self.lab.address(CLUSTER)
        password = PASSWORD.reveal().replace(" ", "%20")
        return f"postgres://{ADMIN}:{password}@{host}:{port}/{self.name}?sslmode=require"


@dataclass
class Pair:
    """A source and a target that hold the same at first."""

    source: Half
    target: Half

    def compare(self, **wanted: Any) -> Comparison:
        return compare(
            self.source.database(),
            self.target.database(),
            Wanted("test", **wanted),
            now=lambda: datetime.now(UTC),
        )


@dataclass
class Twins:
    servers: Servers
    made: list[tuple[Any, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.labs = {Side.SOURCE: self.servers.lab(OLD), Side.TARGET: self.servers.lab(NEW)}
        for lab in self.labs.values():
            run(lab, "postgres", *_ROLES)
        self.templates(ROWS, "rich_template")

    def templates(self, rows: int, name: str) -> None:
        """Make and fill both sides' database: the target's by a dump of the source's."""
        for lab in self.labs.values():
            run(lab, "postgres", f"CREATE DATABASE {name} OWNER {ADMIN}")
        source, target = (Half(self.labs[side], side, name) for side in Side)
        source.sql(re.sub(r":rows\b", str(rows), RICH))
        target.sql(dumped(source))

    def refill(self, template: str = "rich_template") -> None:
        """Give the target's template the rows of its unlogged table, which a crash took."""
        half = Half(self.labs[Side.TARGET], Side.TARGET, template)
        half.sql("INSERT INTO shop.cache VALUES (1, 'warm')")

    def pair(self, template: str = "rich_template") -> Pair:
        """A pair for one test."""
        number = next(_NUMBERS)
        halves = []
        for side, lab in self.labs.items():
            name = f"rich_{number}"
            run(lab, "postgres", f"CREATE DATABASE {name} TEMPLATE {template} OWNER {ADMIN}")
            run(lab, "postgres", f"ALTER ROLE rich_app IN DATABASE {name} SET jit = 'off'")
            self.made.append((lab, name))
            halves.append(Half(lab, side, name))
        return Pair(*halves)

    def drop(self) -> None:
        for lab, name in self.made:
            run(lab, "postgres", f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.made.clear()


def run(lab: Any, database: str, *statements: str) -> None:
    with closing(lab.superuser(database)) as session:
        for one in statements:
            session.query(one)


def dumped(half: Half) -> str:
    """What pg_dump makes of a database, as statements of the simple protocol."""
    program = shutil.which("pg_dump")
    version = ""
    if program is not None:
        version = subprocess.run([program, "-V"], capture_output=True, text=True).stdout
    found = re.search(r" (\d+)", version)
    if found is None or int(found[1]) < OLD:
        pytest.skip(f"pg_dump {OLD} is not here")
    host, port = half.lab.address(CLUSTER)
    argv: Sequence[str] = (
        *(str(program), "-h", host, "-p", str(port), "-U", ADMIN, "-d", half.name),
        # A name may be a keyword of the newer server alone (DC2).
        *("--quote-all-identifiers", "--inserts", "--rows-per-insert=500"),
    )
    env = {**os.environ, "PGPASSWORD": PASSWORD.reveal(), "PGSSLMODE": "require"}
    done = subprocess.run(argv, capture_output=True, text=True, env=env, check=True)
    return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("\\"))


@pytest.fixture(scope="session")
def twin_servers(real_servers: Servers) -> Twins:
    return Twins(real_servers)


@pytest.fixture
def twins(twin_servers: Twins) -> Iterator[Twins]:
    yield twin_servers
    twin_servers.drop()
