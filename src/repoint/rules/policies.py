"""What rules look at of NetworkPolicies: whom they select, and whom they let in or out."""

from __future__ import annotations

from dataclasses import dataclass

Expression = tuple[str, str, tuple[str, ...]]
"""An item of `matchExpressions`: key, operator (`In`, `NotIn`, `Exists`, ..) and values."""


@dataclass(frozen=True, slots=True)
class Peer:
    """One `from` or `to` entry: label selectors as pairs, None where absent.

    `pod_expressions` and `namespace_expressions` narrow them further. `opaque` tells of an
    address block, which says nothing of pods.
    """

    pods: tuple[tuple[str, str], ...] | None
    namespaces: tuple[tuple[str, str], ...] | None
    opaque: bool = False
    pod_expressions: tuple[Expression, ...] = ()
    namespace_expressions: tuple[Expression, ...] = ()


@dataclass(frozen=True, slots=True)
class IngressRule:
    """A rule of either direction: no peers means everybody, no ports means every port."""

    peers: tuple[Peer, ...]
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """A NetworkPolicy: `rules` for what comes in, `egress` for what goes out.

    None for a direction that the policy does not limit; no rules for one that it closes.
    `opaque` when nothing tells which pods it selects.
    """

    name: str
    namespace: str
    selector: tuple[tuple[str, str], ...]
    rules: tuple[IngressRule, ...] | None
    opaque: bool = False
    egress: tuple[IngressRule, ...] | None = None
    expressions: tuple[Expression, ...] = ()
