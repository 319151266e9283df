"""What a pod's specification says of its containers, read as a kubelet reads it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

_REFERENCE = re.compile(r"\$(\$|\(([^()]*)\))")

Read = Callable[[str, str], Any | None]
"""Gives the Secret or ConfigMap of a kind and a name in the pod's namespace, or None."""


class NotYet(Exception):
    """A container cannot be made now; the text says why, in a kubelet's words."""


def environment(pod: Any, container: Any, read: Read, own: Mapping[str, str]) -> dict[str, str]:
    """The container's variables; `own` are those that stand before all others.

    Raises:
        NotYet: a Secret, a ConfigMap or a key of one is not there.
    """
    found = dict(own)
    for source in container.get("envFrom", []):
        for key, value in _every_key(source, read):
            found[source.get("prefix", "") + key] = value
    for one in container.get("env", []):
        given = _value(pod, one, found, read)
        if given is not None:
            found[one["name"]] = given
    return found


def command(
    container: Any, image: tuple[tuple[str, ...], tuple[str, ...]], known: Mapping[str, str]
) -> list[str]:
    """The argv: `command` stands for the image's entrypoint, and then its arguments are void."""
    entrypoint, arguments = image
    if "command" in container:
        entrypoint, arguments = tuple(container["command"]), ()
    arguments = tuple(container.get("args", arguments))
    return [expanded(word, known) for word in (*entrypoint, *arguments)]


def expanded(text: str, known: Mapping[str, str]) -> str:
    """`text` with `$(NAME)` replaced where NAME is known; `$$` is a `$`."""

    def one(found: re.Match[str]) -> str:
        if found[1] == "$":
            return "$"
        return known.get(found[2], found[0])

    return _REFERENCE.sub(one, text)


def volume_files(volume: Any, read: Read) -> dict[str, bytes] | None:
    """The files of a volume by name; None where it is no ConfigMap or Secret.

    Raises:
        NotYet: the object is not there.
    """
    for kind, key, field in (
        ("ConfigMap", "configMap", "name"),
        ("Secret", "secret", "secretName"),
    ):
        if key in volume:
            found = _object(kind, volume[key][field], volume[key].get("optional"), read)
            files = contents(found or {})
            items = volume[key].get("items")
            return {i["path"]: files[i["key"]] for i in items} if items else files
    return None


def contents(found: Any) -> dict[str, bytes]:
    """Keys and values of a Secret or a ConfigMap."""
    data = found.get("data") or {}
    if found.get("kind") == "Secret":
        return {key: base64.b64decode(value) for key, value in data.items()}
    return {key: value.encode() for key, value in data.items()}


def owned_by(one: Any, kind: str) -> str:
    """The name of the owner of that kind; empty without one."""
    owners = one["metadata"].get("ownerReferences", [])
    return next((owner["name"] for owner in owners if owner["kind"] == kind), "")


def port_number(pod: Any, wanted: int | str) -> int | None:
    """A port by its number, or by its name among the pod's containers'."""
    if isinstance(wanted, int):
        return wanted
    for container in pod["spec"]["containers"]:
        for port in container.get("ports", []):
            if port.get("name") == wanted:
                return int(port["containerPort"])
    return None


def ports(pod: Any) -> frozenset[int]:
    """Every port that the pod's containers name."""
    containers = pod["spec"]["containers"]
    return frozenset(port["containerPort"] for one in containers for port in one.get("ports", []))


def _every_key(source: Any, read: Read) -> Iterator[tuple[str, str]]:
    for kind, key in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
        if key in source:
            found = _object(kind, source[key]["name"], source[key].get("optional"), read)
            for name, value in contents(found or {}).items():
                yield name, value.decode()


def _value(pod: Any, one: Any, known: Mapping[str, str], read: Read) -> str | None:
    if "valueFrom" not in one:
        return expanded(one.get("value", ""), known)
    source = one["valueFrom"]
    for kind, key in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
        if key in source:
            ref = source[key]
            found = contents(_object(kind, ref["name"], ref.get("optional"), read) or {})
            if ref["key"] in found:
                return found[ref["key"]].decode()
            if ref.get("optional"):
                return None
            raise NotYet(f"couldn't find key {ref['key']} in {kind} {ref['name']}")
    if "fieldRef" in source:
        value: Any = pod
        for part in source["fieldRef"]["fieldPath"].split("."):
            value = value[part]
        return str(value)
    return None


def _object(kind: str, name: str, optional: bool | None, read: Read) -> Any | None:
    found = read(kind, name)
    if found is None and not optional:
        raise NotYet(f'{kind.lower()} "{name}" not found')
    return found
