"""Each negative control, holding and not holding, by itself on real servers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from repoint.flows.rehearsing.controls import Controls, borrowers
from repoint.model.rehearsal import Control, Verdict
from repoint.model.sensitive import Sensitive
from repoint.model.source import Location
from repoint.rehearsal.cast import Client
from repoint.rehearsal.lab import BouncerSpec
from repoint.rules.facts import Connection
from repoint.wire.login import Tls
from tests.servers.fix_lab import PASSWORD, GroundFactory, Pool
from tests.servers.staging import client, pooler_facts, staged

pytestmark = pytest.mark.servers

PASS, FAIL, UNKNOWN = Verdict.PASS, Verdict.FAIL, Verdict.UNKNOWN
TRACKED = {"track_extra_parameters": "IntervalStyle,search_path"}
IGNORED = {"ignore_startup_parameters": "search_path"}
EVERYTHING = {"ignore_startup_parameters": "search_path,work_mem,statement_timeout"}


def controls(
    pool: Pool,
    *clients: Client,
    parameters: Mapping[str, str] | None = None,
    narrow: Mapping[str, str] | None = None,
    **scene: Any,
) -> dict[str, list[Control]]:
    """What the controls of a Pooler said."""
    assert pool.spec is not None
    stage = staged(pool, *clients, parameters=parameters, narrow=narrow, **scene)
    found: dict[str, list[Control]] = {}
    for one in Controls(stage, {pool.spec.name: pool.spec}).run():
        found.setdefault(one.id, []).append(one)
    return found


def test_all_of_them_hold(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(mode="session")
    one = client(pool, mode="session")

    found = controls(pool, one)

    assert {name: [each.verdict for each in several] for name, several in found.items()} == {
        "letter": [PASS],
        "leak": [PASS],
        "identity": [PASS, PASS],
        "certificate": [PASS],
    }
    assert {each.consumer for several in found.values() for each in several} == {one.id}
    # Nothing was remedied, so that something is asked which this Pooler refuses.
    assert found["letter"][0].observed == (
        "FATAL: unsupported startup parameter: search_path (08P01)"
    )


def the_letter(
    pool: Pool,
    one: Client,
    param: tuple[str, str],
    *,
    parameters: Mapping[str, str],
    was: Mapping[str, str],
    mode: str = "transaction",
) -> Control:
    """The control, where the string had `param` before the plan and the Pooler was as `was`."""
    old = Connection(
        *("site", Location("secret.yaml", 1, 1, ""), "url", "pg-rw", "shop", "shop", ""),
        *((param,), False, one.key),
    )
    [found] = controls(
        pool,
        one,
        parameters=parameters,
        letters={(one.id, one.key): old},
        original={one.pooler: replace(pooler_facts(one, **was), mode=mode)},
    )["letter"]
    return found


@pytest.mark.parametrize(
    ("was", "observed"),
    [
        pytest.param({}, "FATAL: unsupported startup parameter: search_path (08P01)", id="SP1"),
        pytest.param(IGNORED, 'it has `"$user", public`, and `app` without a pool', id="SP3"),
    ],
)
def test_the_plan_s_letter_fails_at_the_pooler_as_it_was(
    ground: GroundFactory, was: dict[str, str], observed: str
) -> None:
    here = ground()
    pool = here.pooler(parameters=TRACKED)
    one = client(pool, schema="app", startup={"search_path": "app"}, driver_known=True)
    one = with_driver(one, "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=TRACKED, was=was)

    assert (found.verdict, found.observed) == (PASS, observed)
    assert found.facts == ("SP1", "SP2", "SP3", "X1")


def with_driver(one: Client, driver: str) -> Client:
    assert one.login is not None
    return replace(one, login=replace(one.login, driver=driver))


def test_a_letter_whose_loss_nobody_sees_gives_way_to_a_parameter_that_is_refused(
    ground: GroundFactory,
) -> None:
    """SP9 is there already: the role's own default is what the string asks for."""
    here = ground()
    here.sql(f'ALTER ROLE "{here.owner}" SET search_path = app')
    pool = here.pooler(parameters=TRACKED)
    one = with_driver(client(pool, schema="app", startup={"search_path": "app"}), "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=TRACKED, was=IGNORED)

    assert found.verdict is PASS
    assert found.expected == "FATAL: unsupported startup parameter: work_mem"


def test_a_letter_of_options_is_lost_whatever_it_sets(ground: GroundFactory) -> None:
    """SP2."""
    here = ground()
    pool = here.pooler()
    one = with_driver(client(pool), "pgx")

    found = the_letter(pool, one, ("options", "-c statement_timeout=5s"), parameters={}, was={})

    assert (found.verdict, found.expected) == (PASS, "`statement_timeout` is lost in silence")
    assert found.observed == "it has `0`, and `5s` without a pool"


def test_a_letter_that_is_served_after_all_is_no_control(ground: GroundFactory) -> None:
    """The rules say that it is lost, and the Pooler that runs tracks it (SP13)."""
    here = ground()
    pool = here.pooler(parameters=IGNORED, overrides=(("track_extra_parameters", "search_path"),))
    one = with_driver(client(pool, startup={"search_path": "app"}), "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=IGNORED, was=IGNORED)

    assert (found.verdict, found.observed) == (FAIL, "it has `app`, and `app` without a pool")


def test_the_letter_is_asked_of_the_pooler_s_old_mode_and_parameters(
    ground: GroundFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = ground()
    pool = here.pooler(parameters=TRACKED)
    one = with_driver(client(pool, startup={"search_path": "app"}), "pgx")
    ran: list[tuple[str, str, tuple[tuple[str, str], ...]]] = []
    beside = here.lab.beside

    def noted(spec: BouncerSpec) -> Any:
        ran.append((spec.host, spec.mode, spec.parameters))
        return beside(spec)

    monkeypatch.setattr(here.lab, "beside", noted)
    was = {"log_stats": "1"}
    the_letter(pool, one, ("search_path", "app"), parameters=TRACKED, was=was, mode="session")

    host = pool.host.replace(".", "-as-it-was.", 1)
    assert (host, "session", (("log_stats", "1"),)) in ran


def test_a_letter_that_is_refused_where_the_rules_say_lost_is_no_control(
    ground: GroundFactory,
) -> None:
    here = ground()
    pool = here.pooler(parameters=IGNORED, overrides=(("ignore_startup_parameters", "options"),))
    one = with_driver(client(pool), "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=IGNORED, was=IGNORED)

    assert found.verdict is FAIL
    assert found.observed == "FATAL: unsupported startup parameter: search_path (08P01)"


def test_a_letter_that_the_pooler_always_served_gives_way(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(parameters=TRACKED)
    one = with_driver(client(pool, schema="app", startup={"search_path": "app"}), "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=TRACKED, was=TRACKED)

    assert found.verdict is PASS
    assert found.expected == "FATAL: unsupported startup parameter: work_mem"


def test_a_letter_that_the_rules_call_refused_and_the_pooler_takes(ground: GroundFactory) -> None:
    """What is known of the Pooler and what runs differ: the rehearsal is not to be believed."""
    here = ground()
    pool = here.pooler(overrides=(("ignore_startup_parameters", "search_path"),))
    one = client(pool)

    [found] = controls(pool, one)["letter"]

    assert (found.verdict, found.observed) == (FAIL, "the login was taken")
    assert found.expected == "FATAL: unsupported startup parameter: search_path"


def test_a_letter_refused_for_another_reason_is_no_control(ground: GroundFactory) -> None:
    """The rules say that it is lost, and nobody gets in to lose it."""
    here = ground()
    pool = here.pooler(parameters=IGNORED, pg_hba=("host all all 0.0.0.0/0 reject",))
    one = with_driver(client(pool, startup={"search_path": "app"}), "pgx")

    found = the_letter(pool, one, ("search_path", "app"), parameters=IGNORED, was=IGNORED)

    assert found.verdict is FAIL
    assert found.observed.startswith("FATAL: ") and "search_path" not in found.observed


def test_a_pooler_that_takes_every_parameter_has_no_letter(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(parameters=EVERYTHING)

    [found] = controls(pool, client(pool), parameters=EVERYTHING)["letter"]

    assert (found.verdict, found.observed) == (UNKNOWN, "it takes every one that was tried")


def test_a_pool_that_resets_always_shows_no_leak(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(parameters={"server_reset_query_always": "1"})

    [found] = controls(pool, client(pool))["leak"]

    assert (found.verdict, found.observed) == (FAIL, "it does not")


def test_what_could_not_be_tried_is_unknown(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(pg_hba=("host all all 0.0.0.0/0 reject",))

    found = controls(pool, client(pool))

    assert [one.verdict for one in found["leak"]] == [UNKNOWN]
    assert [one.verdict for one in found["identity"]] == [PASS, UNKNOWN]
    assert all(one.observed.startswith("FATAL: ") for one in found["leak"])


def test_a_server_that_is_not_what_its_name_says_is_no_control(ground: GroundFactory) -> None:
    """The Pooler's name leads to PostgreSQL itself: the server check cannot be shown to say no."""
    here = ground()
    pool = here.pooler()
    assert pool.spec is not None
    astray = replace(pool, spec=replace(pool.spec, host=here.direct.host))

    found = controls(astray, client(pool))["identity"]

    assert [one.verdict for one in found] == [PASS, FAIL]
    assert found[1].observed == "it does not"


def test_a_certificate_that_has_the_name_is_no_control(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(own_certificate=True)
    one = client(pool)
    stage = staged(pool, one)
    assert pool.spec is not None
    stage.narrow = {one.pooler: pool.host}

    found = Controls(stage, {pool.spec.name: pool.spec}).run()

    [certificate] = [each for each in found if each.id == "certificate"]
    assert (certificate.verdict, certificate.observed) == (FAIL, "the login was taken")


def test_a_certificate_that_nobody_sees_is_no_control(ground: GroundFactory) -> None:
    """Refused, and not for its name."""
    pool = ground().pooler()
    clear = {"client_tls_sslmode": "disable"}

    [found] = controls(pool, client(pool, tls=Tls("never")), narrow=clear)["certificate"]

    assert found.verdict is FAIL and "does not support SSL" in found.observed


def test_a_pooler_that_wants_no_tls_has_no_certificate_to_ask(ground: GroundFactory) -> None:
    pool = ground().pooler()
    clear = {"client_tls_sslmode": "disable"}

    [found] = controls(pool, client(pool, tls=Tls("never")), parameters=clear)["certificate"]

    assert (found.verdict, found.observed) == (Verdict.SKIPPED, "the Pooler offers no TLS")


def test_a_certificate_where_nobody_may_log_in_is_no_control(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(own_certificate=True)
    one = client(pool)
    stage = staged(pool, one)
    assert pool.spec is not None
    stage.narrow = {one.pooler: pool.host}
    here.sql(f'ALTER ROLE "{here.owner}" NOLOGIN')

    found = Controls(stage, {pool.spec.name: pool.spec}).run()

    [certificate] = [each for each in found if each.id == "certificate"]
    assert certificate.verdict is FAIL


def test_who_lends_a_connection_to_a_pooler_s_controls(ground: GroundFactory) -> None:
    here = ground()
    pool = here.pooler(mode="session")
    assert pool.spec is not None
    probe = client(pool, purpose="probe")
    locked = replace(client(pool), login=None)
    literally = here.direct.login(password=Sensitive("$PASSWORD"))
    runtime = client(here.direct, mode="", variable="$PASSWORD", login=literally)
    migration = client(here.direct, mode="", purpose="migration")
    elsewhere = client(pool, pooler="other")
    stage = staged(pool, client(pool))
    everybody = (probe, locked, migration, elsewhere, runtime)

    [lent] = borrowers(replace(stage.scene, clients=everybody), pool.spec)

    assert lent.id == runtime.id
    assert (lent.server, lent.pooler, lent.pool_mode) == (pool.host, pool.spec.name, "session")
    assert lent.login is not None and lent.login.password == PASSWORD
    assert lent.variable == ""
    own = client(pool, mode="session")
    assert [
        one.id for one in borrowers(replace(stage.scene, clients=(*everybody, own)), pool.spec)
    ] == [own.id]
