"""What YAML can hold without quotes, and which quotes hold a text as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.formats.base import Document, Mapping, Node, Scalar, Sequence

# libyaml takes a `?` between braces, the readers of Kubernetes, Helm and Compose (go-yaml) do not.
_ENDS_IN_FLOW = re.compile(r"[,?\[\]{}]")
_ENDS = re.compile(r":(?:\s|\Z)|\s#")
# YAML 1.1 and 1.2 together: what one of them reads as no string.
_RESOLVED = re.compile(
    r"(?i:true|false|yes|no|on|off|null|y|n|~|)\Z|[-+]?(?:\.?\d[\d_]*|0[xob][\da-f_]+)"
    r"[\d_.:eE+-]*\Z|[-+]?\.(?i:inf|nan)\Z|\d{4}-\d\d?-\d\d?"
)


def outgrows_plain(before: str, after: str, *, flow: bool) -> bool:
    """Whether `before` stands without quotes and `after` could not, or would be no string.

    Args:
        before: The text of the plain scalar.
        after: What it shall say.
        flow: Whether it stands in `{...}` or `[...]`.
    """
    return _hard(after, flow) - _hard(before, flow) != set()


def _hard(text: str, flow: bool) -> set[str]:
    marks = set(_ENDS_IN_FLOW.findall(text)) if flow else set[str]()
    marks |= {"ends"} if _ENDS.search(text) else set()
    return marks | ({"type"} if _RESOLVED.match(text) else set())


def is_string(scalar: Scalar) -> bool:
    """Whether a value is a text to its reader, and no number, truth, date or nothing."""
    return scalar.style != "plain" or _RESOLVED.match(scalar.text) is None


def quote_for(text: str) -> str:
    """The quotes that hold `text` on one line as it is written; none when neither does."""
    if "\n" in text or "\r" in text:
        return ""
    return '"' if not re.search(r'["\\]', text) else "'" if "'" not in text else ""


def in_flow(document: Document, path: tuple[str, ...]) -> bool:
    """Whether what `path` (keys and indexes below the root) leads to stands between brackets."""
    node: Node | None = document.root
    for name in path:
        if isinstance(node, Mapping | Sequence) and node.flow:
            return True
        if isinstance(node, Mapping):
            node = node.get(name)
        elif isinstance(node, Sequence):
            node = node.items[int(name)] if name.isdigit() and int(name) < len(node.items) else None
    return False


def plain_scalars(documents: tuple[Document, ...]) -> Iterator[tuple[Scalar, bool]]:
    """Every value without quotes, and whether it stands between brackets."""
    todo: list[tuple[Node, bool]] = [(one.root, False) for one in documents if one.root is not None]
    while todo:
        node, flow = todo.pop()
        if isinstance(node, Mapping):
            todo += [(value, flow or node.flow) for _, value in node.pairs]
        elif isinstance(node, Sequence):
            todo += [(item, flow or node.flow) for item in node.items]
        elif node.style == "plain":
            yield node, flow
