"""What somebody wrote: a Pooler, a Cluster and how it is made, a Job's commands.

Texts stand as written and an empty one is absent; the defaults are CloudNativePG's to give.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoint.model.source import Location


@dataclass(frozen=True, slots=True)
class DeclaredPooler:
    """The fields of a Pooler that its admission webhook and its CRD look at.

    `secrets` are the names of the secret references in `spec.pgbouncer` that are set;
    `databases` the names in `spec.pgbouncer.databases`, which newer operators know.
    """

    has_pgbouncer: bool = True
    pool_mode: str = ""
    type: str = ""
    instances: str = ""
    paused: bool = False
    auth_query: bool = False
    secrets: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    service_ports: tuple[str, ...] = ()
    pod_monitor: bool = False
    bare_template: bool = False
    """Whether `spec.template.spec` has no `containers`, which a pod must have."""


@dataclass(frozen=True, slots=True)
class DeclaredCluster:
    """The fields of a Cluster that its admission webhook looks at.

    `certificates` are the names of the fields in `spec.certificates` that are set, `bootstrap`
    the ways to make the Cluster that are given, `limits` the connection limits of managed
    roles that have one.
    """

    parameters: tuple[tuple[str, str], ...] = ()
    certificates: tuple[str, ...] = ()
    bootstrap: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    limits: tuple[tuple[str, int], ...] = ()
    server_ca: str = ""
    """The Secret of `serverCASecret`, empty for the operator's own."""

    def number(self, name: str, default: int) -> int:
        """A PostgreSQL parameter as a number, or `default` where it is not set or not one."""
        text = dict(self.parameters).get(name, "")
        return int(text) if text.isdigit() else default


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """How a Cluster is made by `initdb`, which happens once.

    `sql` are the statements of `postInitApplicationSQL`, run by a superuser in `database`
    when `owner` exists and no role of `managed.roles` does yet.
    """

    database: str
    owner: str
    sql: tuple[str, ...] = ()

    def has_role(self, name: str) -> bool:
        """Whether the role is there when the statements run."""
        return name == self.owner or self._makes("ROLE|USER", name)

    def has_database(self, name: str) -> bool:
        """Whether the database is there when the statements run."""
        return name == self.database or self._makes("DATABASE", name)

    def _makes(self, kinds: str, name: str) -> bool:
        made = re.compile(rf'\bCREATE\s+(?:{kinds})\s+"?{re.escape(name)}\b', re.IGNORECASE)
        return any(made.search(one) for one in self.sql)


@dataclass(frozen=True, slots=True)
class PreCheck:
    """A `psql` command of a migration Job that can carry one more statement.

    `number` is the line of the script, from 0, after which it goes. `location` is the script's.
    `minds_none` tells that its SQL does the same whatever the role's defaults are.
    """

    role: str
    database: str
    location: Location
    object: str
    number: int
    minds_none: bool = False

    def stands_at(self, place: Location) -> bool:
        """Whether the command itself is at this line of its file."""
        return (place.path, place.line) == (
            self.location.path,
            self.location.line + 1 + self.number,
        )


PLAIN_POOLER = DeclaredPooler()
PLAIN_CLUSTER = DeclaredCluster()
"""What nobody wrote anything special into."""
