"""RP25x: NetworkPolicies let consumers reach the new pods.

Policies name pods by label. Those written for the old server select its pods and
admit its clients; the Pooler's and the Cluster's pods carry other labels, so under a
namespace that denies by default nobody reaches them (X10). The answer here is that of
Kubernetes: a pod that no policy selects is open, a selected one admits what some
policy allows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.policies import Expression, IngressRule, Peer, PolicyFacts
from repoint.rules.rule import Rule

DENIED = Rule(
    "RP251",
    Severity.ERROR,
    "a NetworkPolicy keeps a client from PostgreSQL's port",
    "Some policy selects the target's pods and none admits this client on port 5432, or one "
    "selects the client's pods and none lets it out to the target: its connections time out. "
    "Policies for the old server do not help, they select other labels.",
    "add the NetworkPolicy that the plan writes, or admit the client in one of your own",
    ("X10",),
)
UNSURE = Rule(
    "RP252",
    Severity.WARNING,
    "nothing tells whether a NetworkPolicy admits a client",
    "A policy matches by expression, by address, or by a namespace's labels that the render does "
    "not "
    "show, so the answer depends on the cluster.",
    "check that port 5432 of the target's pods is open to this client",
    ("X10",),
)
RULES: tuple[Rule, ...] = (DENIED, UNSURE)

Labels = tuple[tuple[str, str], ...]
PORT = 5432
NAMESPACE_NAME = "kubernetes.io/metadata.name"


@dataclass(frozen=True, slots=True)
class Pods:
    """Pods as policies see them; `maybe` are labels that some operator versions add."""

    name: str
    what: str
    namespace: str
    labels: Labels
    port_name: str = ""
    maybe: Labels = ()


@dataclass(frozen=True, slots=True)
class PolicyNeed:
    """A NetworkPolicy that is missing: these pods must admit these clients on port 5432.

    `sources` are `(namespace, labels)`, sorted; empty labels mean every pod there. With
    `egress` it is the other way round: the clients must be let out to these pods.
    """

    name: str
    namespace: str
    target_labels: Labels
    sources: tuple[tuple[str, Labels], ...]
    egress: bool = False


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on clients that a policy keeps out, or may keep out."""
    found = []
    for client, target, consumer in _pairs(facts):
        for egress in (False, True):
            verdict = _admits(facts, client, target, egress=egress)
            if verdict is True:
                continue
            rule = DENIED if verdict is False else UNSURE
            found.append(
                rule.finding(
                    _message(facts, client, target, sure=verdict is False, egress=egress),
                    environment=facts.name,
                    consumer=consumer,
                )
            )
    return tuple(found)


def _message(
    facts: EnvironmentFacts, client: Pods, target: Pods, *, sure: bool, egress: bool
) -> str:
    own = client if egress else target
    names = ", ".join(f"`{p.name}`" for p in _selecting(facts, own, egress=egress))
    by = f" (policies {names})" if names else ""
    verb = "let out" if egress else "admitted"
    text = f"is not {verb} to" if sure else f"may not be {verb} to"
    return (
        f"{client.what} in `{client.namespace}` {text} port {PORT} of {target.what} in "
        f"`{target.namespace}`{by}"
    )


def needed_policies(facts: EnvironmentFacts) -> tuple[PolicyNeed, ...]:
    """The policies to write so that no client is denied, neither here nor there.

    A consumer in doubt is left to a person; the Pooler in doubt is admitted, since without it
    every pooled consumer fails.
    """
    needs: dict[tuple[bool, str, str, Labels], set[tuple[str, Labels]]] = {}
    for client, target, consumer in _pairs(facts):
        for egress, own, other in ((False, target, client), (True, client, target)):
            verdict = _admits(facts, client, target, egress=egress)
            if verdict is False or (verdict is None and not consumer):
                if egress and not own.labels:
                    continue
                name = f"allow-{own.name}-to-postgres" if egress else f"allow-{own.name}-clients"
                # `podRole` too: by the Cluster's label alone the Pooler's pods may be selected.
                key = (egress, name, own.namespace, own.labels)
                needs.setdefault(key, set()).add((other.namespace, other.labels))
    return tuple(
        PolicyNeed(name, namespace, labels, _widest(sources), egress)
        for (egress, name, namespace, labels), sources in sorted(needs.items())
    )


def _widest(sources: set[tuple[str, Labels]]) -> tuple[tuple[str, Labels], ...]:
    """The sources without those that another one of their namespace admits already."""
    return tuple(
        (namespace, labels)
        for namespace, labels in sorted(sources)
        if not any(namespace == other and set(fewer) < set(labels) for other, fewer in sources)
    )


def admits(facts: EnvironmentFacts, client: Pods, target: Pods) -> bool | None:
    """Whether `client` reaches port 5432 of `target`; None when nothing tells."""
    verdicts = [_admits(facts, client, target, egress=one) for one in (False, True)]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _admits(facts: EnvironmentFacts, client: Pods, target: Pods, *, egress: bool) -> bool | None:
    """One direction: the policies on the target's pods, or those on the client's own."""
    own, other = (client, target) if egress else (target, client)
    verdicts = [
        (selected, _policy_admits(facts, policy, rules, other, target))
        for policy in facts.policies
        if (rules := policy.egress if egress else policy.rules) is not None
        and (selected := _selects(policy, own)) is not False
    ]
    sure = [admitted for selected, admitted in verdicts if selected is True]
    if True in sure:
        return True
    if sure:
        return None if any(admitted is not False for _, admitted in verdicts) else False
    # Policies that may select the pods: open only when each of them admits the client.
    return True if all(admitted is True for _, admitted in verdicts) else None


