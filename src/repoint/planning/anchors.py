"""Names a position in a connection string without counting over its password.

A removed parameter leaves no text to find its place by. An anchor is the nearest token's edge
(`0/param:sslmode/end/0`: of the first connection string, at the end of that parameter).
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.dsn.parse import find
from repoint.dsn.parts import Dsn

_NEAR = 2
"""An edge further away than this is not used: the distance could span a password."""


def anchor_of(text: str, offset: int) -> str:
    """The anchor of an offset in `text`, empty when no token's edge is near."""
    best: tuple[int, str] | None = None
    for number, dsn in enumerate(find(text)):
        for name, edge in _edges(dsn):
            away = offset - edge
            if abs(away) <= _NEAR and (best is None or abs(away) < best[0]):
                best = (abs(away), f"{number}/{name}/{away}")
    return best[1] if best is not None else ""


def place_of(text: str, anchor: str) -> int | None:
    """The offset that an anchor names in `text`, None when its token is gone."""
    number, _, rest = anchor.partition("/")
    wanted, _, away = rest.rpartition("/")
    found = find(text)
    if not anchor or int(number) >= len(found):
        return None
    for name, edge in _edges(found[int(number)]):
        if name == wanted:
            return edge + int(away)
    return None


def _edges(dsn: Dsn) -> Iterator[tuple[str, int]]:
    for number, host in enumerate(dsn.hosts):
        yield f"host:{number}/end", host.end
        port = dsn.ports[number]
        if port is not None:
            yield f"port:{number}/end", port.end
    if dsn.database is not None:
        yield "database/end", dsn.database.end
    for param in dsn.params:
        yield f"param:{param.name}/end", param.span_end
        yield f"param:{param.name}/start", param.span_start
