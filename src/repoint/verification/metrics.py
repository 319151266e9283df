"""What CloudNativePG's exporter tells of a Pooler's PgBouncer, at port 9127 of each pod."""

from __future__ import annotations

from dataclasses import dataclass

PORT = 9127
PATH = "/metrics"
_POOLS = "cnpg_pgbouncer_pools_"
_QUERIES = "cnpg_pgbouncer_stats_total_query_count"
_FAILED = "cnpg_pgbouncer_last_collection_error"
# PgBouncer's own console, and the login that looks passwords up.
_OWN_DATABASE = "pgbouncer"
_OWN_USER = "cnpg_pooler_pgbouncer"


@dataclass(frozen=True, slots=True)
class PoolState:
    """One pool of one PgBouncer at a moment; `max_wait_s` is the oldest waiting client's wait."""

    database: str
    user: str
    active: int
    waiting: int
    max_wait_s: float


@dataclass(frozen=True, slots=True)
class PodMetrics:
    """One pod's answer.

    `queries` counts by database since PgBouncer's start. `failed` tells that the exporter could
    not read PgBouncer, whose numbers are then old or missing (OP12).
    """

    pools: tuple[PoolState, ...]
    queries: tuple[tuple[str, int], ...]
    failed: bool


def read_metrics(text: str) -> PodMetrics:
    """Read an answer of the exporter.

    Raises:
        ValueError: it is not what such an exporter answers.
    """
    from prometheus_client.parser import text_string_to_metric_families

    pools: dict[tuple[str, str], dict[str, float]] = {}
    queries: dict[str, int] = {}
    failed: bool | None = None
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            labels, value = sample.labels, float(sample.value)
            if sample.name.startswith(_POOLS):
                key = (labels.get("database", ""), labels.get("user", ""))
                pools.setdefault(key, {})[sample.name.removeprefix(_POOLS)] = value
            elif sample.name == _QUERIES:
                queries[labels.get("database", "")] = int(value)
            elif sample.name == _FAILED:
                failed = value != 0
    if failed is None:
        raise ValueError("no `cnpg_pgbouncer_` metric is in it")
    found = tuple(_pool(key, values) for key, values in sorted(pools.items()) if _is_ours(*key))
    return PodMetrics(found, tuple(sorted(queries.items())), failed)


def _is_ours(database: str, user: str) -> bool:
    return database != _OWN_DATABASE and user != _OWN_USER


def _pool(key: tuple[str, str], values: dict[str, float]) -> PoolState:
    try:
        waited = values["maxwait"] + values["maxwait_us"] / 1_000_000
        return PoolState(*key, int(values["sv_active"]), int(values["cl_waiting"]), waited)
    except KeyError as error:
        raise ValueError(f"the pools' metrics lack {error}") from None
