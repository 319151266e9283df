"""What checks say of answers that no server of ours gives; tests/servers has those of real ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from repoint.flows.rehearsing import checks_driver
from repoint.flows.rehearsing.casting import Scene
from repoint.flows.rehearsing.checks_login import identity, log_in, search_path
from repoint.flows.rehearsing.checks_state import isolation
from repoint.flows.rehearsing.stage import Stage
from repoint.model.rehearsal import Verdict
from repoint.ports.connecting import Conversation
from repoint.ports.servers import RunningLab
from repoint.rehearsal.cast import Client
from repoint.wire.login import Login
from tests.servers.fix_lab import PASSWORD, Pool
from tests.servers.staging import client


def on_paper(*startup: tuple[str, str], schema: str = "") -> Client:
    """A client of a Pooler that does not run."""
    login = Login("psycopg", "web", PASSWORD, "shop", startup)
    pool = SimpleNamespace(host="pooler.shop", login=lambda **how: login)
    return client(cast(Pool, pool), schema=schema)


def stage(connect: Callable[..., object], *clients: Client) -> Stage:
    """A stage whose servers are `connect`; without a schema everybody is in `public`."""
    lab = cast(RunningLab, SimpleNamespace(connect=connect))
    scene = cast(Scene, SimpleNamespace(clients=clients))
    plain = {("path", "web", "shop"): ("public", "public")}
    return Stage(lab, scene, {"pooler": "narrow"}, cast(dict[object, object], plain))


@pytest.mark.parametrize(("pid", "port"), [("1", "7"), ("2", "5")])
def test_a_server_whose_two_marks_disagree_is_unknown(pid: str, port: str) -> None:
    """A proxy that keeps the client's port would do that."""
    told = SimpleNamespace(query=lambda sql: ((pid, port),), backend_pid=1, local_port=5)
    for pooled in (True, False):
        assert identity(cast(Conversation, told), pooled=pooled).verdict is Verdict.UNKNOWN


def test_a_login_that_comes_out_as_somebody_else() -> None:
    """A PgBouncer with a forced user; CloudNativePG makes none."""
    told = SimpleNamespace(run=lambda sql: (("pool",),), close=lambda: None)

    found = log_in(stage(lambda *given, **how: told), on_paper())

    assert (found.verdict, found.observed) == (Verdict.FAIL, "logged in as `pool`")


@pytest.mark.parametrize(
    ("seen", "schema", "alone", "verdict"),
    [
        ('"$user", public', "web", True, Verdict.PASS),
        ('"$user", public', "web", False, Verdict.FAIL),
        ('"$user", public', "public", True, Verdict.FAIL),
        ("web", "web", False, Verdict.PASS),
    ],
)
def test_a_path_of_which_the_schema_alone_is_told(
    seen: str, schema: str, alone: bool, verdict: Verdict
) -> None:
    """What repoint.yaml names is a schema, and no path."""
    rows = {"SELECT current_setting('search_path')": seen, "SELECT current_schema()::text": schema}
    told = SimpleNamespace(run=lambda sql: ((rows[sql],),), close=lambda: None)
    web = replace(on_paper(schema="web"), schema_alone=alone)

    assert search_path(stage(lambda *given, **how: told), web).verdict is verdict


def test_who_has_nobody_beside_it_takes_turns_with_itself_without_its_schema() -> None:
    logins: list[Login] = []

    def connect(_host: str, login: Login, **_how: Any) -> object:
        logins.append(login)
        return SimpleNamespace(run=lambda sql: (("app",),), query=lambda sql: (), close=int)

    path, options, kept = ("search_path", "app"), ("options", "-c jit=off"), ("work_mem", "1")
    app = on_paper(path, options, kept, schema="app")

    isolation(stage(connect, app), app)

    assert {one.startup for one in logins} == {(path, options, kept), (kept,)}


def test_a_wait_loop_asks_no_real_driver() -> None:
    [question] = checks_driver.QUESTIONS

    assert question.skips(on_paper()) == ""
    assert question.skips(replace(on_paper(), purpose="probe"))


class FirstWins:
    """A pool whose server connection keeps the path of whoever came to it first."""

    def __init__(self) -> None:
        self._path = ""

    def __call__(self, _host: str, login: Login, **_how: Any) -> object:
        """A client that reads with the path of the server connection."""
        self._path = self._path or dict(login.startup)["search_path"]
        path = self._path
        return SimpleNamespace(run=lambda sql: ((path,),), query=self._end, close=int)

    def _end(self, _sql: str) -> tuple[()]:
        self._path = ""
        return ()


def test_each_of_two_comes_second_once() -> None:
    """A fault that hits whoever comes second is found for both."""
    shop = on_paper(("search_path", "shop"), schema="shop")
    hydra = on_paper(("search_path", "hydra"), schema="hydra")
    here = stage(FirstWins(), shop, hydra)

    assert isolation(here, shop).observed == "hydra in one of them"
    assert isolation(here, hydra).observed == "shop in one of them"
