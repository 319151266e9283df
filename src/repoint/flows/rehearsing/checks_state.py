"""Checks of two clients on one server connection: what one leaves there, the other may find."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace

from repoint.flows.rehearsing.stage import (
    PLACE,
    Answer,
    Question,
    Stage,
    asking,
    passed,
)
from repoint.model.rehearsal import Verdict
from repoint.ports import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import TENANTS, literal
from repoint.rules.facts import HazardKind
from repoint.wire.refusals import ServerRefusal

_LOCK = 742_201
_CHANNEL = "repoint_rehearsal"
_ROUNDS = 3
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
    """Something that a client leaves on its connection, and how another one finds it."""

    id: str
    facts: tuple[str, ...]
    kinds: tuple[HazardKind, ...]
    what: str
    leave: Callable[[Conversation], object]
    found: Callable[[Stage, Conversation], bool]


def isolation(stage: Stage, client: Client) -> Answer:
    """Two clients take turns on one server connection, and each stays in its own schema (SP6)."""
    rival = _rival(stage, client)
    mine, theirs = stage.wanted_path(client)[0], stage.wanted_path(rival)[0]
    expected = f"{mine} in every one of {_ROUNDS} turns, beside a client in {theirs}"
    seen = [place for who, place in _turns(stage, client, rival) if who is client]
    wrong = [place for place in seen if place != mine]
    return passed(expected, f"{wrong[0]} in one of them" if wrong else mine, not wrong)


def _turns(stage: Stage, one: Client, other: Client) -> Iterator[tuple[Client, str]]:
    """Who looked where: side by side in a transaction pool, one after the other in a session."""
    if one.pool_mode == "transaction":
        with stage.alone(one) as first, stage.alone(other) as second:
            for _ in range(_ROUNDS):
                yield one, _place(first)
                yield other, _place(second)
        return
    for _ in range(_ROUNDS):
        for who in (one, other):
            with stage.alone(who) as conversation:
                yield who, _place(conversation)


def _place(conversation: Conversation) -> str:
    return conversation.run(PLACE)[0][0] or ""


def _rival(stage: Stage, client: Client) -> Client:
    """Another client of the same pool in another schema; else the same one without its schema."""
    login = asking(client)
    for other in stage.scene.clients:
        twin = other.login
        if twin is None or other.pooler != client.pooler:
            continue
        same = (twin.user, twin.database) == (login.user, login.database)
        if same and other.schema != client.schema and not other.variable:
            return other
    plain = tuple(pair for pair in login.startup if pair[0] not in ("search_path", "options"))
    return replace(client, login=replace(login, startup=plain), schema="")


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
    try:
        with closing(stage.open_alone(client)) as first:
            trace.leave(first)
            if client.pool_mode == "transaction":
                with stage.alone(client) as second:
                    return trace.found(stage, second)
        with stage.alone(client) as second:
            return trace.found(stage, second)
    finally:
        # The experiment's own trace must not be found by the next experiment.
        with stage.alone(client) as cleaner:
            cleaner.query("DISCARD ALL")


def _weighed(client: Client, trace: Trace, measured: Answer) -> Answer:
    """A leak matters where the consumer does it; unknown where nothing tells."""
    if measured.verdict is Verdict.PASS:
        return measured
    place = client.uses(*trace.kinds)
    if client.pool_mode != "transaction" or place:
        why = f", and {place} does it" if place else ""
        return replace(measured, verdict=Verdict.FAIL, observed=measured.observed + why)
    if client.source_read:
        reason = f"{measured.observed}; its source text does none of this"
        return replace(measured, verdict=Verdict.SKIPPED, observed=reason)
    reason = f"{measured.observed}, and no source text tells whether it does this"
    return replace(measured, verdict=Verdict.UNKNOWN, observed=reason)


def session_setting(stage: Stage, client: Client) -> Answer:
    """A setting of the session does not reach the next client (ST1, ST5, ST6, ST7)."""
    names = [h.subject for h in client.facts.hazards if h.kind is HazardKind.SESSION_GUC]
    answers = [
        trace_check(setting_trace(name))(stage, client)
        for name in dict.fromkeys(name for name in (*names, "repoint.rehearsal") if name)
    ]
    worst = [a for v in (Verdict.FAIL, Verdict.UNKNOWN) for a in answers if a.verdict is v]
    if worst:
        return worst[0]
    return answers[0]


def setting_trace(name: str) -> Trace:
    """A setting made for the session."""
    value = _VALUES.get(name.lower(), "acme")
    made = f"SELECT set_config({literal(name)}, {literal(value)}, false)"
    seen = f"SELECT current_setting({literal(name)}, true)"

    def found(stage: Stage, conversation: Conversation) -> bool:
        return conversation.query(seen)[0][0] == value

    what = "a session setting" if name == "repoint.rehearsal" else f"the setting `{name}`"
    return Trace(
        "session-setting",
        ("ST1", "ST5", "ST6", "ST7"),
        (HazardKind.SESSION_GUC,),
        what,
        lambda conversation: conversation.query(made),
        found,
    )


def row_security(stage: Stage, client: Client) -> Answer:
    """Each tenant reads its own rows, and a client without a tenant reads none (ST2)."""
    setting = tenant_setting(client)
    local = client.uses(HazardKind.LOCAL_GUC) and not client.uses(HazardKind.SESSION_GUC)
    expected = "acme reads acme, globex reads globex, a client without a tenant reads nothing"
    if client.pool_mode == "transaction" or not client.pooler:
        talk = stage.open_alone if client.pooler else stage.open
        with (
            closing(talk(client)) as acme,
            closing(talk(client)) as globex,
            closing(talk(client)) as nobody,
        ):
            seen = _tenants(acme, globex, nobody, setting, local=bool(local))
    else:
        seen = _tenants_in_turn(stage, client, setting)
    wanted = (("acme",), ("globex",), ())
    observed = "; ".join(
        f"{who} reads {', '.join(rows) or 'nothing'}"
        for who, rows in zip(("acme", "globex", "a client without a tenant"), seen, strict=True)
    )
    return passed(expected, observed, seen == wanted)


_Rows = tuple[str, ...]


def _tenants(
    acme: Conversation, globex: Conversation, nobody: Conversation, setting: str, *, local: bool
) -> tuple[_Rows, _Rows, _Rows]:
    if local:
        return (
            _read_locally(acme, setting, "acme"),
            _read_locally(globex, setting, "globex"),
            _read(nobody),
        )
    _be(acme, setting, "acme")
    _be(globex, setting, "globex")
    return _read(acme), _read(globex), _read(nobody)


def _tenants_in_turn(stage: Stage, client: Client, setting: str) -> tuple[_Rows, _Rows, _Rows]:
    """In a session pool: each in a session of its own, one after another on one server."""
    with stage.alone(client) as acme:
        _be(acme, setting, "acme")
        first = _read(acme)
    with stage.alone(client) as nobody:
        none = _read(nobody)
    with stage.alone(client) as globex:
        _be(globex, setting, "globex")
        second = _read(globex)
    return first, second, none


def _be(conversation: Conversation, setting: str, tenant: str) -> None:
    conversation.query(f"SELECT set_config({literal(setting)}, {literal(tenant)}, false)")


def _read(conversation: Conversation) -> _Rows:
    rows = conversation.query(f"SELECT tenant FROM public.{TENANTS} ORDER BY 1")
    return tuple(row[0] or "" for row in rows)


def _read_locally(conversation: Conversation, setting: str, tenant: str) -> _Rows:
    conversation.query("BEGIN")
    conversation.query(f"SELECT set_config({literal(setting)}, {literal(tenant)}, true)")
    rows = _read(conversation)
    conversation.query("COMMIT")
    return rows


def tenant_setting(client: Client) -> str:
    """The setting that the consumer's row-level security reads; empty when it has none."""
    hazards = client.facts.hazards
    named = [h.subject for h in hazards if h.kind is HazardKind.RLS_GUC and h.subject]
    if named:
        return named[0]
    if any(h.kind in (HazardKind.RLS, HazardKind.RLS_GUC) for h in hazards):
        own = [h.subject for h in hazards if h.kind is HazardKind.SESSION_GUC and "." in h.subject]
        return own[0] if own else ""
    return ""


