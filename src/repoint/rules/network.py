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
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, Peer, PolicyFacts, PoolerFacts
from repoint.rules.rule import Rule

DENIED = Rule(
    "RP251",
    Severity.ERROR,
    "a NetworkPolicy keeps a client from PostgreSQL's port",
    "Some policy selects the target's pods and none admits this client on port 5432: its "
    "connections time out. Policies for the old server do not help, they select other labels.",
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

    what: str
    namespace: str
    labels: Labels
    port_name: str = ""
    maybe: Labels = ()


@dataclass(frozen=True, slots=True)
class PolicyNeed:
    """A NetworkPolicy that is missing: these pods must admit these clients on port 5432.

    `sources` are `(namespace, labels)`, sorted; empty labels mean every pod there.
    """

    name: str
    namespace: str
    target_labels: Labels
    sources: tuple[tuple[str, Labels], ...]


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on clients that a policy keeps out, or may keep out."""
    found = []
    for client, target, consumer in _pairs(facts):
        verdict = admits(facts, client, target)
        if verdict is True:
            continue
        rule = DENIED if verdict is False else UNSURE
        text = "is not admitted to" if verdict is False else "may not be admitted to"
        names = ", ".join(f"`{p.name}`" for p in _selecting(facts, target))
        by = f" (policies {names})" if names else ""
        found.append(
            rule.finding(
                f"{client.what} in `{client.namespace}` {text} port {PORT} of {target.what} in "
                f"`{target.namespace}`{by}",
                environment=facts.name,
                consumer=consumer,
            )
        )
    return tuple(found)


def needed_policies(facts: EnvironmentFacts) -> tuple[PolicyNeed, ...]:
    """The policies to write so that no client is denied.

    A consumer in doubt is left to a person; the Pooler in doubt is admitted, since without it
    every pooled consumer fails.
    """
    needs: dict[tuple[str, str, Labels], set[tuple[str, Labels]]] = {}
    for client, target, consumer in _pairs(facts):
        verdict = admits(facts, client, target)
        if verdict is False or (verdict is None and not consumer):
            name = f"allow-{target.labels[0][1]}-clients"
            # `podRole` too: by the Cluster's label alone the Pooler's pods may be selected.
            key = (name, target.namespace, target.labels)
            needs.setdefault(key, set()).add((client.namespace, client.labels))
    return tuple(
        PolicyNeed(name, namespace, labels, _widest(sources))
        for (name, namespace, labels), sources in sorted(needs.items())
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
    verdicts = [
        (selected, _policy_admits(facts, policy, client, target))
        for policy in facts.policies
        if (selected := _selects(policy, target)) is not False
    ]
    sure = [admitted for selected, admitted in verdicts if selected is True]
    if True in sure:
        return True
    if sure:
        return None if any(admitted is not False for _, admitted in verdicts) else False
    # Policies that may select the pods: open only when each of them admits the client.
    return True if all(admitted is True for _, admitted in verdicts) else None


def _selecting(facts: EnvironmentFacts, target: Pods) -> list[PolicyFacts]:
    return [policy for policy in facts.policies if _selects(policy, target) is not False]


def _selects(policy: PolicyFacts, target: Pods) -> bool | None:
    if policy.namespace != target.namespace:
        return False
    matched = _matches(policy.selector, target)
    return None if policy.opaque and matched is True else matched


def _matches(selector: Labels, pods: Pods) -> bool | None:
    wanted = set(selector)
    if wanted <= set(pods.labels):
        return True
    return None if wanted <= {*pods.labels, *pods.maybe} else False


def _policy_admits(
    facts: EnvironmentFacts, policy: PolicyFacts, client: Pods, target: Pods
) -> bool | None:
    best: bool | None = False
    for rule in policy.rules:
        if rule.ports and not any(_is_port(port, target) for port in rule.ports):
            continue
        if not rule.peers:
            return True
        for peer in rule.peers:
            verdict = _peer_admits(facts, policy, peer, client)
            if verdict is True:
                return True
            if verdict is None:
                best = None
    return best


def _peer_admits(
    facts: EnvironmentFacts, policy: PolicyFacts, peer: Peer, client: Pods
) -> bool | None:
    there: bool | None = client.namespace == policy.namespace
    if peer.namespaces is not None:
        there = _namespace_matches(facts, peer.namespaces, client.namespace)
    elif peer.pods is None:
        # Neither selector: an address block, which says nothing of pods.
        return None
    pods: bool | None = True
    if peer.pods is not None:
        pods = _matches(peer.pods, client)
    if there is False or pods is False:
        return False
    if peer.opaque or there is None or pods is None:
        return None
    return True


def _namespace_matches(facts: EnvironmentFacts, selector: Labels, namespace: str) -> bool | None:
    known = dict(facts.namespace_labels)
    labels = {*known.get(namespace, ()), (NAMESPACE_NAME, namespace)}
    if set(selector) <= labels:
        return True
    rest = [pair for pair in selector if pair[0] != NAMESPACE_NAME]
    if namespace not in known and rest and (set(selector) - set(rest)) <= labels:
        return None
    return False


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
    return Pods(f"{consumer.kind} `{consumer.name}`", consumer.namespace, consumer.labels)


def _pooler_pods(pooler: PoolerFacts) -> Pods:
    name, namespace = pooler.name, pooler.namespace
    maybe = (("cnpg.io/cluster", pooler.cluster), ("cnpg.io/podRole", "pooler"))
    labels = (("cnpg.io/poolerName", name),)
    return Pods(f"Pooler `{name}`", namespace, labels, "pgbouncer", maybe)


def _cluster_pods(facts: EnvironmentFacts) -> Pods | None:
    if facts.cluster is None:
        return None
    name, namespace = facts.cluster.name, facts.cluster.namespace
    labels = (("cnpg.io/cluster", name), ("cnpg.io/podRole", "instance"))
    maybe = (("role", "primary"), ("cnpg.io/instanceRole", "primary"))
    return Pods(f"Cluster `{name}`", namespace, labels, "postgresql", maybe)
