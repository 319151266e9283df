"""The driver of the program that a container runs."""

from __future__ import annotations

import pytest

from repoint.rules.known_drivers import driver_of_program

CASES = [
    (("psql",), "libpq"),
    (("/usr/bin/pg_dump", "-Fc"), "libpq"),
    (("sh", "-c", "until psql -c 'select 1'; do sleep 1; done"), "libpq"),
    (("sh", "-c", "set -e\nPGPASSWORD=$PW psql -h db -c 'select 1'"), "libpq"),
    (("sh", "-c", 'atlas migrate apply --url "$DATABASE_URL"'), "lib/pq"),
    (("dbmate", "--wait", "up"), "lib/pq"),
    (("flyway", "migrate"), "pgjdbc"),
    (("npx", "node-pg-migrate", "up"), "node-postgres"),
    # What is not known as a program, or stands where no program does.
    (("python", "manage.py", "migrate"), ""),
    (("sh", "-c", "echo psql"), ""),
    (("server", "--tool", "psql"), ""),
    (("/app/hydration",), ""),
    ((), ""),
]


@pytest.mark.parametrize(("words", "driver"), CASES, ids=[" ".join(w) or "-" for w, _ in CASES])
def test_driver_of_program(words: tuple[str, ...], driver: str) -> None:
    assert driver_of_program(words) == driver
