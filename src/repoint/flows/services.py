"""The Services that an environment's move is between, by name."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.flows.planning import require_config
from repoint.flows.rehearsing.addresses import build_of
from repoint.flows.scanning import Survey, survey
from repoint.flows.workspace import Workspace
from repoint.planning.environment_facts import targets_of


@dataclass(frozen=True, slots=True)
class Services:
    """Names of the target's Services (Poolers, `<cluster>-rw`) and of the source's.

    `namespace` is the one that the target is in, empty where nothing tells.
    """

    target: tuple[str, ...]
    source: tuple[str, ...]
    namespace: str = ""


def services_of(workspace: Workspace, environment: str, found: Survey | None = None) -> Services:
    """The Services of both sides; `found` is the repository, where it was read already.

    Raises:
        ConfigError: there is no repoint.yaml.
    """
    config = require_config(workspace)
    targets = targets_of(config, build_of(found or survey(workspace), environment))
    hosts = (targets.pooled, targets.direct, targets.session_pooled)
    return Services(
        tuple(dict.fromkeys(host.partition(".")[0] for host in hosts if host)),
        tuple(dict.fromkeys(host.partition(".")[0] for host in config.source.hosts)),
        targets.namespace,
    )
