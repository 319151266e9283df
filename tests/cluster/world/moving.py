"""How the data gets from the source to the target, as a careful operator moves it.

Logical replication, while everything goes on: the schema by pg_dump, then publication and
subscription until the copy is complete. At the switch the source takes no more writes (clients
that try are told so, and readers go on), what is still on its way arrives, the sequences follow,
and the subscription ends. So nothing that the source has acknowledged is missing on the target,
and the target is complete before the first consumer is moved.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence

from repoint.adapters.lab.ports import LOOPBACK
from tests.cluster.world.databases import AUDITOR, DATABASE, USER, Databases
from tests.cluster.world.images import clients

_SEQUENCES = (
    "SELECT format('%I.%I', schemaname, sequencename), last_value FROM pg_sequences"
    " WHERE last_value IS NOT NULL"
)
_FREEZE = ("ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()")
_THAW = ("ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()")
_MAY_WRITE = "SET default_transaction_read_only = off"
_TABLE = "naytife_schema.receipts"


class Move:
    """The move of one environment's data, step by step."""

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._world = databases.world
        self._environment = databases.environment

    def prepare(self) -> None:
        """Let the source be replicated: it needs a restart, so its clients lose a connection."""
        self._databases.source("ALTER SYSTEM SET wal_level = logical")
        name, namespace = self._environment.source
        self._world.kubectl("delete", "pod", f"{name}-0", "-n", namespace)
        waiting = ("rollout", "status", f"statefulset/{name}", "-n", namespace, "--timeout=120s")
        self._world.kubectl(*waiting)
        self._world.plane.until("the source is back", self._is_back)

    def copy(self, password: str) -> None:
        """Bring everything to the target, and keep it up to date; `password` is the auditor's."""
        dump = self._run("pg_dump", "--schema-only", "--no-owner", "--no-privileges", side="source")
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", side="target", given=dump)
        self._databases.source("CREATE PUBLICATION move FOR ALL TABLES")
        address = self._world.service(*self._environment.source)["spec"]["clusterIP"]
        there = f"host={address} dbname={DATABASE} user={AUDITOR} password={password}"
        # As the tables' owner, which it would be else, row-level security lets no row in.
        self._databases.target(
            f"CREATE SUBSCRIPTION move CONNECTION '{there}' PUBLICATION move"
            " WITH (run_as_owner = true)"
        )
        self._world.plane.until("every table is copied", self._is_copied)

    def switch(self) -> None:
        """Freeze the source, wait for what is on its way, and end the replication."""
        self._databases.source(*_FREEZE)
        self._world.plane.until("nobody writes any more", self._is_frozen)
        ((lsn,),) = self._databases.source("SELECT pg_current_wal_lsn()::text")
        self._world.plane.until("nothing is on its way", lambda: self._has_arrived(str(lsn)))
        for sequence, value in self._databases.source(_SEQUENCES):
            self._databases.target(f"SELECT setval('{sequence}', {value})")
        self._databases.target("DROP SUBSCRIPTION move")
        self._databases.source(_MAY_WRITE, "DROP PUBLICATION move")

    def freeze_target(self) -> None:
        """Let the target take no more writes."""
        self._databases.target(*_FREEZE)

    def thaw_target(self) -> None:
        """Let the target take writes again."""
        self._databases.target(_MAY_WRITE, *_THAW)

    def give_back(self) -> None:
        """Freeze the target, bring what was written there to the source, and let that be written.

        The writer's rows are all that is written in this world.
        """
        self.freeze_target()
        ((last,),) = self._databases.source(f"SELECT coalesce(max(id), 0) FROM {_TABLE}")
        columns = "id, writer, number, at"
        new = f"COPY (SELECT {columns} FROM {_TABLE} WHERE id > {last}) TO STDOUT"
        rows = self._run("psql", "-X", "-q", "-c", new, side="target")
        given = (
            f"{_MAY_WRITE};\nCOPY {_TABLE} ({columns}) FROM STDIN;\n{rows}\\.\n"
            f"SELECT setval(pg_get_serial_sequence('{_TABLE}', 'id'), max(id)) FROM {_TABLE};\n"
        )
        self._run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", side="source", given=given)
        self._databases.source(*_THAW)

    def _is_back(self) -> bool:
        try:
            return self._databases.source("SHOW wal_level") == (("logical",),)
        except AssertionError:
            return False

    def _is_frozen(self) -> bool:
        """Whether every transaction that may have begun as a writing one has ended."""
        busy = (
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"
            " AND backend_xid IS NOT NULL AND pid <> pg_backend_pid()"
        )
        return self._databases.source(busy) == (("0",),)

    def _is_copied(self) -> bool:
        states = self._databases.target("SELECT DISTINCT srsubstate FROM pg_subscription_rel")
        return states == (("r",),)

    def _has_arrived(self, lsn: str) -> bool:
        slots = f"SELECT confirmed_flush_lsn >= '{lsn}' FROM pg_replication_slots"
        return self._databases.source(slots) == (("t",),)

    def _run(self, program: str, *args: str, side: str, given: str = "") -> str:
        """Run a client program as the application's role on one side; what it printed."""
        ports = {"source": self._databases.source_port, "target": self._databases.target_port}
        place = ("-h", LOOPBACK, "-p", str(ports[side]), "-U", USER, "-d", DATABASE)
        argv: Sequence[str] = (str(clients().get(program, program)), *place, *args)
        done = subprocess.run(
            argv,
            input=given,
            env={"PATH": os.defpath, "PGPASSWORD": self._databases.password},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
