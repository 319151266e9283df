"""Puts what sops changed into the original bytes.

sops keeps the order of entries, so the n-th ciphertext of its output belongs to the n-th of the
original, whatever was re-indented or re-quoted. Comments are left out of that count: sops moves
them, and encrypts the clear ones that somebody added by hand; it does not sign them.
"""

from __future__ import annotations

import re

from repoint.errors import EditRefused
from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.formats.read import read_file
from repoint.planning.sealed import Place
from repoint.planning.splice import Patch, line_break, splice

_CIPHER = re.compile(rb"ENC\[AES256_GCM,data:[^\]\s]*,type:(?!comment)[a-z]+\]")
_MODIFIED = re.compile(
    rb"""(?m)^\s*"?(?:sops_)?lastmodified"?\s*[:=]\s*["']?(\d{4}-[-0-9T:.]+(?:Z|[-+]\d\d:\d\d))"""
)


def carry_over(path: str, raw: bytes, new: bytes) -> bytes:
    """`raw` with every ciphertext and time stamp that differs in `new`.

    Raises:
        EditRefused: the two cannot be matched one to one.
    """
    cuts = [*_pairs(path, raw, new, _CIPHER, 0), *_pairs(path, raw, new, _MODIFIED, 1)]
    return splice(path, raw, sorted(cuts, key=lambda cut: cut.start))


def insert_entry(path: str, raw: bytes, new: bytes, where: Place) -> bytes:
    """`raw` with the entry that `new` has at `where`, at the end of its mapping."""
    cipher = _node(path, new, where)
    if not isinstance(cipher, Scalar) or not isinstance(where[-1], str):
        raise EditRefused(f"`{path}`: `{where[-1]}` cannot be added")
    parent = _node(path, raw, where[:-1])
    if not isinstance(parent, Mapping) or not parent.pairs:
        raise EditRefused(f"`{path}`: `{where[-1]}` has no mapping to be added to")
    grown = splice(path, raw, [_new_entry(path, raw, parent, where[-1], cipher.text)])
    return carry_over(path, grown, new)


def cut_entry(path: str, raw: bytes, where: Place) -> bytes:
    """`raw` without the lines of the entry at `where`."""
    parent = _node(path, raw, where[:-1])
    if not isinstance(parent, Mapping):
        raise EditRefused(f"`{path}`: `{where[-1]}` is not there any more")
    at = [index for index, (key, _) in enumerate(parent.pairs) if key.text == where[-1]]
    if len(at) != 1:
        raise EditRefused(f"`{path}`: `{where[-1]}` is not there once")
    key, value = parent.pairs[at[0]]
    start = raw.rfind(b"\n", 0, key.span.start) + 1
    end = _line_end(raw, value.span.end)
    cuts = [Patch(start, end, b"")]
    if path.endswith(".json") and at[0] == len(parent.pairs) - 1 and at[0] > 0:
        # The entry before becomes the last one and loses its comma.
        last = parent.pairs[at[0] - 1][1].span.end
        comma = raw.index(b",", last)
        cuts.insert(0, Patch(comma, comma + 1, b""))
    return splice(path, raw, cuts)


def _new_entry(path: str, raw: bytes, parent: Mapping, key: str, cipher: str) -> Patch:
    """The line to add, in the style of the mapping's own entries."""
    last_key, last = parent.pairs[-1]
    if path.endswith((".yaml", ".yml")):
        if parent.flow:
            raise EditRefused(f"`{path}` line {parent.line}: `{key}` cannot join a flow mapping")
        indent = b" " * (parent.pairs[0][0].column - 1)
        return _after_line(raw, last.span.end, indent + f"{key}: {cipher}".encode())
    if path.endswith(".json"):
        indent = raw[raw.rfind(b"\n", 0, last_key.span.start) + 1 : last_key.span.start]
        if indent.strip():
            raise EditRefused(f"`{path}` line {parent.line}: `{key}` cannot join one line")
        entry = b"," + line_break(raw) + indent + f'"{key}": "{cipher}"'.encode()
        return Patch(last.span.end, last.span.end, entry)
    # dotenv: sops keeps its own entries last.
    own = [pair for pair in parent.pairs if not pair[0].text.startswith("sops_")]
    if path.endswith(".ini") or not own:
        raise EditRefused(f"`{path}`: `{key}` has no entry to follow")
    return _after_line(raw, own[-1][1].span.end, f"{key}={cipher}".encode())


def _after_line(raw: bytes, offset: int, line: bytes) -> Patch:
    end = _line_end(raw, offset)
    if raw[end - 1 : end] == b"\n":
        return Patch(end, end, line + line_break(raw[:end]))
    return Patch(end, end, line_break(raw) + line)


def _line_end(raw: bytes, offset: int) -> int:
    """The offset behind the line break that ends the line of `offset - 1`."""
    if raw[offset - 1 : offset] == b"\n":
        return offset
    found = raw.find(b"\n", offset)
    return len(raw) if found < 0 else found + 1


def _node(path: str, raw: bytes, where: Place) -> Node | None:
    parsed = read_file(path, raw)
    node = parsed.documents[0].root if parsed.documents else None
    for step in where:
        if isinstance(node, Mapping) and isinstance(step, str):
            node = node.get(step)
        elif isinstance(node, Sequence) and isinstance(step, int):
            node = node.items[step] if step < len(node.items) else None
        else:
            return None
    return node


def _pairs(
    path: str, raw: bytes, new: bytes, pattern: re.Pattern[bytes], group: int
) -> list[Patch]:
    old, now = list(pattern.finditer(raw)), list(pattern.finditer(new))
    if len(old) != len(now):
        raise EditRefused(f"`{path}`: sops' output does not match the file entry by entry")
    return [
        Patch(left.start(group), left.end(group), right[group])
        for left, right in zip(old, now, strict=True)
        if left[group] != right[group]
    ]
