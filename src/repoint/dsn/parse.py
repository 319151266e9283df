"""Connection strings found in any text and read part by part.

Read in linear time whatever the text, so that a whole repository can be searched.
"""

from __future__ import annotations

from repoint.dsn.pairs import find_pairs
from repoint.dsn.parts import Dsn, Param, Token
from repoint.dsn.url import find_urls

__all__ = ["Dsn", "Param", "Token", "find", "parse"]


def find(text: str) -> tuple[Dsn, ...]:
    """Every PostgreSQL connection string in `text`, in text order, without overlap."""
    urls = tuple(find_urls(text))
    pairs = (dsn for dsn in find_pairs(text) if not any(_overlap(dsn, url) for url in urls))
    return tuple(sorted((*urls, *pairs), key=lambda dsn: dsn.start))


def parse(text: str) -> Dsn | None:
    """The one connection string in `text`; None when there is none, or more than one."""
    found = find(text)
    return found[0] if len(found) == 1 else None


def _overlap(one: Dsn, other: Dsn) -> bool:
    return one.start < other.end and other.start < one.end
