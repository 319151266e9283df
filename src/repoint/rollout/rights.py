"""The rights that each command needs in the cluster: each need is declared here, once.

A need is a set of places (a resource, and where the API lets rights be limited by name, its
name) with the verbs of RBAC that the command uses there, and why. Requests by name are `get`,
`patch`, `update`, `delete` and the `create` of a server-side apply; a list or a watch of one
object by a field selector on its name is such, too. A plain `create` is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from repoint.kube.plain import cluster_scoped
from repoint.model.cluster import ClusterVerb, Document, ref_of
from repoint.rollout.inputs import inputs_of
from repoint.rollout.names import ROLLED
from repoint.rollout.objects import at, items_at, mapping_at
from repoint.rollout.ordering import Wave, is_cnpg, secrets_named, wave_of
from repoint.rollout.recycling import is_session

RBAC = "rbac.authorization.k8s.io"
_CNPG = "postgresql.cnpg.io"
_PLURALS = {"Endpoints": "endpoints"}


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A resource; `namespace` is empty for the whole cluster, `name` for every object of it."""

    namespace: str
    group: str
    resource: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Ground:
    """An environment, as far as rights depend on it.

    `lease` is its Lease. `namespaces` are those that its objects are in; `sources` are pairs of
    namespace and Service, as the source's hosts name it, `migration_secrets` pairs of namespace
    and name. `gitops` tells that a controller brings the objects, `compares` that a rollout
    asks whether the target is complete, `in_cluster` that verify asks from probe Jobs.
    `documents` may hold Secrets; only their names are looked at.
    """

    environment: str
    lease_namespace: str
    lease: str
    namespaces: tuple[str, ...]
    documents: tuple[Document, ...] = field(repr=False)
    gitops: bool = False
    in_cluster: bool = False
    compares: bool = False
    sources: tuple[tuple[str, str], ...] = ()
    migration_secrets: tuple[tuple[str, str], ...] = ()

    def place_of(self, document: Document) -> Place:
        """Where an object is."""
        ref = ref_of(document)
        wide = cluster_scoped(document, self._definitions)
        return Place("" if wide else ref.namespace, ref.group, self._plural(document), ref.name)

    def of(self, *waves: Wave) -> Iterator[Document]:
        """The objects of some waves."""
        yield from (one for one in self.documents if wave_of(one) in waves)

    def everywhere(self, group: str, resource: str) -> Iterator[Place]:
        """All objects of a resource, in each namespace of the environment."""
        yield from (Place(namespace, group, resource) for namespace in self.namespaces)

    def reached(self, resource: str, group: str = "") -> Iterator[Place]:
        """All objects of a resource, in the source's namespaces, too."""
        sources = (namespace for namespace, _ in self.sources)
        for namespace in dict.fromkeys((*self.namespaces, *sources)):
            yield Place(namespace, group, resource)

    @property
    def _definitions(self) -> tuple[Document, ...]:
        return tuple(one for one in self.documents if _kind(one) == "CustomResourceDefinition")

    def _plural(self, document: Document) -> str:
        ref = ref_of(document)
        for one in self._definitions:
            names = mapping_at(one, "spec", "names")
            if (at(one, "spec", "group"), names.get("kind")) == (ref.group, ref.kind):
                return str(names.get("plural", ""))
        return plural_of(ref.kind)


Whose = Callable[[Ground], Iterable[Place]]


@dataclass(frozen=True, slots=True)
class Need:
    """What a command does at some places, and why."""

    whose: Whose
    verbs: tuple[str, ...]
    why: str


def plural_of(kind: str) -> str:
    """The resource of a kind, as Kubernetes itself guesses it."""
    if kind in _PLURALS:
        return _PLURALS[kind]
    lower = kind.lower()
    if lower.endswith("s"):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"


def _kind(document: Document) -> str:
    return str(document.get("kind", ""))


# Places.


def _each(ground: Ground) -> Iterator[Place]:
    yield from map(ground.place_of, ground.documents)


def _applied(ground: Ground) -> Iterator[Place]:
    yield from map(ground.place_of, (one for one in ground.documents if not _is_job(one)))


def _jobs(ground: Ground) -> Iterator[Place]:
    yield from map(ground.place_of, filter(_is_job, ground.documents))


def _new_jobs(ground: Ground) -> Iterator[Place]:
    yield from (Place(one.namespace, one.group, one.resource) for one in _jobs(ground))


def _waited(ground: Ground) -> Iterator[Place]:
    for one in ground.documents:
        ref = ref_of(one)
        if ref.kind in ROLLED or _is_job(one) or is_cnpg(ref, "Cluster"):
            yield ground.place_of(one)


