"""Sealed values by meaning: where they are, and what an edit makes of them.

Pure: opening and sealing is done elsewhere, texts come in and go out.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping, Sequence

from repoint.errors import EditRefused, SealedFile, StalePlan
from repoint.formats.base import leaves
from repoint.formats.read import read_file
from repoint.model.plan import Edit, Op, PartEdit
from repoint.model.receipt import Swap
from repoint.planning.splice import BASE64, recode, repart

Place = tuple[str | int, ...]

_STEP = re.compile(r'\[("(?:[^"\\]|\\.)*"|\d+)\]')


def steps(pointer: str) -> Place:
    """Keys and indexes of a path as sops spells it: `["stringData"]["URL"]`.

    Raises:
        EditRefused: it is not spelled that way.
    """
    found = _STEP.findall(pointer)
    if not found or "".join(f"[{step}]" for step in found) != pointer:
        raise EditRefused(f"`{pointer}` is not a path as sops spells it")
    try:
        return tuple(json.loads(step) for step in found)
    except ValueError:
        raise EditRefused(f"`{pointer}` is not a path as sops spells it") from None


def plain_texts(path: str, plain: bytes) -> dict[Place, str]:
    """Every value of a decrypted document by its place, in file order.

    Places in the first document start with the first key, as sops counts; those in later
    documents start with a label that no pointer of sops can name.
    """
    parsed = read_file(path, plain)
    if parsed.problem:
        raise SealedFile(f"`{path}` opens, but cannot be read", hint="check it with `sops decrypt`")
    return {
        leaf.path[1:] if leaf.path[0] == 0 else (f"document {leaf.path[0]}", *leaf.path): (
            leaf.scalar.text
        )
        for leaf in leaves(parsed.documents)
    }


def new_value(path: str, edit: Edit, texts: Mapping[Place, str]) -> str:
    """The value that a sealed edit puts, made from `texts` as they were before any edit.

    Raises:
        StalePlan: the value is gone, is there already, or names another host.
    """
    adds = edit.op is Op.SEALED_ADD
    if adds and steps(edit.pointer) in texts:
        raise StalePlan(f"`{path}`: `{edit.key}` is there already, but this plan adds it")
    source = texts.get(steps(edit.source_pointer if adds else edit.pointer))
    if source is None:
        raise StalePlan(f"`{path}`: the value of `{edit.key}` is not there any more")
    return _changed(path, edit, source)


def _changed(path: str, edit: Edit, text: str) -> str:
    parts = tuple(part for part in edit.parts if part.part != "key")
    try:
        if edit.before == BASE64:
            return recode(path, edit.line, text.encode(), parts).decode()
        return repart(path, edit.line, text, parts)
    except EditRefused as error:
        where = f"`{path}`: `{edit.key}` cannot be changed as planned"
        raise StalePlan(f"{where}: {error.message}") from None


def reversed_parts(parts: Sequence[PartEdit]) -> tuple[PartEdit, ...]:
    """The parts that take `parts` back."""
    return tuple(
        PartEdit(part.part, part.after, part.before, part.name)
        for part in parts
        if part.part != "key"
    )


def line_swaps(before: bytes, after: bytes) -> tuple[Swap, ...]:
    """The lines that differ between two states of a sealed file; `at` counts bytes of `after`."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    offsets = [0]
    for line in new:
        offsets.append(offsets[-1] + len(line))
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=False)
    return tuple(
        Swap(offsets[j1], b"".join(old[i1:i2]).decode(), b"".join(new[j1:j2]).decode())
        for tag, i1, i2, j1, j2 in matcher.get_opcodes()
        if tag != "equal"
    )
