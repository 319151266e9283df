"""Parameters that a Pooler's pods take at their start only.

CloudNativePG writes a change into pgbouncer.ini and has PgBouncer RELOAD, which leaves these as
they were. `track_extra_parameters` is what most moves rely on: without it a pool of transactions
refuses each client with a `search_path` (SP1), whatever the Pooler says.
"""

from __future__ import annotations

from collections.abc import Iterable

from repoint.model.cluster import Document
from repoint.rollout.names import START_DUE
from repoint.rollout.objects import annotated, marks_of

START_ONLY = frozenset({"disable_pqexec", "listen_backlog", "pkt_buf", "track_extra_parameters"})
"""Of what CloudNativePG lets a Pooler set, all that `SHOW CONFIG` calls not changeable."""
_PARAMETERS = "spec.pgbouncer.parameters"
EFFECT = "its pods are replaced one by one: clients are cut off and have to reconnect"
"""What clients notice."""


def start_due(live: Document | None, fields: Iterable[str]) -> tuple[str, ...]:
    """The parameters for which a Pooler's pods have to start anew, sorted.

    Args:
        live: The Pooler as it is; pods of one that is not there start with what it says.
        fields: What an apply changes in it (see `changes.changed_fields`).
    """
    if live is None:
        return ()
    before = {name for name in str(marks_of(live).get(START_DUE, "")).split(",") if name}
    return tuple(sorted(before | {n for n in START_ONLY if f"{_PARAMETERS}.{n}" in set(fields)}))


def with_start_due(pooler: Document, names: Iterable[str]) -> Document:
    """`pooler` with the mark that its pods have to start anew; the same one without names."""
    text = ",".join(names)
    return annotated(pooler, {START_DUE: text}) if text else pooler
