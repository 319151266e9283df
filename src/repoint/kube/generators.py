"""configMapGenerator and secretGenerator: data values that know their line."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from msgspec import Struct, field

from repoint.formats.base import Mapping, ParsedFile, Scalar
from repoint.formats.source import Source
from repoint.kube.effective import MADE, Effective, Origin, Value, effective, mapping, text
from repoint.kube.effective import items as list_items
from repoint.kube.files import FileIndex, join
from repoint.kube.resource import ObjectId, Resource

_FIELDS = {"configMapGenerator": "ConfigMap", "secretGenerator": "Secret"}


class Generated(Struct):
    """What the generators of one kustomization make, and the files they read."""

    resources: list[tuple[Resource, str]] = field(default_factory=list)
    """Each resource with its behavior: `create`, `merge` or `replace`."""
    files: set[str] = field(default_factory=set)
    problems: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)

    def refuse(self, path: str, name: str, why: str) -> None:
        """Keep what kustomize stops at in a generator of the file at `path`."""
        self.problems.append(f"`{path}`: generator `{name}` {why}")


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
    for name, value in _pairs(entry, path, index, result):
        if name in data:
            result.refuse(path, text(entry, "name"), f"has the key `{name}` twice")
        data[name] = value
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
    }
    if data:
        # A Secret's values stay as written: readers of this tree want texts, not base64.
        body[_data_key(kind)] = data
    if kind == "Secret":
        body["type"] = Value(text(entry, "type") or "Opaque", made)
    own = mapping(entry, "options")
    if _either(options, own, "immutable"):
        body["immutable"] = Value("true", made)
    hashed = not _either(options, own, "disableNameSuffixHash")
    return Resource(body, path, generated=True, hashed=hashed)


def _data_key(kind: str) -> str:
    return "data" if kind == "ConfigMap" else "stringData"


def _either(options: dict[str, Effective], own: dict[str, Effective], key: str) -> bool:
    """Whether an option is on, for all generators or for this one: no entry can turn it off."""
    return "true" in (text(options, key), text(own, key))


def _pairs(
    entry: dict[str, Effective], path: str, index: FileIndex, result: Generated
) -> Iterator[tuple[str, Value]]:
    """The keys and values that a generator's entry names, in the order kustomize reads them."""
    base = posixpath.dirname(path)
    for env_file in _env_files(entry):
        target = join(base, env_file)
        result.files.add(target)
        yield from _env_file(target, path, index, result).items()
    for item in list_items(entry, "files"):
        if isinstance(item, Value):
            name, _, given = item.text.rpartition("=")
            target = join(base, given)
            result.files.add(target)
            found = _whole_file(target, path, index, result)
            if found is not None:
                yield name or posixpath.basename(target), found
    for item in list_items(entry, "literals"):
        if isinstance(item, Value):
            name, equals, value = item.text.partition("=")
            if not name or not equals:
                result.refuse(path, text(entry, "name"), "has a literal that is no `key=value`")
                continue
            yield name, Value(_bare(value), item.origin, item.scalar)


def _bare(value: str) -> str:
    """A literal's value without the quotes around it, when both are there."""
    quoted = len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


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
    if any(_takes_from_process(line) for line in parsed.text.splitlines()):
        result.unsupported.append(f"variables of the calling process, named in `{target}`")
    return _as_written(env_values(parsed), parsed)


def _takes_from_process(line: str) -> bool:
    return bool(line.strip()) and "=" not in line and not line.lstrip().startswith("#")


def _as_written(values: dict[str, Value], parsed: ParsedFile) -> dict[str, Value]:
    """The values as kustomize reads them: the rest of the line, quotes and comments included."""
    written: dict[str, Value] = {}
    for line in parsed.text.split("\n"):
        name, equals, rest = line.removesuffix("\r").lstrip().partition("=")
        if not equals or name.startswith("#"):
            continue
        known = values.get(name.strip().removeprefix("export ").strip())
        origin = known.origin if known else Origin(parsed.path, MADE)
        # An empty value is a text, where an empty scalar of YAML is null.
        written[name] = Value(rest, origin, known.scalar if known and rest else None)
    return written


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
        else:
            result.unsupported.append(f"a generator's file `{target}` that is not read as text")
        return None
    if parsed.problem and not parsed.text:
        result.unsupported.append(f"a generator's file `{target}` that is not text")
    # The text is read without its byte order mark; kustomize keeps it.
    start = parsed.map.span(0, 0)
    mark = "\ufeff" if start is not None and start.start > 0 else ""
    return Value(mark + parsed.text, Origin(target, ""))


def absorb(
    resources: list[Resource], made: Generated, path: str
) -> tuple[list[Resource], list[str]]:
    """Add generated objects to what a kustomization has, merging where it says so."""
    result = list(resources)
    for resource, behavior in made.resources:
        wanted = resource.id
        match = next((old for old in result if old.ever(wanted)), None)
        if match is None and behavior != "create":
            match = next((old for old in result if _same_name(old, wanted)), None)
            why = f"says `{behavior}`, but nothing of its name and namespace is there"
            made.refuse(path, wanted.name, why)
        elif match is not None and behavior == "create":
            made.refuse(path, wanted.name, "makes what is there already")
            match = None
        if match is None:
            result.append(resource)
        else:
            _merge(match, resource, keep=behavior == "merge")
    return result, made.problems


def _merge(old: Resource, new: Resource, *, keep: bool) -> None:
    """Put a generated object in the place of another, whose name, labels and hash stay."""
    data = _data_key(new.kind)
    body = dict(new.body)
    metadata = {**mapping(old.body, "metadata")}
    for what in ("labels", "annotations"):
        extra = {**mapping(metadata, what), **mapping(new.body, "metadata", what)}
        if extra:
            metadata[what] = extra
    body["metadata"] = metadata
    made = mapping(new.body, data)
    # What a generator made holds a Secret's values in clear; a written `stringData` gets lost.
    kept = mapping(old.body, data) if old.generated or new.kind == "ConfigMap" else {}
    if keep:
        body[data] = {**kept, **made}
        for field in ("data", "binaryData"):
            if field != data and mapping(old.body, field):
                left = {k: v for k, v in mapping(old.body, field).items() if k not in made}
                body[field] = left
    old.body, old.generated, old.hashed = body, True, old.hashed and new.hashed


def _same_name(resource: Resource, wanted: ObjectId) -> bool:
    return any(
        (known.kind, known.name) == (wanted.kind, wanted.name)
        for known in (resource.id, *resource.previous)
    )
