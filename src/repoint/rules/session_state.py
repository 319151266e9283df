"""RP22x: what a consumer keeps in its session, and a transaction pool gives to others.

In transaction mode two transactions of one client may run on two server connections,
and the next client finds what the last one left there. Session mode keeps all of it
right, so these rules are errors only behind a Pooler that pools transactions.
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules import library_state
from repoint.rules.driver_habits import follows, keeps, named_drivers, paths_set, two_trips
from repoint.rules.facts import (
    ConsumerFacts,
    EnvironmentFacts,
    Hazard,
    HazardKind,
    PoolerFacts,
)
from repoint.rules.library_state import told
from repoint.rules.rule import Rule

_SESSION = (
    "let the plan send it through a session Pooler, or direct where none can be had; ask for "
    "either with `pool: session` or `route: direct` for the consumer"
)

ROW_SECURITY = Rule(
    "RP221",
    Severity.ERROR,
    "row-level security rests on a session setting",
    "The policy reads a setting that the application makes once per connection. In transaction "
    "mode the next client's queries run under the last client's tenant: tenant A reads tenant B's "
    "rows, and a client without a tenant reads somebody's. Tracking does not help, the setting is "
    "not reported.",
    f"{_SESSION}; or make the setting with `SET LOCAL` or `set_config(.., true)` inside each "
    "transaction",
    ("ST2", "ST3", "X5"),
)
SESSION_SET = Rule(
    "RP222",
    Severity.ERROR,
    "the application changes settings of its session",
    "A `SET` or `set_config(.., false)` stays on the server connection: the next client runs with "
    "it, and the client that made it loses it. That holds for timeouts, for search_path on "
    "PostgreSQL up to 17, and for SET ROLE, which hands rights on.",
    f"{_SESSION}; for a constant, `ALTER ROLE .. SET ..` does the same without a session",
    ("ST1", "ST4", "ST5", "ST6", "ST7"),
)
LISTENS = Rule(
    "RP223",
    Severity.ERROR,
    "the application listens for notifications",
    "In transaction mode the registration stays on a server connection that the listener leaves: "
    "it gets nothing, and another client gets its notifications.",
    _SESSION,
    ("ST11",),
)
SESSION_LOCK = Rule(
    "RP224",
    Severity.ERROR,
    "the application takes session advisory locks",
    "In transaction mode the lock belongs to the server connection: it stays held when the client "
    "leaves, two clients may both get it, and the unlock may run elsewhere.",
    f"{_SESSION}; `pg_advisory_xact_lock` is right in every mode",
    ("ST8", "ST9", "ST10"),
)
SESSION_OBJECT = Rule(
    "RP225",
    Severity.ERROR,
    "the application keeps temporary tables or cursors in its session",
    "In transaction mode the next transaction may run where the table or cursor does not exist, or "
    "where another client's does.",
    f"{_SESSION}; `ON COMMIT DROP` inside one transaction is right in every mode",
    ("ST12",),
)
SQL_PREPARE = Rule(
    "RP226",
    Severity.ERROR,
    "the application prepares statements in SQL text",
    "PgBouncer follows prepared statements of the protocol, not `PREPARE` in SQL: in transaction "
    "mode the statement does not exist after a move, or exists already.",
    _SESSION,
    ("PS5",),
)
UNNAMED = Rule(
    "RP227",
    Severity.ERROR,
    "the driver sends unnamed statements in two round trips",
    "lib/pq without binary_parameters parses in one round trip and executes in the next. In "
    "transaction mode another client's statement comes between, and the driver gets that one's "
    "rows, without an error: 1856 of 2400 results were wrong with 8 clients, inserts included.",
    f"add `binary_parameters=yes` to lib/pq's connection string; otherwise {_SESSION}",
    ("PS1",),
)
NAMED = Rule(
    "RP228",
    Severity.ERROR,
    "the Pooler does not follow prepared statements",
    "Up to PgBouncer 1.23, or with max_prepared_statements=0, a named statement exists on one "
    "server connection only: the driver meets `does not exist` and `already exists`, and some run "
    "another client's SQL.",
    'let the plan set `max_prepared_statements: "200"` on the Pooler, which PgBouncer 1.21 and '
    "newer take; with an older one use a newer image, or a session Pooler",
    ("PS2", "PS3"),
)
UNSEEN = Rule(
    "RP229",
    Severity.WARNING,
    "nothing is known of how the consumer uses its session",
    "The repository shows no source text of this consumer, so nothing tells whether it keeps state "
    "in its session. Behind a transaction pool that state would leak.",
    "read its documentation on PgBouncer, try it with `repoint rehearse`, or set `pool: session` "
    "for the consumer",
    ("P3", "ST1", "PS1"),
)
RECYCLE = Rule(
    "RP271",
    Severity.NOTE,
    "after a migration the pool still holds old plans",
    "When a migration changes the type of a result (a column added under `select *`, a type "
    "altered), prepared statements on pooled server connections fail with `cached plan must not "
    "change result type`, also for restarted and freshly started processes, until PgBouncer drops "
    "those connections: by default after an hour. Restarting the applications does not help.",
    "after each migration set `spec.pgbouncer.paused` of the Pooler to true and back to false, or "
    "end the role's server connections with `pg_terminate_backend` as the migration's last step",
    ("PS4",),
)
RULES: tuple[Rule, ...] = (
    ROW_SECURITY,
    SESSION_SET,
    LISTENS,
    SESSION_LOCK,
    SESSION_OBJECT,
    SQL_PREPARE,
    UNNAMED,
    NAMED,
    UNSEEN,
    RECYCLE,
    *library_state.RULES,
)

_BY_KIND = {
    HazardKind.SESSION_GUC: SESSION_SET,
    HazardKind.SET_ROLE: SESSION_SET,
    HazardKind.LISTEN: LISTENS,
    HazardKind.ADVISORY_LOCK: SESSION_LOCK,
    HazardKind.TEMP_TABLE: SESSION_OBJECT,
    HazardKind.WITH_HOLD: SESSION_OBJECT,
    HazardKind.SQL_PREPARE: SQL_PREPARE,
}


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the session state of pooled consumers, each behind its own Pooler."""
    postgres = facts.cluster.postgres if facts.cluster else 0
    found: list[Finding] = []
    for consumer in facts.pooled:
        pooler = facts.pooler_of(consumer)
        if pooler is not None:
            found.extend(consumer_findings(facts.name, consumer, pooler, postgres))
    for pooler, consumers in facts.pools:
        found.extend(_recycle(facts, pooler, consumers))
    return (*found, *library_state.check(facts))


