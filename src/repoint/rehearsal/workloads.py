"""Which loads are compared, and what a pool can take of them."""

from __future__ import annotations

from repoint.model.benchmark import Workload

FEW = 4
MANY = 50
RECONNECTING = 8
RESERVED = 10
"""Connections left for superusers, the Pooler's own logins and the benchmark itself."""


def workloads(mode: str, pool_size: int, max_connections: int) -> tuple[Workload, ...]:
    """The loads for a Pooler of `mode` in front of a server with `max_connections`.

    New connections are where a pool helps; few persistent clients are where it costs. Many
    persistent clients are as many as both sides hold: in session mode each keeps a server
    connection, so that more than `pool_size` would only wait.
    """
    room = max_connections - RESERVED
    many = min(MANY, room, pool_size if mode == "session" else MANY)
    found = [
        Workload("connect", "a new connection for each transaction", RECONNECTING, True),
        # A server process outlives its connection by a moment: direct, twice as many are there.
        Workload("connect-many", "the same with many clients", min(2 * pool_size, room // 2), True),
        Workload("few", "persistent connections, few clients", FEW, False),
    ]
    if many > FEW:
        found.append(Workload("many", "persistent connections, many clients", many, False))
    return tuple(found)


def order(round_: int) -> tuple[str, str]:
    """Which route goes first in a round: they take turns."""
    return ("direct", "pooled") if round_ % 2 == 0 else ("pooled", "direct")
