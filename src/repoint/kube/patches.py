"""The patches of a kustomization: where they stand, whom they select, what they do."""

from __future__ import annotations

import posixpath
import re

from msgspec import Struct, field, structs

from repoint.kube.effective import Effective, Value, effective, items, mapping, pairs, text
from repoint.kube.files import FileIndex, join
from repoint.kube.merge import PatchFailed, PatchUnknown, has_schema, json_patch, strategic_merge
from repoint.kube.resource import ObjectId, Resource


class Patch(Struct, frozen=True, eq=False):
    """A strategic merge patch (a mapping) or a JSON patch (a list), and its target.

    `where` names the patch for a person. `target` is empty for a strategic merge
    patch that names its object itself.
    """

    where: str
    body: Effective
    target: dict[str, Effective]


class PatchSet(Struct):
    """Patches in the order kustomize applies them, and what reading them told."""

    patches: list[Patch] = field(default_factory=list)
    files: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


def read_patches(
    kustomization: dict[str, Effective], path: str, index: FileIndex, keys: tuple[str, ...]
) -> PatchSet:
    """Read the patches listed under `keys` (`patches`, `patchesStrategicMerge`, ...)."""
    result = PatchSet()
    for key in keys:
        for entry in items(kustomization, key):
            if isinstance(entry, Value):
                target: dict[str, Effective] = {}
                inline = entry if _is_inline(entry.text) else None
                file = "" if inline else entry.text
            else:
                target = mapping(entry, "target")
                leaf = mapping(entry).get("patch")
                inline = leaf if isinstance(leaf, Value) and leaf.text.strip() else None
                file = text(entry, "path")
                if inline is not None and file:
                    result.problems.append(f"`{path}`: a patch both inline and in `{file}`")
                if any(value == "true" for _, value in pairs(entry, "options")):
                    result.unsupported.append(f"`options` of a patch in `{path}`")
            for patch in _read(inline, file, target, path, index, result):
                cut = key == "patches" and inline is not None
                result.patches.append(_trimmed(patch) if cut else patch)
    return result


def _is_inline(written: str) -> bool:
    return "\n" in written.strip() or ": " in written or written.lstrip().startswith(("{", "["))


def _read(
    inline: Value | None,
    file: str,
    target: dict[str, Effective],
    path: str,
    index: FileIndex,
    result: PatchSet,
) -> list[Patch]:
    outer: str | None = None
    if inline is not None and inline.scalar is not None:
        parsed, where = index.embedded(path, inline.scalar), f"inline patch in `{path}`"
        outer = inline.origin.pointer
    elif file:
        source = join(posixpath.dirname(path), file)
        result.files.add(source)
        found = index.get(source)
        if found is None:
            result.problems.append(f"`{path}`: patch `{source}` is missing")
            return []
        parsed, where = found, f"`{source}`"
    else:
        return []
    if parsed.problem:
        result.problems.append(f"`{path}`: {where} does not parse")
    return [
        Patch(where, effective(one.root, parsed.path, (one.index,), outer), target)
        for one in parsed.documents
        if one.root is not None
    ]


def _trimmed(patch: Patch) -> Patch:
    """An inline patch, which kustomize reads without the white space at its end."""
    return structs.replace(patch, body=_cut(patch.body))


def _cut(body: Effective) -> Effective:
    if isinstance(body, dict) and body:
        last = next(reversed(body))
        return {**body, last: _cut(body[last])}
    if isinstance(body, list) and body:
        return [*body[:-1], _cut(body[-1])]
    if isinstance(body, Value) and body.scalar and body.scalar.style in ("literal", "folded"):
        return structs.replace(body, text=body.text.rstrip())
    return body


def apply_patches(resources: list[Resource], patches: PatchSet) -> tuple[list[Resource], list[str]]:
    """Apply every patch in order; what does not fit is named and left out."""
    problems = list(patches.problems)
    for patch in patches.patches:
        chosen, problem = _targets(resources, patch)
        if problem:
            problems.append(problem)
        for resource in chosen:
            whose = f"{patch.where} on {resource.kind} `{resource.name}`"
            try:
                merged = _apply(resource, patch)
            except PatchFailed as error:
                problems.append(f"{whose}: {error}")
                continue
            except PatchUnknown as error:
                patches.unsupported.append(f"{whose}: {error}")
                continue
            if merged is None:
                resources = [other for other in resources if other is not resource]
            else:
                before, resource.body = resource.id, merged
                if resource.id != before:
                    resource.previous.append(before)
    return resources, problems


