"""Where new pairs and items go in a YAML file that stays as it is.

`insertions()` takes a tree of what must be there and returns texts to insert; it never
replaces. What the file has already is left alone; aliases and contradictions make it return
None, and the caller uses a file of its own instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.planning.yaml_emit import Tree, YamlStyle, emit, emit_item, flow_text


@dataclass(frozen=True, slots=True)
class Insertion:
    """`text` goes in at byte `offset`; `pointer` names what it adds."""

    offset: int
    text: str
    pointer: str


@dataclass(frozen=True, slots=True)
class _Lines:
    offset: int
    lines: tuple[str, ...]
    pointer: str
    inline: bool = False
    """Whether the one line goes into a line that stands, between brackets."""


def insertions(
    raw: bytes, root: Node | None, tree: dict[str, Tree], style: YamlStyle, *, document: int = 0
) -> tuple[Insertion, ...] | None:
    """Texts that make `root` hold `tree`, in file order; None when that cannot be done.

    In a list, an item that is a mapping with `name` is merged with the item of that
    name; any other item is appended unless an equal scalar is there. A variable that one of the
    list spells as `$(NAME)` goes first, since Kubernetes knows only those above.
    """
    if not isinstance(root, Mapping):
        return None
    found: list[_Lines] = []
    if not _mapping(raw, root, tree, style, f"/{document}", found):
        return None
    return _merged(raw, found, style)


def _mapping(
    raw: bytes, node: Mapping, tree: dict[str, Tree], style: YamlStyle, at: str, out: list[_Lines]
) -> bool:
    missing: dict[str, Tree] = {}
    for key, wanted in tree.items():
        present = node.get(key)
        if present is None:
            missing[key] = wanted
        elif not _value(raw, node, key, present, wanted, style, f"{at}/{key}", out):
            return False
    if not missing:
        return True
    if node.flow:
        texts = [f"{flow_text(key)}: {flow_text(value)}" for key, value in missing.items()]
        last = node.pairs[-1] if node.pairs else None
        end = max(last[0].span.end, last[1].span.end) if last is not None else None
        return _between_brackets(raw, node, end, texts, f"{at}/{next(iter(missing))}", out)
    if not node.pairs:
        return False
    column = _column(raw, node.pairs[0][0].span.start)
    lines = emit(missing, style, column)
    if column == 0 and _sections_apart(raw, node):
        lines.insert(0, "")
    out.append(_Lines(line_after(raw, node), tuple(lines), f"{at}/{next(iter(missing))}"))
    return True


def _sections_apart(raw: bytes, node: Mapping) -> bool:
    """Whether a blank line stands before the last section of a file, its comments aside."""
    end = raw.rfind(b"\n", 0, node.pairs[-1][0].span.start)
    while len(node.pairs) > 1 and end > 0:
        start = raw.rfind(b"\n", 0, end) + 1
        line = raw[start:end].strip()
        if not line.startswith(b"#"):
            return not line
        end = start - 1
    return False


def _value(
    raw: bytes,
    parent: Mapping,
    key: str,
    present: Node,
    wanted: Tree,
    style: YamlStyle,
    at: str,
    out: list[_Lines],
) -> bool:
    if isinstance(wanted, dict) and isinstance(present, Mapping):
        return _mapping(raw, present, wanted, style, at, out)
    if isinstance(wanted, list) and isinstance(present, Sequence):
        return _sequence(raw, present, wanted, style, at, out)
    if isinstance(present, Scalar) and _is_null(present):
        return _under_empty_key(raw, parent, key, wanted, style, at, out)
    return isinstance(wanted, str) and isinstance(present, Scalar) and present.text == wanted


def _sequence(
    raw: bytes, node: Sequence, wanted: list[Tree], style: YamlStyle, at: str, out: list[_Lines]
) -> bool:
    new: list[Tree] = []
    for item in wanted:
        index = _matching(node, item)
        if index is None:
            new.append(item)
            continue
        present = node.items[index]
        if (
            isinstance(item, dict)
            and isinstance(present, Mapping)
            and not _mapping(raw, present, item, style, f"{at}/{index}", out)
        ):
            return False
    first = [item for item in new if _is_spelled(node, item)]
    last = [item for item in new if item not in first]
    if first:
        out.append(_in_front(raw, node, first, style, f"{at}/0"))
    if last and node.flow:
        end = node.items[-1].span.end if node.items else None
        texts = [flow_text(item) for item in last]
        return _between_brackets(raw, node, end, texts, f"{at}/{len(node.items)}", out)
    if last:
        column = _column(raw, node.span.start)
        lines = [line for item in last for line in emit_item(item, style, column)]
        out.append(_Lines(line_after(raw, node), tuple(lines), f"{at}/{len(node.items)}"))
    return True


def _is_spelled(node: Sequence, item: Tree) -> bool:
    """Whether an item of a list puts its value together from the variable that `item` is."""
    name = item.get("name") if isinstance(item, dict) else None
    present = (one for one in node.items if isinstance(one, Mapping))
    return isinstance(name, str) and any(f"$({name})" in one.text("value") for one in present)


def _in_front(raw: bytes, node: Sequence, items: list[Tree], style: YamlStyle, at: str) -> _Lines:
    if node.flow:
        text = "".join(f"{flow_text(item)}, " for item in items)
        return _Lines(node.span.start + 1, (text,), at, inline=True)
    start = node.span.start
    column = _column(raw, start)
    lines = [line for item in items for line in emit_item(item, style, column)]
    return _Lines(raw.rfind(b"\n", 0, start) + 1, tuple(lines), at)


def _between_brackets(
    raw: bytes,
    node: Mapping | Sequence,
    end: int | None,
    texts: list[str],
    at: str,
    out: list[_Lines],
) -> bool:
    """Add to `[...]` or `{...}` behind its last entry, which ends at `end`."""
    if end is None:
        offset, before = node.span.start + 1, ""
        if raw[offset : node.span.end - 1].strip():
            return False
    else:
        offset, before = end, ", "
        if b"," in raw[end : node.span.end - 1] or raw[end - 1 : end] == b":":
            return False
    out.append(_Lines(offset, (before + ", ".join(texts),), at, inline=True))
    return True


def _matching(node: Sequence, item: Tree) -> int | None:
    """Index of the item that stands for the same thing: same `name`, or an equal scalar."""
    for index, present in enumerate(node.items):
        if isinstance(item, dict) and isinstance(present, Mapping):
            for identity in ("name", "path"):
                value = item.get(identity)
                if isinstance(value, str) and present.text(identity) == value:
                    return index
        if isinstance(item, str) and isinstance(present, Scalar) and present.text == item:
            return index
    return None


def _under_empty_key(
    raw: bytes,
    parent: Mapping,
    key: str,
    wanted: Tree,
    style: YamlStyle,
    at: str,
    out: list[_Lines],
) -> bool:
    """Fill `key:` that has no value yet."""
    name = next(name for name, _ in parent.pairs if name.text == key)
    column = _column(raw, name.span.start)
    deeper = style.sequence_indent if isinstance(wanted, list) else style.indent
    if not isinstance(wanted, (dict, list)):
        return False
    out.append(
        _Lines(_line_end(raw, name.span.end), tuple(emit(wanted, style, column + deeper)), at)
    )
    return True


def _is_null(scalar: Scalar) -> bool:
    return scalar.style in ("plain", "") and scalar.text in ("", "~", "null") and not scalar.anchor


def _column(raw: bytes, offset: int) -> int:
    """Width of what stands before `offset` on its line: indentation, dashes included."""
    return len(raw[raw.rfind(b"\n", 0, offset) + 1 : offset].decode("utf-8", "replace"))


def line_after(raw: bytes, node: Node) -> int:
    """Byte offset of the line after the last line of `node`'s own text."""
    last: Node = node
    while not isinstance(last, Scalar):
        children = last.items if isinstance(last, Sequence) else [v for _, v in last.pairs]
        if not children or last.flow:
            return _line_end(raw, last.span.end)
        if isinstance(last, Mapping) and _is_empty_scalar(children[-1]):
            return _line_end(raw, last.pairs[-1][0].span.end)
        last = children[-1]
    end = last.span.end
    if last.style in ("literal", "folded"):
        header = raw[last.span.start : raw.find(b"\n", last.span.start)]
        if b"+" in header:
            return end
        end = last.span.start + len(raw[last.span.start : end].rstrip())
    return _line_end(raw, end)


