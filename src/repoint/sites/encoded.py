"""Base64 values of Secrets: read by what they decode to."""

from __future__ import annotations

import base64
import binascii

from repoint.sites.frame import Value

_LARGEST = 400_000


def decoded(value: Value) -> Value | None:
    """The value that a `data` entry of a Secret stands for; None when it is no text."""
    text = plain_text(value.text)
    if text is None:
        return None
    return value.decoded(text, "base64")


def plain_text(encoded: str) -> str | None:
    """The text that base64 stands for; None when it is none."""
    raw = "".join(encoded.split())
    if not raw or len(raw) > _LARGEST:
        return None
    try:
        text = base64.b64decode(raw, validate=True).decode()
    except (binascii.Error, ValueError):
        return None
    return None if "\0" in text else text
