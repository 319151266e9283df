"""What a YAML or JSON file says, whatever its layout: to tell a change from another spelling."""

from __future__ import annotations

import json
from hashlib import sha256

from repoint.formats.base import FileKind, Mapping, Node, Scalar
from repoint.formats.read import read_file
from repoint.formats.yaml_plain import is_string

_TREES = (FileKind.YAML, FileKind.JSON)


def meaning(path: str, raw: bytes) -> str:
    """A digest of what a file says: the order of keys, quotes, comments and indentation aside.

    Empty where the format does not tell: such files are compared by their bytes. Two spellings
    of one number or truth (`yes`, `true`) count as two, since readers differ about them.
    """
    parsed = read_file(path, raw)
    if parsed.kind not in _TREES or parsed.problem or parsed.masked:
        return ""
    said = [_said(one.root) for one in parsed.documents if one.root is not None]
    return sha256(json.dumps(said).encode()).hexdigest() if said else ""


def still_says(said: str, path: str, raw: bytes) -> bool:
    """Whether a file says what it said, by its digest of then; never where there is none."""
    return bool(said) and meaning(path, raw) == said


def _said(node: Node) -> object:
    """A node as JSON can write it: a mapping as its sorted pairs, a scalar with its type."""
    if isinstance(node, Scalar):
        return [is_string(node), node.tag, node.text]
    if isinstance(node, Mapping):
        pairs = [(key.text, _said(value)) for key, value in node.pairs]
        return {"pairs": sorted(pairs, key=json.dumps)}
    return {"items": [_said(item) for item in node.items]}
