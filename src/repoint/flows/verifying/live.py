"""What stands in the cluster for one environment: workloads, what they read, and their pods."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repoint.errors import ClusterRefused
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.model.sensitive import Sensitive
from repoint.ports.cluster import ClusterApi
from repoint.verification.container_env import (
    Keys,
    Variable,
    container_env,
    expanded,
    is_composed,
    references,
)
from repoint.verification.standing import is_over, selector_of

CNPG = "postgresql.cnpg.io/v1"
_KINDS = (
    ("apps/v1", "Deployment"),
    ("apps/v1", "StatefulSet"),
    ("apps/v1", "DaemonSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
    ("argoproj.io/v1alpha1", "Rollout"),
    ("v1", "Pod"),
)
_MAKES_PODS = frozenset({"ReplicaSet", "StatefulSet", "DaemonSet", "Job", "Cluster", "Pooler"})
_CONTAINERS = ("initContainers", "containers")
_EVERY_POD_HAS = "kube-root-ca.crt"


@dataclass(slots=True, eq=False)
class LiveState:
    """The objects of an environment's namespaces, read once; `repr` shows none.

    `cleared` are Jobs that the repository has and that ended and were cleared away: what they
    read is still there. `unread` tells what could not be read, and why; `refused` the same by
    kind, namespace and name, which is empty for all of a kind.
    """

    workloads: dict[tuple[str, str, str], Document] = field(default_factory=dict, repr=False)
    cleared: dict[tuple[str, str, str], Document] = field(default_factory=dict, repr=False)
    held: dict[tuple[str, str, str], Document] = field(default_factory=dict, repr=False)
    namespaces: tuple[str, ...] = ()
    services: tuple[Document, ...] = ()
    pods: tuple[Document, ...] = ()
    clusters: tuple[Document, ...] = ()
    poolers: tuple[Document, ...] = ()
    unread: list[str] = field(default_factory=list)
    refused: dict[tuple[str, str, str], str] = field(default_factory=dict)

    def workload(self, kind: str, namespace: str, name: str) -> Document | None:
        """A workload that stands there."""
        return self.workloads.get((kind, namespace, name))

    def keys(self, kind: str, namespace: str, name: str) -> Keys | None:
        """The texts of a Secret or ConfigMap; None where it is not there."""
        found = self.held.get((kind, namespace, name))
        return None if found is None else texts_of(found)

    def container(
        self, kind: str, namespace: str, name: str, container: str
    ) -> Mapping[str, Any] | None:
        """One container of a workload as it stands."""
        key = (kind, namespace, name)
        workload = self.workloads.get(key) or self.cleared.get(key)
        found = containers_of(workload) if workload is not None else ()
        return next((one for one in found if one.get("name") == container), None)

    def variables(self, namespace: str, container: Mapping[str, Any]) -> dict[str, Variable]:
        """A container's environment as its kubelet made it."""
        return container_env(container, lambda kind, name: self.keys(kind, namespace, name))

    def pods_of(self, workload: Document) -> tuple[Document, ...]:
        """The pods of a workload that did not run to their end."""
        ref = ref_of(workload)
        if ref.kind == "Pod":
            return (workload,)
        wanted = dict(pair.split("=", 1) for pair in selector_of(workload).split(",") if pair)
        return tuple(
            pod
            for pod in self.pods
            if ref_of(pod).namespace == ref.namespace
            and wanted
            and wanted.items() <= _labels(pod).items()
            and not is_over(pod)
        )

    @property
    def running_pods(self) -> tuple[Document, ...]:
        """The pods that run, whoever made them, without CloudNativePG's own.

        One may be left of a workload that is gone, of a ReplicaSet of before, or of a Job that
        its CronJob would make otherwise now.
        """
        return tuple(
            pod
            for pod in self.pods
            if not is_over(pod) and not any(key.startswith("cnpg.io/") for key in _labels(pod))
        )

    def documents(self) -> tuple[Document, ...]:
        """Everything as one reads it: what Kubernetes composes is composed, Secrets are open."""
        return (
            *(self._composed(one) for one in self.workloads.values()),
            *(self._composed(one) for one in self.cleared.values()),
            *(opened(one) for one in self.held.values()),
            *self.services,
            *self.clusters,
            *self.poolers,
        )

    def _composed(self, workload: Document) -> Document:
        """The workload with `$(NAME)` replaced in its literals and commands."""
        namespace = ref_of(workload).namespace

        def container(one: Mapping[str, Any]) -> Mapping[str, Any]:
            literals = [entry.get("value") for entry in one.get("env") or ()]
            words = [*(one.get("command") or ()), *(one.get("args") or ())]
            if not any(is_composed(str(text or "")) for text in (*literals, *words)):
                return one
            known = self.variables(namespace, one)
            return {**one, **_replaced(one, known)}

        return _with_containers(workload, container)


