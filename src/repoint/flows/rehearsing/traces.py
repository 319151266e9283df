"""What a client leaves on its server connection, and whether the next one finds it there."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace

from repoint.flows.rehearsing.stage import Answer, Stage, asking, passed
from repoint.model.rehearsal import Verdict
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import literal
from repoint.rules.facts import HazardKind
from repoint.wire.refusals import ServerRefusal

OWN_SETTING = "repoint.rehearsal"
"""Stands for settings that the source does not name, or that have no value in `_VALUES`."""
_LOCK = 742_201
_CHANNEL = "repoint_rehearsal"
# A value for each setting that is not the default; others are an application's own texts.
_VALUES = {
    "statement_timeout": "12345ms",
    "lock_timeout": "12345ms",
    "idle_in_transaction_session_timeout": "12345ms",
    "search_path": "pg_catalog",
    "timezone": "Asia/Tokyo",
    "default_transaction_read_only": "on",
    "default_transaction_isolation": "serializable",
    "row_security": "off",
    "work_mem": "12345kB",
    "datestyle": "SQL, DMY",
    "application_name": "acme",
    "client_min_messages": "error",
    "bytea_output": "escape",
    "jit": "off",
}


@dataclass(frozen=True, slots=True)
class Trace:
    """Something that a client leaves on its connection, and how another one finds it.

    `subjects` narrows the evidence that counts, such as to one setting's name; None takes any.
    """

    id: str
    facts: tuple[str, ...]
    kinds: tuple[HazardKind, ...]
    what: str
    leave: Callable[[Conversation], object]
    found: Callable[[Stage, Conversation], bool]
    subjects: tuple[str, ...] | None = None


def trace_check(trace: Trace) -> Callable[[Stage, Client], Answer]:
    """The check that asks whether `trace` reaches the next client."""

    def ask(stage: Stage, client: Client) -> Answer:
        login = asking(client)
        key = (trace.id, trace.what, client.pooler, login.user, login.database)
        measured = stage.once(key, lambda: _measured(stage, client, trace))
        return _weighed(client, trace, measured)

    ask.__doc__ = f"Whether {trace.what} reaches the next client ({', '.join(trace.facts)})."
    return ask


def _measured(stage: Stage, client: Client, trace: Trace) -> Answer:
    """Pass when the next client finds nothing."""
    clean = f"{trace.what} stays with its client"
    found = f"{trace.what} reaches the next client"
    leaks = left_behind(stage, client, trace)
    return passed(clean, found if leaks else clean, not leaks)


def left_behind(stage: Stage, client: Client, trace: Trace) -> bool:
    """Whether the next client on the same server connection finds the trace."""
    with cleaned(stage, client):
        with closing(stage.open_alone(client)) as first:
            trace.leave(first)
        with stage.alone(client) as second:
            return trace.found(stage, second)


@contextmanager
def cleaned(stage: Stage, client: Client) -> Iterator[None]:
    """Take an experiment's own traces away, so that the next experiment does not find them."""
    try:
        yield
    finally:
        with stage.alone(client) as conversation:
            conversation.query("DISCARD ALL")


def _weighed(client: Client, trace: Trace, measured: Answer) -> Answer:
    """A leak matters where the consumer does it; unknown where nothing tells."""
    if measured.verdict is Verdict.PASS:
        return measured
    place = client.uses(*trace.kinds, subjects=trace.subjects)
    if client.pool_mode != "transaction" or place:
        why = f", and {place} does it" if place else ""
        return replace(measured, verdict=Verdict.FAIL, observed=measured.observed + why)
    elsewhere = client.uses(*trace.kinds, subjects=trace.subjects, linked=False)
    if elsewhere:
        reason = f"{measured.observed}; {elsewhere} does it, and nothing tells for whom"
        return replace(measured, verdict=Verdict.UNKNOWN, observed=reason)
    if client.is_known:
        reason = f"{measured.observed}; what is known of it does none of this"
        return replace(measured, verdict=Verdict.SKIPPED, observed=reason)
    reason = f"{measured.observed}, and nothing tells whether the consumer does this"
    return replace(measured, verdict=Verdict.UNKNOWN, observed=reason)


