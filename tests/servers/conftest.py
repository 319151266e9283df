"""Tests on real servers: how to ask for them.

Mark a module with `pytestmark = pytest.mark.servers` and take the fixture `ground`, or
`pooler` when one Pooler is enough. Both give servers of a private laboratory that lives for
the session (one for each PostgreSQL version and xdist worker); each test gets a database and
an owner of its own, and each `pooler(...)` a PgBouncer of its own, up in some 20 ms.

    def test_search_path_is_refused(pooler: PoolerFactory) -> None:
        pool = pooler(mode="transaction", parameters={"default_pool_size": "1"})
        with pytest.raises(ServerRefusal, match="unsupported startup parameter"):
            pool.connect(startup={"search_path": "app"})

`pooler(mode=, parameters=, pgbouncer="1.26", postgres=17, pg_hba=, own_certificate=)` gives a
`Pool`: `host` (what a plan calls the Service), `connect(driver, user, database, startup, tls,
statements, timeout_s)` (a `Conversation`, closed after the test), `console("SHOW POOLS")`,
`answers()` (pg_isready), and `ground`, which has

    ground.direct                   a Pool without a PgBouncer: the Cluster's -rw Service
    ground.lab                      the RunningLab: stop_postgres(), superuser(), ca_file, ...
    ground.database, ground.owner   names, new for each test
    ground.sql("CREATE ..", "..")   superuser's SQL in that database; rows of the last one
    ground.role("hydra", settings={"search_path": "hydra"}, connection_limit=2)
                                    one more role; its name is returned, and unique
    ground.pooler(...)              one more Pooler of the same Cluster

A test that stops PostgreSQL starts it again. Without `pgbouncer` the one most like CNPG's
default (1.25.1) runs. A version that is not on this machine skips the test, or fails it with
`pytest --require-servers`; `REPOINT_POSTGRES` and `REPOINT_PGBOUNCER` name others to use.
The versions are in pytest's header, and a failed test shows the servers' logs.
"""
