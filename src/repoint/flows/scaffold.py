"""Scaffold: the target objects that are missing, with the parameters that the plan needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from repoint.flows.evidence import gather
from repoint.flows.planning import all_moves, require_config, wanted_names
from repoint.flows.scanning import SCAFFOLD_FOLDER, Survey, survey
from repoint.flows.workspace import Workspace
from repoint.kube.files import join
from repoint.planning.config import Config, as_tuple
from repoint.planning.environment_facts import targets_of
from repoint.planning.yaml_emit import Token, Tree, YamlStyle, emit, style_of
from repoint.planning.yaml_insert import insertions
from repoint.rules.budget import DEFAULT_POOL_SIZE
from repoint.rules.facts import CNPG_DEFAULT_PGBOUNCER, ConsumerFacts, EnvironmentFacts, PoolerFacts
from repoint.rules.pool_mode import earns_transaction

_API = "postgresql.cnpg.io/v1"
_POSTGRES = "ghcr.io/cloudnative-pg/postgresql:18"
"""The newest major: PostgreSQL 18 reports search_path, which the pooler can then track (SP4)."""


def scaffold(
    workspace: Workspace, environments: Sequence[str] = ()
) -> tuple[tuple[str, bytes], ...]:
    """Files that give each environment its Cluster, Pooler and PodMonitor where they are missing.

    A folder `cnpg` beside the environment's kustomization holds them, and the kustomization
    lists it (the one file that is changed rather than made). An environment without an
    overlay gets a folder of its own to apply. Existing target objects are left alone.

    Returns:
        `(path, whole content)` in path order; nothing when every target object is there.

    Raises:
        ConfigError: there is no repoint.yaml, or it names no environment.
    """
    config = require_config(workspace)
    wanted = wanted_names(config, environments)
    found = survey(workspace)
    missing = [name for name in wanted if _missing(config, found, name)]
    if not missing:
        return ()
    facts = {
        one.environment: one.facts
        for one in all_moves(workspace, config, found, missing, gather(workspace, found))
    }
    files: dict[str, bytes] = {}
    for name in missing:
        files.update(_environment(workspace, config, found, name, facts[name]))
    return tuple(sorted(files.items()))


def _missing(config: Config, found: Survey, name: str) -> tuple[str, ...]:
    build = next(b for b in found.resolution.environments if b.name == name)
    targets = targets_of(config, build)
    kinds = (("cluster", targets.cluster), ("pooler", targets.pooler))
    return tuple(kind for kind, resource in kinds if resource is None)


def _environment(
    workspace: Workspace, config: Config, found: Survey, name: str, facts: EnvironmentFacts
) -> dict[str, bytes]:
    overlays = as_tuple(config.environments[name].overlay)
    base = join(overlays[0], SCAFFOLD_FOLDER) if overlays else join(SCAFFOLD_FOLDER, name)
    kustomization = found.index.kustomization_in(overlays[0]) if overlays else None
    style = YamlStyle()
    if kustomization is not None:
        style = style_of(found.files[kustomization], workspace.tree.read(kustomization))
    documents: dict[str, dict[str, Tree]] = {}
    kinds = _missing(config, found, name)
    if "cluster" in kinds:
        documents["cluster.yaml"] = _cluster(config, facts)
    if "pooler" in kinds:
        documents["pooler.yaml"] = _pooler(config, facts)
        documents["podmonitor.yaml"] = _pod_monitor(config, facts)
    listed: list[Tree] = list(documents)
    if overlays:  # plain manifests are applied as they stand, and a kustomization is none
        documents["kustomization.yaml"] = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            "resources": listed,
        }
    files = {
        join(base, file): (style.newline.join(emit(tree, style)) + style.newline).encode()
        for file, tree in documents.items()
        if not workspace.tree.exists(join(base, file))
    }
    if kustomization is not None:
        files.update(_listed(workspace, found, kustomization, style))
    return files


def _listed(
    workspace: Workspace, found: Survey, kustomization: str, style: YamlStyle
) -> dict[str, bytes]:
    """The overlay's kustomization with the new folder among its resources."""
    raw = workspace.tree.read(kustomization)
    root = found.files[kustomization].documents[0].root
    wanted: dict[str, Tree] = {"resources": [SCAFFOLD_FOLDER]}
    pieces = insertions(raw, root, wanted, style)
    for piece in reversed(pieces or ()):
        raw = raw[: piece.offset] + piece.text.encode() + raw[piece.offset :]
    return {kustomization: raw} if pieces else {}


