"""Checks of one connection by itself: login, server, schema, TLS, reading and writing."""

from __future__ import annotations

from dataclasses import replace

from repoint.flows.rehearsing.stage import (
    PLACE,
    Answer,
    Question,
    Refused,
    Stage,
    asking,
    passed,
    path_held,
    told,
)
from repoint.model.rehearsal import Verdict
from repoint.model.sensitive import Sensitive
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import MARKER
from repoint.wire.login import Statements
from repoint.wire.refusals import ServerRefusal

_TLS_DEMANDED = ("require", "verify-ca", "verify-full")
_NO_DATABASE = "repoint_no_such_database"
_NOT_ALLOWED = "42501"
_READERS = frozenset({"monitoring", "backup", "admin"})
"""Purposes that a role which may only read is enough for."""


def log_in(stage: Stage, client: Client) -> Answer:
    """The new connection string logs in, and a query is answered."""
    note = f"; `{client.variable}` was sent as it stands" if client.variable else ""
    expected = "the login is taken and a query answered"
    try:
        with stage.talk(client) as conversation:
            # A role's own default may make it another one; that is so without a pool, too.
            rows = conversation.run("SELECT session_user::text")
    except Refused as error:
        return Answer(Verdict.FAIL, expected, told(error) + note)
    user = rows[0][0] or ""
    return passed(expected, f"logged in as `{user}`", user == asking(client).user)


def server(stage: Stage, client: Client) -> Answer:
    """Pooled really is PgBouncer, direct really is not (TL8)."""
    with stage.talk(client) as conversation:
        return identity(conversation, pooled=bool(client.pooler))


def identity(conversation: Conversation, *, pooled: bool) -> Answer:
    """Whether the process that answers is the one that the client spoke to.

    PostgreSQL tells its own process id and the client's port; PgBouncer makes up an id for
    the client, and asks PostgreSQL from a port of its own.
    """
    row = conversation.query("SELECT pg_backend_pid()::text, inet_client_port()::text")[0]
    same = (row[0] == str(conversation.backend_pid), row[1] == str(conversation.local_port))
    expected = "PgBouncer" if pooled else "PostgreSQL itself"
    if same[0] != same[1]:
        return Answer(Verdict.UNKNOWN, expected, "the process id and the port disagree")
    observed = "PostgreSQL itself" if same[0] else "PgBouncer"
    return passed(expected, observed, expected == observed)


def current_schema(stage: Stage, client: Client) -> Answer:
    """Names without a schema are looked up where the consumer's tables are (SP1, SP2)."""
    wanted, _ = stage.wanted_path(client)
    with stage.talk(client) as conversation:
        schema = conversation.run("SELECT current_schema()::text")[0][0] or ""
        place = conversation.run(PLACE)[0][0] or ""
    seen = schema if schema == place else f"{schema}, and its table is {place}'s"
    return passed(wanted, seen, (schema, place) == (wanted, wanted))


def search_path(stage: Stage, client: Client) -> Answer:
    """The whole search_path arrives, not only its first schema (SP4, SP9).

    Where repoint.yaml alone tells the schema, those after it are nobody's to demand.
    """
    _, wanted = stage.wanted_path(client)
    with stage.talk(client) as conversation:
        seen = conversation.run("SELECT current_setting('search_path')")[0][0] or ""
        schema = conversation.run("SELECT current_schema()::text")[0][0] or ""
    return path_held(wanted, seen, schema, alone=client.schema_alone)


def encryption(stage: Stage, client: Client) -> Answer:
    """The client's own leg is encrypted; PostgreSQL's view tells of the pooler's leg only (TL8)."""
    with stage.talk(client) as conversation:
        return encrypted(client.sslmode, conversation.tls)


def encrypted(sslmode: str, tls: str) -> Answer:
    """Whether a leg with `tls` (empty for clear text) is what an sslmode asks for."""
    mode, seen = sslmode or "prefer", tls or "clear text"
    if mode in _TLS_DEMANDED:
        return passed(f"TLS, as sslmode={mode} demands", seen, bool(tls))
    if mode == "disable":
        return passed("clear text, as sslmode=disable asks", seen, not tls)
    return Answer(Verdict.PASS, f"whatever sslmode={mode} settles on", seen)


def read_write(stage: Stage, client: Client) -> Answer:
    """Rows are written and read back, in statements as the driver sends them (ST6)."""
    who = f"{client.id} {client.environment}"
    with stage.talk(client) as conversation:
        off = conversation.query("SHOW transaction_read_only")[0][0]
        if off != "off" and client.purpose in _READERS:
            return Answer(Verdict.SKIPPED, "a transaction that may write", "it only reads")
        if off != "off":
            return Answer(Verdict.FAIL, "a transaction that may write", "it is read only")
        values = ("written", who, "7")
        conversation.run(f"INSERT INTO {MARKER} VALUES ($1, $2, $3::int)", values)
        found = conversation.run(f"SELECT number::text FROM {MARKER} WHERE who = $1", (who,))
        conversation.run(f"DELETE FROM {MARKER} WHERE who = $1", (who,))
    seen = f"{len(found)} row(s) read back"
    return passed("1 row(s) read back", seen, found == (("7",),))


