"""`kubectl port-forward`, up while a block runs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

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


@contextmanager
def forwarded(context: str, namespace: str, target: str, port: int) -> Iterator[tuple[str, int]]:
    """A loopback address and port that lead to `port` of `target`.

    Raises:
        ClusterRefused: it is not there, does not run, or this user may not.
        ClusterLost: the API server does not answer.
    """
    argv = forward_cmd(find_tool("kubectl"), context, namespace, target, port)
    with Child(argv, tool="kubectl", env=kubectl_environment(os.environ)) as child:
        ready = child.wait_for(_READY, _UP_S)
        if ready is None:
            raise _failure(child.note(), f"{target} in namespace `{namespace}`", port)
        yield LOOPBACK, int(ready.group(1))


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
            f"{what} has no port {port}", reason="NotFound", hint="look at its ports"
        )
    return ClusterLost(f"port {port} of {what} cannot be forwarded")
