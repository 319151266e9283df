"""Two renders of one overlay, field by field, and the edit that each difference belongs to.

This is the arithmetic of law 4: every differing field must be explained by an edit
of the plan. A field is a leaf of an object; list items are named by their `name`
where every item has one, so that an inserted container moves nothing.
"""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.dsn.params import alias, respell_value
from repoint.formats.base import Mapping, Node, Scalar
from repoint.formats.read import read_file
from repoint.kube.resource import Resource
from repoint.model.plan import Edit, FieldChange, FileChange, Op, PartEdit
from repoint.planning.composed import HEAD, Objects, composed, free_name
from repoint.planning.places import object_name, places

_HASHED = re.compile(r"-[a-z0-9]{10}\Z")
_TOKENS = re.compile(r"[A-Za-z0-9_.-]+|[^A-Za-z0-9_.-]")
_JOINTS = re.compile(r"[.\[#]")
"""What may follow a prefix in the place of a field."""
_GENERATED_KINDS = ("ConfigMap/", "Secret/")


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that is not the same in both renders; empty text where it is absent."""

    object: str
    field: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class RenderDiff:
    """All differences, and what did not change: how many fields, and their digest."""

    differences: tuple[Difference, ...]
    unchanged: int
    digest: str
    renamed: tuple[tuple[str, str], ...]


def objects_of(rendered: str) -> Objects:
    """The objects of a rendered YAML stream: `Kind/namespace/name` to its leaves."""
    found = composed(rendered)
    if found is not None:
        return found
    found = {}
    for document in read_file("render.yaml", rendered.encode()).documents:
        root = document.root
        if isinstance(root, Mapping):
            head = (root.text(*keys) for keys in HEAD)
            found[free_name(found, head)] = dict(_fields(root, ""))
    return found


def _fields(node: Node, at: str) -> Iterable[tuple[str, str]]:
    if isinstance(node, Scalar):
        yield at, node.text
    elif isinstance(node, Mapping):
        if not node.pairs:
            yield at, "{}"
        for key, value in node.pairs:
            yield from _fields(value, f"{at}.{key.text}" if at else key.text)
    else:
        names = [item.text("name") if isinstance(item, Mapping) else "" for item in node.items]
        by_name = all(names) and len(set(names)) == len(names)
        if not node.items:
            yield at, "[]"
        for index, item in enumerate(node.items):
            yield from _fields(item, f"{at}[{names[index] if by_name else index}]")


def objects_built(resources: Iterable[Resource]) -> Objects:
    """The same view of objects that were built from the sources."""
    found: Objects = {}
    for resource in resources:
        name = free_name(found, (object_name(resource),))
        found[name] = {place.field: place.value.text for place in places(resource)}
    return found


def compare(old: Objects, new: Objects) -> RenderDiff:
    """Differences between two renders of the same overlay."""
    renamed = _renamed(old, new)
    old = {renamed.get(name, name): fields for name, fields in old.items()}
    differences: list[Difference] = []
    same = hashlib.sha256()
    unchanged = 0
    for name in sorted(old.keys() | new.keys()):
        left, right = old.get(name, {}), new.get(name, {})
        for field in sorted(left.keys() | right.keys()):
            a, b = left.get(field), right.get(field)
            if a == b:
                unchanged += 1
                same.update(f"{name}\0{field}\0{a}\0".encode())
            else:
                differences.append(Difference(name, field, a, b))
    short = tuple((_last(a), _last(b)) for a, b in sorted(renamed.items()))
    return RenderDiff(tuple(differences), unchanged, same.hexdigest(), short)


def _last(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _renamed(old: Objects, new: Objects) -> dict[str, str]:
    """Generated ConfigMaps and Secrets whose content hash, and so their name, moved."""
    result: dict[str, str] = {}
    gone = [n for n in old if n not in new and n.startswith(_GENERATED_KINDS)]
    come = [n for n in new if n not in old and n.startswith(_GENERATED_KINDS)]
    for name in gone:
        stem = _HASHED.sub("", name)
        twins = [other for other in come if other != name and _HASHED.sub("", other) == stem]
        if stem != name and len(twins) == 1:
            result[name] = twins[0]
    return result


@dataclass(frozen=True, slots=True)
class _Spot:
    """How an edit is told, and the texts that it takes away, in the order they are tried."""

    told: str
    gone: tuple[str, ...]


class _Edits:
    """The edits of a proof, each looked at once for all differences."""

    def __init__(self, changes: Iterable[FileChange]) -> None:
        edits = [(f"{one.path}:{edit.line}", edit) for one in changes for edit in one.edits]
        self.spots: list[_Spot] = []
        self._by_pair: dict[tuple[str, str], str] = {}
        self._after: dict[str, set[str]] = {}
        self._by_prefix: dict[str, int] = {}
        for number, (told, edit) in enumerate(edits):
            pairs = _replacements(edit)
            gone = sorted((old for old, new in pairs if old and not new), reverse=True)
            self.spots.append(_Spot(told, tuple(gone)))
            for pair in pairs:
                self._by_pair.setdefault(pair, told)
                self._after.setdefault(pair[0], set()).add(pair[1])
            for prefix in edit.expects:
                self._by_prefix.setdefault(prefix, number)

    def replacing(self, before: str, after: str) -> str | None:
        """The first edit that makes this replacement; another may add its text right behind."""
        owner = self._by_pair.get((before, after))
        if owner is not None or not before:
            return owner
        for new in sorted(self._after.get(before, ())):
            if new and after.startswith(new) and ("", after[len(new) :]) in self._by_pair:
                return self._by_pair[before, new]
        return None

    def expecting(self, places: Iterable[str]) -> str | None:
        """The first edit that says of one of these places, or of one around it, that it changes."""
        known = self._by_prefix
        found = [
            number
            for place in places
            for prefix in around(place)
            if (number := known.get(prefix)) is not None
        ]
        return self.spots[min(found)].told if found else None


def around(place: str) -> Iterator[str]:
    """A field (`Kind/namespace/name#field`), what it lies in, and last its object."""
    yield place
    yield from (place[: found.start()] for found in _JOINTS.finditer(place))


def explain(
    diff: RenderDiff, changes: Iterable[FileChange]
) -> tuple[tuple[FieldChange, ...], tuple[str, ...]]:
    """Match each difference with an edit.

    Returns:
        The explained changes (texts masked), and `object: field` of those that no
        edit accounts for.
    """
    edits = _Edits(changes)
    explained: list[FieldChange] = []
    unexplained: list[str] = []
    for item in diff.differences:
        owner = _owner(item, edits, diff.renamed)
        if owner is None:
            unexplained.append(f"{item.object}: {item.field}")
            continue
        texts = _shown(item)
        explained.append(FieldChange(item.object, item.field, texts[0], texts[1], owner))
    return tuple(explained), tuple(unexplained)


def _owner(item: Difference, edits: _Edits, renamed: tuple[tuple[str, str], ...]) -> str | None:
    owner = edits.expecting(f"{name}#{item.field}" for name in names_of(item.object))
    if owner is not None:
        return owner
    if item.before is None or item.after is None:
        return None
    if (item.before, item.after) in renamed:
        return "generated name"
    before, after = _decoded(item.object, item.field, item.before, item.after)
    return _by_replacement(before, after, edits) or _by_removal(before, after, edits)


def names_of(name: str) -> tuple[str, ...]:
    """An object's name, and for a generated one also that without the hash of its content."""
    bare = _HASHED.sub("", name)
    return (name, bare) if bare != name and name.startswith(_GENERATED_KINDS) else (name,)


