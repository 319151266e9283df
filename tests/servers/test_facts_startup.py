"""Rows SP1 to SP13: what becomes of a startup parameter, measured, and what the rules say of it.

Each outcome is asked for with two clients that take turns on one server connection: one
client alone passes where two do not (SP6).
"""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from repoint.rules.facts import PoolerFacts
from repoint.rules.sent import Fate, Sent, fate
from repoint.wire.refusals import ServerRefusal
from tests.servers.fix_lab import Ground, GroundFactory, Pool, PoolerFactory

pytestmark = pytest.mark.servers

ONE = {"default_pool_size": "1"}
TRACK = {"track_extra_parameters": "IntervalStyle,search_path"}
REFUSED = r"unsupported startup parameter"
BOTH_MODES = pytest.mark.parametrize("mode", ["session", "transaction"])


def two_schemas(ground: Ground) -> None:
    ground.sql(
        "CREATE SCHEMA naytife",
        "CREATE TABLE naytife.who AS SELECT 'naytife'::text AS name",
        "CREATE SCHEMA hydra",
        "CREATE TABLE hydra.who AS SELECT 'hydra'::text AS name",
        "CREATE TABLE public.who AS SELECT 'public'::text AS name",
        f"GRANT USAGE ON SCHEMA naytife, hydra TO {ground.owner}",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA naytife, hydra, public TO {ground.owner}",
    )


def prepared(
    pooler: PoolerFactory,
    parameters: Mapping[str, str],
    *,
    mode: str = "transaction",
    postgres: int = 18,
    pgbouncer: str = "",
) -> Pool:
    pool = pooler(
        mode=mode, postgres=postgres, pgbouncer=pgbouncer, parameters={**ONE, **parameters}
    )
    two_schemas(pool.ground)
    return pool


def turns(pool: Pool, *startups: Mapping[str, str], anew: bool = False) -> list[str | None]:
    """What clients with these startup parameters read of `who`, taking turns three times.

    With `anew` each comes and goes, as it must at a session pool of one server connection.
    """
    seen: list[str | None] = []
    stay = [] if anew else [pool.connect("pgx", startup=startup) for startup in startups]
    for _ in range(3):
        for number, startup in enumerate(startups):
            session = pool.connect("pgx", startup=startup) if anew else stay[number]
            seen.append(session.query("SELECT name FROM who")[0][0])
            if anew:
                session.close()
    return seen


AS_PARAMETER = ({"search_path": "naytife"}, {"search_path": "hydra"})
IN_OPTIONS = ({"options": "-c search_path=naytife"}, {"options": "-c search_path=hydra"})
RIGHT = ["naytife", "hydra"] * 3


@BOTH_MODES
@pytest.mark.parametrize(
    "name",
    [
        "search_path",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "role",
        "default_transaction_isolation",
        "jit",
        "work_mem",
        "row_security",
    ],
)
def test_sp1_a_startup_parameter_is_refused(pooler: PoolerFactory, mode: str, name: str) -> None:
    pool = prepared(pooler, {}, mode=mode)
    value = {"search_path": "naytife", "role": pool.ground.owner, "jit": "off"}
    value |= {"default_transaction_isolation": "serializable", "work_mem": "4MB"}
    value |= {"row_security": "on"}
    startup = {name: value.get(name, "5000")}

    with pytest.raises(ServerRefusal, match=f"{REFUSED}: {name}") as refused:
        pool.connect("pgx", startup=startup)

    assert refused.value.sqlstate == "08P01"
    assert pool.ground.direct.connect("pgx", startup=startup).query("SELECT 1") == (("1",),)


@BOTH_MODES
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_sp2_options_are_dropped_without_a_word(
    pooler: PoolerFactory, mode: str, pgbouncer: str
) -> None:
    pool = prepared(pooler, {}, mode=mode, pgbouncer=pgbouncer)
    asked = {"options": "-c statement_timeout=5000 -c work_mem=7MB"}

    session = pool.connect("pgx", startup=asked)

    assert session.query("SHOW statement_timeout") == (("0",),)
    assert session.query("SHOW work_mem") != (("7MB",),)
    direct = pool.ground.direct.connect("pgx", startup=asked)
    assert direct.query("SHOW statement_timeout") == (("5s",),)


def test_sp2_options_lose_the_schema(pooler: PoolerFactory) -> None:
    pool = prepared(pooler, {}, pgbouncer="1.24")
    assert turns(pool, *IN_OPTIONS) == ["public"] * 6
    assert turns(pool.ground.direct, *IN_OPTIONS) == RIGHT


@BOTH_MODES
@pytest.mark.parametrize("postgres", [15, 18])
def test_sp3_ignoring_turns_an_error_into_the_wrong_schema(
    pooler: PoolerFactory, mode: str, postgres: int
) -> None:
    ignore = {"ignore_startup_parameters": "search_path"}
    pool = prepared(pooler, ignore, mode=mode, postgres=postgres, pgbouncer="1.24")
    assert turns(pool, *AS_PARAMETER, anew=True) == ["public"] * 6


