"""The Python drivers, driven by JSON lines: a request on stdin, its answer on stdout.

It runs in a virtual environment of its own, which has the drivers and nothing else. The
requests are those of tests/servers/drivers/programs.py; a password comes in a request only.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
import threading
from collections import Counter
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import pg8000
import pg8000.dbapi
import psycopg
import psycopg2

_LOOP = asyncio.new_event_loop()
_PLACE = re.compile(r"\$(\d+)")


class Psycopg:
    """psycopg 3; `style` changes nothing, `settings` are keywords of `connect`."""

    def __init__(self, dsn, settings):
        self.conn = psycopg.connect(dsn, **{"autocommit": True, **settings})

    def run(self, sql, args, style):
        """Rows of one statement."""
        text = _PLACE.sub("%s", sql) if args else sql
        cursor = self.conn.execute(text, args or None)
        return cursor.fetchall() if cursor.description else []

    def close(self):
        """Say goodbye."""
        self.conn.close()


class Psycopg2(Psycopg):
    """psycopg2: arguments are written into the text."""

    def __init__(self, dsn, settings):
        self.conn = psycopg2.connect(dsn)
        self.conn.autocommit = settings.get("autocommit", True)

    def run(self, sql, args, style):
        """Rows of one statement."""
        with self.conn.cursor() as cursor:
            cursor.execute(_PLACE.sub("%s", sql) if args else sql, args or None)
            return cursor.fetchall() if cursor.description else []


class Pg8000(Psycopg):
    """pg8000, which takes no URL: its query becomes `startup_params`, as its users do it."""

    def __init__(self, dsn, settings):
        url = urlsplit(dsn)
        query = dict(parse_qsl(url.query))
        name = query.pop("application_name", None)
        ssl = query.pop("sslmode", None)
        keywords = {"ssl_context": _tls(ssl, query.pop("sslrootcert", None))} if ssl else {}
        self.conn = pg8000.dbapi.connect(
            user=url.username,
            password=url.password,
            host=url.hostname,
            port=url.port,
            database=url.path[1:],
            timeout=settings.get("timeout", 10),
            application_name=name,
            startup_params=query or None,
            **keywords,
        )
        self.conn.autocommit = settings.get("autocommit", False)
        self.autocommit = self.conn.autocommit

    def run(self, sql, args, style):
        """Rows of one statement, in a transaction of its own unless in autocommit."""
        cursor = self.conn.cursor()
        try:
            cursor.execute(_PLACE.sub("%s", sql) if args else sql, tuple(args or ()))
            rows = cursor.fetchall() if cursor.description else []
        except pg8000.dbapi.DatabaseError:
            if not self.autocommit:
                self.conn.rollback()
            raise
        if not self.autocommit:
            self.conn.commit()
        return rows


class Asyncpg:
    """asyncpg on this process's one event loop; `pool` makes it acquire and release."""

    def __init__(self, dsn, settings):
        self.pool = None
        keywords = {key: value for key, value in settings.items() if key != "pool"}
        if settings.get("pool"):
            making = asyncpg.create_pool(dsn, min_size=1, max_size=1, **keywords)
            self.pool = _LOOP.run_until_complete(making)
        else:
            self.conn = _LOOP.run_until_complete(asyncpg.connect(dsn, timeout=10, **keywords))

    def run(self, sql, args, style):
        """Rows of one statement; `simple` sends it as a Query message."""
        return _LOOP.run_until_complete(self._run(sql, args, style))

    async def _run(self, sql, args, style):
        if self.pool is not None:
            async with self.pool.acquire() as conn:
                return [tuple(row) for row in await conn.fetch(sql, *args)]
        if style == "simple":
            return [tuple(row) for row in [await self.conn.execute(sql)] if not row]
        return [tuple(row) for row in await self.conn.fetch(sql, *args)]

    def close(self):
        """Say goodbye."""
        if self.pool is not None:
            _LOOP.run_until_complete(self.pool.close())
        else:
            _LOOP.run_until_complete(self.conn.close(timeout=2))


