"""Checks of two clients on one server connection: what one leaves there, the other may find."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, nullcontext, suppress
from dataclasses import replace

from repoint.flows.rehearsing.stage import (
    PLACE,
    Answer,
    Question,
    Refused,
    Stage,
    asking,
    passed,
)
from repoint.flows.rehearsing.traces import (
    LOCK,
    PREPARED,
    ROLE,
    TEMPORARY,
    Trace,
    cleaned,
    listen,
    session_setting,
    trace_check,
)
from repoint.ports.connecting import Conversation
from repoint.rehearsal.cast import Client
from repoint.rehearsal.setup import TENANTS, literal
from repoint.rules.facts import HazardKind

_ROUNDS = 3


def isolation(stage: Stage, client: Client) -> Answer:
    """Two clients take turns on one server connection, and each stays in its own schema (SP6)."""
    rival = _rival(stage, client)
    mine, theirs = stage.wanted_path(client)[0], stage.wanted_path(rival)[0]
    expected = f"{mine} in every one of {2 * _ROUNDS} turns, beside a client in {theirs}"
    seen = [place for who, place in _turns(stage, client, rival) if who is client]
    wrong = [place for place in seen if place != mine]
    return passed(expected, f"{wrong[0]} in one of them" if wrong else mine, not wrong)


def _turns(stage: Stage, one: Client, other: Client) -> Iterator[tuple[Client, str]]:
    """Who looked where: side by side in a transaction pool, one after the other in a session.

    Each goes first once, on a server connection of its own: of two that are mixed up it is
    the first who finds the other's (SP6).
    """
    for pair in ((one, other), (other, one)):
        _end_connection(stage, one)
        if one.pool_mode == "transaction":
            with stage.alone(pair[0]) as first, stage.alone(pair[1]) as second:
                for _ in range(_ROUNDS):
                    yield pair[0], _place(first)
                    yield pair[1], _place(second)
            continue
        for _ in range(_ROUNDS):
            for who in pair:
                with stage.alone(who) as conversation:
                    yield who, _place(conversation)


def _end_connection(stage: Stage, client: Client) -> None:
    """End the server connection, so that the next client's is a new one."""
    with stage.alone(client) as conversation, suppress(*Refused):
        conversation.query("SELECT pg_terminate_backend(pg_backend_pid())")


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


def row_security(stage: Stage, client: Client) -> Answer:
    """Each tenant reads its own rows, and a client without a tenant reads none (ST2)."""
    setting = tenant_setting(client)
    local = client.uses(HazardKind.LOCAL_GUC) and not client.uses(HazardKind.SESSION_GUC)
    expected = "acme reads acme, globex reads globex, a client without a tenant reads nothing"
    if client.pool_mode == "transaction" or not client.pooler:
        talk = stage.open_alone if client.pooler else stage.open
        with (
            cleaned(stage, client) if client.pooler else nullcontext(),
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


def _no_pool(client: Client) -> str:
    if client.purpose == "probe":
        return "a wait loop asks no more than this"
    return "" if client.pooler else "a direct connection has a server process of its own"


def _no_tenants(client: Client) -> str:
    if client.purpose == "probe":
        return "a wait loop asks no more than this"
    if not client.serves:
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
