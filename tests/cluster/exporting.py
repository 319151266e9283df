"""The metrics of a Pooler's pod, from a PgBouncer of a laboratory."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from repoint.adapters.lab.account import Account
from repoint.adapters.lab.guard import Guard
from repoint.adapters.lab.ports import LOOPBACK, free_port
from scripts.cluster import PARTS

_UP_S = 30.0


@contextlib.contextmanager
def metrics_of(sockets: Path, port: int) -> Iterator[str]:
    """Serve `cnpg_pgbouncer_*` with CloudNativePG's own exporter, and give the address.

    `sockets` is the folder of PgBouncer's Unix socket, `port` the number in its name. PgBouncer
    may come and go meanwhile: the exporter tells of it, as in a pod.
    """
    here = f"{LOOPBACK}:{free_port()}"
    console = f"host={sockets} port={port} user=pgbouncer sslmode=disable"
    address = f"http://{here}/metrics"
    with Guard(Account(-1, -1), Path(tempfile.gettempdir()).resolve()) as guard:
        argv = [str(PARTS["cnpg"].program), "metrics", here, console]
        guard.start("exporter", argv, stop=signal.SIGKILL)
        until = time.monotonic() + _UP_S
        while guard.status("exporter") is None and time.monotonic() < until:
            with contextlib.suppress(urllib.error.URLError):
                read(address)
                break
            time.sleep(0.02)
        else:
            raise RuntimeError(f"the exporter does not answer: {guard.told('exporter')}")
        yield address


def read(address: str) -> str:
    """What an address of an exporter shows."""
    with urllib.request.urlopen(address, timeout=10) as answer:
        return str(answer.read().decode())