def _is_empty_scalar(node: Node) -> bool:
    return isinstance(node, Scalar) and len(node.span) == 0


def _line_end(raw: bytes, offset: int) -> int:
    """Offset just behind the line break that ends the line at `offset`, or the file's end."""
    end = raw.find(b"\n", offset)
    return len(raw) if end < 0 else end + 1


def _merged(raw: bytes, found: list[_Lines], style: YamlStyle) -> tuple[Insertion, ...]:
    """One insertion per offset: the deepest first, since it belongs to what stands there."""
    by_offset: dict[int, list[_Lines]] = {}
    for piece in found:
        by_offset.setdefault(piece.offset, []).append(piece)
    result = []
    for offset in sorted(by_offset):
        pieces = by_offset[offset]
        if pieces[0].inline:
            text = "".join(line for piece in pieces for line in piece.lines)
            result.append(Insertion(offset, text, pieces[0].pointer))
            continue
        pieces.sort(key=lambda piece: -_width(piece.lines[0]))
        text = "".join(line + style.newline for piece in pieces for line in piece.lines)
        if offset == len(raw) and raw and not raw.endswith(b"\n"):
            text = style.newline + text.removesuffix(style.newline)
        result.append(Insertion(offset, text, pieces[0].pointer))
    return tuple(result)


def _width(line: str) -> int:
    return len(line) - len(line.lstrip(" "))
