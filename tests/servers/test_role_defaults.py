"""SP9: the statements that a plan writes for a role's default, run, and read behind a pool."""

from __future__ import annotations

import pytest

from repoint.rules.role_defaults import RoleSetting
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import PoolerFactory

pytestmark = pytest.mark.servers

ONE = {"default_pool_size": "1"}
MODES = pytest.mark.parametrize("mode", ["session", "transaction"])


@MODES
@pytest.mark.parametrize("postgres", [18, 17])
@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("search_path", "shop", "shop"),
        ("search_path", '"$user",public', '"$user", public'),
        ("search_path", 'Shop, "User Data"', 'shop, "User Data"'),
        ("statement_timeout", "5s", "5s"),
        ("lock_timeout", "1500", "1500ms"),
        ("default_transaction_isolation", "repeatable read", "repeatable read"),
        ("work_mem", "64MB", "64MB"),
        ("jit", "off", "off"),
    ],
    ids=lambda value: str(value),
)
def test_a_role_that_sets_its_own_default_has_it_behind_the_pool(
    pooler: PoolerFactory, mode: str, postgres: int, name: str, value: str, shown: str
) -> None:
    pool = pooler(mode=mode, postgres=postgres, parameters=ONE)
    ground = pool.ground
    direct = ground.direct.connect("pgx")
    before = direct.query(f"SHOW {name}")[0][0]
    direct.query(RoleSetting(ground.owner, ground.database, name, value).statement)
    for _ in range(3):
        session = pool.connect("pgx")
        assert session.query(f"SHOW {name}")[0][0] == shown
        session.close()
    assert before != shown or name == "search_path"


def test_CN8_what_only_a_superuser_may_set_is_refused_to_the_role_itself(
    pooler: PoolerFactory,
) -> None:
    ground = pooler(parameters=ONE).ground
    session = ground.direct.connect("pgx")
    for name, value in (("log_statement", "all"), ("session_replication_role", "replica")):
        setting = RoleSetting(ground.owner, ground.database, name, value)
        with pytest.raises(ServerRefusal, match="permission denied"):
            session.query(setting.statement)
        ground.sql(setting.statement)


@MODES
@pytest.mark.parametrize("postgres", [18, 17, 15])
def test_a_default_of_role_outlives_the_reset_between_two_clients(
    pooler: PoolerFactory, mode: str, postgres: int
) -> None:
    pool = pooler(mode=mode, postgres=postgres, parameters=ONE)
    ground = pool.ground
    other = ground.role("readers")
    ground.sql(f'GRANT "{other}" TO "{ground.owner}"')
    setting = RoleSetting(ground.owner, ground.database, "role", other)
    ground.direct.connect("pgx").query(setting.statement)
    for _ in range(3):
        session = pool.connect("pgx")
        assert session.query("SELECT current_user")[0][0] == other
        session.close()
