"""What the Kubernetes API server holds, as far as no password may be in it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_COPY = "kubectl.kubernetes.io/last-applied-configuration"
_OWN = "repoint"


class Reader:
    """Reads every object of a control plane; the kinds are asked for once."""

    def __init__(self, plane: Any) -> None:
        self._plane = plane
        self._paths: list[str] = []

    def objects(self) -> Iterator[tuple[str, str, bytes]]:
        """Where each part is, whose it is, and the part.

        It is `repoint`'s, and searched strictly: what stands in `metadata` (managers with their
        fields, labels, annotations of repoint), in an Event of Kubernetes or of repoint, and all
        of an object that repoint makes itself. The rest, with the notes of others and what they
        tell in `status`, is a user's. Of a Secret only the metadata is read.
        """
        for path in self._paths or self._discovered():
            status, found = self._plane.call("GET", path)
            for one in found.get("items") or () if status == 200 else ():
                yield from _parts(path, one)

    def _discovered(self) -> list[str]:
        groups = self._plane.call("GET", "/apis")[1].get("groups", ())
        roots = ["/api/v1", *(f"/apis/{one['preferredVersion']['groupVersion']}" for one in groups)]
        for root in roots:
            status, found = self._plane.call("GET", root)
            for one in found.get("resources", ()) if status == 200 else ():
                if "list" in one["verbs"] and "/" not in one["name"]:
                    self._paths.append(f"{root}/{one['name']}")
        return self._paths


def _parts(path: str, one: dict[str, Any]) -> Iterator[tuple[str, str, bytes]]:
    meta = dict(one.get("metadata") or {})
    kind, name = path.rpartition("/")[2], meta.get("name", "")
    where = f"{kind} {meta.get('namespace', '')}/{name}"
    notes = meta.pop("annotations", None) or {}
    own_notes = {key: text for key, text in notes.items() if _is_own_note(key)}
    yield f"{where} metadata", _OWN, _bytes({**meta, "annotations": own_notes})
    if kind == "secrets":
        return
    rest = {key: value for key, value in one.items() if key != "metadata"}
    told = {key: text for key, text in notes.items() if key not in own_notes and key != _COPY}
    yield f"{where} of others", "user", _bytes([told, rest.pop("status", None)])
    yield where, _OWN if _is_own(kind, str(name), rest) else "user", _bytes(rest)


def _is_own_note(key: str) -> bool:
    return _OWN in key or "restartedAt" in key


def _is_own(kind: str, name: str, rest: dict[str, Any]) -> bool:
    """Whether repoint makes it, or it is an Event that Kubernetes itself tells."""
    source = rest.get("reportingComponent") or (rest.get("source") or {}).get("component") or ""
    return name.startswith(_OWN) or (kind == "events" and source.startswith((_OWN, "kube", "job")))


def _bytes(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()
