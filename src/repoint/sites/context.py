"""What a file is to its reader, and which parts of it cannot hold a site."""

from __future__ import annotations

import re
from typing import NamedTuple

from repoint.formats.base import FileKind, Mapping, Node, ParsedFile, Scalar, Sequence
from repoint.sites.frame import Role
from repoint.sites.keys import ancestor_evidence
from repoint.sites.lexicon import lexicon

_BY_KIND = {
    FileKind.DOTENV: Role.DOTENV,
    FileKind.HCL: Role.HCL,
    FileKind.MAKEFILE: Role.MAKEFILE,
    FileKind.SHELL: Role.SCRIPT,
    FileKind.DOCKERFILE: Role.SCRIPT,
    FileKind.HELM_TEMPLATE: Role.TEMPLATE,
    FileKind.TEXT: Role.SCRIPT,
}
_PIPELINE = re.compile(
    r"(^|/)(\.github/|\.circleci/|\.woodpecker|\.drone|\.travis|\.gitlab-ci|\.gitlab/|\.tekton/"
    r"|azure-pipelines|bitbucket-pipelines|cloudbuild|buildspec|appveyor|\.buildkite/|Taskfile"
    r"|taskfile|skaffold|tilt|\.semaphore/|wercker|codefresh|\.devcontainer|devfile|render\.ya?ml"
    r"|app\.ya?ml$|serverless|(^|/)package\.json$|\.gitpod|docker-bake|action\.ya?ml|pipelines?/)"
)
_VALUES = re.compile(
    r"(^|/)values/|(^|[-_./])values([-_.][^/]*)?\.(ya?ml|json)(\.\w+)?$|(^|/)[^/]*values\.ya?ml$"
)
_COMPOSE = re.compile(r"(^|/)[^/]*(compose|docker-stack|stack)[^/]*\.ya?ml$|(^|/)stack\.ya?ml$")
_HELM_KINDS = frozenset({"HelmRelease", "HelmChart", "HelmChartConfig", "HelmChartProxy"})
_ARGO_KINDS = frozenset({"Application", "ApplicationSet"})

SKIPPED_KEYS = lexicon(
    "labels matchLabels annotations selector nodeSelector description summary documentation "
    "image imagePullSecrets tolerations affinity resources encryptedData sops volumeMounts "
    "ports rules securityContext matchExpressions ownerReferences status openAPIV3Schema "
    "$schema examples commonLabels topologySpreadConstraints headers help notes readme "
    "finalizers managedFields"
)
"""Keys whose values never name the server a program connects to."""

_SKIPPED_KINDS = lexicon(
    "Service Ingress IngressRoute IngressRouteTCP HTTPRoute GRPCRoute TCPRoute TLSRoute Gateway "
    "VirtualService DestinationRule ServiceEntry NetworkPolicy CiliumNetworkPolicy "
    "CiliumClusterwideNetworkPolicy GlobalNetworkPolicy AuthorizationPolicy PeerAuthentication "
    "Sidecar Namespace PersistentVolumeClaim PersistentVolume ServiceAccount Role RoleBinding "
    "ClusterRole ClusterRoleBinding PodMonitor ServiceMonitor PrometheusRule Certificate Issuer "
    "ClusterIssuer CustomResourceDefinition StorageClass HorizontalPodAutoscaler Endpoints "
    "PodDisruptionBudget EndpointSlice DNSEndpoint SealedSecret HelmRepository GitRepository "
    "OCIRepository VolumeSnapshot "
    "ResourceQuota LimitRange PriorityClass Dashboard"
)
_OPERATORS = tuple(
    sorted(
        lexicon(
            "postgresql.cnpg.io acid.zalan.do postgres-operator.crunchydata.com pgv2.percona.com "
            "stackgres.io kubegres.reactive-tech.io kubedb.com"
        )
    )
)
_SERVER_IMAGE = re.compile(
    r"(^|/)(postgres(ql)?(-ha|-repmgr)?|postgis|timescaledb(-ha)?|spilo[-\w]*|cloudnative-pg|"
    r"crunchy-postgres[-\w]*|pgvector|supabase/postgres|pgvecto-rs|vectorchord[-\w]*|alloydb[-\w]*)"
    r"(:|@|$)"
)


class Scope(NamedTuple):
    """What is known of a place in a file from what stands above it.

    `trail` holds the keys above, from the nearest root (a document, the values of a
    chart, a file inside a scalar); `shown` those of them that a key's name shows.
    """

    role: Role
    kind: str = ""
    api: str = ""
    name: str = ""
    trail: tuple[str, ...] = ()
    shown: tuple[str, ...] = ()
    image: str = ""
    container: str = ""
    owner: str = ""
    probe: bool = False
    batch: bool = False
    env: bool = False
    templates: bool = False
    engine: bool | None = None

    def below(self, key: str, *, shown: bool = True) -> Scope:
        """The scope of what stands under `key`."""
        return self._replace(
            trail=(*self.trail, key), shown=(*self.shown, key) if shown else self.shown
        )

    @property
    def asks_itself(self) -> bool:
        """Whether this is a probe of the server's own container: whatever it names is itself."""
        return self.probe and is_server_image(self.image)

    @property
    def own_server(self) -> bool:
        """Whether commands here run inside the PostgreSQL server's own container."""
        return self.probe or (not self.batch and is_server_image(self.image))


