"""What brings an environment's objects to the cluster, in which order, and what it may delete."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from repoint.model.source import Location

ARGO = "argoproj.io"
FLUX = "kustomize.toolkit.fluxcd.io"
HELM = "helm.sh"
TOOLS = (ARGO, FLUX, HELM)
"""Domains of the annotations and labels by which the delivery tools are told what to do."""

_HOOK = "argocd.argoproj.io/hook"
_HELM_HOOK = "helm.sh/hook"
_BEFORE = ("pre-install", "pre-upgrade")
_AFTER = ("post-install", "post-upgrade")


class Phase(IntEnum):
    """The parts of one sync, in their order."""

    BEFORE = 0
    """Argo CD's PreSync, Helm's pre-install and pre-upgrade."""
    SYNC = 1
    AFTER = 2
    """Argo CD's PostSync, Helm's post-install and post-upgrade."""


@dataclass(frozen=True, slots=True)
class Deliverer:
    """A Flux Kustomization, an Argo CD Application, or a chart.

    `tool` is `flux`, `argocd` or `helm`. `waits` tells that it is ready only when what it
    brought is, `prune` that it deletes what leaves the repository, `force` that it re-creates
    what cannot be changed, `suspended` that it brings nothing at all. `after` are the
    `namespace/name` that it waits for.
    """

    tool: str
    name: str
    namespace: str = ""
    location: Location | None = None
    force: bool = False
    prune: bool = False
    waits: bool = False
    suspended: bool = False
    after: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """`namespace/name`, the form in which others name it."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True)
class DeliveredObject:
    """A rendered object with what its annotations and labels ask of the delivery tools.

    `by` is None where nothing in the repository tells who brings it; `unit` names what is
    brought in one go with it (an overlay, a chart, a directory).
    """

    kind: str
    namespace: str
    name: str
    marks: tuple[tuple[str, str], ...] = ()
    by: Deliverer | None = None
    unit: str = ""
    location: Location | None = None

    @property
    def id(self) -> str:
        """`Kind/namespace/name`."""
        return "/".join(part for part in (self.kind, self.namespace, self.name) if part)

    @property
    def tool(self) -> str:
        """`flux`, `argocd`, `helm`; empty where nothing tells."""
        if self.by is not None:
            return self.by.tool
        domains = " ".join(name for name, _ in self.marks)
        return "argocd" if ARGO in domains else "flux" if FLUX in domains else ""

    def mark(self, name: str) -> str:
        """The text of an annotation or label, empty when it is not there."""
        return dict(self.marks).get(name, "")

    def listed(self, name: str) -> tuple[str, ...]:
        """The items of a comma-separated annotation."""
        return tuple(part.strip() for part in self.mark(name).split(",") if part.strip())

    @property
    def is_hook(self) -> bool:
        """Whether the tool that brings it runs it as a hook."""
        return self._heeds_hooks and bool(self.mark(_HOOK) or self._helm_hook)

    @property
    def phase(self) -> Phase | None:
        """When in a sync it comes; None when it does not come with a sync at all."""
        if not self.is_hook:
            return Phase.SYNC
        hooks = self.listed(_HOOK)
        if hooks:
            named = {"PreSync": Phase.BEFORE, "Sync": Phase.SYNC, "PostSync": Phase.AFTER}
            return min((named[one] for one in hooks if one in named), default=None)
        if any(one in _BEFORE for one in self._helm_hook):
            return Phase.BEFORE
        return Phase.AFTER if any(one in _AFTER for one in self._helm_hook) else None

    @property
    def wave(self) -> int:
        """The wave within its phase; 0 unless something is said."""
        if not self._heeds_hooks:
            return 0
        own = "" if self.tool == "helm" else self.mark("argocd.argoproj.io/sync-wave")
        written = own or (self.mark("helm.sh/hook-weight") if self.is_hook else "")
        return int(written) if written.lstrip("+-").isdigit() else 0

    @property
    def turn(self) -> tuple[int, int] | None:
        """Phase and wave, which sort as they come; None as for `phase`."""
        return None if self.phase is None else (self.phase, self.wave)

    @property
    def _helm_hook(self) -> tuple[str, ...]:
        return self.listed(_HELM_HOOK)

    @property
    def _heeds_hooks(self) -> bool:
        """Flux and kubectl apply a hook like any other object (GO7)."""
        return self.tool in ("argocd", "helm")


@dataclass(frozen=True, slots=True)
class Input:
    """A Secret or ConfigMap that a reader gets its connection from.

    `changes` tells that the plan changes the value that is read.
    """

    object: DeliveredObject
    key: str = ""
    changes: bool = False


@dataclass(frozen=True, slots=True)
class Reader:
    """A workload with a database connection, whether it moves or has moved.

    `id` is the consumer's, `changes` tells that the plan changes its own manifest,
    `keeps_name` that the next revision has the same name, `expires` that a finished Job is
    deleted by itself.
    """

    id: str
    object: DeliveredObject
    purpose: str = "runtime"
    inputs: tuple[Input, ...] = ()
    changes: bool = False
    keeps_name: bool = True
    expires: bool = False


@dataclass(frozen=True, slots=True)
class Delivered:
    """How one environment gets to its cluster.

    `gitops` is what repoint.yaml says (`mode: gitops`). `targets` are the Cluster and Poolers in
    use, `source` the old server's objects; `deliverers` all that bring something here.
    `new_cluster` tells that the Cluster does not stand yet.
    """

    gitops: bool = False
    deliverers: tuple[Deliverer, ...] = ()
    readers: tuple[Reader, ...] = ()
    targets: tuple[DeliveredObject, ...] = ()
    source: tuple[DeliveredObject, ...] = ()
    new_cluster: bool = False


NOTHING_DELIVERED = Delivered()
