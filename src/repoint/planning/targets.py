"""What the target objects need so that the moved consumers can live there."""

from __future__ import annotations

from dataclasses import replace

from repoint.model.consumer import Purpose
from repoint.model.plan import Applicability, Edit, Finding, Op, Severity
from repoint.planning.config import Config
from repoint.planning.deliver import Delivery
from repoint.planning.environment_facts import Targets
from repoint.planning.overlay_edits import Reason
from repoint.planning.yaml_emit import Token, Tree
from repoint.rules import budget, network, remedies, startup_params, targets, tls
from repoint.rules.facts import (
    ConsumerFacts,
    EnvironmentFacts,
    IngressRule,
    Peer,
    PolicyFacts,
)
from repoint.rules.rule import Remedy

_FILE = "network-policy-cnpg.yaml"


def fix_targets(
    config: Config, found: Targets, facts: EnvironmentFacts, delivery: Delivery
) -> None:
    """Plan the Pooler's parameters, its Cluster's name, and the certificate's names."""
    if found.pooler is not None:
        for name, value, reason in _parameters(facts):
            spot = ("spec", "pgbouncer", "parameters", name)
            delivery.set_field(found.pooler, spot, value, reason)
        if found.cluster is not None and _wrong_cluster(facts):
            delivery.set_field(
                found.pooler,
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
    """The remedy for the startup parameters of each pooled consumer."""
    pooled = {consumer.id: consumer for consumer in facts.pooled}
    found = remedies.startup_remedies(
        pooled.values(),
        facts.pooler,
        facts.cluster,
        role_defaults=facts.role_defaults,
        everybody=facts.consumers,
        prechecks=facts.prechecks,
    )
    return tuple((pooled[name], remedy) for name, remedy in found)


def repairs(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """What the plan mends on the target objects, said as notes: nothing is mended in silence."""
    pooler = facts.pooler
    if pooler is None:
        return ()
    found: list[Finding] = []
    if facts.cluster is not None and _wrong_cluster(facts):
        found.append(
            targets.POOLER_CLUSTER.finding(
                f"Pooler `{pooler.name}` names Cluster `{pooler.cluster}`, which is not rendered; "
                f"the plan points it at `{facts.cluster.name}`",
                hint="review the patch of the Pooler",
                location=pooler.location,
                environment=facts.name,
                severity=Severity.NOTE,
            )
        )
    size = budget.pool_remedy(facts)
    if size:
        found.append(
            budget.SESSION_POOL.finding(
                f"the consumers' own pools need {size} connections, `{pooler.name}` has "
                f"{pooler.parameter('default_pool_size', '20')}; the plan raises it",
                hint="review `default_pool_size` against what PostgreSQL can hold",
                location=pooler.location,
                environment=facts.name,
                severity=Severity.NOTE,
            )
        )
    return tuple(found)


def with_planned(facts: EnvironmentFacts, found: Targets, config: Config) -> EnvironmentFacts:
    """The facts as they are once the planned changes are made: what findings are about."""
    pooler, cluster = facts.pooler, facts.cluster
    names = _certificate_names(config, facts)
    if pooler is not None:
        planned = {name: value for name, value, _ in _parameters(facts)}
        parameters = {**dict(pooler.parameters), **planned}
        name = found.cluster.name if found.cluster is not None else pooler.cluster
        pooler = replace(pooler, parameters=tuple(parameters.items()), cluster=name)
    if cluster is not None and names:
        cluster = replace(cluster, alt_names=(*cluster.alt_names, *names))
    gone = {consumer.id: remedy.drop for consumer, remedy in decided(facts)}
    consumers = tuple(
        replace(
            consumer,
            connections=tuple(
                replace(
                    one,
                    host=facts.pooled_host if consumer.route == "pooled" else facts.direct_host,
                    params=_kept(
                        _raised(one.params, config.target.sslmode), gone.get(consumer.id, ())
                    ),
                )
                for one in consumer.connections
            ),
        )
        for consumer in facts.consumers
    )
    poolers = tuple(pooler if pooler and p.name == pooler.name else p for p in facts.poolers)
    clusters = tuple(cluster if cluster and c.name == cluster.name else c for c in facts.clusters)
    return replace(
        facts,
        pooler=pooler,
        cluster=cluster,
        consumers=consumers,
        poolers=poolers,
        clusters=clusters,
    )


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


def _parameters(facts: EnvironmentFacts) -> list[tuple[str, str, Reason]]:
    """The Pooler parameters that the pooled consumers need, each with its reason."""
    who = tuple(c.id for c in facts.pooled if c.purpose != Purpose.PROBE.value)
    found = decided(replace(facts, consumers=_without_probes(facts)))
    tracked = next((remedy.parameters for _, remedy in found if remedy.kind == "track"), ())
    told = "lets the parameters of pooled connection strings through (SP4, SP7)"
    result = [
        (name, value, Reason(startup_params.REFUSED.code, f"`{name}` {told}", who))
        for name, value in tracked
    ]
    size = budget.pool_remedy(facts)
    if size:
        text = f"a session pool must hold the consumers' own pools: {size} connections (CA1)"
        reason = Reason(budget.SESSION_POOL.code, text, who, Applicability.REVIEW)
        result.append(("default_pool_size", str(size), reason))
    return result


def _without_probes(facts: EnvironmentFacts) -> tuple[ConsumerFacts, ...]:
    return tuple(c for c in facts.consumers if c.purpose != Purpose.PROBE.value)


def _wrong_cluster(facts: EnvironmentFacts) -> bool:
    names = {cluster.name for cluster in facts.clusters}
    return facts.pooler is not None and facts.pooler.cluster not in names


def _certificate_names(config: Config, facts: EnvironmentFacts) -> tuple[str, ...]:
    if facts.pooler is None or facts.cluster is None:
        return ()
    checks = any(
        tls.checks_name(connection, consumer.drivers)
        for consumer in facts.pooled
        for connection in consumer.connections
    )
    if not checks:
        return ()
    return tls.missing_alt_names(facts.pooler, facts.cluster, config.target.domain)


def add_policies(facts: EnvironmentFacts, delivery: Delivery) -> EnvironmentFacts:
    """Plan a NetworkPolicy for every client that the environment's policies keep out (X10)."""
    needs = network.needed_policies(facts)
    if not needs or not delivery.overlay.can_add:
        return facts
    prefix, suffix = delivery.overlay.affixes()
    # kustomize puts the prefix before the new name too: once is enough.
    head = f"allow-{prefix}"
    needs = tuple(replace(need, name=need.name.replace(head, "allow-", 1)) for need in needs)
    documents: list[dict[str, Tree]] = [_policy(need) for need in needs]
    expects = tuple(f"NetworkPolicy/{n.namespace}/{prefix}{n.name}{suffix}" for n in needs)
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
    delivery.overlay.add_file(
        _FILE,
        documents,
        "Clients of the CNPG Pooler and Cluster; the other policies admit the old server only.",
        edit,
    )
    added = tuple(
        PolicyFacts(
            name=need.name,
            namespace=need.namespace,
            selector=need.target_labels,
            rules=(
                IngressRule(
                    tuple(
                        Peer(pods=labels, namespaces=((network.NAMESPACE_NAME, namespace),))
                        for namespace, labels in need.sources
                    ),
                    ("5432",),
                ),
            ),
        )
        for need in needs
    )
    return replace(facts, policies=(*facts.policies, *added))


def _policy(need: network.PolicyNeed) -> dict[str, Tree]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": need.name, "namespace": need.namespace},
        "spec": {
            "podSelector": {"matchLabels": dict(need.target_labels)},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [_from(need, namespace, labels) for namespace, labels in need.sources],
                    "ports": [{"protocol": "TCP", "port": Token("5432")}],
                }
            ],
        },
    }


def _from(need: network.PolicyNeed, namespace: str, labels: tuple[tuple[str, str], ...]) -> Tree:
    pods: Tree = {"matchLabels": dict(labels)} if labels else {}
    if namespace == need.namespace:
        return {"podSelector": pods}
    where: Tree = {"matchLabels": {network.NAMESPACE_NAME: namespace}}
    return {"namespaceSelector": where, "podSelector": pods}
