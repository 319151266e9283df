"""RP21x: what travels in the startup packet, and what PgBouncer makes of it.

A driver sends some connection parameters to the server when it connects. PgBouncer
knows a handful of them; the others it refuses (SP1), drops when they come inside
`options` (SP2), or swallows when it is told to ignore them (SP3). Only settings that
PostgreSQL reports back can be tracked per client (SP4, SP10), `search_path` among them
from PostgreSQL 18 on. Both pool modes behave alike.
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.rule import Rule
from repoint.rules.sent import Fate, Sent, fate, sent, shared_roles, trackable

REFUSED = Rule(
    "RP211",
    Severity.ERROR,
    "PgBouncer refuses a startup parameter of the connection string",
    "Whatever the driver does not keep for itself travels in the startup packet. PgBouncer accepts "
    "client_encoding, DateStyle, TimeZone, standard_conforming_strings, application_name, "
    "IntervalStyle and (ignored) extra_float_digits; for any other it ends the connection with "
    "`FATAL: unsupported startup parameter`, SQLSTATE 08P01, in session and transaction mode "
    "alike. "
    "Which keys are sent depends on the driver: an unknown driver counts as sending.",
    "give the role its default with `ALTER ROLE .. IN DATABASE .. SET ..` and remove the key from "
    "the connection string, or send the consumer direct",
    ("SP1", "SP9", "MG3", "MG4", "X1", "X16"),
)
OPTIONS_DROPPED = Rule(
    "RP212",
    Severity.ERROR,
    "PgBouncer drops what `options` asks for",
    "CloudNativePG tells PgBouncer to ignore the startup parameter `options`, and that cannot be "
    "taken back. The client connects and its `-c name=value` is not applied: wrong schema, no "
    "timeout, wrong role. Only the names that PgBouncer tracks work inside `options`.",
    "give the role its default with `ALTER ROLE .. IN DATABASE .. SET ..` and remove `options`, or "
    "send the consumer direct",
    ("SP2", "SP4", "SP9", "X1"),
)
IGNORED = Rule(
    "RP213",
    Severity.ERROR,
    "ignore_startup_parameters hides a setting",
    "A parameter named there is accepted and thrown away: a loud refusal becomes a wrong schema or "
    "a missing timeout. Named in track_extra_parameters as well, it works up to PgBouncer 1.25 and "
    "stops working with 1.26, where ignoring wins.",
    "remove the name from `ignore_startup_parameters`, or keep it there only together with "
    "`ALTER ROLE .. IN DATABASE .. SET ..`",
    ("SP3", "SP9", "SP13"),
)
TRACK_WRONG = Rule(
    "RP214",
    Severity.ERROR,
    "track_extra_parameters names what cannot be tracked, or leaves out IntervalStyle",
    "PgBouncer tracks only settings that PostgreSQL reports: search_path from PostgreSQL 18, "
    "default_transaction_read_only from 14. Any other name is accepted and has no effect up to "
    "PgBouncer 1.25 and leaks between clients with 1.26. Setting the list replaces its default, "
    "IntervalStyle, which then is no longer kept apart per client.",
    "write `IntervalStyle` first, and only names that the PostgreSQL version reports",
    ("SP5", "SP7", "SP10"),
)
SHARED_ROLE = Rule(
    "RP215",
    Severity.WARNING,
    "one role serves two schemas",
    "A role has one default search_path per database, so it cannot separate two applications that "
    "share it; a session SET cannot either, because in transaction mode it reaches the next "
    "client.",
    "give each application a role of its own, or track search_path on PostgreSQL 18",
    ("SP9", "ST7", "X4"),
)
VERSION = Rule(
    "RP216",
    Severity.ERROR,
    "this PgBouncer version does not keep search_path apart",
    "Tracking search_path needs PgBouncer 1.25.1 (CVE-2025-12819). PgBouncer 1.26 tracks it by "
    "itself, which is right on PostgreSQL 18; up to 17 the server never reports it, so one client "
    "reads another client's schema without any error, and a test with one client passes.",
    "run PgBouncer 1.25.1 or a later 1.25; 1.26 only with PostgreSQL 18",
    ("SP4", "SP6"),
)
RULES: tuple[Rule, ...] = (REFUSED, OPTIONS_DROPPED, IGNORED, TRACK_WRONG, SHARED_ROLE, VERSION)

_HARMLESS_IGNORED = frozenset({"extra_float_digits", "options"})


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the startup parameters of pooled consumers and on the Pooler's lists."""
    found: list[Finding] = []
    postgres = facts.cluster.postgres if facts.cluster else 0
    for consumer in facts.pooled:
        found.extend(_consumer(facts, consumer, postgres))
    beside = [pooler for pooler, _ in facts.pools if pooler != facts.pooler]
    for pooler in (*([facts.pooler] if facts.pooler else []), *beside):
        found.extend(_lists(facts, pooler, postgres))
    found.extend(_shared(facts))
    return tuple(found)


