"""Rows AL1 to AL4: the old Service's name as an alias of the new one, by libpq itself.

An alias changes what a name resolves to and nothing else. `hostaddr` is just that: libpq keeps the
old name for TLS and dials the new address.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest

from tests.servers.fix_lab import PASSWORD, Pool, PoolerFactory

pytestmark = pytest.mark.servers
psycopg = pytest.importorskip("psycopg")

OLD = "postgres.shop.svc.cluster.local"


@pytest.fixture
def by_alias() -> Iterator[Any]:
    """Connects to a server by the old name."""
    with ExitStack() as stack:

        def connect(pool: Pool, **options: str) -> Any:
            address, port = pool.ground.lab.address(pool.host)
            session = psycopg.connect(
                host=OLD,
                hostaddr=address,
                port=port,
                user=pool.ground.owner,
                dbname=pool.ground.database,
                password=PASSWORD.reveal(),
                sslrootcert=str(pool.ground.lab.ca_file),
                connect_timeout=5,
                autocommit=True,
                **options,
            )
            return stack.enter_context(closing(session))

        yield connect


def test_al1_verify_full_refuses_the_old_name_pooled_and_direct(
    pooler: PoolerFactory, by_alias: Any
) -> None:
    pool = pooler()
    for behind in (pool, pool.ground.direct):
        with pytest.raises(psycopg.OperationalError, match="does not match host name"):
            by_alias(behind, sslmode="verify-full")


@pytest.mark.parametrize("sslmode", ["require", "verify-ca"])
def test_al2_a_client_that_compares_no_name_goes_on(
    pooler: PoolerFactory, by_alias: Any, sslmode: str
) -> None:
    assert by_alias(pooler(), sslmode=sslmode).execute("SELECT 1").fetchone() == (1,)


def test_al3_options_of_the_old_string_are_dropped_without_a_word(
    pooler: PoolerFactory, by_alias: Any
) -> None:
    pool = pooler()
    pool.ground.sql("CREATE SCHEMA hydra")
    options = {"sslmode": "require", "options": "-csearch_path=hydra"}
    direct = by_alias(pool.ground.direct, **options)
    assert direct.execute("SHOW search_path").fetchone() == ("hydra",)
    pooled = by_alias(pool, **options)
    assert pooled.execute("SHOW search_path").fetchone() == ('"$user", public',)


def test_al4_two_migrations_behind_it_both_get_the_lock(
    pooler: PoolerFactory, by_alias: Any
) -> None:
    pool = pooler(mode="transaction", parameters={"default_pool_size": "1"})
    lock = "SELECT pg_try_advisory_lock(1)"

    def two(behind: Pool) -> list[object]:
        sessions = [by_alias(behind, sslmode="require") for _ in range(2)]
        return [session.execute(lock).fetchone()[0] for session in sessions]

    assert two(pool) == [True, True]
    pool.ground.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    assert two(pool.ground.direct) == [True, False]