def _pooler_deployments(ground: Ground) -> Iterator[Place]:
    for one in _of_cnpg(ground, "Pooler"):
        yield Place(ref_of(one).namespace, "apps", "deployments", ref_of(one).name)


def _metered(ground: Ground) -> Iterator[Place]:
    for one in _of_cnpg(ground, "Pooler"):
        if not is_session(one):
            yield Place(ref_of(one).namespace, "", "pods")


def _metered_ports(ground: Ground) -> Iterator[Place]:
    yield from (replace(one, resource="pods/portforward") for one in _metered(ground))


def _read(ground: Ground) -> Iterator[Place]:
    for one in ground.of(Wave.JOBS, Wave.WORKLOADS):
        for read in inputs_of(one):
            yield Place(read.namespace, "", plural_of(read.kind), read.name)


def _read_by_clusters(ground: Ground) -> Iterator[Place]:
    for one in _of_cnpg(ground, "Cluster"):
        for name in secrets_named(one.get("spec")):
            yield Place(ref_of(one).namespace, "", "secrets", name)


def _migration_secrets(ground: Ground) -> Iterator[Place]:
    for namespace, name in ground.migration_secrets:
        yield Place(namespace, "", "secrets", name)


def _read_maps(ground: Ground) -> Iterator[Place]:
    yield from (one for one in _read(ground) if one.resource == "configmaps")


def _authorities(ground: Ground) -> Iterator[Place]:
    for one in _of_cnpg(ground, "Cluster"):
        yield Place(ref_of(one).namespace, "", "secrets", f"{ref_of(one).name}-ca")


def _source_authorities(ground: Ground) -> Iterator[Place]:
    for namespace, service in ground.sources:
        yield Place(namespace, "", "secrets", f"{service.removesuffix('-rw')}-ca")


def _source_kinds(ground: Ground) -> Iterator[Place]:
    yield from ground.reached("services")
    for resource in ("deployments", "statefulsets"):
        yield from ground.reached(resource, "apps")


def _lease(ground: Ground) -> Iterator[Place]:
    yield Place(ground.lease_namespace, "coordination.k8s.io", "leases", ground.lease)


def _new_lease(ground: Ground) -> Iterator[Place]:
    yield Place(ground.lease_namespace, "coordination.k8s.io", "leases")


def _roles(ground: Ground) -> Iterator[Place]:
    for one in ground.documents:
        if ref_of(one).group == RBAC and _kind(one) in ("Role", "ClusterRole"):
            yield ground.place_of(one)


def _bound_roles(ground: Ground) -> Iterator[Place]:
    for one in ground.documents:
        if ref_of(one).group == RBAC and _kind(one).endswith("RoleBinding"):
            kind, name = (str(at(one, "roleRef", key) or "") for key in ("kind", "name"))
            yield Place(ground.place_of(one).namespace, RBAC, plural_of(kind), name)


def _workload_kinds(ground: Ground) -> Iterator[Place]:
    known = {("apps", plural_of(kind)) for kind in ROLLED}
    known |= {("batch", "jobs"), ("batch", "cronjobs"), ("argoproj.io", "rollouts")}
    for one in ground.documents:
        if items_at(one, "spec", "template", "spec", "containers"):
            known.add((ground.place_of(one).group, ground.place_of(one).resource))
    for group, resource in sorted(known):
        yield from ground.everywhere(group, resource)


def _target_kinds(ground: Ground) -> Iterator[Place]:
    for group, resource in (("", "services"), (_CNPG, "clusters"), (_CNPG, "poolers")):
        yield from ground.everywhere(group, resource)


def _everywhere(group: str, resource: str) -> Whose:
    return lambda ground: ground.everywhere(group, resource)


def _when(asked: Callable[[Ground], bool], whose: Whose) -> Whose:
    return lambda ground: whose(ground) if asked(ground) else ()


def _compares(ground: Ground) -> bool:
    return ground.compares


def _outside(ground: Ground) -> bool:
    return not ground.in_cluster


def _inside(ground: Ground) -> bool:
    return ground.in_cluster


def _is_job(document: Document) -> bool:
    return wave_of(document) is Wave.JOBS


def _of_cnpg(ground: Ground, kind: str) -> list[Document]:
    return [one for one in ground.documents if is_cnpg(ref_of(one), kind)]


# Needs.