@BOTH_MODES
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
@pytest.mark.parametrize("spelling", [AS_PARAMETER, IN_OPTIONS], ids=["parameter", "options"])
def test_sp4_tracking_keeps_schemas_apart_on_18(
    pooler: PoolerFactory, mode: str, pgbouncer: str, spelling: tuple[Mapping[str, str], ...]
) -> None:
    pool = prepared(pooler, TRACK, mode=mode, pgbouncer=pgbouncer)
    assert turns(pool, *spelling, anew=mode == "session") == RIGHT


@pytest.mark.parametrize("path", ['"MixedCase"', '"a,b"', "naytife, hydra"])
def test_sp4_tracking_keeps_quotes(pooler: PoolerFactory, path: str) -> None:
    session = prepared(pooler, TRACK).connect("pgx", startup={"search_path": path})
    assert session.query("SHOW search_path") == ((path,),)


@BOTH_MODES
@pytest.mark.parametrize("postgres", [15, 16, 17])
def test_sp5_tracking_does_nothing_before_18(
    pooler: PoolerFactory, mode: str, postgres: int
) -> None:
    pool = prepared(pooler, TRACK, mode=mode, postgres=postgres, pgbouncer="1.24")
    assert turns(pool, *AS_PARAMETER, anew=True) == ["public"] * 6


@pytest.mark.parametrize("postgres", [15, 17])
def test_sp6_pgbouncer_126_mixes_schemas_before_18(pooler: PoolerFactory, postgres: int) -> None:
    pool = prepared(pooler, {}, postgres=postgres, pgbouncer="1.26")
    alone = pool.connect("pgx", startup={"search_path": "naytife"})
    assert alone.query("SELECT name FROM who") == (("naytife",),)
    alone.close()
    seen = turns(pool, *AS_PARAMETER)
    assert seen != RIGHT
    assert seen[2:] == ["hydra"] * 4


def test_sp6_pgbouncer_126_keeps_schemas_apart_on_18(pooler: PoolerFactory) -> None:
    assert turns(prepared(pooler, {}, pgbouncer="1.26"), *AS_PARAMETER) == RIGHT


@pytest.mark.parametrize(
    ("tracked", "style"), [("search_path", "iso_8601"), ("IntervalStyle,search_path", "postgres")]
)
def test_sp7_tracking_replaces_the_default_list(
    pooler: PoolerFactory, tracked: str, style: str
) -> None:
    pool = prepared(pooler, {"track_extra_parameters": tracked}, pgbouncer="1.24")
    one, other = pool.connect(), pool.connect()
    one.query("SET IntervalStyle = iso_8601")
    assert other.query("SHOW IntervalStyle") == ((style,),)


@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_sp8_an_emptied_tracked_path_ends_the_client(pooler: PoolerFactory, pgbouncer: str) -> None:
    pool = prepared(pooler, TRACK, pgbouncer=pgbouncer)
    one, other = pool.connect(), pool.connect()
    one.query("SELECT pg_catalog.set_config('search_path', '', false)")
    other.query("SELECT 1")
    with pytest.raises(ServerRefusal, match="invalid server parameter"):
        one.query("SELECT 1")
    direct = pool.ground.direct.connect()
    direct.query("SELECT pg_catalog.set_config('search_path', '', false)")
    assert direct.query("SELECT 1") == (("1",),)


@BOTH_MODES
@pytest.mark.parametrize("postgres", [15, 17, 18])
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_sp9_a_role_of_its_own_has_the_path(
    pooler: PoolerFactory, mode: str, postgres: int, pgbouncer: str
) -> None:
    pool = prepared(pooler, {}, mode=mode, postgres=postgres, pgbouncer=pgbouncer)
    here = pool.ground
    roles = [here.role("app"), here.role("auth")]
    for role, schema in zip(roles, ("naytife", "hydra"), strict=True):
        here.sql(
            f"GRANT USAGE ON SCHEMA {schema} TO {role}",
            f"GRANT SELECT ON {schema}.who TO {role}",
            f"ALTER ROLE {role} IN DATABASE {here.database} SET search_path = {schema}",
        )
    seen = []
    for _ in range(3):
        for role in roles:
            session = pool.connect("pgx", user=role)
            seen.append(session.query("SELECT name FROM who")[0][0])
            session.close()
    assert seen == RIGHT


def test_sp9_leaves_the_key_in_place_when_it_is_ignored(pooler: PoolerFactory) -> None:
    ignore = {"ignore_startup_parameters": "statement_timeout"}
    pool = prepared(pooler, ignore)
    role = pool.ground.role("app", {"statement_timeout": "5s"})
    session = pool.connect("node-postgres", user=role, startup={"statement_timeout": "5000"})
    assert session.query("SHOW statement_timeout") == (("5s",),)


