"""Which files a scan has to parse, told from their names and bytes."""

from __future__ import annotations

import re
from enum import IntEnum

from repoint.formats.kinds import kind_of
from repoint.formats.read import MAX_BYTES
from repoint.formats.shelf import WORDS
from repoint.kube.files import KUSTOMIZATION_NAMES
from repoint.sites.json_look import json_may_hold_site
from repoint.sites.needles import may_hold_site_bytes

_HEAD = 1024
_OWN = re.compile(rb'\{\s*"format": ?\d+,\s*"(?:tool_version|sites)":')
"""How a saved plan, and the JSON of a scan, begin: they tell of hosts, and nobody reads them."""
_TELLING = (*(word.encode() for word in WORDS), b"sops", b"\0")
"""Bytes that make a file worth parsing though it names no database; NUL is for UTF-16."""


def may_be_read(path: str) -> bool:
    """Whether a file of that name can be of a kind that is read at all."""
    return is_named(path) or may_be_script(path)


def is_named(path: str) -> bool:
    """Whether a file's name alone tells a kind that is read: its bytes are not asked then."""
    return kind_of(path, b"") is not None


def may_be_script(path: str) -> bool:
    """Whether a file that its name does not tell of may be a script: its first line says."""
    return "." not in path.rsplit("/", 1)[-1].lstrip(".")


def has_kind(path: str, raw: bytes) -> bool:
    """Whether a file is of a kind that is read, by its name or by its first line."""
    return kind_of(path, raw[:_HEAD]) is not None


class Worth(IntEnum):
    """Why a file is parsed: for nothing, since others may depend on it, or for its sites."""

    NOTHING = 0
    PART = 1
    SITES = 2


def may_matter(path: str, raw: bytes) -> bool:
    """Whether a file has to be parsed at all."""
    return worth_of(path, raw) is not Worth.NOTHING


def worth_of(path: str, raw: bytes) -> Worth:
    """What a file is parsed for: its bytes say so, or are no text to look into.

    `PART` and `NOTHING` only where it can hold no site, `NOTHING` only where it is no part of
    what is deployed either.
    """
    is_kustomization = path.rpartition("/")[2] in KUSTOMIZATION_NAMES
    if path.endswith(".json") and not is_kustomization and _OWN.match(raw):
        return Worth.NOTHING
    if len(raw) <= MAX_BYTES and _may_hold_site(path, raw):
        return Worth.SITES
    if is_kustomization or len(raw) > MAX_BYTES or any(word in raw for word in _TELLING):
        return Worth.PART
    return Worth.NOTHING if raw.isascii() or _is_utf8(raw) else Worth.PART


def _may_hold_site(path: str, raw: bytes) -> bool:
    if not may_hold_site_bytes(path, raw):
        return False
    return not path.endswith(".json") or json_may_hold_site(path, raw)


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode()
    except UnicodeDecodeError:
        return False
    return True
