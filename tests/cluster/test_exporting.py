"""CloudNativePG's own exporter tells of a real PgBouncer what its console tells."""

from __future__ import annotations

import re

import pytest

from tests.cluster.exporting import metrics_of, read
from tests.cluster.fix_api import need_parts
from tests.servers.fix_lab import PoolerFactory

pytestmark = [pytest.mark.cluster, pytest.mark.servers]


def test_it_tells_of_pools_and_of_a_pgbouncer_that_is_gone(
    pytestconfig: pytest.Config, pooler: PoolerFactory
) -> None:
    need_parts(pytestconfig, "cnpg")
    pool = pooler(mode="session", parameters={"default_pool_size": "3"})
    session = pool.connect()
    session.query("SELECT 1")
    port = pool.ground.lab.address(pool.host)[1]
    [socket] = pool.ground.lab.folder.glob(f"*/.s.PGSQL.{port}")
    with metrics_of(socket.parent, port) as address:
        text = read(address)
        owner, database = pool.ground.owner, pool.ground.database
        labels = f'{{database="{database}",user="{owner}"}}'
        assert f"cnpg_pgbouncer_pools_cl_active{labels} 1" in text
        assert f"cnpg_pgbouncer_pools_sv_active{labels} 1" in text
        assert f"cnpg_pgbouncer_pools_cl_waiting{labels} 0" in text
        assert f"cnpg_pgbouncer_pools_maxwait{labels} 0" in text
        assert re.search(
            rf'cnpg_pgbouncer_stats_total_query_count{{database="{database}"}} \d', text
        )
        assert "cnpg_pgbouncer_last_collection_error 0" in text
        pool.ground.lab._bouncers[pool.host].stop()
        gone = read(address)
        assert "cnpg_pgbouncer_last_collection_error 1" in gone
        assert "cnpg_pgbouncer_pools_" not in gone, "old numbers are not told again"
