"""Strategic merge and JSON patches on effective trees, as kustomize applies them."""

from __future__ import annotations

from repoint.kube.effective import Effective, Value, child, clone, plain, text

_PODS = frozenset({"v1", "apps/v1", "batch/v1", "batch/v1beta1"})
_HOOKS = frozenset(
    {"admissionregistration.k8s.io/v1", "admissionregistration.k8s.io/v1beta1"},
)

# x-kubernetes-patch-merge-key of the kinds that kustomize's schema has, by field name.
_MERGE_KEYS: dict[str, tuple[str, ...]] = {
    "containers": ("name",),
    "initContainers": ("name",),
    "ephemeralContainers": ("name",),
    "env": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "volumeDevices": ("devicePath",),
    "imagePullSecrets": ("name",),
    "secrets": ("name",),
    "hostAliases": ("ip",),
    "webhooks": ("name",),
    "conditions": ("type",),
    "ownerReferences": ("uid",),
}
_SETS = frozenset({"finalizers", "podIPs"})


class PatchFailed(Exception):
    """A patch does not fit its target; the message names the operation, no value."""


class PatchUnknown(Exception):
    """What kustomize makes of a patch is not known; the message names the field, no value."""


def has_schema(api_version: str) -> bool:
    """Whether kustomize knows list keys of such objects; lists of others are replaced whole."""
    return api_version in _PODS or api_version in _HOOKS


def strategic_merge(
    base: dict[str, Effective], patch: dict[str, Effective], *, schema: bool
) -> dict[str, Effective] | None:
    """Merge `patch` over `base`; None when the patch deletes the whole object.

    Raises:
        PatchUnknown: a list is merged in a way that is not known.
    """
    directive = text(patch, "$patch")
    if directive == "delete":
        return None
    if directive == "replace":
        return _without_directive(patch)
    result = dict(base)
    for key, value in patch.items():
        if key == "$patch":
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
    if isinstance(new, list) and isinstance(old, list) and schema:
        if key in _SETS:
            raise PatchUnknown(f"`{key}` is merged as a set")
        if key in _MERGE_KEYS:
            return _merge_list(old, new, _MERGE_KEYS[key])
        if key == "ports":
            return _merge_ports(old, new)
        if key == "topologySpreadConstraints":
            return _merge_pairs(old, new)
    return _fresh(new)


def _merge_list(old: list[Effective], new: list[Effective], fields: tuple[str, ...]) -> Effective:
    plain_items = [item for item in new if not _is_directive(item)]
    if len(plain_items) < len(new):
        return [_fresh(item) for item in plain_items]
    base = _by_key(old, fields)
    changed = {
        identity: strategic_merge(base.get(identity, {}), item, schema=True)
        for identity, item in _by_key(new, fields).items()
    }
    # kustomize puts the patch's items first, in the patch's order.
    first: list[Effective] = [item for item in changed.values() if item is not None]
    return first + [item for identity, item in base.items() if identity not in changed]


def _merge_ports(old: list[Effective], new: list[Effective]) -> Effective:
    """Merge ports by their number; by number and protocol where one is named."""
    if any(text(item, "protocol") for item in (*old, *new)):
        raise PatchUnknown("`ports` are merged by number and protocol")
    number = "port" if any(text(item, "port") for item in new) else "containerPort"
    return _merge_list(old, new, (number,))


def _merge_pairs(old: list[Effective], new: list[Effective]) -> Effective:
    """Merge a list with two keys: what stood there comes last, in its old order."""
    fields = ("topologyKey", "whenUnsatisfiable")
    base, patch = _by_key(old, fields), _by_key(new, fields)
    merged: list[Effective] = []
    for identity, item in (*((k, {}) for k in patch if k not in base), *base.items()):
        found = strategic_merge(item, patch[identity], schema=True) if identity in patch else item
        merged += [found] if found is not None else []
    return merged


def _by_key(
    found: list[Effective], fields: tuple[str, ...]
) -> dict[tuple[str, ...], dict[str, Effective]]:
    """The items of a list by their key.

    Raises:
        PatchUnknown: an item has no key, or shares it with another.
    """
    result: dict[tuple[str, ...], dict[str, Effective]] = {}
    for item in found:
        identity = tuple(text(item, name) for name in fields)
        if not isinstance(item, dict) or not all(identity) or identity in result:
            raise PatchUnknown(f"a list is merged whose items are not told apart by `{fields[0]}`")
        result[identity] = item
    return result


def _fresh(tree: Effective) -> Effective:
    """A copy of what a patch adds, without its directives and nulls in mappings."""
    if isinstance(tree, dict):
        return strategic_merge({}, tree, schema=False) or {}
    return clone(tree)


def _is_directive(item: Effective) -> bool:
    return isinstance(item, dict) and text(item, "$patch") == "replace" and len(item) == 1


def _without_directive(tree: dict[str, Effective]) -> dict[str, Effective]:
    return {key: clone(value) for key, value in tree.items() if key != "$patch"}


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
        if value is None or plain(_find(root, path)) != plain(value):
            raise PatchFailed(f"JSON patch test of `{path}` fails")
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
