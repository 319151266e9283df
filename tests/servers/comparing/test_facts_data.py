"""Rows DC1 to DC9: what two versions of PostgreSQL say of the same data, and what counters miss."""

from __future__ import annotations

from contextlib import closing

import pytest

from repoint.comparison.rows import SETTINGS
from repoint.wire.refusals import ServerRefusal
from tests.servers.comparing.conftest import Half, Pair, Twins

pytestmark = pytest.mark.servers

Rows = tuple[tuple[str | None, ...], ...]
SUM = (
    "sum(hashtextextended(ROW(k.*)::text, 42)), "
    "md5(string_agg(md5(ROW(k.*)::text), ',' ORDER BY id))"
)


@pytest.fixture
def pair(twins: Twins) -> Pair:
    return twins.pair()


def both(pair: Pair, *sql: str) -> tuple[Rows, Rows]:
    return pair.source.sql(*sql), pair.target.sql(*sql)


def shaped(half: Half, sql: str, **other: str) -> Rows:
    values = {**dict(SETTINGS), **other}
    with closing(half.connect()) as session:
        for name, value in values.items():
            session.query(f"SELECT set_config('{name}', '{value}', false)")
        return session.query(sql)


def test_DC1_a_rows_text_and_its_hash_are_the_same_on_15_and_18(pair: Pair) -> None:
    sql = f"SELECT {SUM} FROM shop.kinds k"

    assert shaped(pair.source, sql) == shaped(pair.target, sql)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DateStyle", "German"),
        ("IntervalStyle", "postgres"),
        ("TimeZone", "Asia/Tokyo"),
        ("extra_float_digits", "0"),
        ("bytea_output", "escape"),
        ("search_path", "pg_temp"),
    ],
)
def test_DC1_each_setting_that_is_fixed_shapes_the_text(pair: Pair, name: str, value: str) -> None:
    sql = f"SELECT {SUM} FROM shop.kinds k"
    usual = shaped(pair.target, sql)
    if name == "search_path":
        pair.target.sql("UPDATE shop.kinds SET cl = 'shop.heap'")
        usual = shaped(pair.target, sql)
        assert shaped(pair.target, sql, search_path="shop") != usual
        return

    assert shaped(pair.target, sql, **{name: value}) != usual


def test_DC2_newer_servers_quote_more_names(pair: Pair) -> None:
    names = "SELECT quote_ident('json'), quote_ident('system_user'), quote_ident('select')"

    assert both(pair, names) == (
        (("json", "system_user", '"select"'),),
        (('"json"', '"system_user"', '"select"'),),
    )


def test_DC3_a_view_of_one_table_names_it_before_16_only(pair: Pair) -> None:
    old, new = both(pair, "SELECT pg_get_viewdef('shop.cheap'::regclass)")

    assert "orders.total" in str(old[0][0])
    assert "orders.total" not in str(new[0][0]) and "total" in str(new[0][0])


def test_DC3_NOT_NULL_is_a_constraint_from_18_on(pair: Pair) -> None:
    old, new = both(pair, "SELECT count(*) > 0 FROM pg_constraint WHERE contype = 'n'")

    assert (old, new) == ((("f",),), (("t",),))


def test_DC3_a_partition_has_its_parents_identity_from_17_on(pair: Pair) -> None:
    old, new = both(
        pair,
        "SELECT attidentity FROM pg_attribute WHERE attname = 'id' "
        "AND attrelid = 'shop.orders_2024'::regclass",
    )

    assert (old, new) == ((("",),), (("d",),))


def test_DC4_the_default_of_an_owner_has_MAINTAIN_from_17_on(pair: Pair) -> None:
    sql = "SELECT count(*) FROM aclexplode(acldefault('r', 10)) WHERE privilege_type = 'MAINTAIN'"

    assert both(pair, sql) == ((("0",),), (("1",),))


def test_DC5_row_security_hides_rows_or_is_an_error(pair: Pair) -> None:
    with closing(pair.target.connect(user="rich_reader")) as session:
        session.query("SET row_security = on")
        pair.target.sql("UPDATE shop.heap SET n = 60 WHERE n = 1")
        (seen,) = session.query("SELECT count(*) FROM shop.heap")
        session.query("SET row_security = off")
        with pytest.raises(ServerRefusal) as refused:
            session.query("SELECT count(*) FROM shop.heap")

    assert seen == ("60",)
    assert refused.value.sqlstate == "42501"


def counters(half: Half, table: str) -> tuple[str | None, ...]:
    return half.sql(
        "SELECT n_tup_ins, n_tup_upd, n_tup_del FROM pg_stat_user_tables "
        f"WHERE relid = '{table}'::regclass"
    )[0]


def test_DC6_counters_count_what_was_rolled_back_and_no_TRUNCATE(pair: Pair) -> None:
    target = pair.target
    before = counters(target, "shop.texts")
    target.sql("BEGIN; DELETE FROM shop.texts; ROLLBACK")
    assert counters(target, "shop.texts")[2] == "400"
    assert target.sql("SELECT count(*) FROM shop.texts") == (("400",),)

    heap = counters(target, "shop.heap")
    file = target.sql("SELECT pg_relation_filenode('shop.heap')")
    target.sql("TRUNCATE shop.heap")
    assert counters(target, "shop.heap") == heap
    assert target.sql("SELECT pg_relation_filenode('shop.heap')") != file
    assert before[2] == "0"


def epoch(half: Half) -> Rows:
    return half.sql(
        "SELECT (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()), "
        "(SELECT stats_reset FROM pg_stat_bgwriter), pg_postmaster_start_time()"
    )


def test_DC7_resetting_one_tables_counters_shows_in_the_databases(pair: Pair) -> None:
    before = epoch(pair.target)[0]
    pair.target.sql("SELECT pg_stat_reset_single_table_counters('shop.big'::regclass)")
    after = epoch(pair.target)[0]

    assert before[0] is None and after[0] is not None
    assert before[1:] == after[1:]


def test_DC7_DC8_a_crash_loses_counters_and_unlogged_rows_and_shows_in_the_bgwriters(
    pair: Pair, twins: Twins
) -> None:
    pair.target.sql("DELETE FROM shop.big WHERE id = 1")
    before = epoch(pair.target)[0]
    pair.target.lab.stop_postgres()
    pair.target.lab.start_postgres()
    twins.refill()
    after = epoch(pair.target)[0]

    assert counters(pair.target, "shop.big") == ("0", "0", "0")
    assert before[0] == after[0] is None  # the database itself does not tell
    assert before[1] != after[1]
    assert pair.target.sql("SELECT count(*) FROM shop.cache") == (("0",),)


def test_DC9_a_sequence_moves_on_whatever_its_transaction_does(pair: Pair) -> None:
    with closing(pair.target.connect()) as reader:
        reader.query("BEGIN ISOLATION LEVEL REPEATABLE READ")
        (before,) = reader.query("SELECT last_value FROM shop.tickets")
        pair.target.sql("BEGIN; SELECT nextval('shop.tickets'); ROLLBACK")
        (after,) = reader.query("SELECT last_value FROM shop.tickets")

    assert (before, after) == (("105",), ("110",))
