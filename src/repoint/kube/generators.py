"""configMapGenerator and secretGenerator: data values that know their line."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field

from repoint.formats.base import Mapping, ParsedFile, Scalar
from repoint.formats.source import Source
from repoint.kube.effective import MADE, Effective, Origin, Value, effective, mapping, text
from repoint.kube.effective import items as list_items
from repoint.kube.files import FileIndex, join
from repoint.kube.resource import ObjectId, Resource

_FIELDS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}


@dataclass(slots=True)
class Generated:
    """What the generators of one kustomization make, and the files they read."""

    resources: list[tuple[Resource, str]] = field(default_factory=list)
    """Each resource with its behavior: `create`, `merge` or `replace`."""
    files: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)


def generate(kustomization: dict[str, Effective], path: str, index: FileIndex) -> Generated:
    """Run the generators of the kustomization file at `path`."""
    result = Generated()
    options = mapping(kustomization, "generatorOptions")
    for key, kind in _FIELDS.items():
        for entry in list_items(kustomization, key):
            if isinstance(entry, dict):
                resource = _resource(kind, entry, options, path, index, result)
                behavior = text(entry, "behavior") or "create"
                result.resources.append((resource, behavior))
    return result


def files_named(parsed: ParsedFile) -> tuple[str, ...]:
    """The files that the generators of a kustomization file read, whatever they are called."""
    base, found = posixpath.dirname(parsed.path), []
    for document in parsed.documents:
        root = document.root
        if not isinstance(root, Mapping) or not {key.text for key, _ in root.pairs} & {*_FIELDS}:
            continue
        tree = effective(root, parsed.path, (document.index,))
        for key in _FIELDS:
            for entry in list_items(tree, key):
                named = [
                    item.text for item in list_items(entry, "files") if isinstance(item, Value)
                ]
                found += [name.rpartition("=")[2] for name in named]
                found += _env_files(entry) if isinstance(entry, dict) else []
    return tuple(join(base, name) for name in found)


def _resource(
    kind: str,
    entry: dict[str, Effective],
    options: dict[str, Effective],
    path: str,
    index: FileIndex,
    result: Generated,
) -> Resource:
    made = Origin(path, MADE)
    data: dict[str, Effective] = {}
    base = posixpath.dirname(path)
    for env_file in _env_files(entry):
        target = join(base, env_file)
        result.files.add(target)
        data.update(_env_file(target, path, index, result))
    for item in list_items(entry, "files"):
        if isinstance(item, Value):
            name, _, given = item.text.rpartition("=")
            target = join(base, given)
            result.files.add(target)
            found = _whole_file(target, path, index, result)
            if found is not None:
                data[name or posixpath.basename(target)] = found
    for item in list_items(entry, "literals"):
        if isinstance(item, Value) and "=" in item.text:
            name, _, value = item.text.partition("=")
            data[name.strip()] = Value(value.strip("\"'"), item.origin, item.scalar)
    metadata: dict[str, Effective] = {"name": Value(text(entry, "name"), made)}
    if text(entry, "namespace"):
        metadata["namespace"] = Value(text(entry, "namespace"), made)
    for what in ("labels", "annotations"):
        extra = {**mapping(options, what), **mapping(entry, "options", what)}
        if extra:
            metadata[what] = extra
    body: dict[str, Effective] = {
        "apiVersion": Value("v1", made),
        "kind": Value(kind, made),
        "metadata": metadata,
        # A Secret's values stay as written: readers of this tree want texts, not base64.
        "data" if kind == "ConfigMap" else "stringData": data,
    }
    plain_name = any(
        text(one, "disableNameSuffixHash") == "true" for one in (options, mapping(entry, "options"))
    )
    return Resource(body, path, generated=True, hashed=not plain_name)


def _env_files(entry: dict[str, Effective]) -> list[str]:
    found = [item.text for item in list_items(entry, "envs") if isinstance(item, Value)]
    single = text(entry, "env")
    return [single, *found] if single else found


def _missing(target: str, path: str, index: FileIndex, result: Generated) -> None:
    why = "is not text that can be read" if index.exists(target) else "is missing"
    result.problems.append(f"`{path}`: `{target}`, which a generator reads, {why}")


def _env_file(target: str, path: str, index: FileIndex, result: Generated) -> dict[str, Value]:
    parsed = index.get(target)
    if parsed is None:
        _missing(target, path, index, result)
        return {}
    return env_values(parsed)


def env_values(parsed: ParsedFile) -> dict[str, Value]:
    """The variables of an env file, each with its line."""
    root = parsed.documents[0].root if parsed.documents else None
    if isinstance(root, Mapping):
        return {
            key.text: Value(value.text, Origin(parsed.path, f"/0/{_escape(key.text)}"), value)
            for key, value in root.pairs
            if isinstance(value, Scalar)
        }
    return _env_lines(parsed)


def _escape(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _env_lines(parsed: ParsedFile) -> dict[str, Value]:
    """Read `KEY=value` lines of a file that has no tree of its own."""
    source = Source(parsed.text, parsed.map)
    data: dict[str, Value] = {}
    offset = 0
    for number, line in enumerate(parsed.text.splitlines(keepends=True), start=1):
        stripped = line.strip()
        name, equals, value = stripped.partition("=")
        if equals and not stripped.startswith("#"):
            start = offset + line.index("=") + 1
            if parsed.map.span(start, start + len(value)) is not None:
                scalar = source.verbatim(start, start + len(value))
                data[name] = Value(value, Origin(parsed.path, f"line/{number}"), scalar)
        offset += len(line)
    return data


def _whole_file(target: str, path: str, index: FileIndex, result: Generated) -> Value | None:
    parsed = index.get(target)
    if parsed is None:
        if not index.exists(target):
            _missing(target, path, index, result)
        return None
    return Value(parsed.text, Origin(target, ""))


def absorb(
    resources: list[Resource], made: Generated, path: str
) -> tuple[list[Resource], list[str]]:
    """Add generated objects to what a kustomization has, merging where it says so."""
    result, problems = list(resources), list(made.problems)
    for resource, behavior in made.resources:
        wanted = resource.id
        match = next((old for old in result if old.ever(wanted)), None)
        if match is None and behavior != "create":
            match = next((old for old in result if _same_name(old, wanted)), None)
            problems.append(
                f"`{path}`: generator `{wanted.name}` says `{behavior}`, but nothing of its "
                "name and namespace is there"
            )
        if match is None or behavior == "create":
            result.append(resource)
            continue
        key = "data" if resource.kind == "ConfigMap" else "stringData"
        kept = mapping(match.body, key) if behavior == "merge" else {}
        match.body[key] = {**kept, **mapping(resource.body, key)}
        match.generated, match.hashed = True, resource.hashed
    return result, problems


def _same_name(resource: Resource, wanted: ObjectId) -> bool:
    return any(
        (known.kind, known.name) == (wanted.kind, wanted.name)
        for known in (resource.id, *resource.previous)
    )
