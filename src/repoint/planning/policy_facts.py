"""A NetworkPolicy as the rules see it, both directions."""

from __future__ import annotations

from repoint.kube.effective import Effective, child, items, pairs, text, texts
from repoint.kube.facts import ObjectFact
from repoint.rules.policies import Expression, IngressRule, Peer, PolicyFacts


def policy_facts(fact: ObjectFact) -> PolicyFacts:
    """Read a built NetworkPolicy.

    Without `policyTypes` it limits what comes in, and what goes out if it has a rule for that
    (Kubernetes' API reference, NetworkPolicySpec).
    """
    spec = child(fact.tree, "spec")
    kinds = texts(spec, "policyTypes")
    outgoing = child(spec, "egress") is not None
    limits_in = "Ingress" in kinds or not kinds
    limits_out = "Egress" in kinds or (not kinds and outgoing)
    selector = child(spec, "podSelector")
    return PolicyFacts(
        name=fact.name,
        namespace=fact.namespace,
        selector=pairs(selector, "matchLabels"),
        rules=_rules(spec, "ingress", "from") if limits_in else None,
        egress=_rules(spec, "egress", "to") if limits_out else None,
        expressions=_expressions(selector),
    )


def _rules(spec: Effective | None, field: str, peers: str) -> tuple[IngressRule, ...]:
    return tuple(
        IngressRule(
            peers=tuple(_peer(one) for one in items(rule, peers)),
            ports=tuple(_port(one) for one in items(rule, "ports") if _is_tcp(one)),
        )
        for rule in items(spec, field)
        if not items(rule, "ports") or any(_is_tcp(one) for one in items(rule, "ports"))
    )


def _is_tcp(port: Effective) -> bool:
    return text(port, "protocol") in ("", "TCP")


def _port(port: Effective) -> str:
    """`5432`, a name, a range `5000-6000`, or `0-65535` for an entry without a port."""
    first, last = text(port, "port"), text(port, "endPort")
    return f"{first}-{last}" if last else first or "0-65535"


def _peer(peer: Effective) -> Peer:
    pods, spaces = child(peer, "podSelector"), child(peer, "namespaceSelector")
    return Peer(
        pods=pairs(pods, "matchLabels") if pods is not None else None,
        namespaces=pairs(spaces, "matchLabels") if spaces is not None else None,
        opaque=child(peer, "ipBlock") is not None,
        pod_expressions=_expressions(pods),
        namespace_expressions=_expressions(spaces),
    )


def _expressions(selector: Effective | None) -> tuple[Expression, ...]:
    return tuple(
        (text(one, "key"), text(one, "operator"), texts(one, "values"))
        for one in items(selector, "matchExpressions")
    )