def schema_change(stage: Stage, client: Client) -> Answer:
    """A migration's role may make and drop a table in its schema."""
    table = f"{MARKER}_made"
    try:
        with stage.talk(client) as conversation:
            conversation.query(f"CREATE TABLE {table} (id bigint PRIMARY KEY)")
            conversation.query(f"ALTER TABLE {table} ADD COLUMN note text")
            conversation.query(f"DROP TABLE {table}")
    except ServerRefusal as error:
        if not client.is_guessed or error.sqlstate != _NOT_ALLOWED:
            raise
        observed = f"{told(error)}, as a role or in a database that nothing tells"
        return Answer(Verdict.UNKNOWN, "a table made, changed and dropped", observed)
    return Answer(Verdict.PASS, "a table made, changed and dropped", "made, changed and dropped")


def statements(stage: Stage, client: Client) -> Answer:
    """Two clients repeat their statements, and each gets its own rows (PS1, PS2, PS3)."""
    expected = "every result is the client's own"
    kind = asking(client).statements
    alone = client.pool_mode == "transaction"
    talk = stage.open_alone if alone else stage.open
    one, other = talk(client), talk(client)
    try:
        wrong = _two_trips(one, other) if kind is Statements.TWO_TRIPS else _repeat(one, other)
    finally:
        one.close()
        other.close()
    with stage.alone(client) if alone else stage.talk(client) as third:
        again = third.run("SELECT 'one ' || $1::text", ("x",))
    wrong += again != (("one x",),)
    observed = f"{wrong} wrong results" if wrong else f"all right ({kind.value})"
    if alone and not wrong and not client.driver_known:
        # Two round trips would not be, and no shape stands for both (PS1).
        reason = f"{observed} as {client.driver} sends them, and nothing tells its own driver"
        return Answer(Verdict.UNKNOWN, expected, reason)
    return passed(expected, observed, not wrong)


def _repeat(one: Conversation, other: Conversation) -> int:
    """Wrong results of seven rounds: from the fifth on every driver names its statement."""
    wrong = 0
    for number in range(7):
        first = one.run("SELECT 'one ' || $1::text", (str(number),))
        second = other.run("SELECT 'other ' || $1::text", (str(number),))
        wrong += first != ((f"one {number}",),)
        wrong += second != ((f"other {number}",),)
    return wrong


def _two_trips(one: Conversation, other: Conversation) -> int:
    """Wrong results where the other client parses between this one's two round trips."""
    wrong = 0
    for number in range(3):
        one.prepare("SELECT 'one ' || $1::text")
        other.prepare("SELECT 'other ' || $1::text")
        wrong += one.execute((str(number),)) != ((f"one {number}",),)
        other.prepare("SELECT 'other ' || $1::text")
        wrong += other.execute((str(number),)) != ((f"other {number}",),)
    return wrong


def wrong_password(stage: Stage, client: Client) -> Answer:
    """A wrong password is refused, with the text that probes and alerts will meet (OP6)."""
    login = asking(client)
    code = "08P01" if client.pooler else "28P01"
    expected = f"refused with {code}"

    def ask() -> Answer:
        try:
            with stage.talk(client, login=replace(login, password=Sensitive("not-it"))):
                return Answer(Verdict.FAIL, expected, "the login was taken")
        except ServerRefusal as error:
            return passed(expected, told(error), error.sqlstate == code)

    return stage.once(("wrong password", client.server, login.user), ask)


def wrong_database(stage: Stage, client: Client) -> Answer:
    """A database that does not exist is named as such (OP7)."""
    login = asking(client)
    expected = "refused with 3D000"

    def ask() -> Answer:
        try:
            with stage.talk(client, login=replace(login, database=_NO_DATABASE)) as conversation:
                conversation.query("SELECT 1")
                return Answer(Verdict.FAIL, expected, "the login was taken")
        except ServerRefusal as error:
            return passed(expected, told(error), error.sqlstate == "3D000")

    return stage.once(("wrong database", client.server, login.user), ask)


def _probes(client: Client) -> str:
    return "a wait loop asks no more than this" if client.purpose == "probe" else ""


def _no_migration(client: Client) -> str:
    return "" if client.migrates else "it does not change the schema"


LOGIN = Question("login", ("OP6", "SP1", "TL1", "X2"), "the login is taken", log_in)
QUESTIONS: tuple[Question, ...] = (
    Question("server", ("TL8",), "the right kind of server", server),
    Question("current-schema", ("SP1", "SP2", "SP6"), "its own schema", current_schema, _probes),
    Question("search-path", ("SP4", "SP9"), "its own search_path", search_path, _probes),
    Question("tls", ("TL8", "TL10"), "TLS as sslmode says", encryption),
    Question("read-write", ("ST6",), "rows written and read back", read_write, _probes),
    Question(
        "schema-change", ("MG1", "MG3"), "a table made and dropped", schema_change, _no_migration
    ),
    Question("statements", ("PS1", "PS2", "PS3"), "its own rows", statements, _probes),
    Question("wrong-password", ("OP6",), "refused", wrong_password, _probes),
    Question("wrong-database", ("OP7",), "refused with 3D000", wrong_database, _probes),
)
