"""Which pool each runtime goes through: the named one, one of sessions beside it, or none.

The named Pooler is honoured. Where it pools transactions, evidence against it plans the
smallest remedy that the facts know: a parameter of the Pooler (PS2), a parameter of the
connection string (PS1), a session Pooler of the same Cluster, and the direct Service where
no session Pooler can be had.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from repoint.model.plan import Finding, Severity
from repoint.rules import budget, remedies, tls
from repoint.rules.driver_habits import follows, named_drivers
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, HazardKind, PoolerFacts
from repoint.rules.library_state import ASKS_AT_START
from repoint.rules.rule import Remedy, Rule
from repoint.rules.session_state import (
    RULES as SESSION_RULES,
)
from repoint.rules.session_state import (
    UNNAMED,
    consumer_findings,
)

NO_POOL = Rule(
    "RP206",
    Severity.ERROR,
    "a consumer asks for a pool that is not there",
    "`consumers.<name>.pool` in repoint.yaml asks for a pool mode that no Pooler of the "
    "environment has: the named Pooler pools the other way, and no session Pooler stands beside "
    "it or can be put there.",
    "render a session Pooler of the Cluster, which the plan then uses, or change `pool` of this "
    "consumer, or set its `route` to direct",
    ("X5", "ST1", "CA4"),
)
RULES: tuple[Rule, ...] = (NO_POOL,)

FOLLOW = ("max_prepared_statements", "200")
"""The Pooler parameter that makes PgBouncer 1.21 and newer follow prepared statements (PS2)."""
BINARY = ("binary_parameters", "yes")
"""What makes lib/pq send a statement and its arguments in one round trip (PS1)."""


@dataclass(frozen=True, slots=True)
class Beside:
    """The session Pooler beside the named one: rendered, or as the plan would write it.

    `pooler` is None where there is none and none can be written; `why_not` says why.
    """

    pooler: PoolerFacts | None
    planned: bool = False
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of each pooled consumer.

    `remedies` are `(consumer id, remedy)`, those of kind `none` left out. `session` is the
    session Pooler that somebody goes through, sized when the plan writes it.
    """

    remedies: tuple[tuple[str, Remedy], ...]
    session: PoolerFacts | None = None


def following(pooler: PoolerFacts) -> PoolerFacts:
    """The Pooler as it is once it follows prepared statements, where its PgBouncer can."""
    if follows(pooler) or pooler.pgbouncer < (1, 21):
        return pooler
    return replace(pooler, parameters=tuple((dict(pooler.parameters) | dict([FOLLOW])).items()))


def statement_remedy(
    pooler: PoolerFacts, consumers: Iterable[ConsumerFacts]
) -> tuple[tuple[str, str], ...]:
    """The Pooler parameter that lets these consumers name statements (PS2), if one is due."""
    due = pooler.mode == "transaction" and follows(following(pooler))
    return (FOLLOW,) if due and any(named_drivers(one, pooler) for one in consumers) else ()


def session_remedy(
    consumer: ConsumerFacts,
    pooler: PoolerFacts | None,
    postgres: int = 0,
    *,
    takes_parameters: bool = False,
) -> Remedy:
    """What keeps the consumer right: a parameter of its own, else a pool of sessions.

    Args:
        consumer: A consumer that is to go through `pooler`.
        pooler: Its Pooler, as it is once it follows prepared statements (`following`).
        postgres: PostgreSQL's major version, 0 when nothing tells.
        takes_parameters: Whether its connection strings, which nobody else reads, can get one.
    """
    errors = _errors("", consumer, pooler, postgres) if pooler is not None else []
    if any(finding.code == ASKS_AT_START.code for finding in errors):
        told = f"goes direct, because no pool gives it what it asks for: {'; '.join(_told(errors))}"
        return Remedy("direct", (), told, tuple(dict.fromkeys(f.code for f in errors)))
    if pooler is None or pooler.mode != "transaction":
        return Remedy("none", (), "sessions are kept apart", ())
    if not errors:
        return Remedy("none", (), "nothing seen forbids transaction pooling", ())
    codes = tuple(dict.fromkeys(finding.code for finding in errors))
    if codes == (UNNAMED.code,) and takes_parameters and consumer.drivers == ("lib/pq",):
        told = f"gets `{'='.join(BINARY)}`, with which lib/pq needs one round trip ({UNNAMED.code})"
        return Remedy("dsn", (BINARY,), told, codes)
    told = f"a transaction pool breaks it: {'; '.join(_told(errors))}"
    return Remedy("session", (), told, codes)


