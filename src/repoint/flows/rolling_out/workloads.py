"""Workloads: applied, restarted, and waited for; Reloader's restarts are watched for."""

from __future__ import annotations

import time
from datetime import datetime

from repoint.flows.rolling_out.failing import pods_of
from repoint.flows.rolling_out.situation import Running, read_if_allowed
from repoint.flows.rolling_out.waiting import wait_ready
from repoint.model.cluster import Document
from repoint.rollout.inputs import inputs_of
from repoint.rollout.names import INPUTS, ROLLED
from repoint.rollout.objects import annotated, at, items_at, template_path
from repoint.rollout.readiness import judge
from repoint.rollout.steps import Event, Step, Tone

RELOADER_S = 30.0
"""How long Reloader may take to begin; then repoint restarts the workload itself."""


def roll(running: Running, step: Step) -> None:
    """Apply a workload and wait until its pods are the new ones.

    Raises:
        RolloutStopped: they are not ready in time.
    """
    running.api.apply(step.document, force=step.force)
    running.changed = True
    if step.ref.kind not in ROLLED:
        return
    if step.reloaded and not _reloaded(running, step):
        text = f"{step.ref}: Reloader did not restart it within {RELOADER_S:.0f} s; repoint does"
        running.tell(Event(Tone.NOTE, text))
        marked = annotated(step.document, {INPUTS: step.mark}, *template_path(step.document))
        running.api.apply(marked, force=step.force)
    wait_ready(running, step.ref)
    if step.reloaded:
        running.api.merge(step.ref, {"metadata": {"annotations": {INPUTS: step.mark}}})


def _reloaded(running: Running, step: Step) -> bool:
    """Whether all pods became newer than what they read, which Reloader sees to."""
    since = _last_change(running, step.document)
    ref = step.ref
    until = time.monotonic() + RELOADER_S
    for _, document in running.api.watch(
        *(ref.api_version, ref.kind, ref.namespace),
        fields=f"metadata.name={ref.name}",
        timeout_s=RELOADER_S,
    ):
        running.hold.check()
        if not judge(document).ready or _newer(running, document, since):
            # A rollout has begun; whether it was Reloader's is seen when it has ended.
            return _newer(running, wait_ready(running, ref), since)
        if time.monotonic() > until:
            break
    return False


def _newer(running: Running, document: Document, since: datetime | None) -> bool:
    pods = [
        one for one in pods_of(running, document) if not at(one, "metadata", "deletionTimestamp")
    ]
    times = [_time(at(pod, "metadata", "creationTimestamp")) for pod in pods]
    return all(made is not None and (since is None or made > since) for made in times)


def _last_change(running: Running, workload: Document) -> datetime | None:
    """When repoint last wrote one of a workload's inputs, by the API server's clock."""
    found: list[datetime] = []
    refs = {one.ref for one in inputs_of(workload)}
    for ref in sorted(refs):
        live = read_if_allowed(running.api, ref)
        for entry in items_at(live, "metadata", "managedFields"):
            written = _time(at(entry, "time"))
            if at(entry, "manager") == "repoint" and written is not None:
                found.append(written)
    return max(found, default=None)


def _time(text: object) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
