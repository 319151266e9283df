"""Which driver an image or a command brings along, where no source text tells (facts, 7)."""

from __future__ import annotations

import re

UNKNOWN_DRIVER = "pgx"
"""Sends every parameter and names its statements: what survives as pgx survives as most."""

# (what the image or a word of the command says, the driver)
_KNOWN: tuple[tuple[str, str], ...] = (
    (
        r"(?:^|/)(?:psql|pg_dump|pg_dumpall|pg_restore|pgbench|pg_isready|createdb|vacuumdb)$",
        "libpq",
    ),
    (r"oryd/|(?:^|/)(?:hydra|kratos|keto)(?::|$)", "pgx"),
    (r"(?:^|/)(?:dbmate|atlas|goose|sql-migrate)(?::|$)|amacneil/dbmate|arigaio/atlas", "lib/pq"),
    (r"postgres[-_]exporter", "lib/pq"),
    (r"(?:^|/)migrate(?::|$)|golang-migrate", "lib/pq"),
    (r"(?:^|/)(?:flyway|liquibase)(?::|$|/)", "pgjdbc"),
    (r"keycloak|metabase|sonarqube|debezium", "pgjdbc"),
    (r"(?:^|/)(?:alembic|django-admin|manage\.py)$", "psycopg"),
    (r"node-pg-migrate|knex|typeorm|sequelize", "node-postgres"),
)


def drivers_of(view: tuple[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The driver of a container, given as its image and the words of its command."""
    image, words = view
    every = [word for text in words for word in text.split()]
    for pattern, driver in _KNOWN:
        if any(re.search(pattern, text) for text in (*every, image.partition("@")[0])):
            return (driver,)
    return ()
