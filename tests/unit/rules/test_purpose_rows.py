"""Rows of the facts that a purpose answers: what takes session locks or restores goes direct."""

from __future__ import annotations

import pytest

from repoint.rules.purpose import judge
from tests.unit.rules.purpose_cases import URL, job, sh

DIRECT = [
    pytest.param(sh("npx node-pg-migrate up"), "", "migration", id="MG1 node-pg-migrate"),
    pytest.param(sh("python manage.py migrate"), "", "migration", id="MG2 Django"),
    pytest.param(("alembic", "upgrade", "head"), "", "migration", id="MG2 Alembic"),
    pytest.param(("dbmate", "up"), "", "migration", id="MG3 dbmate"),
    pytest.param(("migrate", "-path", "/m", "up"), "", "migration", id="MG5 golang-migrate"),
    pytest.param((), "migrate/migrate:v4", "migration", id="MG5 its image"),
    pytest.param(("atlas", "migrate", "apply"), "", "migration", id="MG6 Atlas"),
    pytest.param((), "flyway/flyway:11", "migration", id="MG7 Flyway"),
    pytest.param(("goose", "up"), "", "migration", id="MG8 Goose"),
    pytest.param(("bundle", "exec", "rails", "db:migrate"), "", "migration", id="MG9 Rails"),
    pytest.param(("npx", "prisma", "migrate", "deploy"), "", "migration", id="MG10 Prisma"),
    pytest.param(("hydra", "migrate", "sql", "up"), "oryd/hydra:v2", "migration", id="MG12 Ory"),
    pytest.param((), "liquibase/liquibase:4", "migration", id="MG13 Liquibase"),
    pytest.param(sh("psql -f /dump/dump.sql"), "", "", id="ST15 psql -f a dump"),
    pytest.param(sh("gunzip -c /b.sql.gz | psql"), "", "", id="ST15 a dump through a pipe"),
    pytest.param(sh("psql < /backup/dump.sql"), "", "", id="ST15 a dump as input"),
    pytest.param(("pg_restore", "-d", "shop", "/d"), "", "backup", id="SP8 ST15 pg_restore"),
    pytest.param(("pg_dump", "shop"), "", "backup", id="SP8 pg_dump"),
    pytest.param(("pg_basebackup", "-D", "/d"), "", "backup", id="OP11 pg_basebackup"),
    pytest.param(("pg_receivewal", "-D", "/d"), "", "replication", id="OP11 pg_receivewal"),
]


@pytest.mark.parametrize(("command", "image", "expected"), DIRECT)
def test_goes_direct(command: tuple[str, ...], image: str, expected: str) -> None:
    facts = job(command, image=image) if image else job(command)
    purpose = judge(facts, **URL).purpose
    assert purpose.must_go_direct
    assert expected in ("", purpose.value)
