"""Which files a scan has to parse, told from their names and bytes."""

from __future__ import annotations

import re

from repoint.formats.kinds import kind_of
from repoint.formats.read import MAX_BYTES
from repoint.formats.shelf import WORDS
from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.sites.needles import may_hold_site_bytes

_HEAD = 1024
_OWN = re.compile(rb'\{\s*"format": ?\d+,\s*"(?:tool_version|sites)":')
"""How a saved plan, and the JSON of a scan, begin: they tell of hosts, and nobody reads them."""
_TELLING = (*(word.encode() for word in WORDS), b"sops", b"\0")
"""Bytes that make a file worth parsing though it names no database; NUL is for UTF-16."""


def may_be_read(path: str) -> bool:
    """Whether a file of that name can be of a kind that is read at all."""
    return kind_of(path, b"") is not None or "." not in path.rsplit("/", 1)[-1].lstrip(".")


def has_kind(path: str, raw: bytes) -> bool:
    """Whether a file is of a kind that is read, by its name or by its first line."""
    return kind_of(path, raw[:_HEAD]) is not None


def may_matter(path: str, raw: bytes) -> bool:
    """Whether a file has to be parsed: its bytes say so, or are no text to look into.

    False only when the file can hold no site and is no part of what is deployed.
    """
    if path.rpartition("/")[2] in KUSTOMIZATION_NAMES:
        return True
    if path.endswith(".json") and _OWN.match(raw):
        return False
    if len(raw) > MAX_BYTES:
        return True
    if any(word in raw for word in _TELLING) or may_hold_site_bytes(path, raw):
        return True
    return not (raw.isascii() or _is_utf8(raw))


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
