"""The child process of `observing`: reads a request on stdin, says what the driver did.

It imports nothing of repoint: a driver is tried in a Python that holds little else.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import socket
import ssl
import sys
from typing import Any

_ASKED = "SELECT current_schema()"


def main() -> None:
    """Answer one request with one line of JSON."""
    request = json.load(sys.stdin)
    try:
        module = importlib.import_module(request["driver"])
    except ImportError:
        print(json.dumps({"status": "skipped", "text": f"{request['driver']} is not installed"}))
        return
    answer: dict[str, Any] = {"version": _version(request["driver"])}
    _resolve_to(request["server_name"], request["address"])
    try:
        answer |= {"status": "connected", "schema": _TRIED[request["driver"]](module, request)}
    except Exception as error:  # Whatever a driver raises is what it says.
        answer |= {"status": "refused", "text": str(error) or type(error).__name__}
    print(json.dumps(answer))


def _version(driver: str) -> str:
    for name in (driver, f"{driver}-binary"):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _resolve_to(name: str, address: str) -> None:
    """Let this process find `name` at `address`, so that certificates are compared with it."""
    ask = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        return ask(address if host == name else host, *rest, **more)

    socket.getaddrinfo = answer


def _libpq(module: Any, request: dict[str, Any]) -> str:
    """psycopg and psycopg2: libpq reads the string, and gets the address beside the name."""
    session = module.connect(
        request["dsn"],
        password=request["password"],
        hostaddr=request["address"],
        connect_timeout=max(2, round(request["timeout_s"])),
    )
    with session.cursor() as cursor:
        cursor.execute(_ASKED)
        (schema,) = cursor.fetchone()
    session.close()
    return str(schema or "")


def _asyncpg(module: Any, request: dict[str, Any]) -> str:
    """asyncpg reads the string itself."""
    import asyncio

    async def ask() -> str:
        timeout = request["timeout_s"]
        session = await module.connect(
            request["dsn"], password=request["password"], timeout=timeout, command_timeout=timeout
        )
        schema = await session.fetchval(_ASKED)
        await session.close()
        return str(schema or "")

    return asyncio.run(ask())


def _pg8000(module: Any, request: dict[str, Any]) -> str:
    """pg8000 takes no string: what is not its own goes into `startup_params`."""
    dbapi = importlib.import_module("pg8000.dbapi")
    session = dbapi.connect(
        request["user"],
        host=request["server_name"],
        port=request["port"],
        database=request["database"],
        password=request["password"],
        timeout=request["timeout_s"],
        ssl_context=_context(request),
        startup_params=request["startup"],
    )
    cursor = session.cursor()
    cursor.execute(_ASKED)
    (schema,) = cursor.fetchone()
    session.close()
    return str(schema or "")


def _context(request: dict[str, Any]) -> ssl.SSLContext | bool | None:
    if request["tls"] != "always":
        return False if request["tls"] == "never" else None
    context = ssl.create_default_context(cafile=request["ca_file"] or None)
    context.check_hostname = request["check_name"]
    checks = request["check_chain"] or request["check_name"]
    context.verify_mode = ssl.CERT_REQUIRED if checks else ssl.CERT_NONE
    return context


_TRIED = {"psycopg": _libpq, "psycopg2": _libpq, "asyncpg": _asyncpg, "pg8000": _pg8000}

if __name__ == "__main__":
    main()