def decide(
    facts: EnvironmentFacts,
    beside: Beside,
    wanted: Mapping[str, str],
    takes_parameters: Callable[[ConsumerFacts], bool],
) -> Decision:
    """The remedies of every pooled consumer of one environment.

    Args:
        facts: With every runtime on the named Pooler.
        beside: The session Pooler that may take some of them.
        wanted: By consumer id what repoint.yaml says: `session`, any other word for one that
            nothing moves, and an empty one where the evidence decides.
        takes_parameters: Whether a consumer's connection strings can get a parameter.
    """
    runtimes = [c for c in facts.pooled if c.purpose != "probe"]
    open_ones = [one for one in runtimes if wanted.get(one.id, "") in ("", "session")]
    found = _found(facts, open_ones, wanted, takes_parameters)
    going = {name for name, remedy in found.items() if remedy.kind == "session"}
    started = {one.id: remedy for one, remedy in startup(_sent(facts, going, beside.pooler))}
    direct = {name for name in found if name in started and started[name].kind == "direct"}
    session, why_not = _sized(_sent(facts, direct, None), beside, going - direct)
    result: list[tuple[str, Remedy]] = []
    for one in runtimes:
        first, then = started.get(one.id, remedies.NO_REMEDY), found.get(one.id)
        if then is None:
            # Somebody fixed the route; a default that lets it live there is still planned.
            result += [(one.id, first)] if first.kind == "role-default" else []
            continue
        if then.kind == "session":
            then = _settled(then, session if one.id not in direct else None, why_not)
        result += [(one.id, first)] if then.kind != "direct" or one.id in direct else []
        result += [(one.id, then)] if then.kind != "dsn" or one.id not in direct else []
    return Decision(tuple(pair for pair in result if pair[1].kind != "none"), session)


def startup(facts: EnvironmentFacts) -> tuple[tuple[ConsumerFacts, Remedy], ...]:
    """The remedy for the startup parameters of every pooled consumer, at its own Pooler."""
    pools: list[tuple[PoolerFacts | None, tuple[ConsumerFacts, ...]]] = [*facts.pools]
    known = {one.id for _, members in pools for one in members}
    pools.append((None, tuple(one for one in facts.pooled if one.id not in known)))
    result: list[tuple[ConsumerFacts, Remedy]] = []
    for pooler, members in pools:
        by_id = {one.id: one for one in members}
        for name, remedy in remedies.startup_remedies(
            members,
            pooler,
            facts.cluster,
            role_defaults=facts.role_defaults,
            everybody=facts.consumers,
            prechecks=facts.prechecks,
        ):
            result.append((by_id[name], remedy))
    return tuple(result)


def _found(
    facts: EnvironmentFacts,
    consumers: list[ConsumerFacts],
    wanted: Mapping[str, str],
    takes_parameters: Callable[[ConsumerFacts], bool],
) -> dict[str, Remedy]:
    """What each consumer's session state asks for behind the named Pooler."""
    postgres = facts.cluster.postgres if facts.cluster else 0
    pooler = following(facts.pooler) if facts.pooler else None
    found: dict[str, Remedy] = {}
    for one in consumers:
        takes = takes_parameters(one)
        remedy = session_remedy(one, pooler, postgres, takes_parameters=takes)
        asks = wanted.get(one.id) == "session" and pooler is not None and pooler.mode != "session"
        demanded = tls.demands(facts, one)
        if demanded:
            remedy = _demanding(demanded)
        elif asks and remedy.kind != "session":
            remedy = Remedy("session", (), "repoint.yaml asks for a pool of sessions", ())
        found[one.id] = remedy
    return found


def _demanding(demanded: Sequence[Finding]) -> Remedy:
    """What is due to a consumer whose connection string demands what no Pooler gives (TL4)."""
    codes = tuple(dict.fromkeys(finding.code for finding in demanded))
    told = f"goes direct, because of its connection string: {'; '.join(_told(demanded))}"
    return Remedy("direct", (), told, codes)


def _sent(
    facts: EnvironmentFacts, consumers: Collection[str], pooler: PoolerFacts | None
) -> EnvironmentFacts:
    """The facts with these consumers behind `pooler`, on the direct Service without one."""
    if pooler is not None:
        facts = facts.with_pooler(pooler)
    moved = tuple(
        one
        if one.id not in consumers
        else replace(one, route="direct")
        if pooler is None
        else replace(one, pooler=pooler.name)
        for one in facts.consumers
    )
    return replace(facts, consumers=moved)


def remedied(
    facts: EnvironmentFacts, consumer: ConsumerFacts, remedy: Remedy
) -> tuple[Finding, ...]:
    """The findings on the named Pooler that a remedy of this module answers."""
    if facts.pooler is None:
        return ()
    pooler = following(facts.pooler)
    how = {
        "session": f"the session Pooler `{remedy.by}`",
        "direct": "going direct",
        "dsn": f"`{'='.join(BINARY)}` in its connection string",
    }[remedy.kind]
    severity = Severity.NOTE if remedy.kind == "dsn" else Severity.WARNING
    postgres = facts.cluster.postgres if facts.cluster else 0
    found = _errors(facts.name, consumer, pooler, postgres)
    hint = "review where the plan sends it; nothing else is needed"
    demanded = tls.demands(facts, consumer) if remedy.kind == "direct" else ()
    return tuple(
        replace(one, severity=severity, message=f"{one.message}; remedied by {how}", hint=told)
        for one, told in (
            *((one, hint) for one in found),
            *((one, f"to pool it after all, {one.hint}") for one in demanded),
        )
    )