DRIVERS = {"psycopg": Psycopg, "psycopg2": Psycopg2, "pg8000": Pg8000, "asyncpg": Asyncpg}


def _tls(mode, ca):
    """The ssl context that pg8000's users write for an `sslmode`."""
    import ssl

    if mode == "disable":
        return False
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = mode == "verify-full"
    context.verify_mode = ssl.CERT_REQUIRED if mode.startswith("verify") else ssl.CERT_NONE
    return context


def stress(request):
    """Each client asks its own statement many times at once; counts of right, wrong, errors."""
    if request["driver"] == "asyncpg":
        return _LOOP.run_until_complete(_stress_asyncpg(request))
    seen, lock = Counter(), threading.Lock()

    def client(number):
        sql, offset = request["statements"][number], request["offsets"][number]
        made = DRIVERS[request["driver"]](request["dsn"], request.get("settings", {}))
        first = request["firsts"][number]
        for k in range(first, first + request["rounds"]):
            try:
                rows = made.run(sql, [k], "")
                word = _judge(rows, k, offset)
            except Exception as error:
                word = _said(error)["error"]
            with lock:
                seen[word] += 1
        made.close()

    threads = [threading.Thread(target=client, args=(n,)) for n in range(len(request["offsets"]))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _counts(seen)


async def _stress_asyncpg(request):
    seen = Counter()

    async def client(number):
        sql, offset = request["statements"][number], request["offsets"][number]
        conn = await asyncpg.connect(request["dsn"], **request.get("settings", {}))
        first = request["firsts"][number]
        for k in range(first, first + request["rounds"]):
            try:
                seen[_judge(await conn.fetch(sql, k), k, offset)] += 1
            except Exception as error:
                seen[_said(error)["error"]] += 1
        await conn.close(timeout=2)

    await asyncio.gather(*(client(n) for n in range(len(request["offsets"]))))
    return _counts(seen)


def _judge(rows, k, offset):
    if offset is None or (rows and rows[0][0] == k + offset):
        return "right"
    return "wrong"


def _counts(seen):
    right, wrong = seen.pop("right", 0), seen.pop("wrong", 0)
    return {"right": right, "wrong": wrong, "errors": dict(seen)}


def _said(error):
    code = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None) or ""
    text = str(error)
    if isinstance(error, pg8000.dbapi.DatabaseError) and error.args:
        fields = error.args[0]
        if isinstance(fields, dict):
            code, text = fields.get("C", ""), fields.get("M", text)
    return {"error": " ".join(text.split()) or type(error).__name__, "code": code}


def _text(value):
    return None if value is None else str(value)


OPEN: dict[str, object] = {}


def answer(request):
    """The answer to one request."""
    do = request["do"]
    if do == "versions":
        libpq = psycopg.pq.version()
        return {
            "psycopg": f"{psycopg.__version__} (libpq {libpq // 10000}.{libpq % 100})",
            "psycopg2": psycopg2.__version__.split()[0],
            "asyncpg": asyncpg.__version__,
            "pg8000": pg8000.__version__,
        }
    if do == "open":
        os.environ.update(request.get("env", {}))
        try:
            made = DRIVERS[request["driver"]](request["dsn"], request.get("settings", {}))
        finally:
            for name in request.get("env", {}):
                del os.environ[name]
        OPEN[request["as"]] = made
        return {}
    if do == "run":
        rows = OPEN[request["as"]].run(request["sql"], request["args"], request["style"])
        return {"rows": [[_text(value) for value in row] for row in rows]}
    if do == "close":
        OPEN.pop(request["as"]).close()
        return {}
    if do == "stress":
        return stress(request)
    from apps import APPS

    return APPS[request["app"]](request)


def main():
    """Answer until stdin ends."""
    asyncio.set_event_loop(_LOOP)
    replies, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception as error:
            said = _said(error)
        print(json.dumps(said), file=replies, flush=True)


if __name__ == "__main__":
    main()
