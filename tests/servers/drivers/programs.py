"""Real drivers as objects: each lives in a program of its language that answers JSON lines.

A request is an object with `do`: `versions`, `open`, `run`, `close`, `stress` or `app`. An
answer is an object; one with `error` (and `code`, the SQLSTATE) is raised as `DriverError`.
Connection strings, which hold a password, go through stdin only.
"""

from __future__ import annotations

import itertools
import json
import os
import queue
import subprocess
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.servers.drivers.install import Program, program

TOOLCHAIN = {
    "psycopg": "python",
    "psycopg2": "python",
    "asyncpg": "python",
    "pg8000": "python",
    "node-postgres": "node",
    "postgres.js": "node",
    "pgx": "go",
    "pgx-stdlib": "go",
    "pgxpool": "go",
    "lib/pq": "go",
    "pgjdbc": "java",
}
"""Which program knows a driver; the keys are all drivers that are measured."""

Row = tuple[str | None, ...]
_ANSWER_S = 60


class DriverError(Exception):
    """A driver's own error: its first line, and the SQLSTATE when the server sent one."""

    def __init__(self, text: str, code: str = "") -> None:
        super().__init__(f"{code} {text}" if code else text)
        self.text = text
        self.code = code


@dataclass(frozen=True, slots=True)
class Stressed:
    """What clients saw that asked at the same time: counts, and errors by their text."""

    right: int
    wrong: int
    errors: Mapping[str, int]


class Answering:
    """A running driver program. One request at a time; it ends with `stop`."""

    def __init__(self, what: Program) -> None:
        self.folder = what.folder
        clean = {k: v for k, v in os.environ.items() if not k.startswith(("PG", "PYTHON", "NODE_"))}
        self._process = subprocess.Popen(
            what.argv,
            env={**clean, "TZ": "UTC", "LC_ALL": "C.UTF-8", **dict(what.environment)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._answers: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, **request: Any) -> dict[str, Any]:
        """The answer to `request`.

        Raises:
            DriverError: the driver raised an error.
            AssertionError: the program ended, or did not answer in a minute.
        """
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        try:
            line = self._answers.get(timeout=_ANSWER_S)
        except queue.Empty:
            self._process.kill()
            line = ""
        assert line, f"the program of {request.get('driver', request['do'])} gave no answer"
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise DriverError(said["error"], said["code"])
        return said

    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the program, politely at first."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")


@dataclass
class Session:
    """An open connection of a driver."""

    driver: Driver
    name: str
    style: str = ""

    def run(self, sql: str, *args: object, style: str | None = None) -> tuple[Row, ...]:
        """Rows of one statement with `$1` arguments, values as text.

        `style` is empty for the driver's usual way, or `simple`, `named`, `prepared` where a
        driver's user chooses by another call.
        """
        how = self.style if style is None else style
        said = self.driver.ask("run", sql=sql, args=list(args), style=how, **{"as": self.name})
        return tuple(tuple(row) for row in said["rows"])

    def one(self, sql: str, *args: object) -> str | None:
        """The first value of the first row."""
        return self.run(sql, *args)[0][0]

    def close(self) -> None:
        """Say goodbye, as the driver does."""
        self.driver.ask("close", **{"as": self.name})
        self.driver.open_sessions.remove(self)


@dataclass
class Driver:
    """A real driver in its running program."""

    name: str
    answering: Answering
    open_sessions: list[Session] = field(default_factory=list)

    def ask(self, do: str, **more: Any) -> dict[str, Any]:
        """Ask the program something about this driver."""
        return self.answering.ask(do=do, driver=self.name, **more)

    @property
    def version(self) -> str:
        """The version that runs."""
        return str(self.ask("versions")[self.name])

    def open(
        self,
        dsn: str,
        *,
        style: str = "",
        settings: Mapping[str, object] | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Session:
        """Log in; `settings` are what the driver takes beside the connection string."""
        name = f"{self.name}-{next(_NUMBERS)}"
        more = {"as": name, "settings": dict(settings or {}), "env": dict(env or {})}
        self.ask("open", dsn=dsn, **more)
        session = Session(self, name, style)
        self.open_sessions.append(session)
        return session

    def login(self, dsn: str, **more: Any) -> str:
        """Log in and out again: empty when it went well, else the driver's error."""
        try:
            self.open(dsn, **more).close()
        except DriverError as error:
            return str(error)
        return ""

    def stress(
        self,
        dsn: str,
        clients: int,
        rounds: int,
        *,
        statements: Sequence[str] = (),
        style: str = "",
        settings: Mapping[str, object] | None = None,
    ) -> Stressed:
        """Let `clients` ask at once, each its own statement with its own arguments.

        The arguments of client n count from n thousand on. Without `statements` each client
        adds a number of its own to them, and the sums are judged.
        """
        offsets = [None if statements else 1000 * n for n in range(clients)]
        texts = list(statements) or [f"select $1::int + {1000 * n}" for n in range(clients)]
        said = self.ask(
            "stress",
            dsn=dsn,
            statements=texts,
            offsets=offsets,
            firsts=[1000 * n for n in range(clients)],
            rounds=rounds,
            style=style,
            settings=dict(settings or {}),
        )
        return Stressed(said["right"], said["wrong"], said["errors"])

    def close(self) -> None:
        """Close what is still open."""
        for session in tuple(self.open_sessions):
            try:
                session.close()
            except DriverError:
                self.open_sessions.remove(session)


def start(toolchain: str) -> Answering:
    """The running program of a toolchain.

    Raises:
        ToolchainMissing: it cannot be had; the text is the reason to skip.
    """
    return Answering(program(toolchain))


_NUMBERS = itertools.count(1)