def unmet(
    facts: EnvironmentFacts, wishes: Mapping[str, str], decision: Decision
) -> tuple[Finding, ...]:
    """Findings on consumers whose `pool` in repoint.yaml nothing grants.

    Args:
        facts: As they were decided on.
        wishes: `session` or `transaction` by consumer id.
        decision: What came of it.
    """
    found: list[Finding] = []
    pooler = facts.pooler
    for consumer in facts.pooled:
        wish, told = wishes.get(consumer.id, ""), ""
        if wish == "transaction" and pooler is not None and pooler.mode != "transaction":
            told = f"asks for a transaction pool, and `{pooler.name}` pools sessions"
        for name, remedy in decision.remedies if wish == "session" else ():
            if name == consumer.id and remedy.kind == "direct":
                told = f"asks for a pool of sessions, and {remedy.reason}"
        if told:
            text = f"{consumer.id} {told}"
            found.append(NO_POOL.finding(text, environment=facts.name, consumer=consumer.id))
    return tuple(found)


def earns_transaction(facts: EnvironmentFacts, pooler: PoolerFacts) -> bool:
    """Whether evidence lets every runtime of the environment live behind a transaction `pooler`.

    Each one's own source text was read and names its driver, and nothing speaks against it;
    one whose purpose nobody knows speaks against all.
    """
    runtimes = [one for one in facts.consumers if one.purpose == "runtime"]
    postgres = facts.cluster.postgres if facts.cluster else 0
    return (
        bool(runtimes)
        and all(one.purpose != "unknown" for one in facts.consumers)
        and all(any(h.kind is HazardKind.DRIVER and h.linked for h in c.hazards) for c in runtimes)
        and not any(consumer_findings(facts.name, c, pooler, postgres) for c in runtimes)
    )


def _errors(
    environment: str, consumer: ConsumerFacts, pooler: PoolerFacts, postgres: int
) -> list[Finding]:
    found = consumer_findings(environment, consumer, pooler, postgres)
    return [finding for finding in found if finding.severity is Severity.ERROR]


def _told(errors: Iterable[Finding]) -> Iterator[str]:
    """Each rule once, with the first place that shows it."""
    titles = {rule.code: rule.title for rule in (*SESSION_RULES, *tls.RULES)}
    first: dict[str, Finding] = {}
    for finding in errors:
        first.setdefault(finding.code, finding)
    for code, finding in first.items():
        place = finding.location
        where = f", {place.path}:{place.line}" if place is not None else ""
        yield f"{titles[code]} ({code}{where})"


def _sized(
    facts: EnvironmentFacts, beside: Beside, moving: Collection[str]
) -> tuple[PoolerFacts | None, str]:
    """The session Pooler with room for these consumers, or why PostgreSQL cannot hold it."""
    if beside.pooler is None or not moving:
        return None, beside.why_not
    if facts.cluster is None:
        return None, "the environment renders no Cluster"
    consumers = [one for one in facts.consumers if one.id in moving]
    sized = _grown(beside.pooler, consumers, planned=beside.planned)
    if not budget.holds(_sent(facts, moving, sized)):
        return None, (
            "PostgreSQL's max_connections cannot hold a session pool of "
            f"{sized.parameter('default_pool_size')} beside the others (CA4)"
        )
    return (sized if beside.planned else beside.pooler), ""


def _grown(
    pooler: PoolerFacts, consumers: Sequence[ConsumerFacts], *, planned: bool
) -> PoolerFacts:
    """The Pooler with the sizes that its consumers need (CA1, CA2).

    A new one is as large as their own pools together; where one of them is unknown it is
    not smaller than PgBouncer's default. A rendered one is raised, never lowered.
    """
    needed = budget.needed_size(pooler, consumers)
    least = pooler.number("default_pool_size", budget.DEFAULT_POOL_SIZE)
    if planned:
        unknown = any(not one.pool_size for one in consumers)
        least = budget.DEFAULT_POOL_SIZE if unknown else 1
    sizes = {"default_pool_size": str(max(needed, least))}
    clients = budget.needed_clients(pooler, consumers)
    if clients > pooler.number("max_client_conn", budget.DEFAULT_MAX_CLIENT_CONN):
        sizes["max_client_conn"] = str(clients)
    return replace(pooler, parameters=tuple((dict(pooler.parameters) | sizes).items()))


def _settled(remedy: Remedy, session: PoolerFacts | None, why_not: str) -> Remedy:
    """The remedy with the Pooler that it found, or as a way to the direct Service."""
    if session is not None:
        told = f"goes through the session Pooler `{session.name}`, because {remedy.reason}"
        return replace(remedy, reason=told, by=session.name)
    why = f"; no session Pooler can take it: {why_not}" if why_not else ""
    return replace(remedy, kind="direct", reason=f"goes direct, because {remedy.reason}{why}")
