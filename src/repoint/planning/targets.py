"""What the target objects need so that the moved consumers can live there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from repoint.model.consumer import Purpose
from repoint.model.plan import Applicability, Edit, Finding, Op, Severity
from repoint.planning.config import Config
from repoint.planning.deliver import Delivery
from repoint.planning.environment_facts import Targets
from repoint.planning.overlay_edits import OverlayEditor
from repoint.planning.overlay_folder import Folder
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Token, Tree
from repoint.rules import (
    budget,
    network,
    pool_mode,
    session_state,
    startup_params,
    targets,
    tls,
)
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.policies import IngressRule, Peer, PolicyFacts
from repoint.rules.rule import Remedy, Rule

_FILE = "network-policy-cnpg.yaml"


def fix_targets(
    config: Config, found: Targets, facts: EnvironmentFacts, delivery: Delivery
) -> None:
    """Plan the Poolers' parameters, their Cluster's name, and the certificate's names."""
    for pooler in _in_use(facts):
        resource = found.rendered(pooler.name)
        if resource is None:
            continue
        for name, value, reason in _parameters(facts, pooler):
            spot = ("spec", "pgbouncer", "parameters", name)
            delivery.set_field(resource, spot, value, reason)
        if found.cluster is not None and _wrong_cluster(facts, pooler):
            delivery.set_field(
                resource,
                ("spec", "cluster", "name"),
                found.cluster.name,
                Reason(
                    targets.POOLER_CLUSTER.code,
                    "kustomize prefixes the Cluster but not this reference to it (X3)",
                ),
            )
    names = _certificate_names(config, facts)
    if names and found.cluster is not None and facts.cluster is not None:
        whole: list[Tree] = [*facts.cluster.alt_names, *names]
        delivery.set_field(
            found.cluster,
            ("spec", "certificates", "serverAltDNSNames"),
            whole,
            Reason(
                tls.VERIFY_NAME.code,
                "the certificate must carry the Pooler's names for verify-full (TL1)",
                applicability=Applicability.REVIEW,
            ),
        )


def decided(facts: EnvironmentFacts) -> tuple[tuple[ConsumerFacts, Remedy], ...]:
    """The remedy for the startup parameters of each pooled consumer, at its own Pooler."""
    return pool_mode.startup(facts)


