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
ROLE_LIMIT = Rule(
    "RP244",
    Severity.WARNING,
    "a role may open fewer connections than its pool",
    "A role's own `connectionLimit` ends server connections that PgBouncer opens: a fresh Pooler "
    "reports `too many connections for role`, a warm one makes its clients wait.",
    "raise `connectionLimit` of the role, or lower `default_pool_size`",
    ("CA4", "CN8"),
)
RULES: tuple[Rule, ...] = (SESSION_POOL, CLIENTS, SERVER, ROLE_LIMIT)

DEFAULT_POOL_SIZE = 20
DEFAULT_MAX_CLIENT_CONN = 100
DEFAULT_MAX_CONNECTIONS = 100
RESERVED = 3
"""`superuser_reserved_connections` of PostgreSQL unless the Cluster sets it."""
AUTH_PER_POD = 5
"""Connections of the Pooler's own login per pod, measured in a burst of 60 logins (CA4)."""


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the arithmetic of one environment's connections."""
    facts = _without_probes(facts)
    found: list[Finding] = []
    for pooler, consumers in facts.pools:
        found.extend(_clients(facts, pooler, consumers))
        if pooler.mode == "session":
            found.extend(_session(facts, pooler, consumers))
    if facts.cluster is not None:
        found.extend(_server(facts, facts.cluster))
        found.extend(_roles(facts, facts.cluster))
    for pooler, consumers in facts.pools:
        found.extend(_unknown(facts, pooler, consumers))
    return tuple(found)


def pool_remedy(facts: EnvironmentFacts, pooler: PoolerFacts) -> int:
    """The `default_pool_size` that the known pools of a session Pooler need (CA1); 0 for none.

    None is given where PostgreSQL would run out of connections with it: then a person
    has to choose between more connections and smaller pools.
    """
    if facts.cluster is None or pooler.mode != "session":
        return 0
    size, _ = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    needed = needed_size(pooler, _members(_without_probes(facts), pooler))
    if needed <= size:
        return 0
    raised = replace(pooler, parameters=(*pooler.parameters, ("default_pool_size", str(needed))))
    return needed if holds(facts.with_pooler(raised)) else 0