def _by_replacement(before: str, after: str, edits: _Edits) -> str | None:
    """The edit whose replacements turn one text into the other, token by token."""
    left, right = _TOKENS.findall(before), _TOKENS.findall(after)
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    owner: str | None = None
    for tag, a0, a1, b0, b1 in matcher.get_opcodes():
        if tag == "equal":
            continue
        owner = _replacing("".join(left[a0:a1]), "".join(right[b0:b1]), edits)
        if owner is None:
            return None
    return owner


def _replacing(before: str, after: str, edits: _Edits) -> str | None:
    """The edit of a token, or of what stands in it behind `-h` or the dash of `${HOST:-pg}`."""
    for lead in range(3 if before.startswith("-") else 1):
        owner = edits.replacing(before[lead:], after[lead:])
        if owner is not None and before[:lead] == after[:lead]:
            return owner
    return None


def _by_removal(before: str, after: str, edits: _Edits) -> str | None:
    """The same once the texts that edits take away are gone: one parameter may follow another.

    `?search_path=a` that leaves while `?sslmode=require` comes looks like one replacement,
    token by token. Each text is tried alone first: one that another edit takes from another
    value may be the beginning of what leaves this one.
    """
    known = [(gone, spot.told) for spot in edits.spots for gone in spot.gone if gone in before]
    for gone, told in known:
        shorter = before.replace(gone, "", 1)
        if shorter == after or _by_replacement(shorter, after, edits) is not None:
            return told
    shorter, owner = before, None
    for gone, told in known:
        if gone in shorter:
            shorter, owner = shorter.replace(gone, "", 1), told
    if owner is None or shorter == after:
        return owner
    return _by_replacement(shorter, after, edits)


