"""Which Poolers have to drop their server connections, how, and what clients notice.

A migration that changes a result type leaves plans in the pooled server connections that fail
every client, new ones too, until PgBouncer drops them (PS4; transaction mode). A setting of a
role reaches no client of an old server connection (ST14; both modes).

In transaction mode `spec.pgbouncer.paused` true, then false, drops them all, and clients only
wait. In session mode PAUSE ends when the last client has gone (OP9), and CNPG's instance manager
does not even see the `false` before: there the pods are replaced one after the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.gitops_hosts import Values, naming, own_texts, plain_values
from repoint.rollout.names import PAUSED_BY, RECYCLED
from repoint.rollout.objects import at, mapping_at, marks_of
from repoint.rollout.ordering import is_cnpg

QUERY_WAIT_S = 120.0
"""PgBouncer's `query_wait_timeout` where the Pooler sets none."""
_SHARE = 0.5
_SERVERS = re.compile(
    r"^cnpg_pgbouncer_pools_sv_(?:active|active_cancel|wait_cancels|idle|used|tested|login)"
    r"\{(?P<labels>[^}]*)\}[ \t]+(?P<count>[0-9.e+]+)",
    re.MULTILINE,
)
_FAILED = re.compile(r"^cnpg_pgbouncer_last_collection_error[ \t]+[1-9]", re.MULTILINE)
_ROLE_SETTING = re.compile(
    r"\bALTER\s+(?:ROLE|USER|DATABASE)\b[^;]{0,400}?\b(?:SET|RESET)\b", re.IGNORECASE | re.DOTALL
)


class Way(StrEnum):
    """How a Pooler drops its server connections."""

    PAUSE = "pause"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Run:
    """A Job that ran: its uid, and whether it sets defaults of roles or databases.

    `clusters` are those that it keeps to; empty where nothing tells.
    """

    uid: str
    name: str
    role_settings: bool = False
    clusters: frozenset[ObjectRef] = frozenset()


@dataclass(frozen=True, slots=True)
class Recycling:
    """How one Pooler is recycled, and after which runs."""

    way: Way
    runs: tuple[Run, ...]
    limit_s: float

    @property
    def effect(self) -> str:
        """What clients notice."""
        if self.way is Way.PAUSE:
            return (
                "clients wait while running transactions end; "
                f"{self.limit_s:.0f} s at most, then it is let go"
            )
        return "its pods are replaced one by one: session clients are cut off and have to reconnect"


def cluster_of(pooler: Document) -> ObjectRef:
    """The Cluster that a Pooler stands before: in its own namespace."""
    ref = ref_of(pooler)
    return ObjectRef(
        ref.api_version, "Cluster", ref.namespace, str(at(pooler, "spec", "cluster", "name") or "")
    )


def clusters_named(
    job: Document, values: Values, documents: Iterable[Document]
) -> frozenset[ObjectRef]:
    """The Clusters among `documents` that a Job keeps to; empty when it names the host of none.

    `values` are the Secrets and ConfigMaps that it reads. A Cluster that is merely mentioned
    counts, too: a pool that was recycled for nothing lets clients wait for a moment, one that was
    not fails them (PS4).
    """
    known = tuple(documents)
    poolers = [one for one in known if is_cnpg(ref_of(one), "Pooler")]
    clusters = {ref_of(one) for one in known if is_cnpg(ref_of(one), "Cluster")}
    services = {
        one: (
            *(f"{one.name}-{kind}" for kind in ("rw", "ro", "r")),
            *(ref_of(pooler).name for pooler in poolers if cluster_of(pooler) == one),
        )
        for one in clusters | set(map(cluster_of, poolers))
    }
    if not any(naming(job, values, names) for names in services.values()):
        return frozenset()
    text = "\n".join(
        part
        for holder in (*map(plain_values, values.values()), own_texts(job))
        for _, part in holder
    )
    return frozenset(one for one, names in services.items() if _mentions(text, names))


def _mentions(text: str, names: Iterable[str]) -> bool:
    return any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) for name in names)


def is_session(pooler: Document) -> bool:
    """Whether a Pooler is in session mode, CNPG's default."""
    return str(at(pooler, "spec", "pgbouncer", "poolMode") or "session") == "session"


def is_paused(pooler: Document | None) -> bool:
    """Whether a Pooler lets nobody through."""
    return at(pooler, "spec", "pgbouncer", "paused") is True


def is_ours(pooler: Document | None) -> bool:
    """Whether a Pooler was paused by repoint."""
    return bool(marks_of(pooler).get(PAUSED_BY))


def leaving_pause(pooler: Document, live: Document | None) -> Document:
    """`pooler` as it is applied: without a `paused` that would end somebody else's pause."""
    if not is_paused(live) or is_ours(live) or is_paused(pooler):
        return pooler
    spec = dict(mapping_at(pooler, "spec"))
    kept = mapping_at(spec, "pgbouncer").items()
    spec["pgbouncer"] = {key: value for key, value in kept if key != "paused"}
    return {**pooler, "spec": spec}


def sets_roles(texts: Iterable[str]) -> bool:
    """Whether SQL in any of `texts` sets a default of a role or a database."""
    return any(_ROLE_SETTING.search(text) for text in texts)


def due(pooler: Document, live: Document | None, runs: Iterable[Run]) -> Recycling | None:
    """How a Pooler has to be recycled after the Jobs that ran; None when it need not be.

    Args:
        pooler: As it should be.
        live: As it is; it tells the runs that it was recycled after.
        runs: Every Job of this state that ran, or is about to (with an empty uid).
    """
    done = str(marks_of(live).get(RECYCLED, "")).split(",")
    own = cluster_of(pooler)
    new = tuple(
        run
        for run in runs
        if (not run.uid or run.uid not in done) and (not run.clusters or own in run.clusters)
    )
    if is_session(pooler):
        # Its server connections are reset between clients, so no plan outlives one (PS4).
        new = tuple(run for run in new if run.role_settings)
        return Recycling(Way.RESTART, new, 0.0) if new else None
    return Recycling(Way.PAUSE, new, pause_limit(pooler)) if new else None


def pause_limit(pooler: Document) -> float:
    """Seconds that a pause may last: half of what clients wait before they fail (OP9)."""
    text = str(mapping_at(pooler, "spec", "pgbouncer", "parameters").get("query_wait_timeout", ""))
    wait = float(text) if re.fullmatch(r"\d+(\.\d+)?", text) else QUERY_WAIT_S
    # 0 is: clients wait for ever.
    return max(1.0, min(wait or QUERY_WAIT_S, QUERY_WAIT_S) * _SHARE)


def recycled_after(live: Document | None, uids: Iterable[str]) -> str:
    """The annotation's new text: the newest runs, so that it does not grow for ever."""
    done = [uid for uid in str(marks_of(live).get(RECYCLED, "")).split(",") if uid]
    return ",".join(dict.fromkeys([*done, *uids][-20:]))


def servers_in(metrics: str) -> int | None:
    """The server connections that a Pooler's pod still has, by its own metrics.

    None where they tell of no pool, or that the exporter could not read PgBouncer.
    PgBouncer's console is left out: it has no server.
    """
    if _FAILED.search(metrics) or not _SERVERS.search(metrics):
        return None
    return round(
        sum(
            float(found["count"])
            for found in _SERVERS.finditer(metrics)
            if 'database="pgbouncer"' not in found["labels"]
        )
    )
