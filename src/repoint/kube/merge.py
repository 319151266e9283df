"""Strategic merge and JSON patches on effective trees, as kustomize applies them."""

from __future__ import annotations

from repoint.kube.effective import Effective, Value, child, clone, text

_BUILT_IN_GROUPS = frozenset(
    {"", "apps", "batch", "extensions", "policy", "autoscaling", "apiregistration.k8s.io"}
)

# x-kubernetes-patch-merge-key of the built-in kinds, by field name.
_MERGE_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "containers": (("name",),),
    "initContainers": (("name",),),
    "ephemeralContainers": (("name",),),
    "env": (("name",),),
    "volumes": (("name",),),
    "volumeMounts": (("mountPath",),),
    "volumeDevices": (("devicePath",),),
    "ports": (("containerPort", "protocol"), ("port", "protocol"), ("containerPort",), ("port",)),
    "imagePullSecrets": (("name",),),
    "hostAliases": (("ip",),),
    "topologySpreadConstraints": (("topologyKey", "whenUnsatisfiable"), ("topologyKey",)),
    "conditions": (("type",),),
    "ownerReferences": (("uid",),),
}


class PatchFailed(Exception):
    """A patch does not fit its target; the message names the operation, no value."""


def has_schema(api_version: str) -> bool:
    """Whether kustomize knows the kind's list keys; lists of others are replaced whole."""
    group = api_version.rpartition("/")[0]
    return group in _BUILT_IN_GROUPS or group.endswith(".k8s.io")


def strategic_merge(
    base: dict[str, Effective], patch: dict[str, Effective], *, schema: bool
) -> dict[str, Effective] | None:
    """Merge `patch` over `base`; None when the patch deletes the whole object."""
    directive = text(patch, "$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        return _without_directives(patch)
    result = dict(base)
    for key, value in patch.items():
        if key.startswith("$"):
            continue
        if isinstance(value, Value) and value.is_null:
            result.pop(key, None)
            continue
        merged = _merge_field(key, result.get(key), value, schema=schema)
        if merged is None:
            result.pop(key, None)
        else:
            result[key] = merged
    return result


def _merge_field(
    key: str, old: Effective | None, new: Effective, *, schema: bool
) -> Effective | None:
    if isinstance(new, dict):
        return strategic_merge(old if isinstance(old, dict) else {}, new, schema=schema)
    if isinstance(new, list) and schema and key in _MERGE_KEYS:
        return _merge_list(key, old if isinstance(old, list) else [], new)
    return clone(new)


def _merge_list(key: str, old: list[Effective], new: list[Effective]) -> Effective:
    fields = _fields(key, [*old, *new])
    if fields is None:
        return clone(new)
    plain_items = [item for item in new if not _is_directive(item)]
    if len(plain_items) < len(new):
        return [clone(item) for item in plain_items]
    base = {_key(item, fields): item for item in old}
    changed: dict[tuple[str, ...], Effective | None] = {}
    for item in new:
        identity = _key(item, fields)
        before = changed.get(identity, base.get(identity))
        assert isinstance(item, dict)
        changed[identity] = strategic_merge(
            before if isinstance(before, dict) else {}, item, schema=True
        )
    # kustomize puts the patch's items first, in the patch's order.
    first = [item for item in changed.values() if item is not None]
    return first + [item for item in old if _key(item, fields) not in changed]


def _fields(key: str, found: list[Effective]) -> tuple[str, ...] | None:
    for fields in _MERGE_KEYS[key]:
        entries = [item for item in found if not _is_directive(item)]
        if entries and all(text(item, fields[0]) for item in entries):
            return tuple(name for name in fields if any(text(i, name) for i in entries))
    return None


def _is_directive(item: Effective) -> bool:
    return isinstance(item, dict) and text(item, "$patch") == "replace" and len(item) == 1


def _key(item: Effective, fields: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(text(item, name) or ("TCP" if name == "protocol" else "") for name in fields)


def _without_directives(tree: dict[str, Effective]) -> dict[str, Effective]:
    return {key: clone(value) for key, value in tree.items() if not key.startswith("$")}


def json_patch(base: dict[str, Effective], operations: list[Effective]) -> dict[str, Effective]:
    """Apply RFC 6902 operations to a copy of `base`.

    Raises:
        PatchFailed: an operation's path does not fit, or an operation is unknown.
    """
    root = clone(base)
    for operation in operations:
        root = _operate(root, operation)
    if not isinstance(root, dict):
        raise PatchFailed("a JSON patch replaces the whole object")
    return root


def _operate(root: Effective, operation: Effective) -> Effective:
    op, path = text(operation, "op"), text(operation, "path")
    value = child(operation, "value")
    if op == "test":
        return root
    if op in ("move", "copy"):
        source = text(operation, "from")
        value = _find(root, source)
        if op == "move":
            root = _remove(root, source)
        op = "add"
    if op == "remove":
        return _remove(root, path)
    if op not in ("add", "replace") or value is None:
        raise PatchFailed(f"JSON patch operation `{op}` at `{path}` cannot be read")
    return _put(root, path, clone(value), insert=op == "add")


def _parts(path: str) -> list[str]:
    return [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]


def _find(root: Effective, path: str) -> Effective:
    node: Effective | None = root
    for part in _parts(path):
        if isinstance(node, dict):
            node = node.get(part)
        elif isinstance(node, list):
            node = node[_index(part, len(node), path)]
        else:
            node = None
        if node is None:
            raise PatchFailed(f"JSON patch path `{path}` names nothing")
    assert node is not None
    return node


def _index(part: str, size: int, path: str) -> int:
    if part == "-":
        return size
    if not part.lstrip("-").isdigit() or not -size <= int(part) < max(size, 1):
        raise PatchFailed(f"JSON patch path `{path}` names no item")
    return int(part)


def _put(root: Effective, path: str, value: Effective, *, insert: bool) -> Effective:
    parts = _parts(path)
    if not parts:
        return value
    parent = _find(root, "".join(f"/{_escape(part)}" for part in parts[:-1]))
    last = parts[-1]
    if isinstance(parent, dict):
        if not insert and last not in parent:
            raise PatchFailed(f"JSON patch path `{path}` names nothing to replace")
        parent[last] = value
    elif isinstance(parent, list):
        if insert and (last == "-" or last == str(len(parent))):
            parent.append(value)
        elif insert:
            parent.insert(_index(last, len(parent), path), value)
        else:
            index = _index(last, len(parent), path)
            if index >= len(parent):
                raise PatchFailed(f"JSON patch path `{path}` names no item")
            parent[index] = value
    else:
        raise PatchFailed(f"JSON patch path `{path}` leads into a scalar")
    return root


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _remove(root: Effective, path: str) -> Effective:
    parts = _parts(path)
    if not parts:
        raise PatchFailed("a JSON patch removes the whole object")
    parent = _find(root, "".join(f"/{_escape(part)}" for part in parts[:-1]))
    last = parts[-1]
    if isinstance(parent, dict) and last in parent:
        del parent[last]
    elif isinstance(parent, list) and last != "-" and parent:
        del parent[_index(last, len(parent), path)]
    else:
        raise PatchFailed(f"JSON patch path `{path}` names nothing to remove")
    return root
