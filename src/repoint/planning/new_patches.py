"""What new patch files hold: a strategic merge patch, or a JSON patch where that reaches no field.

kustomize merges lists by name for the kinds it knows. Every other kind's lists it replaces, and
items without a name it cannot tell apart: there an operation names one item by its index.
"""

from __future__ import annotations

from repoint.formats.base import Mapping
from repoint.kube.effective import Effective, leaves_of, text
from repoint.kube.resource import Resource
from repoint.model.plan import Copy
from repoint.planning.copied import take_out
from repoint.planning.places import Step, at_steps
from repoint.planning.yaml_emit import Tree, YamlStyle, emit


def merge_patch(resource: Resource, tree: dict[str, Tree]) -> dict[str, Tree]:
    """A strategic merge patch: the object's head as a kustomization knows it, then `tree`."""
    metadata: dict[str, Tree] = {"name": resource.original.name}
    if resource.original.namespace:
        metadata["namespace"] = resource.original.namespace
    head: dict[str, Tree] = {"apiVersion": resource.api_version, "kind": resource.kind}
    return {**head, "metadata": metadata, **as_written(tree)}


def as_written(tree: dict[str, Tree]) -> dict[str, Tree]:
    """The tree with init containers first, as people write them."""
    ordered = sorted(tree.items(), key=lambda pair: pair[0] != "initContainers")
    pairs = ordered if "containers" in tree else list(tree.items())
    return {k: as_written(v) if isinstance(v, dict) else v for k, v in pairs}


def stands_for(root: Mapping, resource: Resource, *, own: bool) -> bool:
    """Whether a document is for an object, by an id the object has or had.

    In the object's own file the environment may give the namespace (`kubectl apply -n`).
    """
    if root.text("kind") != resource.kind or root.text("$patch"):
        return False
    name = root.text("metadata", "name") or root.text("metadata", "generateName")
    spelled = (root.text("metadata", "namespace"), name)
    ids = [(resource.namespace, resource.name)]
    ids += [(old.namespace, old.name) for old in resource.previous]
    ids += [("", resource.name)] if own else []
    return spelled in ids


def replacing(resource: Resource, steps: tuple[Step, ...], value: Tree) -> list[Tree] | None:
    """Operations that put `value` where `steps` lead; None where the object has no such field.

    Where an item has a name, a `test` goes before: when the list is put into another order
    later, the build fails instead of changing a neighbour.
    """
    pointer = ""
    tests: list[Tree] = []
    node: Effective | None = resource.body
    for step in steps:
        key = str(_index(node, step) if isinstance(step, tuple) else step)
        pointer += "/" + key.replace("~", "~0").replace("/", "~1")
        node = at_steps(node, (step,)) if node is not None else None
        if isinstance(step, tuple):
            tests.append({"op": "test", "path": f"{pointer}/name", "value": step[0]})
    if node is None:
        return None
    return [*tests, {"op": "replace", "path": pointer, "value": value}]


def target_of(resource: Resource) -> dict[str, Tree]:
    """The selector that names an object to a kustomization."""
    own = resource.original
    group, _, version = own.api_version.rpartition("/")
    found = {"group": group, "version": version, "kind": own.kind}
    found |= {"namespace": own.namespace, "name": own.name}
    return {key: value for key, value in found.items() if value}


def text_of(tree: Tree, style: YamlStyle) -> tuple[str, tuple[Copy, ...]]:
    """A new file of one document, and the passwords to copy into it."""
    start = ["---"] if style.document_start else []
    return take_out(style.newline.join([*start, *emit(tree, style)]) + style.newline)


def sources_of(resource: Resource, steps: tuple[Step, ...]) -> frozenset[str]:
    """The files that spell what stands at `steps`, without the object's own."""
    found = at_steps(resource.body, steps)
    spelled = leaves_of(found) if found is not None else ()
    return frozenset(one.origin.path for one in spelled) - {resource.path}


def _index(node: Effective | None, step: tuple[str]) -> int:
    """Where the item of a name stands in a list; `at_steps` finds none where none has it."""
    names = [text(item, "name") for item in node] if isinstance(node, list) else []
    return names.index(step[0]) if step[0] in names else len(names)