def read_live(
    api: ClusterApi,
    namespaces: Iterable[str],
    desired: Iterable[Document] = (),
    others: Collection[tuple[str, str, str]] = (),
    *,
    secrets: bool = True,
) -> LiveState:
    """Read the workloads of some namespaces and every Secret and ConfigMap that they name.

    Args:
        desired: What the repository has, for kinds of workloads that are not Kubernetes' own,
            and for Jobs that may have been cleared away.
        others: Kind, namespace and name of workloads that belong to another environment: they
            and their pods are left out.
        secrets: Off, no Secret is asked for.
    """
    wanted, known = tuple(namespaces), state_of(desired)
    live = LiveState(namespaces=wanted)
    more = sorted({_kind(one) for one in known.workloads.values()})
    kinds = tuple(dict.fromkeys((*_KINDS, *more)))
    for namespace in wanted:
        pods = _listed(api, live, "v1", "Pod", namespace)
        live.pods += tuple(pod for pod in pods if not makers_of(pod) & set(others))
        live.services += _listed(api, live, "v1", "Service", namespace)
        live.clusters += _listed(api, live, CNPG, "Cluster", namespace)
        live.poolers += _listed(api, live, CNPG, "Pooler", namespace)
        for version, kind in kinds:
            found = live.pods if kind == "Pod" else _listed(api, live, version, kind, namespace)
            for one in found:
                ref = ref_of(one)
                key = (ref.kind, ref.namespace, ref.name)
                if ref.namespace == namespace and key not in others and not _is_made(one, kind):
                    live.workloads[key] = one
    live.cleared = {
        key: one
        for key, one in known.workloads.items()
        if key not in live.workloads and is_cleared_away(one)
    }
    _read_held(api, live, secrets=secrets)
    return live


def state_of(documents: Iterable[Document]) -> LiveState:
    """Objects of a repository, held as those of a cluster are."""
    state = LiveState()
    for one in documents:
        ref = ref_of(one)
        if ref.kind in ("Secret", "ConfigMap"):
            state.held[ref.kind, ref.namespace, ref.name] = one
        elif containers_of(one):
            state.workloads[ref.kind, ref.namespace, ref.name] = one
    return state


def is_cleared_away(job: Document) -> bool:
    """Whether Kubernetes deletes a Job some time after its end."""
    lasts = (job.get("spec") or {}).get("ttlSecondsAfterFinished")
    return job.get("kind") == "Job" and lasts is not None


def texts_of(document: Document) -> dict[str, Sensitive]:
    """The keys of a Secret or ConfigMap, decoded; a value that is no text is left out."""
    if document.get("kind") != "Secret":
        return {key: Sensitive(str(text)) for key, text in (document.get("data") or {}).items()}
    found: dict[str, Sensitive] = {}
    for key, raw in (document.get("data") or {}).items():
        try:
            found[key] = Sensitive(base64.b64decode(raw or "").decode())
        except (binascii.Error, UnicodeDecodeError, ValueError):
            continue
    given = document.get("stringData") or {}
    return {**found, **{key: Sensitive(str(text)) for key, text in given.items()}}


def containers_of(workload: Document) -> tuple[Mapping[str, Any], ...]:
    """Every container of a workload, init containers first."""
    spec = pod_spec_of(workload)
    return tuple(one for key in _CONTAINERS for one in spec.get(key) or ())


def pod_spec_of(workload: Document) -> Mapping[str, Any]:
    """The pod spec that a workload makes pods of."""
    spec: Mapping[str, Any] = workload.get("spec") or {}
    if workload.get("kind") == "Pod":
        return spec
    if workload.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    found: Mapping[str, Any] = (spec.get("template") or {}).get("spec") or {}
    return found


def template_labels(workload: Document) -> dict[str, str]:
    """The labels that a workload's pods have."""
    spec: Mapping[str, Any] = workload.get("spec") or {}
    if workload.get("kind") == "Pod":
        return _labels(workload)
    if workload.get("kind") == "CronJob":
        spec = (spec.get("jobTemplate") or {}).get("spec") or {}
    return _labels(spec.get("template") or {})


def _kind(document: Document) -> tuple[str, str]:
    return str(document.get("apiVersion", "")), str(document.get("kind", ""))


