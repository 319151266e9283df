"""`kubectl port-forward`, up while a block runs."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Event, Thread

from repoint.adapters.kubeapi.commands import forward_cmd, kubectl_environment
from repoint.adapters.runner import Child, find_tool
from repoint.errors import ClusterLost, ClusterRefused, RepointError

LOOPBACK = "127.0.0.1"
_READY = re.compile(r"^Forwarding from 127\.0\.0\.1:(\d+) ->")
_REFUSED = re.compile(r"Error from server \((\w+)\)")
_NOT_RUNNING = re.compile(r"pod is not running\. Current status=(\w+)")
_NO_PORT = re.compile(r"does not have a service port|has no (?:target)?port", re.IGNORECASE)
_STATUS = {"Forbidden": 403, "NotFound": 404, "Unauthorized": 401}
_UP_S = 60.0
_LOOK_S = 0.2


class _Way:
    """A kubectl that forwards, started again at the same port when it ends.

    kubectl ends when one connection through it fails, and when its pod goes.
    """

    def __init__(self, context: str, namespace: str, target: str, port: int) -> None:
        self._where = (context, namespace, target, port)
        self._ended = Event()
        self._child = self._start(0)
        self._keeper = Thread(target=self._keep, daemon=True)
        try:
            ready = self._child.wait_for(_READY, _UP_S)
            if ready is None:
                raise _failure(self._child.note(), f"`{target}` in namespace `{namespace}`", port)
            self.port = int(ready.group(1))
        except BaseException:
            self._child.end()
            raise
        self._keeper.start()

    def end(self) -> None:
        """Close it, and whatever goes through it."""
        self._ended.set()
        self._keeper.join()
        self._child.end()

    def _start(self, at: int) -> Child:
        argv = forward_cmd(find_tool("kubectl"), *self._where, at=at)
        return Child(argv, tool="kubectl", env=kubectl_environment(os.environ))

    def _keep(self) -> None:
        while not self._ended.wait(_LOOK_S):
            if not self._child.alive:
                self._child.end()
                with suppress(RepointError):
                    self._child = self._start(self.port)


@contextmanager
def forwarded(
    context: str, namespace: str, target: str, port: int, recovered: Callable[[], object]
) -> Iterator[tuple[str, int]]:
    """A loopback address and port that lead to `port` of `target`.

    `recovered` waits until the API server answers, when it went away just now.

    Raises:
        ClusterRefused: it is not there, does not run, or this user may not.
        ClusterLost: the API server does not answer.
    """
    try:
        way = _Way(context, namespace, target, port)
    except ClusterLost:
        recovered()
        way = _Way(context, namespace, target, port)
    try:
        yield LOOPBACK, way.port
    finally:
        way.end()


def _failure(note: str, what: str, port: int) -> RepointError:
    """kubectl's own words are not passed on: they may be anybody's."""
    said = _REFUSED.search(note)
    if said:
        reason = said.group(1)
        told = {"Forbidden": "this user may not", "NotFound": "it is not there"}.get(reason, reason)
        return ClusterRefused(
            f"port {port} of {what} cannot be forwarded: {told}",
            reason=reason,
            status=_STATUS.get(reason, 0),
        )
    status = _NOT_RUNNING.search(note)
    if status:
        return ClusterRefused(
            f"port {port} of {what} cannot be forwarded: its pod is {status.group(1)}",
            reason="NotRunning",
            hint="wait until it runs, or see `kubectl describe` on it",
        )
    if _NO_PORT.search(note):
        return ClusterRefused(
            f"{what} has no port {port}",
            reason="NotFound",
            hint="see which it has with `kubectl describe`",
        )
    return ClusterLost(f"port {port} of {what} cannot be forwarded")