def listen(stage: Stage, client: Client) -> Answer:
    """A listener gets what is notified (ST11)."""

    def ask() -> Answer:
        alone = client.pool_mode == "transaction"
        expected = "the listener gets the notification"
        with (
            closing(stage.open_alone(client) if alone else stage.open(client)) as listener,
            closing(stage.open_alone(client) if alone else stage.open(client)) as speaker,
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


def _no_pool(client: Client) -> str:
    if client.purpose == "probe":
        return "a wait loop asks no more than this"
    return "" if client.pooler else "a direct connection has a server process of its own"


def _no_tenants(client: Client) -> str:
    if client.purpose == "probe":
        return "a wait loop asks no more than this"
    if client.migrates:
        return "a migration reads no tenant's rows"
    return "" if tenant_setting(client) else "no row-level security on a session setting was seen"


def _traced(trace: Trace) -> Question:
    return Question(
        trace.id, trace.facts, f"{trace.what} stays with its client", trace_check(trace), _no_pool
    )


QUESTIONS: tuple[Question, ...] = (
    Question(
        "isolation", ("SP4", "SP6", "SP9"), "its own schema in every turn", isolation, _no_pool
    ),
    Question(
        "session-setting",
        ("ST1", "ST5", "ST6", "ST7"),
        "a session setting stays with its client",
        session_setting,
        _no_pool,
    ),
    Question("row-security", ("ST2", "ST3"), "its own tenant's rows", row_security, _no_tenants),
    _traced(ROLE),
    _traced(LOCK),
    Question("listen", ("ST11",), "the listener gets the notification", listen, _no_pool),
    _traced(TEMPORARY),
    _traced(PREPARED),
)