def _consumer(facts: EnvironmentFacts, consumer: ConsumerFacts, postgres: int) -> Iterator[Finding]:
    for connection in consumer.connections:
        for item in sent(connection, consumer.drivers):
            outcome = fate(item, facts.pooler_of(consumer), postgres)
            if _answered(facts, connection.user, connection.database, item, outcome):
                continue
            finding = _RULE_OF.get(outcome)
            if finding is None:
                continue
            rule, text = finding
            if outcome in (Fate.UNTRACKABLE, Fate.MIXED) and not postgres:
                text = "cannot be relied on while nothing tells the PostgreSQL version"
            yield rule.finding(
                f"{consumer.id}: `{item.written}` {text}",
                location=connection.location,
                environment=facts.name,
                consumer=consumer.id,
                hint=_hint(rule, item, outcome),
                severity=Severity.NOTE if outcome is Fate.STRIPPED else None,
            )


_RULE_OF: dict[Fate, tuple[Rule, str]] = {
    Fate.REFUSED: (REFUSED, "is refused by PgBouncer as a startup parameter"),
    Fate.STRIPPED: (
        REFUSED,
        "is refused by PgBouncer, and by PostgreSQL, unless the driver takes it out",
    ),
    Fate.DROPPED: (OPTIONS_DROPPED, "is dropped by PgBouncer without an error"),
    Fate.IGNORED: (IGNORED, "is thrown away, because the Pooler ignores this startup parameter"),
    Fate.UNTRACKABLE: (
        TRACK_WRONG,
        "is listed for tracking, which has no effect on this PostgreSQL version",
    ),
    Fate.MIXED: (VERSION, "is sent once and then assumed: clients read each other's schema"),
}


def _hint(rule: Rule, item: Sent, outcome: Fate) -> str:
    if outcome is Fate.STRIPPED:
        return (
            "nothing is needed where the program takes the key out by itself, as it must today: "
            "PostgreSQL refuses it as well; `repoint rehearse` tries the rest of the string"
        )
    if rule is REFUSED and item.name not in ("search_path", ""):
        return (
            f"give the role its default with `ALTER ROLE .. SET {item.name} = ..` and remove the "
            "key from the connection string, or send the consumer direct"
        )
    return ""


def _answered(facts: EnvironmentFacts, user: str, database: str, item: Sent, outcome: Fate) -> bool:
    """Whether a default of the role gives the setting that the pool throws away (SP3, SP9)."""
    return outcome in (Fate.IGNORED, Fate.DROPPED) and any(
        default.role == user
        and default.database in ("", database)
        and default.parameter == item.name
        for default in facts.role_defaults
    )


def _lists(facts: EnvironmentFacts, pooler: PoolerFacts, postgres: int) -> Iterator[Finding]:
    def finding(rule: Rule, message: str, severity: Severity) -> Finding:
        return rule.finding(
            f"Pooler `{pooler.name}`: {message}",
            location=pooler.location,
            environment=facts.name,
            severity=severity,
        )

    both = [name for name in pooler.ignored if name in pooler.tracked]
    for name in both:
        yield finding(
            IGNORED,
            f"`{name}` is both ignored and tracked; PgBouncer 1.26 ignores it",
            Severity.ERROR if pooler.pgbouncer >= (1, 26) else Severity.WARNING,
        )
    for name in pooler.ignored:
        if name not in _HARMLESS_IGNORED and name not in both:
            yield finding(
                IGNORED, f"startup parameter `{name}` is accepted and thrown away", Severity.WARNING
            )
    if pooler.tracked and "intervalstyle" not in pooler.tracked and pooler.pgbouncer < (1, 26):
        yield finding(
            TRACK_WRONG,
            "`track_extra_parameters` replaces its default and leaves out `IntervalStyle`",
            Severity.WARNING,
        )
    for name in pooler.tracked:
        if postgres and not trackable(name, postgres):
            yield finding(
                TRACK_WRONG,
                f"PostgreSQL {postgres} does not report `{name}`, so it cannot be tracked",
                Severity.WARNING,
            )
    if "search_path" in pooler.tracked and pooler.pgbouncer < (1, 25, 1):
        version = ".".join(map(str, pooler.pgbouncer))
        message = f"tracks `search_path` with PgBouncer {version}, which has CVE-2025-12819"
        yield finding(VERSION, message, Severity.WARNING)


def _shared(facts: EnvironmentFacts) -> Iterator[Finding]:
    for user, database, schemas in shared_roles(facts.pooled):
        names = " and ".join(f"`{schema}`" for schema in schemas)
        where = f" in database `{database}`" if database else ""
        text = f"role `{user}` serves the schemas {names}{where}"
        if facts.pools and all("search_path" in pooler.tracked for pooler, _ in facts.pools):
            yield SHARED_ROLE.finding(
                f"{text}: only the Pooler's tracking of search_path keeps them apart",
                hint="keep `track_extra_parameters` on the Pooler, or give each a role of its own",
                environment=facts.name,
                severity=Severity.NOTE,
            )
            continue
        yield SHARED_ROLE.finding(
            f"{text}: its defaults cannot separate them", environment=facts.name
        )
