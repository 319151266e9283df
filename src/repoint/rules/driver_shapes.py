"""How a driver logs in with a connection string: its packet, its TLS, its way with statements.

One place turns a row of `driver_table` and a connection into a `Login`; the rules on startup
parameters and on TLS ask the same functions.
"""

from __future__ import annotations

from dataclasses import dataclass

from repoint.dsn.params import Pooled, Reader, canonical, known
from repoint.model.sensitive import Sensitive
from repoint.rules.driver_table import (
    Shape,
    TlsHabit,
    Unknown,
    sends,
    shape_of,
    wire_name,
)
from repoint.rules.facts import Connection
from repoint.rules.sent import decoded, sent
from repoint.wire.login import Login, Statements, Tls
from repoint.wire.refusals import DriverRefusal

# node-postgres with `uselibpqcompat` verifies like libpq, but never goes on in clear text.
_COMPATIBLE_TLS = TlsHabit(falls_back=frozenset())
_FALLBACK = frozenset({"fallbackapplicationname"})
_WORDS = {"true": "on", "1": "on", "on": "on", "false": "disable", "0": "disable"}


@dataclass(frozen=True, slots=True)
class Packet:
    """What goes into the startup packet, and what does not although the string says it.

    `left_out` are keys that PostgreSQL refuses too: an application that works today takes
    them out before its driver sees them (MG12).
    """

    startup: tuple[tuple[str, str], ...]
    left_out: tuple[str, ...] = ()


def driver_of(connection: Connection, driver: str) -> str:
    """The driver that reads this string: a JDBC URL is pgjdbc's, ADO.NET's pairs are Npgsql's."""
    if connection.style == "jdbc":
        return "pgjdbc"
    if connection.scheme.lower() == "ecto":
        return "postgrex"
    return "npgsql" if connection.is_ado else driver.lower()


def is_measured(driver: str) -> bool:
    """Whether the driver's row was measured on the wire; false for one that has no row."""
    return shape_of(driver).measured


def login_for(
    connection: Connection,
    driver: str,
    password: Sensitive,
    *,
    default_user: str = "",
    default_database: str = "",
) -> Login:
    """The login that `driver` makes of `connection`; an unknown driver is the strictest.

    The defaults count where the string names no user or database; without any, the database
    is called like the user, as in libpq.

    Raises:
        DriverRefusal: the driver does not take this string (X16).
    """
    name = driver_of(connection, driver)
    shape = shape_of(name)
    _refuse(connection, shape)
    user = connection.user or default_user
    return Login(
        driver=name,
        user=user,
        password=password,
        database=connection.database or default_database or user,
        startup=packet(connection, name).startup,
        tls=tls_of(connection, name),
        statements=statements_of(connection, name),
    )


def packet(connection: Connection, driver: str) -> Packet:
    """What `driver` sends of the string beside user and database, in the string's order."""
    shape = shape_of(driver_of(connection, driver))
    asked = {item.written: item for item in sent(connection, (shape.name,))}
    startup: dict[str, str] = {}
    left_out: list[str] = []
    # A fallback comes first, so that the name itself replaces it.
    for name, text in sorted(connection.params, key=lambda one: "fallback" not in one[0].lower()):
        item = asked.get(name)
        if canonical(name) == "replication":
            startup[name] = decoded(connection, text)
        elif item is not None and item.is_setting:
            startup[item.name] = decoded(connection, text)
        elif item is not None:
            left_out.append(name)
        elif _passes(shape, name):
            startup[wire_name(shape, name)] = decoded(connection, text)
    given = {canonical(name) for name in startup}
    extras = ((n, v) for n, v in shape.always if canonical(n) not in given)
    return Packet((*startup.items(), *extras), tuple(left_out))


def statements_of(connection: Connection, driver: str) -> Statements:
    """How `driver` sends queries with arguments, as the string tells it to."""
    shape = shape_of(driver_of(connection, driver))
    for key, values, style in shape.styles:
        if value_of(connection, key) in values:
            return style
    return shape.statements


