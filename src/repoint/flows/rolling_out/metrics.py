"""How many server connections a Pooler still has, read from the metrics of its pods."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from repoint.errors import RepointError
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import HttpGet
from repoint.rollout.recycling import servers_in

_PORT, _PATH = 9127, "/metrics"
_PATIENCE_S = 3.0


def servers_left(get: HttpGet) -> Callable[[ClusterApi, str, str], int | None]:
    """What `Hooks.servers_left` asks: a pod's server connections, None where it does not tell."""

    def ask(api: ClusterApi, namespace: str, pod: str) -> int | None:
        with (
            suppress(RepointError, OSError),
            api.forward(namespace, f"pod/{pod}", _PORT) as address,
        ):
            status, text = get(address, pod, _PATH, tls=False, timeout_s=_PATIENCE_S)
            return servers_in(text) if status == 200 else None
        return None

    return ask
