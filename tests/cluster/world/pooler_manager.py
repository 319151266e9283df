"""Does what the manager in a Pooler's pod does when its Pooler changes: RELOAD, PAUSE, RESUME.

One thing after another, as CloudNativePG does: while a PAUSE waits for clients to leave (in
session mode, for all of them), nothing else is done, and a RESUME has to wait as well.

Source: CloudNativePG 1.28.0, internal/pgbouncer/management/controller/manager.go.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from repoint.adapters.pgclient import connect
from repoint.model.sensitive import Sensitive
from repoint.wire.login import Login, Tls
from repoint.wire.refusals import ConnectionLost, ServerRefusal
from tests.cluster.world.operator import configuration
from tests.cluster.world.pod import Pod, write

_POLL_S = 0.1
_FOREVER_S = 3600.0


class PoolerManager(threading.Thread):
    """The manager of one pod; `wanted` gives the Pooler as it is now, None without one."""

    def __init__(self, pod: Pod, wanted: Callable[[], Any | None]) -> None:
        super().__init__(daemon=True)
        self._pod = pod
        self._wanted = wanted
        self._ended = threading.Event()
        self._runs = -1
        self._paused = False
        self._session: Any | None = None

    def stop(self) -> None:
        """End it; a PAUSE that waits is left to PgBouncer's end."""
        self._ended.set()

    def run(self) -> None:
        while not self._ended.wait(_POLL_S):
            container = self._pod.containers[0]
            pooler = self._wanted()
            if pooler is None or not container.running:
                continue
            if container.restarts != self._runs:
                # A new process read its files at its start and is not paused.
                self._runs, self._paused = container.restarts, False
                self._hang_up()
            try:
                self._reconcile(pooler)
            except (ConnectionLost, ServerRefusal, OSError):
                self._hang_up()
        self._hang_up()

    def _reconcile(self, pooler: Any) -> None:
        if self._session is None:
            self._session = console(self._pod)
        changed = False
        for name, content in configuration(pooler, self._pod.sandbox).items():
            file = self._pod.folder / "controller" / name
            if file.read_bytes() != content:
                write(file, content, file.stat().st_uid)
                changed = True
        if changed:
            self._tell("RELOAD")
        wanted = bool(pooler["spec"].get("pgbouncer", {}).get("paused", False))
        if wanted != self._paused:
            self._tell("PAUSE" if wanted else "RESUME")
            self._paused = wanted

    def _tell(self, command: str) -> None:
        """Say it on the connection that is kept: while it is paused nobody new is let in."""
        assert self._session is not None
        self._session.query(command)

    def _hang_up(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None


def console(pod: Pod) -> Any:
    """PgBouncer's console in a Pooler's pod.

    A new login looks for its user with the auth_query, for which there is no connection while
    PgBouncer is paused: it waits then.
    """
    login = Login("repoint", "pgbouncer", Sensitive(""), "pgbouncer", tls=Tls("never"))
    socket: Path = pod.folder / "controller/run/.s.PGSQL.5432"
    return connect(socket, "", login, timeout_s=_FOREVER_S)