def _recycle(
    facts: EnvironmentFacts, pooler: PoolerFacts, consumers: tuple[ConsumerFacts, ...]
) -> Iterator[Finding]:
    migrations = dict.fromkeys(c.name for c in facts.direct if c.purpose == "migration")
    runtimes = [c for c in consumers if c.purpose != "probe"]
    if pooler.mode == "transaction" and migrations and runtimes and follows(pooler):
        names = ", ".join(f"`{name}`" for name in migrations)
        yield RECYCLE.finding(
            f"Pooler `{pooler.name}` keeps prepared statements across the migrations of {names}",
            environment=facts.name,
            location=pooler.location,
        )


def consumer_findings(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int = 0
) -> tuple[Finding, ...]:
    """Findings on one consumer behind `pooler`."""
    others = tuple(library_state.consumer_findings(environment, consumer, pooler, postgres))
    if pooler.mode != "transaction":
        return (*_must_stay_session(environment, consumer, pooler), *others)
    text = f"`{pooler.name}` pools transactions"
    rows = tuple(_row_security(environment, consumer, Severity.ERROR, text))
    found = [
        *rows,
        *_hazards(environment, consumer, pooler, postgres, said=bool(rows)),
        *_statements(environment, consumer, pooler, postgres),
        *others,
    ]
    if not consumer.is_seen and consumer.purpose != "probe":
        found.append(
            UNSEEN.finding(
                f"{consumer.id}: no source text tells how it uses its session, and "
                f"`{pooler.name}` pools transactions",
                environment=environment,
                consumer=consumer.id,
            )
        )
    return tuple(found)