def _metadata(name: str, namespace: str) -> dict[str, Tree]:
    metadata: dict[str, Tree] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    return metadata


def _cluster(config: Config, facts: EnvironmentFacts) -> dict[str, Tree]:
    target = config.target
    initdb: dict[str, Tree] = {
        "database": target.database or "app",
        "owner": target.user or "app",
    }
    pooled = _expected(config, facts)
    direct = sum(c.pool_size * c.replicas for c in facts.direct if c not in pooled)
    needed = _pool_size(pooled) * 2 + direct + 13
    return {
        "apiVersion": _API,
        "kind": "Cluster",
        "metadata": _metadata(target.cluster, facts.namespace),
        "spec": {
            "instances": Token("3"),
            "imageName": _image(target.postgres) if target.postgres else _POSTGRES,
            "bootstrap": {"initdb": initdb},
            "postgresql": {"parameters": {"max_connections": f"{max(100, needed)}"}},
            "storage": {"size": "10Gi"},
        },
    }


def _image(major: int) -> str:
    return f"{_POSTGRES.rpartition(':')[0]}:{major}"


def _pooler(config: Config, facts: EnvironmentFacts) -> dict[str, Tree]:
    """A session Pooler, or one of transactions where evidence earns it for every runtime."""
    tracked: dict[str, Tree] = {}
    pooled = _expected(config, facts)
    if _tracks(config) and any(_asks(one) for one in pooled):
        tracked["track_extra_parameters"] = "IntervalStyle,search_path"
    mode = "transaction" if earns_transaction(facts, _tried(config, facts)) else "session"
    size = _pool_size(pooled) if mode == "session" else DEFAULT_POOL_SIZE
    parameters: dict[str, Tree] = {
        "max_client_conn": f"{max(100, 2 * _pool_size(pooled))}",
        "default_pool_size": f"{size}",
        **tracked,
    }
    return {
        "apiVersion": _API,
        "kind": "Pooler",
        "metadata": _metadata(config.target.pooler, facts.namespace),
        "spec": {
            "cluster": {"name": config.target.cluster},
            "instances": Token("2"),
            "type": "rw",
            "pgbouncer": {"poolMode": mode, "parameters": parameters},
        },
    }


def _tried(config: Config, facts: EnvironmentFacts) -> PoolerFacts:
    """The Pooler to be written, as it would be if it pooled transactions."""
    version = tuple(int(part) for part in re.findall(r"\d+", config.target.pgbouncer))
    return PoolerFacts(
        name=config.target.pooler,
        namespace=facts.namespace,
        cluster=config.target.cluster,
        mode="transaction",
        instances=2,
        parameters=(),
        pgbouncer=version or CNPG_DEFAULT_PGBOUNCER,
        client_tls_secret=False,
    )


def _tracks(config: Config) -> bool:
    """Whether the PostgreSQL to come reports `search_path` (SP4)."""
    return (config.target.postgres or 18) >= 18


def _asks(consumer: ConsumerFacts) -> bool:
    """Whether a connection string asks for a `search_path`."""
    names = {name for one in consumer.connections for name, _ in one.params}
    return "search_path" in names or any(one.schema for one in consumer.connections)


def _expected(config: Config, facts: EnvironmentFacts) -> tuple[ConsumerFacts, ...]:
    """Who goes through the Pooler once it is there.

    A runtime that asks for a search_path goes direct for as long as nothing tracks it.
    """
    chosen = {name for name, one in config.consumers.items() if one.route}
    return tuple(
        one
        for one in facts.consumers
        if one.route == "pooled"
        or (
            one.purpose == "runtime"
            and _tracks(config)
            and _asks(one)
            and not chosen & {one.name, f"{one.kind}/{one.name}"}
        )
    )


def _pool_size(consumers: Iterable[ConsumerFacts]) -> int:
    """Server connections that session pooling needs: the sum of the consumers' pools (CA1)."""
    return max(20, sum(c.pool_size * c.replicas for c in consumers))


def _pod_monitor(config: Config, facts: EnvironmentFacts) -> dict[str, Tree]:
    endpoint: dict[str, Tree] = {"port": "metrics"}
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PodMonitor",
        "metadata": _metadata(config.target.pooler, facts.namespace),
        "spec": {
            "selector": {"matchLabels": {"cnpg.io/poolerName": config.target.pooler}},
            "podMetricsEndpoints": [endpoint],
        },
    }
