"""Recycling a Pooler's server connections, and never leaving one paused.

CNPG tells nowhere whether PAUSE has ended. Each instance hears of `paused` by its own watch,
runs PAUSE and, after it, RESUME: a `false` that follows soon is carried out when the running
transactions have ended, and no sooner unless the pods are replaced. Where the pods' metrics can
be read the pause lasts until no server connection is left; where they cannot, for a moment that
is long enough to be heard.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress

from repoint.errors import RepointError
from repoint.flows.rolling_out.failing import ended
from repoint.flows.rolling_out.situation import Running
from repoint.flows.rolling_out.waiting import wait_ready
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.names import PAUSED_BY, RECYCLED, START_DUE
from repoint.rollout.objects import at
from repoint.rollout.recycling import Recycling, Run, Way, due, is_ours, is_paused, recycled_after
from repoint.rollout.steps import Event, Tone

_HEARD_S = 3.0
_LOOK_S = 0.2
_TRIES = 3


def let_go(running: Running, ref: ObjectRef) -> None:
    """Let clients through a Pooler that repoint paused; one of somebody else is left alone."""
    live = running.api.get(ref)
    if is_paused(live) and is_ours(live):
        _resume(running, ref, {PAUSED_BY: None})
        running.changed = True


def recycle(running: Running, wanted: Document, runs: Callable[[], tuple[Run, ...]]) -> None:
    """Drop a Pooler's server connections where a Job ran that it was not recycled after.

    Raises:
        RolloutStopped: it could not be done; the Pooler is not left paused.
    """
    ref = ref_of(wanted)
    live = running.api.get(ref)
    found = due(wanted, live, runs())
    if found is None:
        return
    if is_paused(live) and not is_ours(live):
        running.tell(Event(Tone.NOTE, f"{ref} is paused by somebody else: it is left alone"))
        return
    if found.way is Way.RESTART:
        _restart(running, ref)
        running.api.merge(ref, {"metadata": {"annotations": _recycled(live, found)}})
    else:
        _pause(running, ref, live, found)


def start_anew(running: Running, ref: ObjectRef) -> None:
    """Replace a Pooler's pods, for parameters that PgBouncer takes at its start only.

    Raises:
        RolloutStopped: the new ones are not ready in time.
    """
    _restart(running, ref)
    running.api.merge(ref, {"metadata": {"annotations": {START_DUE: None}}})


def _pause(running: Running, ref: ObjectRef, live: Document | None, found: Recycling) -> None:
    done = False
    try:
        running.changed = True
        _set(running, ref, paused=True, marks={PAUSED_BY: running.hold.owner})
        done = _drained(running, ref, found.limit_s)
    finally:
        marks: dict[str, str | None] = {PAUSED_BY: None}
        _resume(running, ref, {**marks, **(_recycled(live, found) if done else {})})
    if not done:
        raise ended(
            running,
            f"{ref} still has server connections after {found.limit_s:.0f} s: "
            "a transaction runs that long",
            "it is to let clients through again, but CloudNativePG has PgBouncer do so only "
            "after its PAUSE: its clients wait until that transaction ends",
            "end it (it is in `pg_stat_activity`, by `xact_start`), or replace the pods, which "
            f"cuts all clients off: kubectl rollout restart deployment/{ref.name} "
            f"-n {ref.namespace}",
        )


def _drained(running: Running, ref: ObjectRef, limit_s: float) -> bool:
    """Whether every pod gave up its server connections within the limit."""
    left, until = running.hooks.servers_left, time.monotonic() + limit_s
    labels = f"cnpg.io/poolerName={ref.name}"
    pods = running.api.list("v1", "Pod", ref.namespace, labels=labels)
    names = [ref_of(pod).name for pod in pods if at(pod, "status", "phase") == "Running"]
    heard = time.monotonic() + min(_HEARD_S, limit_s)
    told = False
    while names and time.monotonic() < until:
        running.hold.check()
        counts = [left(running.api, ref.namespace, name) if left else None for name in names]
        if None in counts:
            if not told:
                text = f"{ref}: its metrics cannot be read; it stays paused for a moment"
                running.tell(Event(Tone.NOTE, text))
                told = True
            if time.monotonic() >= heard:
                return True
        elif not any(counts):
            return True
        time.sleep(_LOOK_S)
    return not names


def _restart(running: Running, pooler: ObjectRef) -> None:
    ref = ObjectRef("apps/v1", "Deployment", pooler.namespace, pooler.name)
    running.changed = True
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    marks = {"kubectl.kubernetes.io/restartedAt": now}
    running.api.merge(ref, {"spec": {"template": {"metadata": {"annotations": marks}}}})
    wait_ready(running, ref)


def _resume(running: Running, ref: ObjectRef, marks: dict[str, str | None]) -> None:
    """Let clients through again, with patience: nothing is worse than a pool left paused."""
    for _ in range(_TRIES - 1):
        with suppress(RepointError):
            _set(running, ref, paused=False, marks=marks)
            return
    try:
        _set(running, ref, paused=False, marks=marks)
    except RepointError as error:
        raise ended(
            running,
            f"{ref} stays paused, and its clients wait: {error.message}",
            f"let it go: kubectl patch pooler {ref.name} -n {ref.namespace} --type merge "
            """-p '{"spec":{"pgbouncer":{"paused":false}}}'""",
        ) from None


def _set(running: Running, ref: ObjectRef, *, paused: bool, marks: dict[str, str | None]) -> None:
    patch = {"spec": {"pgbouncer": {"paused": paused}}, "metadata": {"annotations": marks}}
    running.api.merge(ref, patch)


def _recycled(live: Document | None, found: Recycling) -> dict[str, str | None]:
    return {RECYCLED: recycled_after(live, (run.uid for run in found.runs))}