def _must_stay_session(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts
) -> Iterator[Finding]:
    yield from _row_security(
        environment, consumer, Severity.NOTE, f"`{pooler.name}` must stay in session mode"
    )


def _row_security(
    environment: str, consumer: ConsumerFacts, severity: Severity, text: str
) -> Iterator[Finding]:
    policies = _of(consumer, HazardKind.RLS_GUC)
    settings = {policy.subject for policy in policies}
    session = [h for h in _of(consumer, HazardKind.SESSION_GUC) if "." in h.subject]
    if not policies and _of(consumer, HazardKind.RLS):
        policies, settings = session, {h.subject for h in session}
    made = [h for h in session if h.subject in settings] or session
    local = [h for h in _of(consumer, HazardKind.LOCAL_GUC) if h.subject in settings]
    if not policies or (local and not made):
        return
    hazard = (made or policies)[0]
    names = ", ".join(f"`{name}`" for name in sorted(settings) if name)
    how = "is made for the session" if made else "is read, and nothing makes it per transaction"
    yield ROW_SECURITY.finding(
        f"{consumer.id}: row-level security reads {names or 'a setting'}, which {how}; {text}",
        location=hazard.location,
        environment=environment,
        consumer=consumer.id,
        severity=severity,
    )


def _hazards(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int, *, said: bool
) -> Iterator[Finding]:
    """One finding per rule and subject; `said`: RP221 speaks of the custom settings already."""
    seen: set[tuple[str, str]] = set()
    for hazard in consumer.hazards:
        rule = _BY_KIND.get(hazard.kind)
        if rule is None or _kept(hazard, pooler, postgres) or (rule.code, hazard.subject) in seen:
            continue
        if said and hazard.kind is HazardKind.SESSION_GUC and "." in hazard.subject:
            continue
        seen.add((rule.code, hazard.subject))
        text = f"{consumer.id}: {hazard.message}, and `{pooler.name}` pools transactions"
        yield told(rule, hazard, text, environment, consumer)


def _kept(hazard: Hazard, pooler: PoolerFacts, postgres: int) -> bool:
    """Whether PgBouncer keeps this setting apart per client (SP12, SP4, ST7)."""
    if hazard.kind is not HazardKind.SESSION_GUC:
        return False
    return keeps(pooler, hazard.subject, postgres)


def _statements(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int
) -> Iterator[Finding]:
    for hazard in _two_trips(consumer):
        text = f"{consumer.id}: {hazard.message}, and reads other clients' rows"
        yield told(UNNAMED, hazard, text, environment, consumer)
    for rule, message in _habits(consumer, pooler, postgres):
        location = consumer.connections[0].location if consumer.connections else None
        yield rule.finding(
            f"{consumer.id}: {message}",
            location=location,
            environment=environment,
            consumer=consumer.id,
        )


def _two_trips(consumer: ConsumerFacts) -> list[Hazard]:
    """What source text tells of PS1, the driver's own habit apart."""
    found = _of(consumer, HazardKind.TWO_TRIPS)
    loose = [h for h in _of(consumer, HazardKind.DRIVER) if h.subject == "lib/pq" and not h.linked]
    return [*found, *(loose if not consumer.drivers else ())][:1]


def _habits(
    consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int
) -> Iterator[tuple[Rule, str]]:
    yield from ((UNNAMED, text) for text in two_trips(consumer))
    named = ", ".join(named_drivers(consumer, pooler))
    if named:
        yield NAMED, f"{named} names its statements, and `{pooler.name}` does not follow them"
    yield from ((SESSION_SET, text) for text in paths_set(consumer, pooler, postgres))


def _of(consumer: ConsumerFacts, kind: HazardKind) -> list[Hazard]:
    return [hazard for hazard in consumer.hazards if hazard.kind is kind]
