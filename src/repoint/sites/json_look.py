"""Which JSON can hold a site: a look at its values, before the tree with their places is made.

The reader of the standard library takes a tenth of the time that our own does, since it notes
no places. What it makes is judged as `pruning` judges a tree, of whose marks these are a
superset; whatever it does not read is left to our own reader.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from repoint.formats.read import plain_text
from repoint.sites.context import SKIPPED_KEYS
from repoint.sites.pruning import NAMES, WHOLE, telling_name, telling_pair, telling_text
from repoint.sites.scripts import looks_like_script
from repoint.sites.shapes import ARGV

_DEEPEST = 90
"""Levels that our own strict reader follows; what is deeper has a problem to be told."""

_CONSTANTS: dict[object, str] = {True: "true", False: "false", None: "null"}
_DECODER = json.JSONDecoder(
    object_pairs_hook=tuple, parse_int=str, parse_float=str, parse_constant=str
)
"""Objects as tuples of pairs, duplicate keys included; arrays as lists; scalars as texts."""


def json_may_hold_site(path: str, raw: bytes) -> bool:
    """Whether JSON that passed the needles is worth a closer look.

    False only for one strict value, in which no part can hold a site.
    """
    text = plain_text(raw)
    if text is None:
        return True
    try:
        root = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return True
    if not isinstance(root, tuple | list):
        return True
    stem = path.rpartition("/")[2].lstrip(".").split(".")[0]
    return _is_live(root, stem, 0)


def _is_live(node: Sequence[object], key: str, depth: int) -> bool:
    """Whether a site may stand in a collection below `key`."""
    if depth > _DEEPEST:
        return True
    return _live_pairs(node, depth) if isinstance(node, tuple) else _live_items(node, key, depth)


def _live_pairs(node: tuple[tuple[str, object], ...], depth: int) -> bool:
    names = {name for name, _ in node}
    if "op" in names and "path" in names:
        return True  # An operation of a JSON patch: its path names the key.
    paired = "value" in names or "Value" in names
    for name, value in node:
        if isinstance(value, tuple | list):
            if name in ARGV or name in WHOLE:
                return True
            if name not in SKIPPED_KEYS and _is_live(value, name, depth + 1):
                return True
            continue
        text = _text(value)
        if telling_pair(name, text) or (paired and name in NAMES and telling_name(text)):
            return True
        if name == "kind" and text == "Secret":
            return True  # Its data are encoded.
    return False


def _live_items(node: Sequence[object], key: str, depth: int) -> bool:
    words: list[str] = []
    for item in node:
        if isinstance(item, tuple | list):
            if _is_live(item, key, depth + 1):
                return True
            continue
        word = _text(item)
        if "=" in word or telling_text(word):
            return True
        words.append(word)
    if not words:
        return False
    return telling_name(key) or (len(words) > 1 and looks_like_script(" ".join(words)))


def _text(value: object) -> str:
    return value if isinstance(value, str) else _CONSTANTS[value]
