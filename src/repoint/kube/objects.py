"""Kubernetes objects in parsed files."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct

from repoint.formats.base import FileKind, Mapping, Node, ParsedFile, Scalar
from repoint.kube.files import KUSTOMIZATION_NAMES

CLUSTER_SCOPED = frozenset(
    [
        "Namespace",
        "Node",
        "PersistentVolume",
        "ClusterRole",
        "ClusterRoleBinding",
        "CustomResourceDefinition",
        "StorageClass",
        "IngressClass",
        "PriorityClass",
        "APIService",
        "RuntimeClass",
        "CSIDriver",
        "CSINode",
        "ValidatingWebhookConfiguration",
        "MutatingWebhookConfiguration",
        "VolumeAttachment",
        "CertificateSigningRequest",
        "FlowSchema",
        "PriorityLevelConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "PodSecurityPolicy",
    ]
)
_TREES = frozenset({FileKind.YAML, FileKind.JSON, FileKind.HELM_TEMPLATE})


class KubeObject(Struct, frozen=True, eq=False):
    """An object as its file spells it.

    `at` is the path of keys from the file to `root`: the document's index, and
    `items` with an index for the members of a List. `namespace` is empty where the
    file names none.
    """

    path: str
    document: int
    at: tuple[str | int, ...]
    api_version: str
    kind: str
    name: str
    namespace: str
    root: Mapping

    @property
    def group(self) -> str:
        """The API group; empty for the core group."""
        return self.api_version.rpartition("/")[0]


def is_kustomization(parsed: ParsedFile) -> bool:
    """Whether a file is read by kustomize as a kustomization or a component."""
    if posixpath.basename(parsed.path) in KUSTOMIZATION_NAMES:
        return True
    return any(
        isinstance(document.root, Mapping)
        and document.root.text("apiVersion").startswith("kustomize.config.k8s.io/")
        for document in parsed.documents
    )


def objects(parsed: ParsedFile) -> Iterator[KubeObject]:
    """Every object of a file in file order, Lists and OpenShift Templates taken apart.

    An object needs `kind` and `apiVersion`; a missing or templated name is kept as
    written, and `generateName` stands in for a missing one.
    """
    if parsed.kind not in _TREES or is_kustomization(parsed):
        return
    for document in parsed.documents:
        if document.root is not None:
            yield from _objects(parsed.path, document.index, document.root, (document.index,))


def _members(kind: str, api_version: str) -> str:
    """The key under which an object holds others: a List's, an OpenShift Template's."""
    if kind.endswith("List"):
        return "items"
    openshift = api_version in ("v1", "template.openshift.io/v1")
    return "objects" if kind == "Template" and openshift else ""


def _objects(
    path: str, document: int, node: Node, at: tuple[str | int, ...]
) -> Iterator[KubeObject]:
    if not isinstance(node, Mapping):
        return
    kind, api_version = node.text("kind"), node.text("apiVersion")
    members = _members(kind, api_version)
    if members and (kind == "List" or node.items(members)):
        for index, item in enumerate(node.items(members)):
            yield from _objects(path, document, item, (*at, members, index))
    elif kind and api_version:
        metadata = node.mapping("metadata")
        name = metadata.text("name") or metadata.text("generateName") if metadata else ""
        yield KubeObject(
            path=path,
            document=document,
            at=at,
            api_version=api_version,
            kind=kind,
            name=name,
            namespace=metadata.text("namespace") if metadata else "",
            root=node,
        )


def scalar_at(parsed: ParsedFile, pointer: str) -> Scalar | None:
    """The scalar that a pointer of `Leaf.pointer`'s spelling names, or None."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    if not parts or not parts[0].isdigit():
        return None
    node: Node | None = next((d.root for d in parsed.documents if d.index == int(parts[0])), None)
    for part in parts[1:]:
        if isinstance(node, Mapping):
            node = node.get(part)
        elif node is not None and not isinstance(node, Scalar) and part.isdigit():
            node = node.items[int(part)] if int(part) < len(node.items) else None
        else:
            return None
    return node if isinstance(node, Scalar) else None
