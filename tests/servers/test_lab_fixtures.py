"""The fixtures give what they promise, on every version that is here."""

from __future__ import annotations

import pytest

from repoint.wire.login import Tls
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import GroundFactory, PoolerFactory

pytestmark = pytest.mark.servers


@pytest.mark.parametrize("major", [15, 16, 17, 18])
def test_a_pooler_of_each_major_version(pooler: PoolerFactory, major: int) -> None:
    pool = pooler(postgres=major)

    session = pool.connect(tls=Tls("always", check_chain=True))

    assert session.query("SELECT current_user") == ((pool.ground.owner,),)
    assert session.query("SHOW server_version_num")[0][0][:2] == str(major)
    assert session.tls == "TLSv1.3"


@pytest.mark.parametrize("version", ["1.24", "1.26"])
def test_a_pooler_of_each_pgbouncer(pooler: PoolerFactory, version: str) -> None:
    pool = pooler(pgbouncer=version, mode="session")

    assert f"PgBouncer {version}" in pool.console("SHOW VERSION")[0][0]


def test_parameters_reach_the_pooler(pooler: PoolerFactory) -> None:
    pool = pooler(mode="session", parameters={"default_pool_size": "3"})

    shown = {row[0]: row[1] for row in pool.console("SHOW CONFIG")}

    assert (shown["default_pool_size"], shown["pool_mode"]) == ("3", "session")
    assert shown["ignore_startup_parameters"] == "extra_float_digits,options"


def test_a_wrong_password_is_refused_by_both(ground: GroundFactory) -> None:
    from repoint.model.sensitive import Sensitive

    here = ground()
    for pool in (here.direct, here.pooler()):
        with pytest.raises(ServerRefusal):
            pool.connect(password=Sensitive("wrong"))


def test_hba_lines_reach_the_pooler_and_the_cluster(ground: GroundFactory) -> None:
    here = ground()

    closed = here.pooler(pg_hba=("host all all 127.0.0.1/32 reject",))

    with pytest.raises(ServerRefusal):
        closed.connect()
    here.pooler(pg_hba=("host all all 10.0.0.0/8 reject",)).connect()


def test_a_role_has_its_settings_and_its_limit(ground: GroundFactory) -> None:
    here = ground()
    role = here.role("hydra", {"search_path": 'a, "B"', "statement_timeout": "7s"})

    session = here.direct.connect(user=role)

    assert session.query("SHOW search_path") == (('a, "B"',),)
    assert session.query("SELECT current_schemas(false)") == (("{}",),)
    assert session.query("SHOW statement_timeout") == (("7s",),)


def test_postgres_comes_back_for_the_next_test(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(parameters={"server_login_retry": "1"})

    here.lab.stop_postgres()

    assert not here.direct.answers()
    here.lab.start_postgres()
    assert here.direct.answers()
    assert here.direct.connect().query("SELECT 1") == (("1",),)
    assert pool.answers()
