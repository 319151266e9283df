"""How many replicas of a workload can run at once, and what tells so.

A rolling update starts new pods before it stops old ones, and an autoscaler replaces the
number in the manifest, so neither number alone is the most there can be.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repoint.kube.effective import Effective, child, mapping, text
from repoint.kube.resource import Resource
from repoint.kube.workloads import ContainerView

KEDA_DEFAULT_MAX = 100
"""`maxReplicaCount` of a ScaledObject that names none (KEDA's documentation)."""


@dataclass(frozen=True, slots=True)
class Scale:
    """`replicas` at rest and `surge` more while a rollout runs; `source` of the first."""

    replicas: int
    surge: int = 0
    source: str = ""


Limits = Mapping[tuple[str, str, str], tuple[int, str]]
"""`(kind, namespace, name)` of a workload to the most replicas and the autoscaler's name."""


def autoscaled(objects: Iterable[Resource]) -> Limits:
    """The workloads that an autoscaler can grow, and how far."""
    found: dict[tuple[str, str, str], tuple[int, str]] = {}
    for one in objects:
        spec = mapping(one.body, "spec")
        name = text(spec, "scaleTargetRef", "name")
        kind = text(spec, "scaleTargetRef", "kind") or "Deployment"
        if one.kind == "HorizontalPodAutoscaler" and text(spec, "maxReplicas").isdigit():
            most = int(text(spec, "maxReplicas"))
        elif one.kind == "ScaledObject":
            written = text(spec, "maxReplicaCount")
            most = int(written) if written.isdigit() else KEDA_DEFAULT_MAX
        else:
            continue
        if name:
            found[kind, one.namespace, name] = (most, f"{one.kind} `{one.name}`")
    return found


def scale_of(view: ContainerView | None, limits: Limits) -> Scale:
    """The scale of a container's workload; one replica where nothing tells."""
    if view is None:
        return Scale(1)
    workload = view.workload
    spec = mapping(view.resource.body, "spec") if view.resource is not None else {}
    if workload.kind == "CronJob":
        spec = mapping(spec, "jobTemplate", "spec")
    if workload.kind in ("Job", "CronJob"):
        parallel = text(spec, "parallelism")
        return Scale(int(parallel), source="parallelism") if parallel.isdigit() else Scale(1)
    replicas, source = view.replicas if view.replicas is not None else 1, ""
    known = limits.get((workload.kind, workload.namespace, workload.name))
    if known is not None:
        replicas, source = known
    return Scale(replicas, _surge(workload.kind, spec, replicas), source)


def _surge(kind: str, spec: dict[str, Effective], replicas: int) -> int:
    """Pods that a rollout adds: 25 % of a Deployment, rounded up, unless it says otherwise."""
    strategy = child(spec, "strategy")
    if kind != "Deployment" or text(strategy, "type") == "Recreate":
        return 0
    written = text(strategy, "rollingUpdate", "maxSurge") or "25%"
    if written.endswith("%") and written[:-1].isdigit():
        return -(-replicas * int(written[:-1]) // 100)
    return int(written) if written.isdigit() else 0
