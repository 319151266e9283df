"""Secrets and ConfigMaps: their values compared, and a token for each value that changes.

A token says when a key changed, never to what: a digest of a password can be guessed. What a
consumer reads is known by the tokens of its keys, so that it is restarted for those alone.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any

from repoint.model.cluster import Document
from repoint.model.tokens import CHANGED
from repoint.rollout.objects import annotated, mapping_at, marks_of

KINDS = ("Secret", "ConfigMap")
Tokens = Mapping[str, str]


def normalised(document: Document) -> dict[str, Any]:
    """A Secret with its `stringData` among its `data`, as the API server stores it.

    Server-side apply does not prune keys of `stringData`, so they are applied as `data`.
    """
    if document.get("kind") != "Secret":
        return dict(document)
    written = {
        key: base64.b64encode(str(value).encode()).decode()
        for key, value in mapping_at(document, "stringData").items()
    }
    rest = {key: value for key, value in document.items() if key != "stringData"}
    data = {**mapping_at(document, "data"), **written}
    return {**rest, "data": data} if data else rest


def values_of(document: Document | None) -> dict[str, str]:
    """Every key with its value, base64 where the API spells it so."""
    if document is None:
        return {}
    plain = normalised(document)
    found = {**mapping_at(plain, "data")}
    found.update({f"binary:{k}": v for k, v in mapping_at(plain, "binaryData").items()})
    return {key: _same(document, str(value)) for key, value in found.items()}


def changed_keys(live: Document | None, wanted: Document) -> tuple[str, ...]:
    """The keys that `wanted` sets to another value than they have now, sorted."""
    before = values_of(live)
    return tuple(sorted(k for k, v in values_of(wanted).items() if before.get(k) != v))


def tokens_of(live: Document | None) -> dict[str, str]:
    """The tokens on a live object; none on one that repoint never changed."""
    try:
        found = json.loads(str(marks_of(live).get(CHANGED, "{}")))
    except (ValueError, RecursionError):
        return {}
    return {str(k): str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def with_tokens(live: Document | None, wanted: Document, token: str) -> dict[str, Any]:
    """`wanted` as it is applied: normalised, with `token` on each key that changes.

    Keys that stay as they are keep their token, and have none where repoint never changed them.
    """
    plain = normalised(wanted)
    known = tokens_of(live)
    keys = values_of(plain)
    kept = {key: known[key] for key in keys if key in known}
    after = {**kept, **dict.fromkeys(changed_keys(live, plain), token)}
    return annotated(plain, {CHANGED: json.dumps(after, sort_keys=True) if after else None})


def _same(document: Document, value: str) -> str:
    """One spelling for equal bytes: base64 may hold line breaks."""
    return "".join(value.split()) if document.get("kind") == "Secret" else value