def repairs(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """What the plan mends on the target objects, said as notes: nothing is mended in silence."""
    return tuple(one for pooler in _in_use(facts) for one in _repairs(facts, pooler))


def _repairs(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    def note(rule: Rule, message: str, hint: str) -> Finding:
        return rule.finding(
            message,
            hint=hint,
            location=pooler.location,
            environment=facts.name,
            severity=Severity.NOTE,
        )

    if facts.cluster is not None and _wrong_cluster(facts, pooler):
        yield note(
            targets.POOLER_CLUSTER,
            f"Pooler `{pooler.name}` names Cluster `{pooler.cluster}`, which is not rendered; "
            f"the plan points it at `{facts.cluster.name}`",
            "review the patch of the Pooler",
        )
    size = budget.pool_remedy(facts, pooler)
    if size:
        yield note(
            budget.SESSION_POOL,
            f"the consumers' own pools need {size} connections, `{pooler.name}` has "
            f"{pooler.parameter('default_pool_size', '20')}; the plan raises it",
            "review `default_pool_size` against what PostgreSQL can hold",
        )
    if _statements(facts, pooler):
        yield note(
            session_state.NAMED,
            f"consumers of `{pooler.name}` name their statements, and it does not follow them; the "
            "plan makes it (PS2)",
            "review `max_prepared_statements`",
        )


def with_planned(facts: EnvironmentFacts, found: Targets, config: Config) -> EnvironmentFacts:
    """The facts as they are once the planned changes are made: what findings are about."""
    cluster = facts.cluster
    names = _certificate_names(config, facts)
    poolers = [_with_parameters(facts, pooler, found) for pooler in _in_use(facts)]
    if cluster is not None and names:
        cluster = replace(cluster, alt_names=(*cluster.alt_names, *names))
    gone = {consumer.id: remedy.drop for consumer, remedy in decided(facts)}
    kept = unraised(facts)
    consumers = tuple(
        replace(
            consumer,
            connections=tuple(
                replace(
                    one,
                    host=facts.host_of(consumer),
                    params=_kept(
                        _raised(one.params, config.target.sslmode if one.site not in kept else ""),
                        gone.get(consumer.id, ()) if consumer.route == "pooled" else (),
                    ),
                )
                for one in consumer.connections
            ),
        )
        for consumer in facts.consumers
    )
    clusters = tuple(cluster if cluster and c.name == cluster.name else c for c in facts.clusters)
    for pooler in poolers:
        facts = facts.with_pooler(pooler)
    return replace(facts, cluster=cluster, consumers=consumers, clusters=clusters)


def unraised(facts: EnvironmentFacts) -> frozenset[str]:
    """The sites whose sslmode stays as it is, since one of their readers would be refused."""
    return frozenset(
        connection.site
        for consumer in facts.consumers
        for connection in consumer.connections
        if not tls.may_raise(connection, consumer.drivers)
    )


def _with_parameters(facts: EnvironmentFacts, pooler: PoolerFacts, found: Targets) -> PoolerFacts:
    planned = {name: value for name, value, _ in _parameters(facts, pooler)}
    parameters = {**dict(pooler.parameters), **planned}
    name = found.cluster.name if found.cluster is not None else pooler.cluster
    return replace(pooler, parameters=tuple(parameters.items()), cluster=name)


def _kept(
    params: tuple[tuple[str, str], ...], dropped: tuple[str, ...]
) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in params if pair[0] not in dropped)


def _raised(params: tuple[tuple[str, str], ...], wanted: str) -> tuple[tuple[str, str], ...]:
    weak = ("disable", "allow", "prefer")
    return tuple(
        (name, wanted if wanted and name == "sslmode" and value.lower() in weak else value)
        for name, value in params
    )


def _parameters(facts: EnvironmentFacts, pooler: PoolerFacts) -> list[tuple[str, str, Reason]]:
    """The Pooler parameters that its consumers need, each with its reason."""
    members = _members(facts, pooler)
    who = tuple(consumer.id for consumer in members)
    found = decided(replace(facts, consumers=_without_probes(facts)))
    mine = [remedy for consumer, remedy in found if consumer.id in who]
    tracked = next((remedy.parameters for remedy in mine if remedy.kind == "track"), ())
    told = "lets the parameters of pooled connection strings through (SP4, SP7)"
    result = [
        (name, value, Reason(startup_params.REFUSED.code, f"`{name}` {told}", who))
        for name, value in tracked
    ]
    for name, value in _statements(facts, pooler):
        text = "PgBouncer follows the statements that the consumers' drivers name (PS2)"
        reason = Reason(session_state.NAMED.code, text, who, Applicability.REVIEW)
        result.append((name, value, reason))
    size = budget.pool_remedy(facts, pooler)
    if size:
        text = f"a session pool must hold the consumers' own pools: {size} connections (CA1)"
        reason = Reason(budget.SESSION_POOL.code, text, who, Applicability.REVIEW)
        result.append(("default_pool_size", str(size), reason))
    return result


def _statements(facts: EnvironmentFacts, pooler: PoolerFacts) -> tuple[tuple[str, str], ...]:
    return pool_mode.statement_remedy(pooler, _members(facts, pooler))


def _members(facts: EnvironmentFacts, pooler: PoolerFacts) -> tuple[ConsumerFacts, ...]:
    """The consumers of one Pooler without their wait loops."""
    found = (members for one, members in facts.pools if one.name == pooler.name)
    return tuple(c for c in next(found, ()) if c.purpose != Purpose.PROBE.value)


def _in_use(facts: EnvironmentFacts) -> tuple[PoolerFacts, ...]:
    """The named Pooler and every other one that consumers go through."""
    named = (facts.pooler,) if facts.pooler is not None else ()
    return tuple(dict.fromkeys((*named, *(pooler for pooler, _ in facts.pools))))


def _without_probes(facts: EnvironmentFacts) -> tuple[ConsumerFacts, ...]:
    return tuple(c for c in facts.consumers if c.purpose != Purpose.PROBE.value)


def _wrong_cluster(facts: EnvironmentFacts, pooler: PoolerFacts) -> bool:
    return pooler.cluster not in {cluster.name for cluster in facts.clusters}


def _certificate_names(config: Config, facts: EnvironmentFacts) -> tuple[str, ...]:
    """The names that the certificate lacks of Poolers whose consumers check the name (TL1)."""
    if facts.cluster is None:
        return ()
    names: list[str] = []
    for pooler, members in facts.pools:
        checks = any(
            tls.checks_name(connection, consumer.drivers)
            for consumer in members
            for connection in consumer.connections
        )
        if checks:
            names += tls.missing_alt_names(pooler, facts.cluster, config.target.domain)
    return tuple(names)


def add_policies(facts: EnvironmentFacts, delivery: Delivery) -> EnvironmentFacts:
    """Plan a NetworkPolicy for every client that the environment's policies keep out (X10).

    Each goes into an overlay that leaves it in its namespace; without one the finding stays.
    """
    homes: dict[str, tuple[Folder, list[network.PolicyNeed]]] = {}
    for need in network.needed_policies(facts):
        home = delivery.overlay.home(need.namespace)
        if home is not None:
            homes.setdefault(home.directory, (home, []))[1].append(need)
    written = [need for one in homes.values() for need in _add_policies(*one, delivery.overlay)]
    return replace(facts, policies=(*facts.policies, *map(_as_facts, written)))


def _add_policies(
    home: Folder, needs: Sequence[network.PolicyNeed], overlay: OverlayEditor
) -> tuple[network.PolicyNeed, ...]:
    """The policies as they are written into one overlay's file."""
    prefix, suffix = home.affixes()
    # kustomize puts the prefix before the new name too: once is enough.
    head = f"allow-{prefix}"
    named = tuple(replace(need, name=need.name.replace(head, "allow-", 1)) for need in needs)
    documents: list[dict[str, Tree]] = [_policy(need) for need in named]
    expects = tuple(f"NetworkPolicy/{n.namespace}/{prefix}{n.name}{suffix}" for n in named)
    told = "admits the moved clients to the Pooler's and the Cluster's pods on port 5432 (X10)"
    edit = Edit(
        op=Op.SPLICE,
        pointer="",
        line=1,
        key="NetworkPolicy",
        rule=network.DENIED.code,
        reason=told,
        applicability=Applicability.SAFE,
        expects=expects,
    )
    overlay.add_file(
        home,
        _FILE,
        documents,
        "Clients of the CNPG Pooler and Cluster; the other policies admit the old server only.",
        edit,
    )
    return named


def _as_facts(need: network.PolicyNeed) -> PolicyFacts:
    peers = tuple(
        Peer(pods=labels, namespaces=((network.NAMESPACE_NAME, namespace),))
        for namespace, labels in need.sources
    )
    rules = (IngressRule(peers, ("5432",)),)
    return PolicyFacts(
        name=need.name,
        namespace=need.namespace,
        selector=need.target_labels,
        rules=None if need.egress else rules,
        egress=rules if need.egress else None,
    )


def _policy(need: network.PolicyNeed) -> dict[str, Tree]:
    direction, peers = ("egress", "to") if need.egress else ("ingress", "from")
    others: list[Tree] = [_from(need, namespace, labels) for namespace, labels in need.sources]
    rule: Tree = {peers: others, "ports": [{"protocol": "TCP", "port": Token("5432")}]}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": need.name, "namespace": need.namespace},
        "spec": {
            "podSelector": {"matchLabels": dict(need.target_labels)},
            "policyTypes": [direction.capitalize()],
            direction: [rule],
        },
    }


def _from(need: network.PolicyNeed, namespace: str, labels: tuple[tuple[str, str], ...]) -> Tree:
    pods: Tree = {"matchLabels": dict(labels)} if labels else {}
    if namespace == need.namespace:
        return {"podSelector": pods}
    where: Tree = {"matchLabels": {network.NAMESPACE_NAME: namespace}}
    return {"namespaceSelector": where, "podSelector": pods}
