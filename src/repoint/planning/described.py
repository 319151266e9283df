"""JSON schemas for editors: each key with what its docstring in the section's class says."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterable
from typing import Any

import msgspec

_DRAFT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(
    root: type[msgspec.Struct], sections: Iterable[type[msgspec.Struct]], title: str
) -> dict[str, object]:
    """The JSON schema of `root`, whose keys and those of `sections` below it are described."""
    document: dict[str, Any] = msgspec.json.schema(root)
    document["$schema"] = _DRAFT
    document["title"] = title
    for section in sections:
        properties = document["$defs"].get(section.__name__, {}).get("properties", {})
        for key, meaning in _meanings(section).items():
            if key in properties:
                how = properties[key].get("description", "")
                how = f" {how[:1].upper()}{how[1:]}." if how else ""
                properties[key]["description"] = meaning + how
    return document


def _meanings(section: type[msgspec.Struct]) -> dict[str, str]:
    """What each key means; a section has those of the sections that it extends, too."""
    found: dict[str, str] = {}
    for kind in reversed(section.__mro__):
        if issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            found |= _docstrings(inspect.getsource(kind))
    return found


def _docstrings(source: str) -> dict[str, str]:
    """The text behind each attribute of a class, on one line."""
    body = ast.parse(textwrap.dedent(source)).body[0]
    found = {}
    if isinstance(body, ast.ClassDef):
        for before, after in zip(body.body, body.body[1:], strict=False):
            match (before, after):
                case (
                    ast.AnnAssign(target=ast.Name(id=name)),
                    ast.Expr(value=ast.Constant(value=str(text))),
                ):
                    found[name] = " ".join(text.split())
    return found
