"""RP24x: connections that consumers open, the Pooler takes, and PostgreSQL has.

Every number in a message says where it is from. What a consumer opens at most is not
in its manifest: without `consumers.<name>.pool_size` it is unknown, never assumed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ClusterFacts, ConsumerFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.rule import Rule

SESSION_POOL = Rule(
    "RP241",
    Severity.ERROR,
    "the session pool is smaller than the consumers' own pools",
    "In session mode a client keeps its server connection until it leaves. When the consumers of "
    "one "
    "role and database open more than `default_pool_size` per Pooler pod, the rest wait for "
    "`query_wait_timeout` (120 s) and are cut off.",
    "raise `default_pool_size` to the sum of the consumers' pools, or pool transactions where "
    "nothing in the consumers forbids it",
    ("CA1", "X11"),
)
CLIENTS = Rule(
    "RP242",
    Severity.ERROR,
    "the Pooler takes fewer clients than the consumers open",
    "PgBouncer refuses the first client connection above `max_client_conn` (100 per pod unless "
    "set): "
    "`FATAL: no more connections allowed`.",
    "raise `max_client_conn`, which costs little, or add Pooler instances",
    ("CA2", "X11"),
)
SERVER = Rule(
    "RP243",
    Severity.ERROR,
    "PostgreSQL has fewer connections than the pools may open",
    "When the server runs out of slots a fresh Pooler reports it, but a warm one makes its clients "
    "wait for `query_wait_timeout`, new logins included.",
    "raise `max_connections` of the Cluster, or lower `default_pool_size`, or cap it with "
    "`max_db_connections`",
    ("CA4", "X11"),
)
RULES: tuple[Rule, ...] = (SESSION_POOL, CLIENTS, SERVER)

DEFAULT_POOL_SIZE = 20
DEFAULT_MAX_CLIENT_CONN = 100
DEFAULT_MAX_CONNECTIONS = 100
RESERVED = 3
"""`superuser_reserved_connections` of PostgreSQL."""
AUTH_PER_POD = 5
"""Connections of the Pooler's own login per pod, measured in a burst of 60 logins (CA4)."""


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the arithmetic of one environment's connections."""
    pooler = facts.pooler
    facts = _without_probes(facts)
    if pooler is None or not facts.pooled:
        return ()
    found = [*_clients(facts, pooler)]
    if pooler.mode == "session":
        found.extend(_session(facts, pooler))
    if facts.cluster is not None:
        found.extend(_server(facts, pooler, facts.cluster))
    unknown = [c.name for c in facts.pooled if not c.pool_size]
    if unknown:
        names = ", ".join(f"`{name}`" for name in unknown)
        found.append(
            SESSION_POOL.finding(
                f"nothing tells how many connections one replica of {names} opens, so the pool of "
                f"`{pooler.name}` cannot be checked against it",
                hint=f"set `consumers.{unknown[0]}.pool_size` in repoint.yaml",
                environment=facts.name,
                location=pooler.location,
                severity=Severity.NOTE,
            )
        )
    return tuple(found)