def tls_of(connection: Connection, driver: str) -> Tls:
    """What `driver` asks of TLS and verifies (TL2, TL3, TL10)."""
    name = driver_of(connection, driver)
    habit = shape_of(name).tls
    if name == "node-postgres" and value_of(connection, "uselibpqcompat") == "true":
        habit = _COMPATIBLE_TLS
    mode = _mode(connection, habit)
    direct = value_of(connection, "sslnegotiation") == "direct"
    verified = _verified(connection, habit, mode)
    named = connection.param("sslrootcert") != "" or connection.extra_ca
    return Tls(
        wanted=_wanted(habit, mode, direct=direct),
        check_chain=verified != "",
        check_name=verified == "name",
        channel_binding=value_of(connection, "channel_binding") == "require",
        direct=direct,
        min_protocol=_minor(value_of(connection, "min_protocol_version")),
        max_protocol=_minor(value_of(connection, "max_protocol_version")),
        own_store=verified != "" and habit.own_store and not named,
    )


def value_of(connection: Connection, name: str) -> str:
    """A parameter's text in lower case, whatever the spelling of its name."""
    wanted = canonical(name)
    for key, text in connection.params:
        if canonical(key) == wanted:
            return decoded(connection, text).lower()
    return ""


def _passes(shape: Shape, name: str) -> bool:
    """Whether a key that no pool minds (SP2, SP11, SP12) goes on the wire."""
    row = known(name)
    harmless = row.reader is Reader.STARTUP and row.pooled is not Pooled.REFUSED
    if canonical(name) in _FALLBACK and canonical(name) not in shape.renames:
        return False
    return harmless and sends(shape, name)


def _refuse(connection: Connection, shape: Shape) -> None:
    """libpq reads every key of a string, and stops at one that it does not know."""
    if shape.unknown is not Unknown.REFUSES or connection.style not in ("url", "keyword-value"):
        return
    for name, _ in connection.params:
        row = known(name)
        # libpq's own spelling, to the letter: it refuses `connectTimeout`.
        client = row.reader is Reader.CLIENT and row.name == name
        if client or sends(shape, name) or name in ("replication", "ssl"):
            continue
        what = (
            "invalid URI query parameter:"
            if connection.style == "url"
            else "invalid connection option"
        )
        raise DriverRefusal(f'{what} "{name}"')


def reads_sslmode(connection: Connection, driver: str) -> bool:
    """Whether `driver` makes anything of an sslmode in its string (TL11)."""
    return shape_of(driver_of(connection, driver)).tls.reads_mode


def _mode(connection: Connection, habit: TlsHabit) -> str:
    """The sslmode as one word: `require`, `verifyca`, `noverify` ..; `ssl=` counts too."""
    if not habit.reads_mode:
        return "require" if value_of(connection, "ssl") == "true" else habit.default
    if value_of(connection, "sslrootcert") == "system":
        return "verifyfull"
    written = canonical(value_of(connection, "sslmode") or value_of(connection, "ssl"))
    word = _WORDS.get(written, written) or _unsaid(connection, habit)
    if word != "on":
        return word
    loose = "nonvalidating" in value_of(connection, "sslfactory")
    return "require" if loose else habit.ssl_true


def _unsaid(connection: Connection, habit: TlsHabit) -> str:
    """The sslmode of a string that names none; for node-postgres a CA is word enough (TL2)."""
    named = connection.param("sslrootcert") != ""
    return habit.default_with_ca if named and habit.default_with_ca else habit.default


def _verified(connection: Connection, habit: TlsHabit, mode: str) -> str:
    """`""`, `chain` or `name`; node-postgres verifies without a CA too (TL2)."""
    if mode == "verifyfull":
        return "name"
    if mode == "verifyca":
        return habit.verify_ca
    with_ca = habit.own_store or connection.param("sslrootcert") != ""
    return habit.with_ca if mode in habit.weak and with_ca else ""


def _wanted(habit: TlsHabit, mode: str, *, direct: bool) -> str:
    if mode == "disable":
        return "never"
    return "if-offered" if mode in habit.falls_back and not direct else "always"


def _minor(text: str) -> int:
    """The minor version of protocol 3 that a key asks for; libpq's newest is 3.2."""
    return 2 if text in ("3.2", "latest") else 0
