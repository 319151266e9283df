"""Where the scalars of a tree stand, computed when a draft is made of one."""

from __future__ import annotations

from repoint.formats.base import Scalar
from repoint.sites.frame import SHARED, FileView, Position, Value


def value_at(scalar: Scalar, path: tuple[str, ...], view: FileView, origin: Value | None) -> Value:
    """The text of the scalar at `path`; `origin` is the scalar that its document stands in."""
    if origin is None:
        return Value(view, scalar.text, lambda: _position(scalar, path))
    return Value(
        view, scalar.text, lambda: _inside(scalar, origin.position), encoded=origin.encoded
    )


def _position(scalar: Scalar, path: tuple[str, ...]) -> Position:
    pointer = "/" + "/".join(p.replace("~", "~0").replace("/", "~1") for p in path)
    shared = SHARED if scalar.aliased else ""
    return Position(scalar.map, pointer, scalar.line, scalar.column, display_only=shared)


def _inside(scalar: Scalar, outer: Position) -> Position:
    """Where a scalar of a document stands that is itself inside a scalar."""
    own, base = scalar.map.runs, outer.map.runs
    mapped = bool(own and base)
    offset = own[0][1] - base[0][1] if mapped else scalar.line * 1000 + scalar.column
    return Position(
        scalar.map, outer.pointer, scalar.line if mapped else outer.line,
        scalar.column if mapped else outer.column, outer.offset + offset,
        outer.display_only or (SHARED if scalar.aliased else ""),
    )  # fmt: skip
