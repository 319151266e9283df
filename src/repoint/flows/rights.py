"""The rights that commands need for one environment, from the tree as it is now."""

from __future__ import annotations

from repoint.dsn.hosts import parse_host
from repoint.flows.desired import desired_state, environment_of
from repoint.flows.planning import require_config
from repoint.flows.rolling_out.locking import lease_ref, lock_namespace
from repoint.flows.scanning import survey
from repoint.flows.workspace import Workspace
from repoint.model.consumer import Purpose
from repoint.rollout.rights import Ground


def ground_of(workspace: Workspace, environment: str, *, in_cluster: bool = False) -> Ground:
    """What rights depend on in an environment.

    Raises:
        UsageError: no such environment, or its objects are made by Helm alone.
        SealedFile, ToolFailed, FileRefused: its objects cannot be read.
    """
    known = environment_of(workspace, environment)
    desired = desired_state(workspace, environment)
    config = require_config(workspace)
    hosts = [parse_host(host) for host in config.source.hosts]
    own = lock_namespace(desired)
    lease = lease_ref(environment, own)
    return Ground(
        environment=environment,
        lease_namespace=lease.namespace,
        lease=lease.name,
        namespaces=desired.namespaces,
        documents=tuple(one.document for one in desired.objects if one.ref.name),
        gitops=known.mode == "gitops",
        in_cluster=in_cluster or config.verify.in_cluster,
        compares="data" in config.gates.rollout,
        migration_secrets=_migration_secrets(workspace, environment),
        sources=tuple((one.namespace or own, one.service) for one in hosts if one is not None),
    )


def _migration_secrets(workspace: Workspace, environment: str) -> tuple[tuple[str, str], ...]:
    """Namespace and name of the Secrets that migrations have their connection strings from."""
    found = {
        (use.workload.namespace, use.source_name)
        for uses in survey(workspace).uses.values()
        for use in uses
        if use.environment == environment
        and use.purpose is Purpose.MIGRATION
        and "secret" in use.source
        and use.source_name
    }
    return tuple(sorted(found))
