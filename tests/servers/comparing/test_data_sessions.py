"""What the sessions of a comparison promise: one state, no writes, and an end."""

from __future__ import annotations

import pytest

from repoint.errors import DatabaseLost
from repoint.flows.comparing import sessions
from repoint.flows.comparing.sessions import session, snapshot
from repoint.wire.refusals import ServerRefusal
from tests.servers.comparing.conftest import Twins

pytestmark = pytest.mark.servers

COUNT = "SELECT count(*) FROM shop.cache"


def test_all_sessions_of_a_side_see_one_state(twins: Twins) -> None:
    half = twins.pair().target
    with snapshot(half.database(), 3) as made:
        half.sql("DELETE FROM shop.cache")

        assert [one.ask(COUNT) for one in made] == [(("1",),)] * 3
    assert half.sql(COUNT) == (("0",),)


def test_a_statement_that_fails_leaves_its_session_and_its_state(twins: Twins) -> None:
    half = twins.pair().target
    with snapshot(half.database(), 2) as (_, second):
        for wrong in ("SELECT 1/0", "SELECT * FROM nowhere", "DELETE FROM shop.cache"):
            with pytest.raises(ServerRefusal):
                second.ask(wrong)
        half.sql("DELETE FROM shop.cache")

        assert second.ask(COUNT) == (("1",),)


def test_a_statement_without_end_is_ended(twins: Twins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "STATEMENT_S", 1)
    half = twins.pair().source
    with snapshot(half.database(), 1) as (one,), pytest.raises(ServerRefusal) as refused:
        one.ask("SELECT pg_sleep(60)")

    assert refused.value.sqlstate == "57014"


def test_a_session_that_is_ended_by_the_server_is_an_error_of_a_line(twins: Twins) -> None:
    half = twins.pair().source
    with session(half.database()) as made:
        half.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'repoint data' AND datname = current_database()"
        )

        with pytest.raises(DatabaseLost, match=r"^the source at test/"):
            made.ask("SELECT 1")


def test_a_roles_own_limits_do_not_end_a_long_read(twins: Twins) -> None:
    half = twins.pair().target
    half.sql(
        f"ALTER DATABASE {half.name} SET idle_session_timeout = '1s'",
        f"ALTER DATABASE {half.name} SET transaction_timeout = '2s'",
        f"ALTER DATABASE {half.name} SET statement_timeout = '1s'",
    )
    with snapshot(half.database(), 1) as (one,):
        limits = [
            one.ask(f"SHOW {name}")[0][0]
            for name in ("idle_session_timeout", "transaction_timeout", "statement_timeout")
        ]

    assert limits == ["0", "0", "5min"]