def _selecting(facts: EnvironmentFacts, own: Pods, *, egress: bool) -> list[PolicyFacts]:
    return [
        policy
        for policy in facts.policies
        if (policy.egress if egress else policy.rules) is not None
        and _selects(policy, own) is not False
    ]


def _selects(policy: PolicyFacts, own: Pods) -> bool | None:
    if policy.namespace != own.namespace:
        return False
    matched = _matches(policy.selector, policy.expressions, own)
    return None if policy.opaque and matched is True else matched


def _matches(selector: Labels, expressions: tuple[Expression, ...], pods: Pods) -> bool | None:
    wanted = set(selector)
    verdicts: list[bool | None] = [_fits(one, pods.labels, pods.maybe) for one in expressions]
    if wanted <= set(pods.labels):
        verdicts.append(True)
    else:
        verdicts.append(None if wanted <= {*pods.labels, *pods.maybe} else False)
    return _all(verdicts)


def _all(verdicts: list[bool | None]) -> bool | None:
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _fits(expression: Expression, labels: Labels, maybe: Labels = ()) -> bool | None:
    """Whether labels fit an expression, as Kubernetes reads it; None when a label may be there."""
    key, operator, values = expression
    known, possible = dict(labels), dict(maybe)
    sure = {
        "In": known.get(key) in values,
        "NotIn": known.get(key) not in values,
        "Exists": key in known,
        "DoesNotExist": key not in known,
    }.get(operator)
    if key in possible and key not in known:
        with_it = _fits(expression, ((key, possible[key]),))
        return sure if with_it is sure else None
    return sure


def _policy_admits(
    facts: EnvironmentFacts,
    policy: PolicyFacts,
    rules: tuple[IngressRule, ...],
    other: Pods,
    target: Pods,
) -> bool | None:
    best: bool | None = False
    for rule in rules:
        if rule.ports and not any(_is_port(port, target) for port in rule.ports):
            continue
        if not rule.peers:
            return True
        for peer in rule.peers:
            verdict = _peer_admits(facts, policy, peer, other)
            if verdict is True:
                return True
            if verdict is None:
                best = None
    return best


def _peer_admits(
    facts: EnvironmentFacts, policy: PolicyFacts, peer: Peer, other: Pods
) -> bool | None:
    there: bool | None = other.namespace == policy.namespace
    if peer.namespaces is not None:
        there = _namespace_matches(facts, peer, other.namespace)
    elif peer.pods is None:
        # Neither selector: an address block, which says nothing of pods.
        return None
    pods: bool | None = True
    if peer.pods is not None:
        pods = _matches(peer.pods, peer.pod_expressions, other)
    verdict = _all([there, pods])
    return None if peer.opaque and verdict is True else verdict


def _namespace_matches(facts: EnvironmentFacts, peer: Peer, namespace: str) -> bool | None:
    known = dict(facts.namespace_labels)
    labels = (*known.get(namespace, ()), (NAMESPACE_NAME, namespace))
    verdicts: list[bool | None] = []
    for pair in peer.namespaces or ():
        unknown = namespace not in known and pair[0] != NAMESPACE_NAME
        verdicts.append(pair in labels or (None if unknown else False))
    for one in peer.namespace_expressions:
        unknown = namespace not in known and one[0] != NAMESPACE_NAME
        verdicts.append(None if unknown else _fits(one, labels))
    return _all(verdicts)


def _is_port(port: str, target: Pods) -> bool:
    low, dash, high = port.partition("-")
    if low.isdigit() and (high.isdigit() or not dash):
        return int(low) <= PORT <= int(high or low)
    return port == target.port_name


def _pairs(facts: EnvironmentFacts) -> Iterator[tuple[Pods, Pods, str]]:
    """`(client, target, consumer id)` for every connection that must be possible."""
    cluster = _cluster_pods(facts)
    for consumer in facts.consumers:
        pooler = facts.pooler_of(consumer)
        own = _pooler_pods(pooler) if pooler is not None else None
        target = {"pooled": own, "direct": cluster}.get(consumer.route)
        if target is not None:
            yield _consumer_pods(consumer), target, consumer.id
    if cluster is not None:
        for named, _ in facts.pools:
            yield _pooler_pods(named), cluster, ""


def _consumer_pods(consumer: ConsumerFacts) -> Pods:
    what = f"{consumer.kind} `{consumer.name}`"
    return Pods(consumer.name, what, consumer.namespace, consumer.labels)


def _pooler_pods(pooler: PoolerFacts) -> Pods:
    name, namespace = pooler.name, pooler.namespace
    maybe = (("cnpg.io/cluster", pooler.cluster), ("cnpg.io/podRole", "pooler"))
    labels = (("cnpg.io/poolerName", name),)
    return Pods(name, f"Pooler `{name}`", namespace, labels, "pgbouncer", maybe)


def _cluster_pods(facts: EnvironmentFacts) -> Pods | None:
    if facts.cluster is None:
        return None
    name, namespace = facts.cluster.name, facts.cluster.namespace
    labels = (("cnpg.io/cluster", name), ("cnpg.io/podRole", "instance"))
    maybe = (("role", "primary"), ("cnpg.io/instanceRole", "primary"))
    return Pods(name, f"Cluster `{name}`", namespace, labels, "postgresql", maybe)
