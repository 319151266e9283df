"""RP281 to RP287: what running behind the Pooler changes, seen in what is rendered.

Nothing here is wrong on the first day. These are the rows that bite at a failover, a
rotation of passwords or an audit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, Hazard, HazardKind, PoolerFacts
from repoint.rules.rule import Rule

DEFAULTS = Rule(
    "RP281",
    Severity.NOTE,
    "the Pooler keeps defaults that prolong an outage",
    "After a failover clients wait until `server_login_retry` (15 s) has passed, 10 to 13 s longer "
    "than PostgreSQL needs, and after a changed password every client of the role waits as long. "
    "A transaction left idle holds its server connection until the others meet "
    "`query_wait_timeout`. With one instance a rollout of the Pooler cuts every client off.",
    'set `server_login_retry: "1"` and an `idle_transaction_timeout` on the Pooler, and two '
    "instances",
    ("OP2", "OP3", "OP5", "OP10", "CA3"),
)
METRICS = Rule(
    "RP282",
    Severity.WARNING,
    "the operator cannot read this PgBouncer's statistics",
    "PgBouncer 1.26 has more columns in SHOW STATS than CloudNativePG's exporter up to 1.30 reads: "
    "the pool's metrics read 0, and alerts on them stay silent.",
    "stay on PgBouncer 1.25, or take an operator whose exporter knows 1.26",
    ("OP12",),
)
KNOWN_HOLES = Rule(
    "RP283",
    Severity.NOTE,
    "this PgBouncer has known vulnerabilities",
    "CVE-2026-6664 to CVE-2026-6667 are fixed in PgBouncer 1.25.2; the operator's default image "
    "is older.",
    "name an image of PgBouncer 1.25.2 in the Pooler's pod template",
    ("OP13",),
)
PHYSICAL = Rule(
    "RP284",
    Severity.ERROR,
    "a replication client goes through the Pooler",
    "PgBouncer's rules have no line for physical replication: `no authentication method is found`. "
    "Logical replication (`replication=database`) works.",
    "send it direct with `route: direct`",
    ("OP11",),
)
REVOKED = Rule(
    "RP285",
    Severity.NOTE,
    "access that ends goes on through a warm pool",
    "PgBouncer does not look at VALID UNTIL or at REVOKE CONNECT: while the pool is warm, new "
    "clients of the role still log in and run queries.",
    "end access with `ALTER ROLE .. NOLOGIN`, and then the role's server connections with "
    "`pg_terminate_backend`",
    ("OP8",),
)
LOGIN_TEXT = Rule(
    "RP286",
    Severity.NOTE,
    "code matches the text of a failed login",
    "PgBouncer fails logins in its own words: SQLSTATE 08P01 with `SASL authentication failed` or "
    "`no such user`, where PostgreSQL says 28P01. A match on the old text finds nothing.",
    "match less: any failure to connect is one",
    ("OP6",),
)
BLIND_RULES = Rule(
    "RP287",
    Severity.WARNING,
    "PostgreSQL's rules on clients see the Pooler only",
    "The Cluster's pg_hba asks for TLS or for an address, and both are the Pooler's now: a client "
    "without TLS gets through and looks encrypted, and every client has the Pooler's address.",
    "set `client_tls_sslmode: require` on the Pooler, and put rules on addresses into its `pg_hba`",
    ("TL8",),
)
RULES: tuple[Rule, ...] = (
    DEFAULTS,
    METRICS,
    KNOWN_HOLES,
    PHYSICAL,
    REVOKED,
    LOGIN_TEXT,
    BLIND_RULES,
)
_ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})
_PHYSICAL = frozenset({"true", "on", "yes", "1"})
_BY_KIND = {HazardKind.ACCESS_END: REVOKED, HazardKind.LOGIN_TEXT: LOGIN_TEXT}


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on every Pooler in use and on the consumers behind it."""
    found: list[Finding] = []
    for pooler, consumers in facts.pools:
        found.extend(_pooler(facts, pooler))
        for consumer in consumers:
            found.extend(_physical(facts.name, consumer))
            found.extend(_in_code(facts.name, consumer))
    return tuple(found)


def _pooler(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    def finding(rule: Rule, text: str) -> Finding:
        return rule.finding(
            f"Pooler `{pooler.name}` {text}", location=pooler.location, environment=facts.name
        )

    left = [
        text
        for text, missing in (
            ("`server_login_retry` at 15 s", not pooler.parameter("server_login_retry")),
            ("no `idle_transaction_timeout`", not pooler.parameter("idle_transaction_timeout")),
            ("one instance", pooler.instances < 2),
        )
        if missing
    ]
    if left:
        yield finding(DEFAULTS, f"has {', '.join(left)}")
    version = ".".join(map(str, pooler.pgbouncer))
    if pooler.pgbouncer >= (1, 26):
        yield finding(METRICS, f"runs PgBouncer {version}, whose statistics the operator misreads")
    if pooler.pgbouncer < (1, 25, 2):
        yield finding(KNOWN_HOLES, f"runs PgBouncer {version}; 1.25.2 fixes known vulnerabilities")
    cluster = facts.cluster
    if cluster is None:
        return
    blind = [line for line in cluster.hba if re.match(r"\s*(?:hostssl|hostnossl)\b", line)]
    if blind and pooler.parameter("client_tls_sslmode") not in _ENCRYPTED:
        yield finding(
            BLIND_RULES, "accepts clients without TLS, which the Cluster's pg_hba refuses"
        )
    if cluster.expiring:
        roles = ", ".join(f"`{role}`" for role in cluster.expiring)
        yield finding(REVOKED, f"lets {roles} in after `validUntil`, while its pool is warm")


def _physical(environment: str, consumer: ConsumerFacts) -> Iterator[Finding]:
    for connection in consumer.connections:
        if connection.param("replication").lower() in _PHYSICAL:
            yield PHYSICAL.finding(
                f"{consumer.id}: asks for physical replication, which the pooler refuses",
                location=connection.location,
                environment=environment,
                consumer=consumer.id,
            )


def _in_code(environment: str, consumer: ConsumerFacts) -> Iterator[Finding]:
    first: dict[HazardKind, Hazard] = {}
    for hazard in consumer.hazards:
        if hazard.kind in _BY_KIND and hazard.linked:
            first.setdefault(hazard.kind, hazard)
    for kind, hazard in first.items():
        yield _BY_KIND[kind].finding(
            f"{consumer.id}: {hazard.message}",
            location=hazard.location,
            environment=environment,
            consumer=consumer.id,
        )
