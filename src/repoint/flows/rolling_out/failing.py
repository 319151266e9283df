"""A step that failed: what the pods, the events and the log say, and the next command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from repoint.errors import ClusterLost, ClusterRefused, ExitCode, RepointError, RolloutStopped
from repoint.flows.rolling_out.situation import Running
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.objects import at, mapping_at
from repoint.rollout.pods import Trouble, owned_by, troubles
from repoint.rollout.steps import Event, Tone

_LOGS, _LOG_LINES, _EVENTS = 2, 30, 8


def stopped(
    running: Running, ref: ObjectRef, document: Document | None, reason: str
) -> RolloutStopped:
    """The error of a step that failed; what is known about it was told before.

    It names what the first pod that is not well waits for: `ImagePullBackOff`, say.
    """
    why = [reason]
    with suppress(ClusterRefused, ClusterLost):  # the failure itself is what counts
        pods = pods_of(running, document) if document is not None else ()
        found = troubles(pods, running.clean)
        why += [one.brief for one in found[:1]]
        explain(running, ref, pods, found)
    return ended(running, f"{ref} is not ready: {running.clean('; '.join(why))}")


def ended(running: Running, message: str, *hints: str) -> RolloutStopped:
    """An error that names the next command; its status says whether anything was changed."""
    error = RolloutStopped(
        running.clean(message), hint=(*hints, f"mend it, then go on with: {running.settings.again}")
    )
    error.exit_code = ExitCode.PARTIAL if running.changed else ExitCode.REFUSED
    return error


def as_stopped(running: Running, error: RepointError) -> RolloutStopped:
    """Another error, met in the middle of a step."""
    return ended(running, f"at `{running.step}`: {error.message}", *error.hints)


def explain(
    running: Running, ref: ObjectRef, pods: tuple[Document, ...], found: tuple[Trouble, ...]
) -> None:
    """Tell what pods, events and logs say about an object; `found` is wrong with its pods."""
    for trouble in found:
        running.tell(Event(Tone.TROUBLE, str(trouble)))
    for line in _events(running, ref, pods):
        running.tell(Event(Tone.TROUBLE, line))
    for trouble in [one for one in found if one.has_log][:_LOGS]:
        for line in _log(running, ref.namespace, trouble):
            running.tell(Event(Tone.LOG, line))


def pods_of(running: Running, document: Document) -> tuple[Document, ...]:
    """The pods of a workload or Job: those that it owns, for a Deployment by its ReplicaSets."""
    ref = ref_of(document)
    selector = mapping_at(document, "spec", "selector", "matchLabels")
    labels = ",".join(f"{key}={value}" for key, value in sorted(selector.items()))
    if not labels and ref.kind == "Pooler":
        labels = f"cnpg.io/poolerName={ref.name}"
    elif not labels and ref.kind == "Cluster":
        labels = f"cnpg.io/cluster={ref.name}"
    if not labels:
        return ()
    pods = running.api.list("v1", "Pod", ref.namespace, labels=labels)
    if ref.kind in ("Deployment", "Cluster", "Pooler"):
        return pods
    return owned_by(pods, str(at(document, "metadata", "uid")))


def _events(running: Running, ref: ObjectRef, pods: tuple[Document, ...]) -> Iterator[str]:
    names = {ref.name, *(ref_of(pod).name for pod in pods)}
    found = [
        one
        for one in running.api.list("v1", "Event", ref.namespace, fields="type=Warning")
        if at(one, "involvedObject", "name") in names
    ]
    found.sort(key=lambda one: str(at(one, "lastTimestamp") or at(one, "eventTime") or ""))
    said = dict.fromkeys(
        f"{at(one, 'involvedObject', 'kind')}/{at(one, 'involvedObject', 'name')}: "
        f"{at(one, 'reason')}: {' '.join(running.clean(str(at(one, 'message') or '')).split())}"
        for one in found
    )
    yield from tuple(said)[-_EVENTS:]


def _log(running: Running, namespace: str, trouble: Trouble) -> Iterator[str]:
    text = running.api.logs(
        namespace,
        trouble.pod,
        trouble.container,
        lines=_LOG_LINES,
        previous=trouble.previous,
    )
    if text.strip():
        yield f"--- log of Pod/{trouble.pod} {trouble.container}"
        yield from running.clean(text).rstrip().splitlines()
