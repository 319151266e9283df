"""RP272 to RP278: session state that libraries and settings keep, and what follows from it.

Beside the statements of RP22x stand the ways in which code keeps state without saying so: an
id read back, a pool that resets connections, a setting asked for at connect.
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import (
    OF_IMAGE,
    ConsumerFacts,
    EnvironmentFacts,
    Hazard,
    HazardKind,
    PoolerFacts,
)
from repoint.rules.libraries import is_entrypoint
from repoint.rules.rule import Rule
from repoint.rules.sent import Fate, Sent, fate

_SESSION = "use a session Pooler for this consumer, or send it direct with `route: direct`"

LAST_ID = Rule(
    "RP272",
    Severity.ERROR,
    "the application reads back the id of its session's last insert",
    "`lastval()` and `currval()` belong to the server connection. In transaction mode the next "
    "transaction may run on another one: it gets another client's id, or `lastval is not yet "
    "defined in this session`.",
    f"return the id with `RETURNING`; otherwise {_SESSION}",
    ("ST13",),
)
EMPTY_PATH = Rule(
    "RP273",
    Severity.ERROR,
    "search_path is emptied where the Pooler tracks it",
    "A Pooler that tracks search_path replays what a client had. An empty one that "
    "`set_config('search_path', '', false)` made, as dumps and hardened tools do, cannot be "
    "replayed: the client is cut off with `invalid server parameter`.",
    "write `SET search_path = ''` instead, which is followed, or send the consumer direct",
    ("SP8", "ST15"),
)
ASKS_AT_START = Rule(
    "RP274",
    Severity.ERROR,
    "the code asks for a setting when it connects",
    "Settings given to the driver in code (`statement_timeout` of node-postgres, pgx's "
    "RuntimeParams, asyncpg's server_settings, `options=-c ..`) go into the startup packet like "
    "those of a connection string: PgBouncer refuses the parameter, and drops `options` without "
    "an error, in every pool mode.",
    "give the role the setting with `ALTER ROLE .. SET ..` and take it out of the code; until "
    "then `route: direct`",
    ("SP1", "SP2", "MG4"),
)
POOL_RESET = Rule(
    "RP275",
    Severity.WARNING,
    "the driver's own pool resets connections",
    "asyncpg's pool runs RESET ALL, UNLISTEN * and pg_advisory_unlock_all() on each connection "
    "that comes back. In transaction mode that reaches a server connection which another client "
    "may count on: its settings and its advisory locks are gone.",
    "keep clients with settings or locks of their session off this Pooler, or pass a `reset` of "
    "your own to `create_pool`",
    ("ST10",),
)
SERVER_CURSOR = Rule(
    "RP276",
    Severity.ERROR,
    "Django opens cursors on the server outside transactions",
    "`QuerySet.iterator()` declares a cursor WITH HOLD. In transaction mode the next fetch may run "
    "where it does not exist: `InvalidCursorName`.",
    f"set `DISABLE_SERVER_SIDE_CURSORS: True` for the database in Django's settings; otherwise "
    f"{_SESSION}",
    ("ST12",),
)
MIGRATES_ITSELF = Rule(
    "RP277",
    Severity.WARNING,
    "the application may migrate under a session lock",
    "The library takes a session advisory lock while it migrates. Through a transaction pool the "
    "lock stays behind on a server connection (`Another migration is already running`), or two "
    "migrations both get it.",
    "migrate in a Job of its own, which goes direct, and switch it off in the application",
    ("MG1", "MG5", "MG8", "MG11"),
)
LATE_DEFAULT = Rule(
    "RP278",
    Severity.NOTE,
    "a role's new default reaches pooled clients late",
    "`ALTER ROLE .. SET ..` counts for new server connections only. The Pooler hands out warm ones "
    "with the old value, in session mode too, until it recycles them (by default after an hour).",
    "after the change set `spec.pgbouncer.paused` of the Pooler to true and back to false",
    ("ST14",),
)
RULES: tuple[Rule, ...] = (
    LAST_ID,
    EMPTY_PATH,
    ASKS_AT_START,
    POOL_RESET,
    SERVER_CURSOR,
    MIGRATES_ITSELF,
    LATE_DEFAULT,
)
_BY_KIND = {
    HazardKind.LAST_ID: LAST_ID,
    HazardKind.POOL_RESET: POOL_RESET,
    HazardKind.SERVER_CURSOR: SERVER_CURSOR,
}
_LOST = {
    Fate.REFUSED: "which PgBouncer refuses",
    Fate.STRIPPED: "which PgBouncer refuses",
    Fate.DROPPED: "which PgBouncer drops without an error",
    Fate.IGNORED: "which this Pooler throws away",
    Fate.UNTRACKABLE: "which this PostgreSQL does not report, so that tracking it does nothing",
    Fate.MIXED: "which PgBouncer 1.26 mixes up between clients on this PostgreSQL",
}


def consumer_findings(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int
) -> Iterator[Finding]:
    """Findings on one consumer behind `pooler`, in any pool mode."""
    yield from _asked_at_start(environment, consumer, pooler, postgres)
    if pooler.mode != "transaction":
        return
    kinds = {hazard.kind for hazard in consumer.hazards if hazard.linked}
    seen: set[str] = set()
    for hazard in consumer.hazards:
        rule = _BY_KIND.get(hazard.kind)
        if hazard.kind is HazardKind.EMPTY_PATH and _tracks_path(pooler, postgres):
            rule = EMPTY_PATH
        if rule is None or rule.code in seen:
            continue
        if rule is SERVER_CURSOR and HazardKind.CLIENT_CURSORS in kinds:
            continue
        seen.add(rule.code)
        text = f"{consumer.id}: {hazard.message}, and `{pooler.name}` pools transactions"
        yield told(rule, hazard, text, environment, consumer)


def told(
    rule: Rule, hazard: Hazard, text: str, environment: str, consumer: ConsumerFacts
) -> Finding:
    """A finding of a hazard; one that nothing links to the consumer is a warning and says so."""
    loose = "" if hazard.linked else "; nothing links this source text to the consumer"
    # Rights that leak are never left to a warning; nor are tenants, which RP221 tells.
    leaks = hazard.kind is HazardKind.SET_ROLE
    worst = rule.severity is Severity.ERROR and not hazard.linked and not leaks
    return rule.finding(
        f"{text}{loose}",
        location=hazard.location,
        environment=environment,
        consumer=consumer.id,
        severity=Severity.WARNING if worst else None,
    )


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings that rest on the whole environment: who migrates, which defaults are new."""
    found: list[Finding] = []
    in_a_job = any(one.purpose == "migration" for one in facts.direct)
    for pooler, consumers in facts.pools:
        for consumer in consumers:
            hazards = [h for h in consumer.hazards if h.kind is HazardKind.MIGRATOR and h.linked]
            # Where a Job migrates, a library of the repository is the Job's; an entrypoint is not.
            hazards = [
                h for h in hazards if not in_a_job or h.app_dir == OF_IMAGE or is_entrypoint(h.path)
            ]
            if pooler.mode == "transaction" and hazards:
                text = f"{hazards[0].message}, and `{pooler.name}` pools transactions"
                text = f"{consumer.id}: {text}"
                found.append(told(MIGRATES_ITSELF, hazards[0], text, facts.name, consumer))
        users = {c.user for consumer in consumers for c in consumer.connections if c.user}
        roles = sorted({one.role for one in facts.role_defaults} & users)
        if roles:
            names = ", ".join(f"`{role}`" for role in roles)
            place = next(one.location for one in facts.role_defaults if one.role in roles)
            found.append(
                LATE_DEFAULT.finding(
                    f"the defaults of {names} reach clients of Pooler `{pooler.name}` when its "
                    "server connections are new",
                    location=place,
                    environment=facts.name,
                )
            )
    return tuple(found)


def _asked_at_start(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int
) -> Iterator[Finding]:
    seen: set[str] = set()
    for hazard in consumer.hazards:
        if hazard.kind is not HazardKind.STARTUP_SETTING or hazard.subject in seen:
            continue
        seen.add(hazard.subject)
        prefix, _, name = hazard.subject.rpartition("options=-c ")
        in_options = hazard.subject.startswith("options=") or bool(prefix)
        lost = _LOST.get(fate(Sent(name, hazard.subject, in_options), pooler, postgres))
        if lost is not None:
            text = f"{consumer.id}: {hazard.message}, {lost}"
            yield told(ASKS_AT_START, hazard, text, environment, consumer)


def _tracks_path(pooler: PoolerFacts, postgres: int) -> bool:
    tracks = "search_path" in pooler.tracked or pooler.pgbouncer >= (1, 26)
    return tracks and postgres >= 18
