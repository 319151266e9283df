"""What an overlay deploys, comparable whoever built it: the own reader or `kubectl kustomize`.

Objects are compared whole, leaf by leaf: a consumer (a container with its image, command,
variables, references and volumes) is a part of one, and so are the ConfigMaps and Secrets that
it names. Names carry the hash that kustomize gives to what a generator makes.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import yaml

from repoint.kube.effective import MADE, Effective, Origin, Value
from repoint.kube.kustomize import Build
from repoint.kube.names import mend_references
from repoint.kube.plain import plain_documents
from repoint.kube.resource import Resource

Leaf = tuple[str, str]
"""The path of a field in an object, and its text."""

Deployed = Counter[tuple[str, str, str, tuple[Leaf, ...]]]
"""Kind, namespace, name and leaves of every object, with how often it is there."""

_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_NUMBER = re.compile(r"[-+.0-9]")
_HASHED = {"0": "g", "1": "h", "3": "k", "a": "m", "e": "t"}


class _Texts(yaml.CBaseLoader):
    """Reads every scalar as text, and null as None."""


_Texts.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"(?:null|)\Z"), ["n", ""])
_Texts.add_constructor("tag:yaml.org,2002:null", lambda _loader, _node: None)


def rendered(text: str) -> Deployed:
    """What the output of `kubectl kustomize` deploys."""
    documents = yaml.load_all(text, Loader=_Texts)
    return Counter(_object(one) for one in documents if isinstance(one, dict))


def built(build: Build) -> Deployed:
    """What the own reader's build deploys."""
    resources = [one.copy() for one in build.objects]
    for resource in resources:
        if resource.hashed:
            name = f"{resource.name}-{_hash(resource)}"
            resource.remember()
            resource.set_metadata("name", name, Origin(resource.path, MADE))
    mend_references(resources)
    return Counter(_object(_body(one)) for one in resources)


def differences(own: Deployed, theirs: Deployed) -> tuple[str, ...]:
    """How two builds differ, one line a leaf; `-` is the own one's, `+` the other's."""
    found: list[str] = []
    for sign, more in (("-", own - theirs), ("+", theirs - own)):
        other = theirs if sign == "-" else own
        for kind, namespace, name, leaves in more:
            twin = next((held for *key, held in other if key == [kind, namespace, name]), ())
            known = set(twin)
            for path, text in leaves:
                if (path, text) not in known:
                    found.append(f"{sign} {kind} {namespace}/{name} {path}: {text}")
            if not leaves or known >= set(leaves):
                found.append(f"{sign} {kind} {namespace}/{name}")
    return tuple(found)


def _object(body: dict[str, Any]) -> tuple[str, str, str, tuple[Leaf, ...]]:
    metadata = body.get("metadata") or {}
    kind = str(body.get("kind"))
    if kind == "Secret":
        body = {**body, "data": _clear(body), "stringData": None}
    return (
        kind,
        str(metadata.get("namespace") or ""),
        str(metadata.get("name") or metadata.get("generateName") or ""),
        tuple(sorted(_leaves(body, ""))),
    )


def _leaves(tree: Any, at: str) -> Iterator[Leaf]:
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from _leaves(value, f"{at}.{key}")
    elif isinstance(tree, list) and tree:
        for number, item in enumerate(tree):
            yield from _leaves(item, f"{at}[{number}]")
    elif tree is not None:
        yield at, str(tree)


def _clear(secret: dict[str, Any]) -> dict[str, str]:
    """A Secret's values as a pod sees them."""
    data = {key: _decoded(str(value)) for key, value in (secret.get("data") or {}).items()}
    return {**data, **(secret.get("stringData") or {})}


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text).decode()
    except (binascii.Error, ValueError):
        return text


def _body(resource: Resource) -> dict[str, Any]:
    found = _plain(resource.body)
    assert isinstance(found, dict)
    return found


def _plain(tree: Effective) -> Any:
    if isinstance(tree, dict):
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        return [_plain(item) for item in tree]
    return None if tree.is_null else _spelled(tree)


def _spelled(value: Value) -> str:
    """A leaf as kubectl prints it: what YAML reads as a number, a date or true, in its one way."""
    scalar = value.scalar
    if scalar is None or scalar.style != "plain" or scalar.tag or scalar.text != value.text:
        return value.text
    if _DATE.fullmatch(value.text):
        return f"{value.text}T00:00:00Z"
    if not (_NUMBER.match(value.text) or value.text in ("True", "TRUE", "False", "FALSE")):
        return value.text
    (found,) = plain_documents(value.text) or (None,)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, float):
        return str(int(found)) if found.is_integer() else str(found)
    return str(found) if isinstance(found, int) else value.text


def _coded(text: str) -> str:
    """A value in base64 as kustomize writes it: long ones in lines of 70 characters."""
    code = base64.b64encode(text.encode()).decode()
    lines = [code[start : start + 70] for start in range(0, len(code), 70)]
    return "".join(f"{line}\n" for line in lines) if len(code) >= 70 else code


def _hash(resource: Resource) -> str:
    """The suffix that kustomize gives to a generated object's name (its `api/hasher`)."""
    body = _body(resource)
    # kustomize looks the name up by a path it does not find: it is always empty.
    told: dict[str, Any] = {"kind": resource.kind, "name": ""}
    data = body.get("data") or {}
    if resource.kind == "Secret":
        made = body.get("stringData") or {}
        coded = {key: _coded(text) for key, text in made.items()}
        told.update(type=body.get("type", ""), data={**data, **coded})
    else:
        told["data"] = data or ""
        if body.get("binaryData"):
            told["binaryData"] = body["binaryData"]
    text = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    first = hashlib.sha256(text.encode()).hexdigest()[:10]
    return "".join(_HASHED.get(char, char) for char in first)