def needed_size(pooler: PoolerFacts, consumers: Iterable[ConsumerFacts]) -> int:
    """Server connections that session pooling needs per pod and pool, as far as known (CA1)."""
    pods = max(pooler.instances, 1)
    return max((-(-_sum(members) // pods) for _, members in _pairs(consumers)), default=0)


def needed_clients(pooler: PoolerFacts, consumers: Iterable[ConsumerFacts]) -> int:
    """Client connections that reach each pod, as far as known (CA2)."""
    return -(-_sum(consumers) // max(pooler.instances, 1))


def holds(facts: EnvironmentFacts) -> bool:
    """Whether PostgreSQL has the connections that every pool and direct consumer may open."""
    facts = _without_probes(facts)
    return facts.cluster is not None and not any(_server(facts, facts.cluster))


def _without_probes(facts: EnvironmentFacts) -> EnvironmentFacts:
    """A wait loop opens one connection before its consumer's pool exists."""
    return replace(facts, consumers=tuple(c for c in facts.consumers if c.purpose != "probe"))


def _members(facts: EnvironmentFacts, pooler: PoolerFacts) -> tuple[ConsumerFacts, ...]:
    return next((members for one, members in facts.pools if one.name == pooler.name), ())


def _unknown(
    facts: EnvironmentFacts, pooler: PoolerFacts, consumers: tuple[ConsumerFacts, ...]
) -> Iterator[Finding]:
    unknown = [c.name for c in consumers if not c.pool_size]
    if not unknown:
        return
    names = ", ".join(f"`{name}`" for name in unknown)
    yield SESSION_POOL.finding(
        f"nothing tells how many connections one replica of {names} opens, so the pool of "
        f"`{pooler.name}` cannot be checked against it",
        hint=f"set `consumers.{unknown[0]}.pool_size` in repoint.yaml",
        environment=facts.name,
        location=pooler.location,
        severity=Severity.NOTE,
    )


def _session(
    facts: EnvironmentFacts, pooler: PoolerFacts, consumers: tuple[ConsumerFacts, ...]
) -> Iterator[Finding]:
    size, source = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    for (user, database), members in _pairs(consumers):
        total = _sum(members)
        per_pod = -(-total // max(pooler.instances, 1))
        if per_pod > size:
            pair = f"role `{user or '?'}`, database `{database or '?'}`"
            yield SESSION_POOL.finding(
                f"{pair}: {_terms(members)} = {total} connections over {pooler.instances} Pooler "
                f"pod(s) = {per_pod} each, above default_pool_size {size} ({source}) in session "
                "mode",
                environment=facts.name,
                location=pooler.location,
            )


def _clients(
    facts: EnvironmentFacts, pooler: PoolerFacts, consumers: tuple[ConsumerFacts, ...]
) -> Iterator[Finding]:
    limit, source = _limit(pooler, "max_client_conn", DEFAULT_MAX_CLIENT_CONN)
    per_pod = needed_clients(pooler, consumers)
    if per_pod > limit:
        yield CLIENTS.finding(
            f"{_terms(consumers)} = {_sum(consumers)} connections over {pooler.instances} Pooler "
            f"pod(s) = {per_pod} each, above max_client_conn {limit} ({source})",
            environment=facts.name,
            location=pooler.location,
        )


def _server(facts: EnvironmentFacts, cluster: ClusterFacts) -> Iterator[Finding]:
    pools = facts.pools
    if not pools:
        return
    limit = cluster.max_connections or DEFAULT_MAX_CONNECTIONS
    limit_source = "Cluster" if cluster.max_connections else "PostgreSQL's default"
    terms, ceilings = zip(*(_ceiling(pooler, members) for pooler, members in pools), strict=True)
    auth = AUTH_PER_POD * sum(pooler.instances for pooler, _ in pools)
    direct = _sum(facts.direct)
    reserved, kept = _reserved(cluster)
    needed = sum(ceilings) + direct + auth + reserved
    if needed <= limit:
        return
    # Known demand above the limit is certain to hit it; a ceiling may never be reached.
    demand = sum(
        min(_sum(members), ceiling) for (_, members), ceiling in zip(pools, ceilings, strict=True)
    )
    certain = demand + direct + reserved > limit
    whose = "the Pooler's" if len(pools) == 1 else "the Poolers'"
    yield SERVER.finding(
        f"{' + '.join(terms)} + {direct} direct{_named(facts.direct)} + {auth} for {whose} logins "
        f"+ {reserved} reserved{kept} = {needed}, above max_connections {limit} ({limit_source})",
        environment=facts.name,
        location=cluster.location or pools[0][0].location,
        severity=Severity.ERROR if certain else Severity.WARNING,
    )


def _reserved(cluster: ClusterFacts) -> tuple[int, str]:
    """Slots that no application gets, and where the numbers are from when somebody set them."""
    names = ("superuser_reserved_connections", "reserved_connections")
    first, second = (
        cluster.declared.number(name, default)
        for name, default in zip(names, (RESERVED, 0), strict=True)
    )
    set_here = [name for name in names if dict(cluster.declared.parameters).get(name)]
    told = f" ({', '.join(set_here)} of the Cluster)" if set_here else ""
    return first + second, told


def _named(consumers: Iterable[ConsumerFacts]) -> str:
    terms = _terms(consumers)
    return f" ({terms})" if terms else ""


def _roles(facts: EnvironmentFacts, cluster: ClusterFacts) -> Iterator[Finding]:
    """Pools of a role, over all Poolers and pods, against the limit of `managed.roles`."""
    limits = dict(cluster.declared.limits)
    wanted: dict[str, int] = {}
    terms: dict[str, list[str]] = {}
    for pooler, consumers in facts.pools:
        size, source = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
        for (user, database), _ in _pairs(consumers):
            wanted[user] = wanted.get(user, 0) + size * pooler.instances
            text = f"default_pool_size {size} ({source}) x {pooler.instances} Pooler pod(s)"
            terms.setdefault(user, []).append(f"{text} for database `{database or '?'}`")
    for user, most in wanted.items():
        if user in limits and most > limits[user]:
            yield ROLE_LIMIT.finding(
                f"role `{user}`: {' + '.join(terms[user])} = {most}, above its connectionLimit "
                f"{limits[user]} (managed.roles of the Cluster)",
                location=cluster.location,
                environment=facts.name,
            )


def _ceiling(pooler: PoolerFacts, consumers: tuple[ConsumerFacts, ...]) -> tuple[str, int]:
    """What a Pooler may open at most over all its pods, with the words for it."""
    size, source = _limit(pooler, "default_pool_size", DEFAULT_POOL_SIZE)
    groups = _pairs(consumers)
    extra = pooler.number("reserve_pool_size", 0)
    ceiling = len(groups) * (size + extra)
    told = f" + reserve_pool_size {extra} (Pooler)" if extra else ""
    for name, over in (
        ("max_user_connections", {user for (user, _), _ in groups}),
        ("max_db_connections", {database for (_, database), _ in groups}),
    ):
        capped = pooler.number(name, 0)
        if capped and capped * len(over) < ceiling:
            ceiling = capped * len(over)
            told += f", capped by {name} {capped}"
    text = (
        f"{len(groups)} pool(s) x default_pool_size {size} ({source}){told} x {pooler.instances} "
        "Pooler pod(s)"
    )
    return text, ceiling * pooler.instances


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
    return sum(one.pool_size * (one.replicas + one.surge) for one in consumers)


def _terms(consumers: Iterable[ConsumerFacts]) -> str:
    return " + ".join(
        f"{one.name} {_pods(one)} x pool_size {one.pool_size}" for one in consumers if one.pool_size
    )


def _pods(consumer: ConsumerFacts) -> str:
    """A consumer's pods at most: its replicas, who says so, and what a rollout adds."""
    source = f" ({consumer.scaled_by})" if consumer.scaled_by else ""
    text = f"{consumer.replicas} replica(s){source}"
    return f"({text} + {consumer.surge} in a rollout)" if consumer.surge else text


def _limit(pooler: PoolerFacts, name: str, default: int) -> tuple[int, str]:
    """A limit and where it is from."""
    written = pooler.parameter(name)
    return pooler.number(name, default), "Pooler" if written.isdigit() else "PgBouncer's default"