_PODS, _LOGS = _everywhere("", "pods"), _everywhere("", "pods/log")
_WAYS = (
    Need(lambda ground: ground.reached("services"), ("get",), "finds the pods behind a Service"),
    Need(
        lambda ground: ground.reached("pods"),
        ("get", "list"),
        "finds the pod that a port is forwarded to",
    ),
    Need(lambda ground: ground.reached("pods/portforward"), ("create",), "forwards ports of pods"),
)
_APPLYING = (
    Need(_each, ("get",), "reads what is there"),
    Need(_applied, ("create", "patch"), "applies it on the server's side"),
    Need(_roles, ("escalate",), "applies a role whose rights it has not itself"),
    Need(_bound_roles, ("bind",), "binds a role whose rights it has not itself"),
    Need(_new_jobs, ("create",), "makes migration Jobs"),
    Need(_jobs, ("delete",), "deletes a migration Job before it is made again"),
    Need(_waited, ("list", "watch"), "waits until it is ready or done"),
    Need(_pooler_deployments, ("get", "list", "watch"), "waits until a Pooler is ready"),
    Need(
        *(_pooler_deployments, ("patch",)),
        "restarts a Pooler's pods, for role settings (ST14) or what PgBouncer takes at its start",
    ),
    Need(_read, ("get",), "knows who reads what changed"),
    Need(_read_by_clusters, ("get",), "tells when a Secret that the Cluster reads is missing"),
    Need(_new_lease, ("create",), "keeps others from rolling out at the same time"),
    Need(_lease, ("get", "update", "list", "watch"), "keeps and renews its Lease"),
    Need(_LOGS, ("get",), "tells what a pod that failed said"),
    Need(_everywhere("", "events"), ("list",), "tells what happened to a pod that failed"),
    Need(_PODS, ("list",), "finds the pods of what failed, and of a Pooler that is paused"),
    Need(_metered, ("get",), "finds the pod whose metrics tell when a pause has worked"),
    Need(_metered_ports, ("create",), "reads these metrics through a forwarded port"),
)
_WATCHING = (
    Need(_each, ("get",), "compares it with what is planned"),
    Need(_pooler_deployments, ("get",), "sees whether a Pooler is ready"),
    Need(_read, ("get",), "sees when what workloads read has changed"),
    Need(_PODS, ("list",), "sees which pods are new"),
)
_VERIFYING = (
    Need(_PODS, ("list",), "reads who runs"),
    Need(_target_kinds, ("list",), "reads what there is to connect to"),
    Need(_workload_kinds, ("list",), "reads what workloads use"),
    *(
        Need(_when(_outside, need.whose), need.verbs, need.why)
        for need in (
            Need(_read, ("get",), "reads the connection strings that workloads use"),
            Need(_authorities, ("get",), "checks certificates with the Cluster's authority"),
            *_WAYS,
        )
    ),
    *(
        Need(_when(_inside, need.whose), need.verbs, need.why)
        for need in (
            Need(_read_maps, ("get",), "reads what workloads are configured with"),
            Need(_everywhere("batch", "jobs"), ("create", "delete"), "makes probes, deletes them"),
            Need(_PODS, ("watch",), "waits for its probes"),
            Need(_LOGS, ("get",), "reads what its probes found"),
        )
    ),
)
_COMPARING = (
    Need(_migration_secrets, ("get",), "reads the migration's own password"),
    Need(_authorities, ("get",), "checks certificates with the Cluster's authority"),
    Need(_source_authorities, ("get",), "checks certificates with the source's authority"),
    *_WAYS,
)
_STANDING = (
    Need(_source_kinds, ("get", "list"), "sees whether there is a way back to the source"),
    Need(lambda ground: ground.reached("persistentvolumeclaims"), ("get",), "sees its volume"),
)
NEEDS: Mapping[ClusterVerb, tuple[Need, ...]] = {
    ClusterVerb.ROLLOUT: (
        *_APPLYING,
        *_COMPARING,
        *(Need(_when(_compares, need.whose), need.verbs, need.why) for need in _STANDING),
    ),
    ClusterVerb.VERIFY: _VERIFYING,
    ClusterVerb.DATA: _COMPARING,
    ClusterVerb.ROLLBACK: (*_APPLYING, *_VERIFYING, *_COMPARING, *_STANDING),
    ClusterVerb.STATUS: (),
}
"""What each command does in the cluster; `status` reads the ledger alone."""


def needs_of(verbs: Iterable[ClusterVerb], ground: Ground) -> tuple[Need, ...]:
    """The needs of some commands in an environment, each once."""
    found: dict[Need, None] = {}
    for verb in verbs:
        gitops = verb is ClusterVerb.ROLLOUT and ground.gitops
        found.update(dict.fromkeys(_WATCHING if gitops else NEEDS[verb]))
    return tuple(found)
