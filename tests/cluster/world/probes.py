"""A container's probes, asked as often as they say."""

from __future__ import annotations

import http.client
import socket
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.world.container import Container
from tests.cluster.world.network import Network, Target
from tests.cluster.world.podspec import port_number


class Probe:
    """A probe with its count of answers; without a specification it always passes."""

    def __init__(self, spec: Any | None, ask: Callable[[Any], bool]) -> None:
        self._spec = spec or {}
        self._ask = ask
        self._next = time.monotonic() + self._spec.get("initialDelaySeconds", 0)
        self._passed = self._failed = 0

    @property
    def passes(self) -> bool:
        """Whether it has passed often enough since it last failed."""
        least: int = self._spec.get("successThreshold", 1)
        return not self._spec or self._passed >= least

    @property
    def fails(self) -> bool:
        """Whether it has failed often enough since it last passed."""
        most: int = self._spec.get("failureThreshold", 3)
        return self._failed >= most

    def look(self) -> None:
        """Ask, where it is time."""
        if not self._spec or time.monotonic() < self._next:
            return
        self._next = time.monotonic() + self._spec.get("periodSeconds", 10)
        if self._ask(self._spec):
            self._passed, self._failed = self._passed + 1, 0
        else:
            self._failed += 1
            if self.fails:
                self._passed = 0


def asked(pod: Any, container: Container, network: Network) -> Callable[[Any], bool]:
    """How the probes of a container are asked."""

    def ask(spec: Any) -> bool:
        timeout_s = max(spec.get("timeoutSeconds", 1), 5)
        if "exec" in spec:
            return container.run(spec["exec"]["command"], timeout_s)
        how = spec.get("httpGet") or spec["tcpSocket"]
        port = port_number(pod, how["port"])
        if port is None:
            return False
        target = Target(container.sandbox, (container.sandbox.address, port))
        try:
            with network.reach(target, timeout_s) as channel:
                return "tcpSocket" in spec or _gets(channel, how.get("path", "/"))
        except (OSError, http.client.HTTPException):
            return False

    return ask


def _gets(channel: socket.socket, path: str) -> bool:
    connection = http.client.HTTPConnection("pod")
    connection.sock = channel
    connection.request("GET", path)
    return 200 <= connection.getresponse().status < 400