@pytest.mark.parametrize(
    "name", ["statement_timeout", "lock_timeout", "work_mem", "row_security", "bytea_output"]
)
def test_sp10_other_settings_cannot_be_tracked(pooler: PoolerFactory, name: str) -> None:
    pool = prepared(pooler, {"track_extra_parameters": f"IntervalStyle,{name}"}, pgbouncer="1.24")
    value = {"row_security": "off", "bytea_output": "escape", "work_mem": "7MB"}.get(name, "7s")
    session = pool.connect("pgx", startup={name: value})
    assert session.query(f"SHOW {name}") != ((value,),)
    direct = pool.ground.direct.connect("pgx", startup={name: value})
    assert direct.query(f"SHOW {name}") == ((value,),)


@pytest.mark.parametrize("postgres", [15, 18])
def test_sp10_a_reported_setting_can(pooler: PoolerFactory, postgres: int) -> None:
    tracked = {"track_extra_parameters": "IntervalStyle,default_transaction_read_only"}
    pool = prepared(pooler, tracked, postgres=postgres, pgbouncer="1.24")
    reader = pool.connect("pgx", startup={"default_transaction_read_only": "on"})
    writer = pool.connect("pgx")
    for _ in range(2):
        assert reader.query("SHOW transaction_read_only") == (("on",),)
        assert writer.query("SHOW transaction_read_only") == (("off",),)


@BOTH_MODES
def test_sp11_extra_float_digits_is_ignored_and_not_missed(
    pooler: PoolerFactory, mode: str
) -> None:
    pool = prepared(pooler, {}, mode=mode)
    session = pool.connect("lib/pq", startup={"extra_float_digits": "2"})
    assert session.query("SHOW extra_float_digits") == (("1",),)
    assert session.query("SELECT 0.1::float8 + 0.2::float8") == (("0.30000000000000004",),)


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("TimeZone", "Africa/Lagos", "Asia/Tokyo"),
        ("DateStyle", "ISO, DMY", "ISO, MDY"),
        ("application_name", "naytife", "hydra"),
        ("client_encoding", "UTF8", "LATIN1"),
        ("IntervalStyle", "iso_8601", "postgres"),
        ("standard_conforming_strings", "off", "on"),
    ],
)
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
def test_sp12_these_are_kept_for_each_client(
    pooler: PoolerFactory, pgbouncer: str, name: str, one: str, other: str
) -> None:
    pool = prepared(pooler, {}, pgbouncer=pgbouncer)
    sessions = [pool.connect("pgx", startup={name: value}) for value in (one, other)]
    for _ in range(3):
        seen = [session.query(f"SHOW {name}")[0][0] for session in sessions]
        assert seen == [one, other]


@pytest.mark.parametrize(("pgbouncer", "seen"), [("1.24", RIGHT), ("1.26", ["public"] * 6)])
def test_sp13_tracked_and_ignored_depends_on_the_version(
    pooler: PoolerFactory, pgbouncer: str, seen: list[str]
) -> None:
    both = {**TRACK, "ignore_startup_parameters": "search_path"}
    assert turns(prepared(pooler, both, pgbouncer=pgbouncer), *AS_PARAMETER) == seen


SETTINGS: dict[str, Mapping[str, str]] = {
    "plain": {},
    "tracked": TRACK,
    "ignored": {"ignore_startup_parameters": "search_path"},
    "both": {**TRACK, "ignore_startup_parameters": "search_path"},
}
SHOWN = {
    Fate.WORKS: RIGHT,
    Fate.DROPPED: ["public"] * 6,
    Fate.IGNORED: ["public"] * 6,
    Fate.UNTRACKABLE: ["public"] * 6,
}


@pytest.mark.parametrize("parameters", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("postgres", [15, 16, 17, 18])
@pytest.mark.parametrize("pgbouncer", ["1.24", "1.26"])
@pytest.mark.parametrize("spelling", [AS_PARAMETER, IN_OPTIONS], ids=["parameter", "options"])
def test_x1_the_rules_foretell_what_the_servers_do(
    ground: GroundFactory,
    parameters: Mapping[str, str],
    postgres: int,
    pgbouncer: str,
    spelling: tuple[Mapping[str, str], ...],
) -> None:
    here = ground(postgres)
    two_schemas(here)
    pool = here.pooler(mode="transaction", pgbouncer=pgbouncer, parameters={**ONE, **parameters})
    version = tuple(int(part) for part in pgbouncer.split("."))
    facts = PoolerFacts("p", "", "", "transaction", 1, tuple(parameters.items()), version, False)

    told = fate(Sent("search_path", "", in_options=spelling is IN_OPTIONS), facts, postgres)

    if told is Fate.REFUSED:
        with pytest.raises(ServerRefusal, match=REFUSED):
            turns(pool, *spelling)
    elif told is Fate.MIXED:
        assert turns(pool, *spelling) not in (RIGHT, ["public"] * 6)
    else:
        assert turns(pool, *spelling) == SHOWN[told]