def _labels(document: Mapping[str, Any]) -> dict[str, str]:
    return dict((document.get("metadata") or {}).get("labels") or {})


def _listed(
    api: ClusterApi, live: LiveState, version: str, kind: str, namespace: str
) -> tuple[Document, ...]:
    try:
        found = api.list(version, kind, namespace)
    except ClusterRefused as error:
        live.unread.append(f"{kind} in `{namespace}`: {error.message}")
        live.refused[kind, namespace, ""] = error.message
        return ()
    # Items of a list carry neither; a reader wants to know what each of them is.
    return tuple({"apiVersion": version, "kind": kind, **one} for one in found)


def makers_of(pod: Document) -> frozenset[tuple[str, str, str]]:
    """Kind, namespace and name of what may have made a pod, told by its owner's name alone.

    Labels do not tell: two workloads of one namespace may select the same ones.
    """
    metadata = pod.get("metadata") or {}
    namespace, template = str(metadata.get("namespace", "")), _labels(pod).get("pod-template-hash")
    found = set()
    for owner in metadata.get("ownerReferences") or ():
        kind, name = str(owner.get("kind")), str(owner.get("name"))
        found.add((kind, namespace, name))
        if kind == "ReplicaSet" and template:
            found.add(("Deployment", namespace, name.removesuffix(f"-{template}")))
        if kind == "Job":
            found.add(("CronJob", namespace, name.rpartition("-")[0]))
    return frozenset(found)


def _is_made(document: Document, kind: str) -> bool:
    """Whether another workload of those made it."""
    owners = (document.get("metadata") or {}).get("ownerReferences") or ()
    makers = {str(one.get("kind")) for one in owners if one.get("controller")}
    return bool(makers & _MAKES_PODS) if kind == "Pod" else "CronJob" in makers


def _read_held(api: ClusterApi, live: LiveState, *, secrets: bool) -> None:
    named: set[tuple[str, str, str]] = set()
    for one in (*live.workloads.values(), *live.cleared.values(), *live.running_pods):
        named |= {(kind, ref_of(one).namespace, name) for kind, name in read_by(one)}
    for kind, namespace, name in sorted(named):
        if kind == "Secret" and not secrets:
            continue
        try:
            document = api.get(ObjectRef("v1", kind, namespace, name))
        except ClusterRefused as error:
            live.unread.append(f"{kind}/{name} in `{namespace}`: {error.message}")
            live.refused[kind, namespace, name] = error.message
            continue
        if document is not None:
            live.held[kind, namespace, name] = {"apiVersion": "v1", "kind": kind, **document}


def read_by(workload: Document) -> set[tuple[str, str]]:
    """Kind and name of each Secret and ConfigMap that a workload's pods read."""
    return {*references(containers_of(workload)), *_volumes(pod_spec_of(workload))}


def _volumes(spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for volume in spec.get("volumes") or ():
        for one in (volume, *((volume.get("projected") or {}).get("sources") or ())):
            if one.get("configMap") and one["configMap"].get("name") != _EVERY_POD_HAS:
                yield "ConfigMap", str(one["configMap"].get("name", ""))
            if one.get("secret"):
                named = one["secret"]
                yield "Secret", str(named.get("secretName") or named.get("name", ""))


def opened(document: Document) -> Document:
    """A Secret with its values in clear text; any other object as it is."""
    if document.get("kind") != "Secret":
        return document
    clear = {key: text.reveal() for key, text in texts_of(document).items()}
    rest = {key: value for key, value in document.items() if key not in ("data", "stringData")}
    return {**rest, "stringData": clear}


def _replaced(one: Mapping[str, Any], known: Mapping[str, Variable]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for part in ("command", "args"):
        if one.get(part):
            made[part] = [expanded(str(word), known) for word in one[part]]
    entries: Sequence[Mapping[str, Any]] = one.get("env") or ()
    made["env"] = [
        {**entry, "value": text.reveal()}
        if "valueFrom" not in entry and (text := known[str(entry.get("name", ""))].value)
        else entry
        for entry in entries
    ]
    return made


def _with_containers(workload: Document, change: Any) -> Document:
    """The workload with each of its containers changed."""

    def walk(tree: Any, under: str = "") -> Any:
        if isinstance(tree, dict):
            return {
                key: [change(one) for one in value]
                if key in _CONTAINERS and isinstance(value, list)
                else walk(value, key)
                for key, value in tree.items()
            }
        return [walk(one) for one in tree] if isinstance(tree, list) else tree

    return {**workload, "spec": walk(workload.get("spec") or {})}
