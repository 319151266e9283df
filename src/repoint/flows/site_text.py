"""The text of the value that holds a site, wherever it lies: opened and decoded, in memory only."""

from __future__ import annotations

import base64
import binascii

from repoint.errors import RepointError
from repoint.flows.scanning import Survey
from repoint.formats.base import leaves
from repoint.formats.read import read_file
from repoint.model.consumer import Site
from repoint.ports.repository import SecretStore


def site_text(found: Survey, secrets: SecretStore, site: Site) -> str:
    """The text of the scalar that holds a site, opened and decoded; empty where it is closed."""
    path = site.location.path
    try:
        parsed = read_file(path, secrets.decrypt(path)) if site.sealed else found.files[path]
    except (RepointError, KeyError):
        return ""
    for leaf in leaves(parsed.documents):
        if leaf.pointer == site.value_pointer:
            return decoded(leaf.scalar.text) if site.encoded else leaf.scalar.text
    return ""


def decoded(text: str) -> str:
    """The text of base64; empty where it is none."""
    try:
        return base64.b64decode(text, validate=False).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""
