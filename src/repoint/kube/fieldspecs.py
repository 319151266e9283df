"""The fields that kustomize changes by default: names of other objects, labels, namespaces.

As kustomize's built-in configuration has them; `configurations` and `crds` may add others.
"""

from __future__ import annotations

from functools import lru_cache

from msgspec import Struct


class FieldSpec(Struct, frozen=True):
    """A field of one kind of object; `create` tells that it is made where it is missing.

    `group` is empty where every group's kind of that name is meant. `whole` tells that the field
    is a mapping of a name and a namespace.
    """

    kind: str
    path: tuple[str, ...]
    group: str = ""
    create: bool = False
    whole: bool = False


_WHOLE = frozenset({"subjects", "webhooks/clientConfig/service", "spec/configSource/configMap"})
_PODS = {
    "Pod": "spec",
    "PodTemplate": "template/spec",
    "Deployment": "spec/template/spec",
    "ReplicaSet": "spec/template/spec",
    "DaemonSet": "spec/template/spec",
    "StatefulSet": "spec/template/spec",
    "ReplicationController": "spec/template/spec",
    "Job": "spec/template/spec",
    "CronJob": "spec/jobTemplate/spec/template/spec",
}
POD_SPECS = {kind: tuple(path.split("/")) for kind, path in _PODS.items()}
"""Where a pod's spec stands in the kinds that run pods."""

_IN_PODS = {
    "ConfigMap": (
        "volumes/configMap/name",
        "containers/env/valueFrom/configMapKeyRef/name",
        "initContainers/env/valueFrom/configMapKeyRef/name",
        "containers/envFrom/configMapRef/name",
        "initContainers/envFrom/configMapRef/name",
        "volumes/projected/sources/configMap/name",
    ),
    "Secret": (
        "volumes/secret/secretName",
        "containers/env/valueFrom/secretKeyRef/name",
        "initContainers/env/valueFrom/secretKeyRef/name",
        "containers/envFrom/secretRef/name",
        "initContainers/envFrom/secretRef/name",
        "imagePullSecrets/name",
        "volumes/projected/sources/secret/name",
    ),
}
_BESIDE_PODS = {
    "ServiceAccount": ("serviceAccountName",),
    "PersistentVolumeClaim": ("volumes/persistentVolumeClaim/claimName",),
    "PriorityClass": ("priorityClassName",),
}
_RBAC = "rbac.authorization.k8s.io"
_HOOKS = "admissionregistration.k8s.io"
_SCALED = ("Deployment", "ReplicationController", "ReplicaSet", "StatefulSet")
_OTHERS = (
    *((kind, "HorizontalPodAutoscaler", "spec/scaleTargetRef/name", "") for kind in _SCALED),
    ("ConfigMap", "Node", "spec/configSource/configMap", ""),
    ("ConfigMap", "Role", "rules/resourceNames", ""),
    ("ConfigMap", "ClusterRole", "rules/resourceNames", ""),
    ("Secret", "Role", "rules/resourceNames", ""),
    ("Secret", "ClusterRole", "rules/resourceNames", ""),
    ("Secret", "Ingress", "spec/tls/secretName", ""),
    ("Secret", "ServiceAccount", "imagePullSecrets/name", ""),
    ("Secret", "StorageClass", "parameters/secretName", ""),
    ("Secret", "StorageClass", "parameters/adminSecretName", ""),
    ("Secret", "StorageClass", "parameters/userSecretName", ""),
    ("Secret", "StorageClass", "parameters/secretRef", ""),
    ("Secret", "PersistentVolume", "spec/azureFile/secretName", ""),
    (
        "Secret",
        "Service",
        "spec/template/spec/containers/env/valueFrom/secretKeyRef/name",
        "serving.knative.dev",
    ),
    ("Service", "StatefulSet", "spec/serviceName", "apps"),
    ("Service", "Ingress", "spec/rules/http/paths/backend/serviceName", ""),
    ("Service", "Ingress", "spec/backend/serviceName", ""),
    ("Service", "Ingress", "spec/rules/http/paths/backend/service/name", ""),
    ("Service", "Ingress", "spec/defaultBackend/service/name", ""),
    ("Service", "APIService", "spec/service/name", "apiregistration.k8s.io"),
    ("Service", "ValidatingWebhookConfiguration", "webhooks/clientConfig/service", _HOOKS),
    ("Service", "MutatingWebhookConfiguration", "webhooks/clientConfig/service", _HOOKS),
    ("Service", "HTTPRoute", "spec/rules/backendRefs/name", ""),
    ("Role", "RoleBinding", "roleRef/name", _RBAC),
    ("ClusterRole", "RoleBinding", "roleRef/name", _RBAC),
    ("ClusterRole", "ClusterRoleBinding", "roleRef/name", _RBAC),
    ("ServiceAccount", "RoleBinding", "subjects", _RBAC),
    ("ServiceAccount", "ClusterRoleBinding", "subjects", _RBAC),
    ("PersistentVolume", "PersistentVolumeClaim", "spec/volumeName", ""),
    ("PersistentVolume", "ClusterRole", "rules/resourceNames", ""),
    ("StorageClass", "PersistentVolume", "spec/storageClassName", ""),
    ("StorageClass", "PersistentVolumeClaim", "spec/storageClassName", ""),
    ("StorageClass", "StatefulSet", "spec/volumeClaimTemplates/spec/storageClassName", ""),
)
_ANNOTATED = (
    ("ConfigMap", "nginx.ingress.kubernetes.io/fastcgi-params-configmap"),
    ("Secret", "ingress.kubernetes.io/auth-secret"),
    ("Secret", "nginx.ingress.kubernetes.io/auth-secret"),
    ("Secret", "nginx.ingress.kubernetes.io/auth-tls-secret"),
)


