"""Asks an installed driver itself what it makes of a connection string.

The driver runs in a child process without the user's `PG*` variables, passwords and root
certificates, so that only the string counts, and a hang or a crash of a C library is an
observation. The password goes to the child's stdin, never into its arguments.
"""

from __future__ import annotations

import json
import site
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from repoint.adapters.runner import run
from repoint.dsn.params import canonical
from repoint.errors import ToolFailed
from repoint.rehearsal.driver import Observation
from repoint.rules.facts import Connection
from repoint.wire.login import Login

DRIVERS = frozenset({"psycopg", "psycopg2", "asyncpg", "pg8000"})
"""Drivers that this Python can run when they are installed beside repoint."""

_CHILD = Path(__file__).with_name("child.py")
_NOWHERE = "/nonexistent"
# Beyond the driver's own timeout: the start of a Python and of a C library.
_GRACE_S = 20.0


def observe(
    connection: Connection,
    login: Login,
    address: tuple[str, int],
    server_name: str,
    *,
    ca_file: Path | None = None,
    timeout_s: float = 5.0,
    python: str = sys.executable,
) -> Observation:
    """Let the login's driver connect at `address` with the string of `connection`.

    The driver believes to talk to `server_name`; a CA that the string names is replaced by
    `ca_file`. User, database and password are the login's. `python` is the interpreter that
    has the driver.
    """
    if login.driver not in DRIVERS:
        return Observation(login.driver, "", "skipped", text=f"{login.driver} is not Python's")
    if python == sys.executable and find_spec(login.driver) is None:
        return _absent(login)
    request = {
        "driver": login.driver,
        "dsn": _dsn(connection, login, server_name, address[1], ca_file),
        "user": login.user,
        "database": login.database,
        "password": login.password.reveal(),
        "server_name": server_name,
        "address": address[0],
        "port": address[1],
        "startup": dict(login.startup),
        "tls": login.tls.wanted,
        "check_chain": login.tls.check_chain,
        "check_name": login.tls.check_name,
        "ca_file": str(ca_file or ""),
        "timeout_s": timeout_s,
    }
    return _read(login, _answer(request, python, timeout_s))


def _absent(login: Login) -> Observation:
    why = f"{login.driver} is not installed beside repoint"
    return Observation(login.driver, "", "skipped", text=why)


def _answer(request: Mapping[str, object], python: str, timeout_s: float) -> dict[str, Any]:
    """What the child says; a child that hangs or dies has refused."""
    alone = {"HOME": _NOWHERE, "PGPASSFILE": _NOWHERE, "PYTHONUSERBASE": site.getuserbase()}
    try:
        done = run(
            [python, str(_CHILD)],
            tool="python",
            input=json.dumps(request).encode(),
            env=alone,
            timeout=timeout_s + _GRACE_S,
        )
    except ToolFailed:
        return {"status": "refused", "text": "timeout expired"}
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        return {"status": "refused", "text": f"the driver's process ended with {done.status}"}
    return found


def _read(login: Login, answer: Mapping[str, Any]) -> Observation:
    text = " ".join(str(answer.get("text", "")).split())
    secret = login.password.reveal()
    return Observation(
        driver=login.driver,
        version=str(answer.get("version", "")),
        status=str(answer["status"]),
        schema=str(answer.get("schema", "")),
        text=text.replace(secret, "***") if secret else text,
    )


def _dsn(connection: Connection, login: Login, host: str, port: int, ca_file: Path | None) -> str:
    """The string as the consumer's, to `host`, without its password."""
    replaced = {"sslrootcert": quote(str(ca_file), safe="/")} if ca_file is not None else {}
    params = [(name, replaced.get(canonical(name), text)) for name, text in connection.params]
    if connection.style == "keyword-value":
        core = [("host", host), ("port", str(port)), ("dbname", login.database)]
        pairs = (*core, ("user", login.user), *params)
        return " ".join(f"{name}={text}" for name, text in pairs)
    query = "&".join(f"{name}={text}" for name, text in params)
    who, where = quote(login.user, safe=""), quote(login.database, safe="")
    return f"postgresql://{who}@{host}:{port}/{where}" + (f"?{query}" if query else "")
