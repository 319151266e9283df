"""Which parts of a tree can hold a site, told before anything is made of them.

A superset of what the walk finds there: a key that names a host or holds scripts, a text with
the marks of a connection string, a document or a script. A part without any is left early; a
mapping with one is read whole, since the keys beside a host complete it.
"""

from __future__ import annotations

from functools import lru_cache

from repoint.formats.base import Mapping, Node, Scalar, Sequence
from repoint.sites.context import SKIPPED_KEYS
from repoint.sites.keys import host_key
from repoint.sites.scripts import looks_like_script
from repoint.sites.shapes import ARGV, LINES, patch_of

SHORTEST = 8
"""Characters of the shortest value that is a connection string, a script or a document."""

DEAD, BELOW, OWN = 0, 1, 2
"""What a collection can hold: no site, sites further down, sites by its own scalars too."""

Live = dict[int, int]
"""The collections of a document by `id`, with what they can hold."""

_SCRIPTS = "scripts"
_PATCH = "an operation of a JSON patch"
# What stands below `scripts` is one; what a patch adds stands under the key its path names.
WHOLE = (_SCRIPTS, _PATCH)
"""Keys below which everything is looked at."""

NAMES = frozenset({"name", "key", "Name", "variable"})
"""Keys whose value may be the name of what stands under `value` beside it."""

_BLANKS_BESIDE = frozenset("{[(<$%/,?")
"""What a text with a blank in it must have to be an address (`hosts.address`)."""


@lru_cache(maxsize=16384)
def telling_name(name: str) -> bool:
    """Whether a key tells of a host, a script, a document or a password file by itself."""
    return (
        "." in name
        or name in ARGV
        or name in LINES
        or name.endswith("pgpass")
        or name.startswith("standby_")
        or host_key(name) is not None
    )


def telling_pair(name: str, text: str) -> bool:
    """Whether a key with a value tells of a site, or of what may hold one.

    Several words are no host: blanks stand in placeholders, and behind a host alone.
    """
    if telling_text(text):
        return True
    if not telling_name(name):
        return False
    if " " not in text or " " not in text.strip() or not _BLANKS_BESIDE.isdisjoint(text):
        return True
    return host_key(name) is None


def telling_text(text: str) -> bool:
    """Whether a value has a mark of a connection string, a script or a document in it."""
    return len(text) >= SHORTEST and (
        "=" in text or "://" in text or "\n" in text or "{" in text or "[" in text
    )


def find_live(root: Node, key: str, live: Live, *, encoded: bool) -> None:
    """Fill `live` for a document; `key` is the nearest key above it.

    Where `encoded`, base64 stands under `data`: all of that is live.
    """
    _Marker(live).mark(root, key)
    if encoded and isinstance(root, Mapping):
        for name, value in root.pairs:
            if name.text == "data" and isinstance(value, Mapping):
                live[id(root)] = max(live[id(root)], BELOW)
                live[id(value)] = OWN


class _Marker:
    """Looks at every collection once, or twice where an alias puts it under a telling key."""

    def __init__(self, live: Live) -> None:
        self.live = live
        self.seen: set[tuple[int, bool]] = set()

    def mark(self, node: Node, key: str) -> int:
        """What a node below `key` can hold."""
        if isinstance(node, Scalar):
            return DEAD
        number = id(node)
        turn = (number, key in WHOLE or telling_name(key))
        if turn not in self.seen:
            self.seen.add(turn)
            if isinstance(node, Mapping):
                found = self._mapping(node, key)
            else:
                found = self._sequence(node, key)
            self.live[number] = max(self.live.get(number, DEAD), found)
        return self.live.get(number, DEAD)

    def _mapping(self, node: Mapping, key: str) -> int:
        found = OWN if key in WHOLE else DEAD
        for name_node, value in node.pairs:
            name = name_node.text
            if not isinstance(value, Scalar):
                if name in ARGV:
                    found = OWN
                below = _SCRIPTS if key == _PATCH and name == "value" else name
                if name not in SKIPPED_KEYS and self.mark(value, below):
                    found = found or BELOW
            elif found is not OWN and (
                telling_pair(name, value.text)
                or (name in NAMES and telling_name(value.text) and _has_value(node))
            ):
                found = OWN
        return found

    def _sequence(self, node: Sequence, key: str) -> int:
        found = DEAD
        words = []
        for item in node.items:
            if isinstance(item, Scalar):
                words.append(item.text)
            elif self.mark(item, _PATCH if _is_patch(item) else key):
                found = BELOW
        if not words:
            return found
        if key == _SCRIPTS or telling_name(key):
            return OWN
        if any("=" in word or telling_text(word) for word in words):
            return OWN
        return OWN if len(words) > 1 and looks_like_script(" ".join(words)) else found


def _is_patch(item: Node) -> bool:
    return isinstance(item, Mapping) and patch_of(item)


def _has_value(node: Mapping) -> bool:
    return node.get("value") is not None or node.get("Value") is not None