def pool_remedy(facts: EnvironmentFacts) -> int:
    """The `default_pool_size` that the known pools of a session Pooler need (CA1); 0 for none.

    None is given where PostgreSQL would run out of connections with it: then a person
    has to choose between more connections and smaller pools.
    """
    pooler, cluster = facts.pooler, facts.cluster
    if pooler is None or cluster is None or pooler.mode != "session":
        return 0
    facts = _without_probes(facts)
    size, _ = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    needed = max(
        (-(-_sum(members) // max(pooler.instances, 1)) for _, members in _pairs(facts.pooled)),
        default=0,
    )
    if needed <= size:
        return 0
    raised = replace(pooler, parameters=(*pooler.parameters, ("default_pool_size", str(needed))))
    return 0 if any(_server(facts, raised, cluster)) else needed


def _without_probes(facts: EnvironmentFacts) -> EnvironmentFacts:
    """A wait loop opens one connection before its consumer's pool exists."""
    return replace(facts, consumers=tuple(c for c in facts.consumers if c.purpose != "probe"))


def _session(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    size, source = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    for (user, database), consumers in _pairs(facts.pooled):
        total = _sum(consumers)
        per_pod = -(-total // max(pooler.instances, 1))
        if per_pod > size:
            pair = f"role `{user or '?'}`, database `{database or '?'}`"
            yield SESSION_POOL.finding(
                f"{pair}: {_terms(consumers)} = {total} connections over {pooler.instances} Pooler "
                f"pod(s) = {per_pod} each, above default_pool_size {size} ({source}) in session "
                "mode",
                environment=facts.name,
                location=pooler.location,
            )


def _clients(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    limit, source = _limit(pooler, "max_client_conn", DEFAULT_MAX_CLIENT_CONN)
    total = _sum(facts.pooled)
    per_pod = -(-total // max(pooler.instances, 1))
    if per_pod > limit:
        yield CLIENTS.finding(
            f"{_terms(facts.pooled)} = {total} connections over {pooler.instances} Pooler pod(s) = "
            f"{per_pod} each, above max_client_conn {limit} ({source})",
            environment=facts.name,
            location=pooler.location,
        )


def _server(
    facts: EnvironmentFacts, pooler: PoolerFacts, cluster: ClusterFacts
) -> Iterator[Finding]:
    size, source = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    limit = cluster.max_connections or DEFAULT_MAX_CONNECTIONS
    limit_source = "Cluster" if cluster.max_connections else "PostgreSQL's default"
    pairs = len(_pairs(facts.pooled))
    pools = pairs * size
    capped = pooler.number("max_db_connections", 0)
    databases = len({database for (_, database), _ in _pairs(facts.pooled)})
    ceiling = min(pools, capped * databases) if capped else pools
    auth = AUTH_PER_POD * pooler.instances
    direct = _sum(facts.direct)
    needed = ceiling * pooler.instances + direct + auth + RESERVED
    if needed <= limit:
        return
    # Known demand above the limit is certain to hit it; a ceiling may never be reached.
    demand = _sum(facts.pooled)
    certain = min(demand, ceiling * pooler.instances) + direct + RESERVED > limit
    cap = f", capped by max_db_connections {capped}" if capped else ""
    yield SERVER.finding(
        f"{pairs} pool(s) x default_pool_size {size} ({source}){cap} x {pooler.instances} Pooler "
        f"pod(s) + {direct} direct + {auth} for the Pooler's logins + {RESERVED} reserved = "
        f"{needed}, "
        f"above max_connections {limit} ({limit_source})",
        environment=facts.name,
        location=cluster.location or pooler.location,
        severity=Severity.ERROR if certain else Severity.WARNING,
    )


def _pairs(
    consumers: Iterable[ConsumerFacts],
) -> list[tuple[tuple[str, str], tuple[ConsumerFacts, ...]]]:
    """Consumers by `(role, database)`: each pair is one pool of PgBouncer."""
    groups: dict[tuple[str, str], list[ConsumerFacts]] = {}
    for consumer in consumers:
        pairs = {(c.user, c.database) for c in consumer.connections if c.user or c.database}
        for pair in sorted(pairs) or [("", "")]:
            groups.setdefault(pair, []).append(consumer)
    return [(pair, tuple(members)) for pair, members in sorted(groups.items())]


def _sum(consumers: Iterable[ConsumerFacts]) -> int:
    return sum(consumer.pool_size * consumer.replicas for consumer in consumers)


def _terms(consumers: Iterable[ConsumerFacts]) -> str:
    known = [c for c in consumers if c.pool_size]
    return " + ".join(f"{c.name} {c.replicas} replica(s) x pool_size {c.pool_size}" for c in known)


def _limit(pooler: PoolerFacts, name: str, default: int) -> tuple[int, str]:
    """A limit and where it is from."""
    written = pooler.parameter(name)
    return pooler.number(name, default), "Pooler" if written.isdigit() else "PgBouncer's default"