@lru_cache(maxsize=1024)
def references_of(kind: str, group: str) -> tuple[tuple[str, FieldSpec], ...]:
    """The kinds that an object of a kind refers to by name, with the fields it does so in."""
    found: list[tuple[str, FieldSpec]] = []
    at = POD_SPECS.get(kind)
    in_pod = {} if kind == "ReplicationController" else _IN_PODS
    beside = {} if kind in ("PodTemplate", "ReplicaSet") else _BESIDE_PODS
    for table in (in_pod, beside) if at is not None else ():
        for target, paths in table.items():
            found += [(target, FieldSpec(kind, (*(at or ()), *p.split("/")))) for p in paths]
    for target, referrer, path, needed in _OTHERS:
        if referrer == kind and needed in ("", group):
            whole = path in _WHOLE
            found.append((target, FieldSpec(kind, tuple(path.split("/")), needed, whole=whole)))
    if kind == "Ingress":
        for target, name in _ANNOTATED:
            found.append((target, FieldSpec(kind, ("metadata", "annotations", name))))
    return tuple(found)


_TERMS = tuple(
    f"{which}/{when}"
    for which in ("podAffinity", "podAntiAffinity")
    for when in (
        "preferredDuringSchedulingIgnoredDuringExecution/podAffinityTerm",
        "requiredDuringSchedulingIgnoredDuringExecution",
    )
)
_SELECTORS: dict[str, tuple[tuple[str, str, bool], ...]] = {
    "Service": (("spec/selector", "", True),),
    "ReplicationController": (("spec/selector", "", True),),
    "Deployment": (("spec/selector/matchLabels", "", True),),
    "ReplicaSet": (("spec/selector/matchLabels", "", True),),
    "DaemonSet": (("spec/selector/matchLabels", "", True),),
    "StatefulSet": (("spec/selector/matchLabels", "apps", True),),
    "Job": (("spec/selector/matchLabels", "batch", False),),
    "CronJob": (("spec/jobTemplate/spec/selector/matchLabels", "batch", False),),
    "PodDisruptionBudget": (("spec/selector/matchLabels", "policy", False),),
    "NetworkPolicy": (
        ("spec/podSelector/matchLabels", "networking.k8s.io", False),
        ("spec/ingress/from/podSelector/matchLabels", "networking.k8s.io", False),
        ("spec/egress/to/podSelector/matchLabels", "networking.k8s.io", False),
    ),
}
_SPREAD = "spec/template/spec/topologySpreadConstraints/labelSelector/matchLabels"
_TEMPLATES: dict[str, tuple[tuple[str, bool], ...]] = {
    "PodTemplate": (("template/metadata", False),),
    "ReplicationController": (("spec/template/metadata", True),),
    "Deployment": (("spec/template/metadata", True),),
    "ReplicaSet": (("spec/template/metadata", True),),
    "DaemonSet": (("spec/template/metadata", True),),
    "StatefulSet": (("spec/template/metadata", True),),
    "Job": (("spec/template/metadata", True),),
    "CronJob": (
        ("spec/jobTemplate/metadata", True),
        ("spec/jobTemplate/spec/template/metadata", True),
    ),
}


@lru_cache(maxsize=1024)
def selectors_of(kind: str, group: str) -> tuple[FieldSpec, ...]:
    """The selectors of an object of a kind that common labels are added to."""
    found = [
        FieldSpec(kind, tuple(path.split("/")), needed, create)
        for path, needed, create in _SELECTORS.get(kind, ())
        if needed in ("", group)
    ]
    if kind in ("Deployment", "StatefulSet") and group == "apps":
        affinity = "spec/template/spec/affinity"
        terms = [f"{affinity}/{term}/labelSelector/matchLabels" for term in _TERMS]
        found += [FieldSpec(kind, tuple(path.split("/"))) for path in (*terms, _SPREAD)]
    return tuple(found)


@lru_cache(maxsize=1024)
def templates_of(kind: str, group: str, field: str) -> tuple[FieldSpec, ...]:
    """The `labels` or `annotations` of an object's templates."""
    found = [
        FieldSpec(kind, (*path.split("/"), field), create=create)
        for path, create in _TEMPLATES.get(kind, ())
    ]
    if kind == "StatefulSet" and group == "apps" and field == "labels":
        claims = ("spec", "volumeClaimTemplates", "metadata", "labels")
        found.append(FieldSpec(kind, claims, create=True))
    return tuple(found)
