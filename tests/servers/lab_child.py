"""A process that runs a laboratory, for tests that kill it: `python -m tests.servers.lab_child`.

The argument says what happens inside: `end`, `fail` or `wait` (for a signal). It prints the
servers' folder when they are up.
"""

from __future__ import annotations

import signal
import sys

from repoint.adapters import servers as programs
from repoint.adapters.lab import PrivateServers
from repoint.adapters.pgclient import connect
from repoint.rehearsal.lab import BouncerSpec, LabSpec, PostgresSpec

HOST = "pg-rw.shop.svc.cluster.local"
POOLER = "pooler.shop.svc.cluster.local"


def spec(*parameters: tuple[str, str], pooler: tuple[tuple[str, str], ...] = ()) -> LabSpec:
    """A Cluster of any PostgreSQL with a Pooler in front of it."""
    postgres = PostgresSpec(0, HOST, ("pg-rw", HOST), (), (), parameters)
    bouncer = BouncerSpec("pooler", POOLER, HOST, "transaction", pooler)
    return LabSpec("prod", postgres, (bouncer,))


def main(what: str) -> None:
    # A shell's background process would ignore it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with PrivateServers(programs, connect).open(spec()) as lab:
        print(lab.folder, flush=True)  # type: ignore[attr-defined]
        if what == "fail":
            raise RuntimeError("on purpose")
        if what == "wait":
            signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])
