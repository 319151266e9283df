"""The table of drivers: what each makes of a connection string's keys, of sslmode, of a query.

Measured on the wire (facts, section 1 and 3, TL2, TL3, TL10) with psycopg 3.3, psycopg2 2.9,
asyncpg 0.32, pg8000 1.31, node-postgres 8.23, postgres.js 3.4, pgx 5.9, lib/pq 1.10 and
pgjdbc 42.7. The others carry `measured=False` and send every setting, as pgx does: what gets
through a pool in that shape gets through in every other.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import StrEnum

from repoint.dsn.params import ADO_NAMES, canonical, known
from repoint.wire.login import Statements


class Unknown(StrEnum):
    """What a driver does with a key that it does not know."""

    SENDS = "sends"
    """Puts it into the startup packet, whatever it is."""
    KEEPS = "keeps"
    """Ignores it."""
    REFUSES = "refuses"
    """Does not even connect (X16)."""


@dataclass(frozen=True, slots=True)
class TlsHabit:
    """What a driver reads out of sslmode.

    `default` is the sslmode without one, `default_with_ca` where a CA is named, if that tells
    another one. `with_ca` and `verify_ca` tell what is verified for
    the modes of `weak` when a CA is named, and for verify-ca: `""`, `chain` or `name` (which
    includes the chain). `falls_back` are the modes that go on in clear text. `own_store` tells
    that it verifies without a named CA as well, with those that it brings along.
    `reads_mode` is false for one that takes `ssl` alone (TL11).
    """

    default: str = "prefer"
    default_with_ca: str = ""
    with_ca: str = "chain"
    verify_ca: str = "chain"
    weak: frozenset[str] = frozenset({"require"})
    falls_back: frozenset[str] = frozenset({"allow", "prefer"})
    ssl_true: str = "require"
    own_store: bool = False
    reads_mode: bool = True


@dataclass(frozen=True, slots=True)
class Shape:
    """A driver's row.

    Keys are in `canonical` spelling. `sends` are those it sends although `unknown` is not
    SENDS, `keeps` those it keeps although it is; `renames` gives the name on the wire.
    `always` goes into every startup packet unless the string says otherwise. `styles` are
    `(key, values, style)`: what a key of the string makes of `statements`. `silenced` are
    `(key, other key, value)`: the key is not sent where the other one has that value.
    """

    name: str
    statements: Statements
    unknown: Unknown = Unknown.SENDS
    sends: frozenset[str] = frozenset()
    keeps: frozenset[str] = frozenset()
    renames: dict[str, str] = field(default_factory=dict)
    always: tuple[tuple[str, str], ...] = ()
    styles: tuple[tuple[str, tuple[str, ...], Statements], ...] = ()
    silenced: tuple[tuple[str, str, str], ...] = ()
    tls: TlsHabit = TlsHabit()
    measured: bool = True


def _keys(text: str) -> frozenset[str]:
    return frozenset(canonical(name) for name in text.split())


_TIMEOUTS = "statement_timeout lock_timeout idle_in_transaction_session_timeout"
_APPLICATION = {"fallbackapplicationname": "application_name"}
_UTF8 = ("client_encoding", "UTF8")
_LIB_PQ_TLS = TlsHabit(default="require", with_ca="name", verify_ca="name")
# pg-connection-string: every mode but disable and no-verify is Node's own full verification.
_NODE_TLS = TlsHabit(
    default="disable",
    default_with_ca="verifyfull",
    with_ca="name",
    verify_ca="name",
    weak=frozenset({"allow", "prefer", "require"}),
    falls_back=frozenset(),
    own_store=True,
)
_POSTGRES_JS_TLS = TlsHabit(
    default="disable",
    with_ca="",
    verify_ca="name",
    falls_back=frozenset({"prefer"}),
    ssl_true="verifyfull",
)
_PGJDBC_TLS = TlsHabit(with_ca="", ssl_true="verifyfull")
_PGX_STYLES = (
    ("default_query_exec_mode", ("describe_exec",), Statements.TWO_TRIPS),
    ("default_query_exec_mode", ("exec", "cache_describe"), Statements.ONE_TRIP),
    ("default_query_exec_mode", ("simple_protocol",), Statements.SIMPLE),
)
_PGX_KEEPS = _keys("default_query_exec_mode statement_cache_capacity description_cache_capacity")


_PGX = Shape("pgx", Statements.NAMED, keeps=_PGX_KEEPS, styles=_PGX_STYLES)
_LIBPQ = Shape(
    "libpq",
    Statements.ONE_TRIP,
    unknown=Unknown.REFUSES,
    sends=_keys("application_name fallback_application_name client_encoding options"),
    renames=_APPLICATION,
)
# `tcp_user_timeout` is libpq's own key: who writes it and names no driver means libpq.
UNKNOWN = replace(_PGX, name="", keeps=_PGX_KEEPS | _keys("tcp_user_timeout"), measured=False)
"""The strictest shape, for a driver that the table does not know."""

_ROWS: tuple[Shape, ...] = (
    _PGX,
    replace(_PGX, name="pgx-stdlib"),
    Shape(
        "lib/pq",
        Statements.TWO_TRIPS,
        keeps=_keys("binary_parameters disable_prepared_binary_result sslinline krbspn"),
        renames=_APPLICATION,
        always=(("extra_float_digits", "2"), ("datestyle", "ISO, MDY"), _UTF8),
        styles=(("binary_parameters", ("yes",), Statements.ONE_TRIP),),
        tls=_LIB_PQ_TLS,
    ),
    Shape(
        "pgjdbc",
        Statements.NAMED_LATER,
        unknown=Unknown.KEEPS,
        # ApplicationName is set by a statement after the login.
        sends=_keys("currentSchema options"),
        renames={"currentschema": "search_path"},
        always=(_UTF8, ("DateStyle", "ISO"), ("TimeZone", "UTC")),
        styles=(
            ("preferQueryMode", ("simple",), Statements.SIMPLE),
            ("prepareThreshold", ("0",), Statements.ONE_TRIP),
            ("prepareThreshold", ("1", "-1"), Statements.NAMED),
        ),
        tls=_PGJDBC_TLS,
    ),
    Shape(
        "node-postgres",
        Statements.ONE_TRIP,
        unknown=Unknown.KEEPS,
        sends=_keys(f"application_name fallback_application_name options {_TIMEOUTS}"),
        renames=_APPLICATION,
        always=(_UTF8,),
        tls=_NODE_TLS,
    ),
    Shape(
        "postgres.js",
        Statements.NAMED,
        keeps=_keys("max ssl idle_timeout max_lifetime max_pipeline keep_alive prepare debug"),
        always=(_UTF8, ("application_name", "postgres.js")),
        styles=(("prepare", ("false",), Statements.ONE_TRIP),),
        tls=_POSTGRES_JS_TLS,
    ),
    Shape(
        "asyncpg",
        Statements.NAMED,
        keeps=_keys("prepared_statement_cache_size"),
        always=(("client_encoding", "'utf-8'"),),
        styles=(("statement_cache_size", ("0",), Statements.ONE_TRIP),),
    ),
    Shape("pg8000", Statements.TWO_TRIPS),
    _LIBPQ,
    replace(_LIBPQ, name="psycopg2", statements=Statements.SIMPLE),
    replace(
        _LIBPQ,
        name="psycopg",
        statements=Statements.NAMED_LATER,
        styles=(
            ("prepare_threshold", ("none", "null"), Statements.ONE_TRIP),
            ("prepare_threshold", ("0", "1"), Statements.NAMED),
        ),
    ),
    replace(
        _LIBPQ,
        name="activerecord",
        # Rails hands libpq the keys that libpq knows, and keeps the others of DATABASE_URL.
        statements=Statements.NAMED,
        unknown=Unknown.KEEPS,
        styles=(("prepared_statements", ("false",), Statements.ONE_TRIP),),
        measured=False,
    ),
    Shape(
        "npgsql",
        Statements.ONE_TRIP,
        keeps=ADO_NAMES,
        renames={"applicationname": "application_name"},
        always=(_UTF8,),
        measured=False,
    ),
    Shape(
        "postgrex",
        # Ecto makes options of a URL's parameters, and Postgrex heeds those that it knows.
        Statements.NAMED,
        unknown=Unknown.KEEPS,
        always=(_UTF8,),
        tls=TlsHabit(default="disable", falls_back=frozenset(), reads_mode=False),
        measured=False,
    ),
    Shape("tokio-postgres", Statements.NAMED, always=(_UTF8,), measured=False),
    Shape(
        "sqlx",
        Statements.NAMED,
        keeps=_keys("statement-cache-capacity"),
        always=(_UTF8, ("DateStyle", "ISO, MDY"), ("TimeZone", "UTC"), ("extra_float_digits", "2")),
        measured=False,
    ),
    Shape(
        "prisma",
        Statements.NAMED,
        # quaint, PostgresNativeUrl::set_search_path and to_config.
        unknown=Unknown.KEEPS,
        sends=_keys("schema application_name options"),
        renames={"schema": "search_path"},
        silenced=(("schema", "pgbouncer", "true"),),
        always=(_UTF8,),
        styles=(("pgbouncer", ("true",), Statements.ONE_TRIP),),
        measured=False,
    ),
)
SHAPES: dict[str, Shape] = {row.name: row for row in _ROWS}
"""Every driver that the table knows, by the name that `rules.drivers` gives it."""


def shape_of(driver: str) -> Shape:
    """The driver's row; the strictest for one that the table does not know."""
    return SHAPES.get(driver.lower(), UNKNOWN)


def sends(shape: Shape, name: str) -> bool:
    """Whether the driver puts this key of a connection string into the startup packet."""
    key = canonical(name)
    if shape.unknown is Unknown.SENDS:
        return key not in shape.keeps
    # These drivers read their keys to the letter; settings alone are spelled as one likes.
    return key in shape.sends and known(name).name == name


def wire_name(shape: Shape, name: str) -> str:
    """What the driver calls a key in the startup packet."""
    return shape.renames.get(canonical(name), name)
