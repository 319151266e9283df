"""The objects of a kind as they are now, kept up to date by watching the API server."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Callable, Mapping
from typing import Any

from repoint.adapters.lab.ports import LOOPBACK
from tests.cluster.control_plane import ControlPlane, ControlPlaneFailed

Name = tuple[str, str]
"""A namespace and a name."""
_AGAIN_S = 0.2
_QUIET_S = 3600.0
_AWAY = (OSError, http.client.HTTPException, ControlPlaneFailed, ValueError, KeyError)


class Kind:
    """Every object of one kind, in all namespaces; `told` hears of each change.

    `told` gets the object's name and the object, None when it is gone. It is called by the
    thread that watches, one change after another.
    """

    def __init__(
        self, plane: ControlPlane, path: str, told: Callable[[Name, Any | None], None]
    ) -> None:
        self._plane = plane
        self._path = path
        self._told = told
        self._ended = threading.Event()
        self._connection: http.client.HTTPSConnection | None = None
        self._objects: Mapping[Name, Any] = {}
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch and wait until nobody is told anything any more."""
        self._ended.set()
        if self._connection is not None and self._connection.sock is not None:
            with contextlib.suppress(OSError):
                self._connection.sock.shutdown(2)
        self._thread.join()

    def all(self) -> list[Any]:
        """Every object there is."""
        return list(self._objects.values())

    def get(self, namespace: str, name: str) -> Any | None:
        """One object, None when it is not there."""
        return self._objects.get((namespace, name))

    def _run(self) -> None:
        while not self._ended.is_set():
            # An API server that is away, or has forgotten where we were, is asked again.
            with contextlib.suppress(*_AWAY):
                self._follow(self._list())
            self._ended.wait(_AGAIN_S)

    def _list(self) -> str:
        listed = self._plane.get(self._path)
        found = {_name(one): one for one in listed["items"]}
        for name in [one for one in self._objects if one not in found]:
            self._set(name, None)
        for name, one in found.items():
            self._set(name, one)
        version: str = listed["metadata"]["resourceVersion"]
        return version

    def _follow(self, version: str) -> None:
        context = ssl.create_default_context(cafile=str(self._plane.ca_file))
        connection = http.client.HTTPSConnection(
            LOOPBACK, self._plane.port, timeout=_QUIET_S, context=context
        )
        self._connection = connection
        with contextlib.closing(connection):
            path = f"{self._path}?watch=1&resourceVersion={version}"
            connection.request("GET", path, headers=self._login())
            answer = connection.getresponse()
            while line := answer.readline():
                event = json.loads(line)
                gone = event["type"] == "DELETED"
                self._set(_name(event["object"]), None if gone else event["object"])

    def _login(self) -> dict[str, str]:
        config = json.loads(self._plane.kubeconfig.read_bytes())
        return {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}

    def _set(self, name: Name, one: Any | None) -> None:
        before = self._objects.get(name)
        if before == one:
            return
        rest = {key: value for key, value in self._objects.items() if key != name}
        self._objects = rest if one is None else {**rest, name: one}
        if not self._ended.is_set():
            self._told(name, one)


def _name(one: Any) -> Name:
    return one["metadata"].get("namespace", ""), one["metadata"]["name"]
