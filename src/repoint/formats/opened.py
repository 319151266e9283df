"""What the row readers of JSON and YAML have open while they read."""

from __future__ import annotations

from repoint.formats.base import Node, Scalar


class OpenCollection:
    """A collection whose end was not seen yet."""

    __slots__ = ("is_mapping", "items", "key", "pairs", "start")

    def __init__(self, is_mapping: bool, start: int) -> None:
        self.is_mapping = is_mapping
        self.start = start
        self.key: Scalar | None = None
        self.pairs: list[tuple[Scalar, Node]] = []
        self.items: list[Node] = []

    def add(self, node: Node) -> None:
        """Put a value where it belongs."""
        if self.key is not None:
            self.pairs.append((self.key, node))
            self.key = None
        else:
            self.items.append(node)
