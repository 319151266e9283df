"""Where the API server keeps the objects of a kind."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock
from urllib.parse import quote

from repoint.adapters.kubeapi.asking import Asking
from repoint.adapters.kubeapi.proxy import Call
from repoint.model.cluster import ObjectRef


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as the API serves it; `root` is such as `/apis/apps/v1`."""

    root: str
    resource: str
    namespaced: bool

    def path(self, namespace: str, name: str = "", subresource: str = "") -> str:
        """The path of an object, or of all of them; in every namespace where none is given."""
        parts = [self.root]
        if self.namespaced and namespace:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.resource)
        parts += [quote(part, safe="") for part in (name, subresource) if part]
        return "/".join(parts)


class Kinds:
    """The kinds of one API server, asked for once; safe to use from several threads."""

    def __init__(self, asking: Asking) -> None:
        self._asking = asking
        self._known: dict[str, dict[str, Kind]] = {}
        self._lock = Lock()

    def find(self, api_version: str, kind: str) -> Kind | None:
        """How a kind is served; None where it is not, now.

        A kind that is not known yet is asked for again: its definition may be new.
        """
        with self._lock:
            found = self._known.get(api_version, {}).get(kind)
        if found is None:
            kinds = self.ask(api_version)
            with self._lock:
                self._known[api_version] = kinds
            found = kinds.get(kind)
        return found

    def forget(self, api_version: str) -> None:
        """Ask for the kinds of a version again: one was not where it had been."""
        with self._lock:
            self._known.pop(api_version, None)

    def ask(self, api_version: str, *, patience_s: float | None = None) -> dict[str, Kind]:
        """What the API server says of a version; nothing for one that it does not have."""
        root = f"/apis/{api_version}" if "/" in api_version else f"/api/{api_version}"
        answer = self._asking.ask(
            Call("GET", root),
            "list the kinds of",
            ObjectRef(api_version, api_version, "", ""),
            repeatable=True,
            nothing=(404,),
            patience_s=patience_s,
        )
        if answer.status == 404:
            return {}
        listed = (answer.document or {}).get("resources")
        return {
            str(one["kind"]): Kind(root, str(one["name"]), bool(one.get("namespaced")))
            for one in (listed if isinstance(listed, list) else ())
            if isinstance(one, dict) and {"kind", "name"} <= one.keys()
            if "/" not in str(one["name"])
        }
