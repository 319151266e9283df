"""Fixtures with real drivers, ORMs and migrators, to be used with those of fix_lab.

    def test_ps1(driver: DriverFactory, pooler: PoolerFactory) -> None:
        pool = pooler(mode="transaction")
        seen = driver("lib/pq").stress(dsn("lib/pq", pool), clients=2, rounds=300)
        assert seen.wrong

`driver(name)` is a `programs.Driver`; the names are the keys of `programs.TOOLCHAIN`. A
toolchain that is not here (node, Go, Java) skips the test; `pytest --require-servers` fails
it for Python and npm, which CI always has. `dsn(name, pool, params)` is a connection string as
that driver's users write it, `app(name, ..)` runs an ORM or a migrator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import pytest

from tests.servers.drivers.install import ToolchainMissing
from tests.servers.drivers.programs import TOOLCHAIN, Answering, Driver, start
from tests.servers.drivers.strings import Place, url
from tests.servers.fix_lab import PASSWORD, Pool

ALWAYS_THERE = ("python", "node")


class DriverFactory(Protocol):
    """The fixture `driver`; `fresh` gives it in a new process, as a redeployment does."""

    def __call__(self, name: str, *, fresh: bool = ...) -> Driver: ...


class AppFactory(Protocol):
    """The fixture `app`: what an ORM or a migrator of a toolchain says to a request."""

    def __call__(self, toolchain: str, name: str, **request: Any) -> dict[str, Any]: ...


def place(pool: Pool, *, user: str = "", host: str = "127.0.0.1") -> Place:
    """Where the Service is on this machine, and the login of the test's own role."""
    port = pool.ground.lab.address(pool.host)[1]
    name = user or pool.ground.owner
    return Place(port, name, PASSWORD.reveal(), pool.ground.database, host)


def dsn(
    driver: str,
    pool: Pool,
    params: Mapping[str, str] | None = None,
    *,
    user: str = "",
    host: str = "127.0.0.1",
) -> str:
    """The connection string of `driver` for the Service; in clear text unless it says more."""
    return url(driver, place(pool, user=user, host=host), {"sslmode": "disable", **(params or {})})


class Programs:
    """The driver programs of a session, each started when a test first wants it."""

    def __init__(self, *, required: bool) -> None:
        self._required = required
        self._running: dict[str, Answering] = {}
        self._fresh: list[Answering] = []

    def get(self, toolchain: str, *, fresh: bool = False) -> Answering:
        """The program of a toolchain; skips the test when it cannot be had."""
        if fresh:
            self._fresh.append(self._start(toolchain))
            return self._fresh[-1]
        if toolchain not in self._running or not self._running[toolchain].alive():
            self._running[toolchain] = self._start(toolchain)
        return self._running[toolchain]

    def stop_fresh(self) -> None:
        """End what a test had for itself."""
        for program in self._fresh:
            program.stop()
        self._fresh.clear()

    def stop(self) -> None:
        """End all of them."""
        self.stop_fresh()
        for program in self._running.values():
            program.stop()

    def _start(self, toolchain: str) -> Answering:
        try:
            return start(toolchain)
        except ToolchainMissing as missing:
            if self._required and toolchain in ALWAYS_THERE:
                pytest.fail(f"no {toolchain} drivers: {missing}", pytrace=False)
            pytest.skip(f"no {toolchain} drivers: {missing}")


@pytest.fixture(scope="session")
def driver_programs(pytestconfig: pytest.Config) -> Iterator[Programs]:
    """The programs, ended with the session."""
    programs = Programs(required=bool(pytestconfig.getoption("--require-servers")))
    yield programs
    programs.stop()


@pytest.fixture
def driver(driver_programs: Programs) -> Iterator[DriverFactory]:
    """Real drivers; their connections are closed after the test."""
    made: list[Driver] = []

    def give(name: str, *, fresh: bool = False) -> Driver:
        made.append(Driver(name, driver_programs.get(TOOLCHAIN[name], fresh=fresh)))
        return made[-1]

    yield give
    for one in made:
        one.close()
    driver_programs.stop_fresh()


@pytest.fixture
def app(driver_programs: Programs) -> AppFactory:
    """ORMs and migrators, which live in the drivers' programs."""

    def ask(toolchain: str, name: str, **request: Any) -> dict[str, Any]:
        return driver_programs.get(toolchain).ask(do="app", app=name, **request)

    return ask