def is_server_image(image: str) -> bool:
    """Whether an image runs a PostgreSQL server."""
    return bool(_SERVER_IMAGE.search(image))


def file_scope(parsed: ParsedFile) -> Scope:
    """The scope of a whole file, by its name and its root."""
    path = parsed.path
    if parsed.kind in _BY_KIND:
        role = _BY_KIND[parsed.kind]
        if role is Role.TEMPLATE and not _is_chart_template(parsed):
            role = _tree_role(path, _roots(parsed))
        return Scope(role, templates=role is Role.TEMPLATE)
    if parsed.kind not in (FileKind.YAML, FileKind.JSON):
        return Scope(Role.CONFIG, trail=_stem(path))
    role = _tree_role(path, _roots(parsed))
    if parsed.masked and role is Role.MANIFEST:
        role = Role.TEMPLATE
    return Scope(role, templates=parsed.masked, trail=_stem(path) if role is Role.CONFIG else ())


def _stem(path: str) -> tuple[str, ...]:
    """The file's name as the first key, where it says what the file is about."""
    stem = path.rpartition("/")[2].lstrip(".").split(".")[0]
    return (stem,) if ancestor_evidence((stem,)) else ()


def _is_chart_template(parsed: ParsedFile) -> bool:
    return "{{" in parsed.text or parsed.path.endswith(".tpl")


def _roots(parsed: ParsedFile) -> tuple[Node, ...]:
    return tuple(doc.root for doc in parsed.documents if doc.root is not None)


def _tree_role(path: str, roots: tuple[Node, ...]) -> Role:
    base = path.rpartition("/")[2]
    if any(is_object(root) for root in roots) or base.startswith(
        ("kustomization.", "Kustomization")
    ):
        return Role.MANIFEST
    if _PIPELINE.search(path):
        return Role.PIPELINE
    if _VALUES.search(path) or base.startswith("helmfile"):
        return Role.HELM_VALUES
    if _COMPOSE.search(path):
        return Role.COMPOSE
    for root in roots:
        if isinstance(root, Sequence) and _is_patch(root):
            return Role.MANIFEST
        if isinstance(root, Mapping) and _is_compose(root):
            return Role.COMPOSE
        if isinstance(root, Mapping) and (root.get("containerDefinitions") or _pod_like(root)):
            return Role.MANIFEST
    return Role.CONFIG


def is_object(node: Node | None) -> bool:
    """Whether a node is a Kubernetes object."""
    return isinstance(node, Mapping) and bool(node.text("apiVersion")) and bool(node.text("kind"))


def _pod_like(root: Mapping) -> bool:
    return root.mapping("spec", "template") is not None or root.mapping("metadata") is not None


def _is_patch(root: Sequence) -> bool:
    first = root.items[0] if root.items else None
    return isinstance(first, Mapping) and bool(first.text("op")) and bool(first.text("path"))


def _is_compose(root: Mapping) -> bool:
    services = root.mapping("services")
    if services is None:
        return False
    return any(
        isinstance(service, Mapping) and (service.get("image") or service.get("build"))
        for _, service in services.pairs
    )


def enter_object(node: Mapping, scope: Scope) -> Scope:
    """The scope inside a Kubernetes object."""
    kind, api = node.text("kind"), node.text("apiVersion")
    return scope._replace(
        kind=kind, api=api, name=node.text("metadata", "name"), trail=(), shown=(),
        batch=scope.batch or kind in {"Job", "CronJob", "Workflow", "CronWorkflow", "Task"},
    )  # fmt: skip


def is_skipped(scope: Scope) -> bool:
    """Whether an object of this kind is the server's own, or no client of one."""
    if scope.kind in _SKIPPED_KINDS and not _is_flux_substitute(scope):
        return not scope.api.startswith("serving.knative.dev/")
    return any(group in scope.api for group in _OPERATORS)


def _is_flux_substitute(scope: Scope) -> bool:
    return "kustomize.toolkit" in scope.api


def values_key(scope: Scope, key: str) -> bool:
    """Whether `key` of a Flux or Argo CD object holds a chart's values."""
    if scope.kind in _HELM_KINDS:
        return key in {"values", "valuesContent", "valuesTemplate", "set"}
    if scope.kind in _ARGO_KINDS:
        return key in {"values", "valuesObject", "parameters"} and scope.trail[-1:] == ("helm",)
    return False


def generator_key(scope: Scope, key: str) -> bool:
    """Whether `key` of an ApplicationSet holds the elements that its values are made of."""
    return scope.kind == "ApplicationSet" and key == "generators"


def enter_container(node: Mapping, scope: Scope) -> Scope:
    """The scope inside a mapping that runs an image, or the scope itself."""
    image = node.get("image")
    text = image.text if isinstance(image, Scalar) else ""
    if isinstance(image, Mapping):
        text = f"{image.text('repository')}:{image.text('tag')}"
    if not text:
        return scope
    return scope._replace(image=text, container=node.text("name"))