def _targets(resources: list[Resource], patch: Patch) -> tuple[list[Resource], str]:
    if patch.target:
        return [one for one in resources if selected(one, patch.target)], ""
    if not isinstance(patch.body, dict):
        return [], f"{patch.where}: a JSON patch without a target"
    wanted = ObjectId(
        text(patch.body, "apiVersion"),
        text(patch.body, "kind"),
        text(patch.body, "metadata", "namespace"),
        text(patch.body, "metadata", "name"),
    )
    current = [one for one in resources if one.id.same(wanted)]
    found = current or [one for one in resources if one.ever(wanted)]
    if len(found) == 1:
        return found, ""
    if found:
        return found[:1], f"{patch.where}: several objects are {wanted.kind} `{wanted.name}`"
    loose = [one for one in resources if _named(one, wanted)]
    missing = f"{patch.where}: no object is {wanted.kind} `{wanted.name}`"
    return (loose if len(loose) == 1 else []), missing


def _named(resource: Resource, wanted: ObjectId) -> bool:
    return resource.kind == wanted.kind and any(
        known.name == wanted.name for known in (resource.id, *resource.previous)
    )


def selected(resource: Resource, target: dict[str, Effective], *, between: bool = False) -> bool:
    """Whether a kustomize selector chooses a resource, by its first or its current id.

    `between`: or by any id that it had on the way, as the selectors of replacements do.
    """
    known = (resource.original, *(resource.previous if between else ()), resource.id)
    version = resource.api_version.rpartition("/")[2]
    fields = (
        (text(target, "group"), {resource.group}),
        (text(target, "version"), {version}),
        (text(target, "kind"), {resource.kind}),
        (text(target, "name"), {one.name for one in known}),
        (text(target, "namespace"), {one.scope for one in known}),
    )
    if not all(_matches(wanted, values) for wanted, values in fields):
        return False
    metadata = mapping(resource.body, "metadata")
    return _labelled(text(target, "labelSelector"), dict(pairs(metadata, "labels"))) and _labelled(
        text(target, "annotationSelector"), dict(pairs(metadata, "annotations"))
    )


def _matches(wanted: str, values: set[str]) -> bool:
    if not wanted or wanted in values:
        return True
    try:
        pattern = re.compile(wanted)
    except re.error:
        return False
    return any(pattern.fullmatch(value) for value in values)


_DATA = ("data", "stringData")
_SET_TERM = re.compile(r"^(\S+)\s+(in|notin)\s+\(([^)]*)\)$")


def _labelled(selector: str, labels: dict[str, str]) -> bool:
    terms = re.findall(r"(?:[^,(]|\([^)]*\))+", selector)
    return all(_term(term.strip(), labels) for term in terms if term.strip())


def _term(term: str, labels: dict[str, str]) -> bool:
    found = _SET_TERM.match(term)
    if found:
        inside = labels.get(found[1]) in {one.strip() for one in found[3].split(",")}
        return inside if found[2] == "in" else not inside
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in term:
        key, _, value = term.replace("==", "=").partition("=")
        return labels.get(key.strip()) == value.strip()
    return term[1:].strip() not in labels if term.startswith("!") else term in labels


def _apply(resource: Resource, patch: Patch) -> dict[str, Effective] | None:
    if isinstance(patch.body, list):
        return json_patch(resource.body, patch.body)
    if not isinstance(patch.body, dict):
        raise PatchFailed("the patch is neither a mapping nor a list")
    if resource.generated and resource.kind == "Secret" and {*_DATA} & patch.body.keys():
        raise PatchUnknown("a generated Secret's values are patched")
    if text(patch.body, "$patch") not in ("", "delete"):
        raise PatchUnknown("`$patch` of a whole object")
    merged = strategic_merge(resource.body, patch.body, schema=has_schema(resource.api_version))
    if merged is None:
        return None
    # The patch finds its object by a name the object may have had before: names stay.
    for key in ("apiVersion", "kind"):
        if key in resource.body:
            merged[key] = resource.body[key]
    metadata, before = dict(mapping(merged, "metadata")), mapping(resource.body, "metadata")
    for key in ("name", "namespace", "generateName"):
        if key in before:
            metadata[key] = before[key]
        else:
            metadata.pop(key, None)
    merged["metadata"] = metadata
    return merged
