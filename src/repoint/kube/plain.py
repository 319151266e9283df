"""YAML and JSON manifests as the plain objects that the Kubernetes API takes.

Plain scalars are read as kubectl reads them (Go's YAML 1.1, `sigs.k8s.io/yaml`), which is not
how PyYAML does: a date stays text, `1:30` is no number, `0o17` and `1e3` are ones.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from typing import Any

import yaml

from repoint.kube.objects import CLUSTER_SCOPED
from repoint.kube.sealed import is_cipher
from repoint.model.cluster import Document

_CLUSTER_WIDE = re.compile(r"Cluster[A-Z]\w*|CustomResourceDefinition")
_SEALED_TEXT = b"ENC[AES256_GCM,"

_Resolvers = dict[str, list[tuple[str, re.Pattern[str]]]]


class _Loader(yaml.CSafeLoader):
    """Reads scalars as Go does."""

    yaml_implicit_resolvers: _Resolvers = {}  # noqa: RUF012 - the base class declares it so


def _integer(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> int:
    text = node.value.replace("_", "")
    if re.fullmatch(r"[-+]?0[0-7]+", text):
        return int(text, 8)
    return int(text, 0)


def _boolean(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> bool:
    return node.value.lower() in ("y", "yes", "true", "on")


def _float(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> float:
    return float(node.value)


def _text(loader: yaml.CSafeLoader, node: yaml.ScalarNode) -> str:
    return str(node.value)


def _mapping(loader: yaml.CSafeLoader, node: yaml.MappingNode) -> dict[str, Any]:
    loader.flatten_mapping(node)
    found = loader.construct_mapping(node, deep=True)
    return {_key(key): value for key, value in found.items()}


def _key(key: object) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    return "null" if key is None else str(key)


_BOOLEAN = r"(?:y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON|n|N|no|No|NO|false|False|FALSE|off|Off|OFF)"
_INTEGER = r"[-+]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|0[0-7_]*|[1-9][0-9_]*)"
_FLOAT = r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
for _tag, _pattern, _first in (
    ("null", r"(?:~|null|Null|NULL|)", ["~", "n", "N", ""]),
    ("bool", _BOOLEAN, list("yYnNtTfFoO")),
    ("int", _INTEGER, list("-+0123456789")),
    ("float", _FLOAT, list("-+.0123456789")),
    ("merge", r"<<", ["<"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"{_pattern}\Z"), _first)
_Loader.add_constructor("tag:yaml.org,2002:merge", _text)  # `<<` that is no key
_Loader.add_constructor("tag:yaml.org,2002:int", _integer)
_Loader.add_constructor("tag:yaml.org,2002:bool", _boolean)
_Loader.add_constructor("tag:yaml.org,2002:float", _float)
_Loader.add_constructor("tag:yaml.org,2002:map", _mapping)


def plain_documents(text: str) -> tuple[object, ...]:
    """The documents of a YAML or JSON stream as plain values; empty ones are left out.

    Raises:
        ValueError: it is not valid YAML; the message tells the line, and no content.
    """
    try:
        found = list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise ValueError(f"line {mark.line + 1 if mark else 1} is not valid YAML") from None
    except (RecursionError, ValueError, TypeError):
        raise ValueError("it is not valid YAML") from None
    return tuple(document for document in found if document is not None)


def flat_objects(document: object) -> Iterator[dict[str, Any]]:
    """The objects of a document: itself, or the items of a List."""
    if not isinstance(document, dict):
        return
    items = document.get("items")
    if str(document.get("kind", "")).endswith("List") and isinstance(items, list):
        for item in items:
            yield from flat_objects(item)
    else:
        yield document


def is_object(document: object) -> bool:
    """Whether a plain value is an object that has a kind and a name."""
    if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
        return False
    named = document["metadata"].get("name") or document["metadata"].get("generateName")
    return all(isinstance(one, str) and one for one in (*_type(document), named))


def is_client_side(document: Document) -> bool:
    """Whether only kustomize reads it, and no API server."""
    return str(document.get("apiVersion", "")).startswith("kustomize.config.k8s.io/")


def cluster_scoped(document: Document, definitions: tuple[Document, ...] = ()) -> bool:
    """Whether an object belongs to no namespace.

    A kind that `definitions` (CustomResourceDefinitions at hand) tell of is as they say; of
    others the built-in ones are known, and `ClusterSomething` is taken for one.
    """
    api, kind = _type(document)
    for one in definitions:
        spec = one.get("spec") or {}
        if (spec.get("group"), (spec.get("names") or {}).get("kind")) == (
            api.rpartition("/")[0],
            kind,
        ):
            return bool(spec.get("scope") == "Cluster")
    return kind in CLUSTER_SCOPED or bool(_CLUSTER_WIDE.fullmatch(kind))


def opened(rendered: Any, clear: Any) -> Any:
    """`rendered` with each sealed text replaced by what stands at its place in `clear`."""
    if isinstance(rendered, dict):
        inner = clear if isinstance(clear, dict) else {}
        return {key: opened(value, inner.get(key)) for key, value in rendered.items()}
    if isinstance(rendered, list):
        items = clear if isinstance(clear, list) else []
        padded = [*items, *[None] * (len(rendered) - len(items))]
        return [opened(one, other) for one, other in zip(rendered, padded, strict=False)]
    if isinstance(rendered, str) and is_cipher(rendered) and clear is not None:
        return clear
    return rendered


def still_sealed(document: Any, at: str = "") -> Iterator[str]:
    """Where ciphertext of sops stands in an object, also inside base64."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield from still_sealed(value, f"{at}.{key}" if at else str(key))
    elif isinstance(document, list):
        for number, value in enumerate(document):
            yield from still_sealed(value, f"{at}[{number}]")
    elif isinstance(document, str) and (is_cipher(document) or _encoded(document)):
        yield at


def _encoded(text: str) -> bool:
    try:
        return _SEALED_TEXT in base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False


def _type(document: Document) -> tuple[str, str]:
    return str(document.get("apiVersion") or ""), str(document.get("kind") or "")
