"""A Pooler and a Cluster as somebody wrote them, for the rules that CloudNativePG has for them.

Texts stand as written and an empty one is absent; the defaults are CloudNativePG's to give.
"""

from __future__ import annotations

from dataclasses import dataclass


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


PLAIN_POOLER = DeclaredPooler()
PLAIN_CLUSTER = DeclaredCluster()
"""What nobody wrote anything special into."""
