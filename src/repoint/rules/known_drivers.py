"""Which driver an image or a command brings along, where no source text tells (facts, 7)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

UNKNOWN_DRIVER = "pgx"
"""Sends every parameter and names its statements: what survives as pgx survives as most."""

# Whole names of programs, and pieces of image names.
_PROGRAMS = {
    "libpq": "psql pg_dump pg_dumpall pg_restore pgbench createdb dropdb vacuumdb reindexdb",
    "pgx": "hydra kratos keto",
    "lib/pq": "atlas dbmate postgres_exporter sql-migrate",
    "pgjdbc": "flyway liquibase",
    "node-postgres": "node-pg-migrate knex typeorm sequelize graphile-worker",
}
_IMAGES: tuple[tuple[str, str], ...] = (
    ("oryd/", "pgx"),
    ("amacneil/dbmate", "lib/pq"),
    ("arigaio/atlas", "lib/pq"),
    ("migrate/migrate", "lib/pq"),
    ("postgres-exporter", "lib/pq"),
    ("postgres_exporter", "lib/pq"),
    ("flyway/", "pgjdbc"),
    ("liquibase/", "pgjdbc"),
    ("keycloak", "pgjdbc"),
    ("metabase", "pgjdbc"),
)
_BY_PROGRAM = {name: driver for driver, names in _PROGRAMS.items() for name in names.split()}
_START = re.compile(r"(?:^|[;&|\n(])\s*(?:(?:exec|until|while|if|!|[A-Za-z_]\w*=\S*)\s+)*(\S+)")


def driver_of_container(image: str, words: Sequence[str]) -> str:
    """The driver of a container by the first known program that it runs, else by its image."""
    for program in _programs(words):
        driver = _BY_PROGRAM.get(program.rpartition("/")[2])
        if driver is not None:
            return driver
    name = image.partition("@")[0]
    return next((driver for piece, driver in _IMAGES if piece in name), "")


def _programs(words: Sequence[str]) -> Iterator[str]:
    """The words that start a command, in the argv and in the scripts it holds."""
    for number, word in enumerate(words):
        if " " in word or "\n" in word:
            yield from (match[1] for match in _START.finditer(word))
        elif number < 2:
            yield word