def _replacements(edit: Edit) -> set[tuple[str, str]]:
    """The token replacements an edit makes in a value."""
    # A parameter goes with its name: its value alone may stand elsewhere in the same text.
    named = [part for part in edit.parts if part.part == "param" and not part.after]
    pairs = {(part.before, part.after) for part in edit.parts if part not in named}
    pairs |= _joined(edit)
    for part in edit.parts:
        if part.part == "param" and not part.before:
            pairs |= {("", f"{sep}{spelled}") for sep in "?& ;" for spelled in _spellings(part)}
        elif part.part == "param" and not part.after:
            gone = f"{part.name}={part.before}"
            pairs |= {(f"{sep}{gone}", "") for sep in "?& ;"}
            pairs |= {(f"{gone}{sep}", "") for sep in "?& ;"}
    if edit.op is Op.SPLICE:
        # The quotes that a file puts around a value are no part of what it renders.
        bare = (edit.before.strip("\"'"), edit.after.strip("\"'"))
        pairs |= {(edit.before, edit.after), bare}
    if any(part.part == "param" and not part.before for part in edit.parts):
        # A script in a patch: the word that a parameter is added to may need quotes.
        pairs |= {
            (before, f"{after}{quote}") for before, after in pairs if not before for quote in "\"'"
        } | {("", '"'), ("", "'")}
    return pairs


def _joined(edit: Edit) -> set[tuple[str, str]]:
    """Several added parameters as the one insertion that they are."""
    added = [part for part in edit.parts if part.part == "param" and not part.before]
    spelled = itertools.product(*(_spellings(part) for part in added))
    return {
        ("", head + joint.join(texts))
        for texts in (spelled if len(added) > 1 else ())
        for head, joint in (("?", "&"), ("&", "&"), (" ", " "), (";", ";"))
    }


def _spellings(part: PartEdit) -> set[str]:
    """An added parameter as each kind of connection string writes it."""
    return {
        f"{alias(part.name, dialect=one)}={respell_value(part.name, part.after, dialect=one)}"
        for one in ("url", "jdbc", "r2dbc", "ado", "keyword")
    }


def _decoded(name: str, field: str, before: str, after: str) -> tuple[str, str]:
    """Both texts decoded when they are base64 values of a Secret."""
    if name.startswith("Secret/") and field.startswith("data."):
        try:
            # kustomize folds the base64 of generated Secrets at 70 characters.
            old, new = (
                base64.b64decode("".join(t.split()), validate=True) for t in (before, after)
            )
            return old.decode(), new.decode()
        except (binascii.Error, ValueError):
            return before, after
    return before, after


def _shown(item: Difference) -> tuple[str, str]:
    """Both texts for a person: masked, one line, around the first difference."""
    if item.object.startswith("Secret/"):
        return ("***" if item.before is not None else "", "***" if item.after is not None else "")
    before, after = mask(item.before or ""), mask(item.after or "")
    left, right = before.splitlines(), after.splitlines()
    if len(left) > 1 or len(right) > 1:
        changed = (
            [line for line in left if line not in right],
            [line for line in right if line not in left],
        )
        before, after = (lines[0].strip() if lines else "" for lines in changed)
    return before[:200], after[:200]