def session_setting(stage: Stage, client: Client) -> Answer:
    """A setting of the session does not reach the next client (ST1, ST5, ST6, ST7).

    Each setting that the source names is tried, for PgBouncer keeps some apart (SP12); one of
    our own stands for those that it does not name, or for which there is no value here.
    """
    guc = HazardKind.SESSION_GUC
    subjects = dict.fromkeys(h.subject for h in client.facts.hazards if h.kind is guc)
    tried = [name for name in subjects if name.lower() in _VALUES or "." in name]
    rest = tuple(name for name in subjects if name not in tried)
    traces = [*map(setting_trace, tried), setting_trace(OWN_SETTING, rest)]
    answers = [trace_check(trace)(stage, client) for trace in traces]
    worst = [a for v in (Verdict.FAIL, Verdict.UNKNOWN) for a in answers if a.verdict is v]
    return worst[0] if worst else answers[0]


def setting_trace(name: str, subjects: tuple[str, ...] = ()) -> Trace:
    """A setting made for the session; it stands for `subjects`, else for itself."""
    value = _VALUES.get(name.lower(), "acme")
    made = f"SELECT set_config({literal(name)}, {literal(value)}, false)"
    seen = f"SELECT current_setting({literal(name)}, true)"

    def found(stage: Stage, conversation: Conversation) -> bool:
        return conversation.query(seen)[0][0] == value

    what = "a session setting" if name == OWN_SETTING else f"the setting `{name}`"
    return Trace(
        "session-setting",
        ("ST1", "ST5", "ST6", "ST7"),
        (HazardKind.SESSION_GUC,),
        what,
        lambda conversation: conversation.query(made),
        found,
        subjects or (name,),
    )


def listen(stage: Stage, client: Client) -> Answer:
    """A listener gets what is notified (ST11)."""

    def ask() -> Answer:
        alone = client.pool_mode == "transaction"
        expected = "the listener gets the notification"
        talk = stage.open_alone if alone else stage.open
        with (
            cleaned(stage, client),
            closing(talk(client)) as listener,
            closing(talk(client)) as speaker,
        ):
            listener.query(f"LISTEN {_CHANNEL}")
            speaker.query(f"NOTIFY {_CHANNEL}, 'hello'")
            heard = listener.notifications(0.3 if alone else 3.0)
        got = (_CHANNEL, "hello") in heard
        return passed(expected, expected if got else "the listener gets nothing", got)

    login = asking(client)
    measured = stage.once(("listen", client.pooler, login.user, login.database), ask)
    return _weighed(client, LISTENER, measured)


def _lock_left(stage: Stage, conversation: Conversation) -> bool:
    """Whether PostgreSQL still holds the lock of the client before."""
    sql = (
        "SELECT count(*)::text FROM pg_locks "
        f"WHERE locktype = 'advisory' AND objid = {_LOCK} AND granted"
    )
    return conversation.query(sql)[0][0] != "0"


def _works(sql: str) -> Callable[[Stage, Conversation], bool]:
    """Finds a trace by a statement that works only where it was left."""

    def found(stage: Stage, conversation: Conversation) -> bool:
        try:
            conversation.query(sql)
        except ServerRefusal:
            return False
        return True

    return found


LOCK = Trace(
    "advisory-lock",
    ("ST8",),
    (HazardKind.ADVISORY_LOCK,),
    "a session advisory lock",
    lambda conversation: conversation.query(f"SELECT pg_advisory_lock({_LOCK})"),
    _lock_left,
)
LISTENER = Trace(
    "listen",
    ("ST11",),
    (HazardKind.LISTEN,),
    "a listener's registration",
    lambda conversation: None,
    lambda stage, conversation: False,
)
TEMPORARY = Trace(
    "temporary-table",
    ("ST12",),
    (HazardKind.TEMP_TABLE, HazardKind.WITH_HOLD),
    "a temporary table",
    lambda conversation: conversation.query("CREATE TEMPORARY TABLE repoint_temporary (n int)"),
    _works("SELECT count(*) FROM repoint_temporary"),
)
PREPARED = Trace(
    "sql-prepare",
    ("PS5",),
    (HazardKind.SQL_PREPARE,),
    "a statement prepared in SQL",
    lambda conversation: conversation.query("PREPARE repoint_prepared AS SELECT 1"),
    _works("EXECUTE repoint_prepared"),
)
ROLE = Trace(
    "set-role",
    ("ST4",),
    (HazardKind.SET_ROLE,),
    "SET ROLE",
    lambda conversation: conversation.query("SELECT set_config('role', current_user::text, false)"),
    lambda stage, conversation: (
        conversation.query("SELECT current_setting('role')")[0][0] != "none"
    ),
)
