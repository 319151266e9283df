"""Which driver a program that a container runs brings along (facts, 7); images tell otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repoint.model.knowledge import in_force

UNKNOWN_DRIVER = "pgx"
"""Sends every parameter and names its statements: what survives as pgx survives as most."""

_PROGRAMS = {
    "libpq": "psql pg_dump pg_dumpall pg_restore pgbench createdb dropdb vacuumdb reindexdb",
    "pgx": "hydra kratos keto",
    "lib/pq": "atlas dbmate postgres_exporter sql-migrate",
    "pgjdbc": "flyway liquibase",
    "node-postgres": "node-pg-migrate knex typeorm sequelize graphile-worker",
}
_BY_PROGRAM = {name: driver for driver, names in _PROGRAMS.items() for name in names.split()}
_START = re.compile(r"(?:^|[;&|\n(])\s*(?:(?:exec|until|while|if|!|[A-Za-z_]\w*=\S*)\s+)*(\S+)")


def driver_of_program(words: Sequence[str]) -> str:
    """The driver of the first known program that the words of a command run; empty for none."""
    added = {name: tool.driver for tool in reversed(in_force().tools) for name in tool.programs}
    known = {**_BY_PROGRAM, **{name: driver for name, driver in added.items() if driver}}
    for program in _programs(words):
        driver = known.get(program.rpartition("/")[2])
        if driver is not None:
            return driver
    return ""


def _programs(words: Sequence[str]) -> Iterator[str]:
    """The words that start a command, in the argv and in the scripts it holds."""
    for number, word in enumerate(words):
        if " " in word or "\n" in word:
            yield from (match[1] for match in _START.finditer(word))
        elif number < 2:
            yield word
