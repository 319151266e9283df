"""Name references, mended after prefixes and suffixes as kustomize mends them."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from repoint.kube.effective import Effective, Value, text
from repoint.kube.fieldspecs import FieldSpec, references_of
from repoint.kube.resource import Resource

Candidates = dict[tuple[str, str], list[Resource]]
"""Objects by kind and by a name they had before they were renamed."""


def mend_references(resources: list[Resource]) -> list[str]:
    """Give references the names that their objects ended up with.

    Returns:
        What kustomize would stop at: a name that several objects had.
    """
    by_name: Candidates = {}
    renamed: set[str] = set()
    moved: set[str] = set()
    for resource in resources:
        kind, name, namespace = resource.kind, resource.name, resource.namespace
        for known in {old.name for old in resource.previous}:
            by_name.setdefault((kind, known), []).append(resource)
            if known != name:
                renamed.add(kind)
        if any(old.namespace != namespace for old in resource.previous):
            moved.add(kind)
    if not (renamed or moved):
        return []
    problems: list[str] = []
    for referrer in resources:
        for target, spec in references_of(referrer.kind, referrer.group):
            if target in renamed or (spec.whole and target in moved):
                change = _mender(referrer, target, spec, by_name, problems)
                referrer.edit(spec.path, change, create=False)
    return list(dict.fromkeys(problems))


def _mender(
    referrer: Resource, target: str, spec: FieldSpec, by_name: Candidates, problems: list[str]
) -> Callable[[Effective], Effective]:
    def chosen(name: str, namespace: str = "") -> Resource | None:
        found = [one for one in by_name.get((target, name), ()) if _in_reach(one, referrer)]
        if namespace:
            found = _originally_in(found, namespace)
        if spec.path[-2:] == ("roleRef", "name"):
            found = [one for one in found if one.kind == text(referrer.body, "roleRef", "kind")]
        if len(found) > 1:
            found = [one for one in found if _same_affixes(one, referrer)]
        if len({one.name for one in found}) > 1:
            problems.append(f"{referrer.kind} `{referrer.name}`: several {target} were `{name}`")
            return None
        return found[0] if found else None

    def change(node: Effective) -> Effective:
        if isinstance(node, Value):
            found = chosen(node.text)
            renamed = found is not None and found.name != node.text
            return replace(node, text=found.name) if found and renamed else node
        if isinstance(node, dict):
            return _placed(node, chosen(text(node, "name"), text(node, "namespace")))
        return node

    return change


def _placed(node: dict[str, Effective], found: Resource | None) -> Effective:
    """A reference by name and namespace (a subject, a webhook's service)."""
    name, namespace = node.get("name"), node.get("namespace")
    if found is None or not isinstance(name, Value):
        return node
    if found.name == name.text and found.namespace in ("", text(node, "namespace")):
        return node
    result: dict[str, Effective] = {**node, "name": replace(name, text=found.name)}
    if found.namespace:
        result["namespace"] = (
            replace(namespace, text=found.namespace)
            if isinstance(namespace, Value)
            else Value(found.namespace, name.origin)
        )
    return result


def _in_reach(found: Resource, referrer: Resource) -> bool:
    """Whether an object may be meant: of the same namespace, or of none, or an account."""
    mine, theirs = referrer.id.scope, found.id.scope
    return not mine or not theirs or mine == theirs or found.kind == "ServiceAccount"


def _originally_in(found: list[Resource], namespace: str) -> list[Resource]:
    first = [one for one in found if one.original.scope == namespace]
    return first or [one for one in found if one.id.scope == namespace]


def _same_affixes(one: Resource, other: Resource) -> bool:
    """Whether two objects came the same way: the shorter list of affixes ends the longer."""
    return all(
        not mine or not theirs or _ends(mine, theirs)
        for mine, theirs in ((one.prefixes, other.prefixes), (one.suffixes, other.suffixes))
    )


def _ends(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    short, long = sorted((one, other), key=len)
    return long[len(long) - len(short) :] == short
