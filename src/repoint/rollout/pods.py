"""What keeps pods from being well, as their status tells."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.model.cluster import Document, ref_of
from repoint.rollout.objects import at, conditions, items_at, mapping_at, number_at

_QUIET = ("ContainerCreating", "PodInitializing", "Completed")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a pod; `container` is empty where it is about the whole pod.

    `has_log` tells that the container ran, `previous` that its log is that of the run before.
    """

    pod: str
    container: str
    reason: str
    message: str = ""
    restarts: int = 0
    has_log: bool = False
    previous: bool = False

    @property
    def brief(self) -> str:
        """Where and what it is, without the message."""
        who = " ".join(part for part in (f"Pod/{self.pod}", self.container) if part)
        return f"{who}: {self.reason}"

    def __str__(self) -> str:
        text = f"{self.brief}: {self.message}" if self.message else self.brief
        return f"{text} ({self.restarts} restarts)" if self.restarts else text


def troubles(pods: Iterable[Document], clean: Callable[[str], str] = mask) -> tuple[Trouble, ...]:
    """Everything that is wrong with pods, those that left a log first.

    `clean` takes passwords out of messages, before they are cut short.
    """
    found = [one for pod in pods for one in _of_pod(pod, clean)]
    return tuple(sorted(found, key=lambda one: (not one.has_log, one.pod, one.container)))


def owned_by(pods: Iterable[Document], uid: str) -> tuple[Document, ...]:
    """The pods whose owner has a uid."""
    return tuple(
        pod
        for pod in pods
        if any(at(o, "uid") == uid for o in items_at(pod, "metadata", "ownerReferences"))
    )


def _of_pod(pod: Document, clean: Callable[[str], str]) -> Iterator[Trouble]:
    name = ref_of(pod).name
    if at(pod, "metadata", "deletionTimestamp"):
        return
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        yield Trouble(
            name, "", str(scheduled.get("reason", "")), _short(scheduled.get("message"), clean)
        )
    said = False
    for group in ("initContainerStatuses", "containerStatuses"):
        for status in items_at(pod, "status", group):
            for one in _of_container(name, status, clean):
                said = True
                yield one
    status = mapping_at(pod, "status")
    if status.get("phase") == "Failed" and not said:
        yield Trouble(
            name, "", str(status.get("reason") or "Failed"), _short(status.get("message"), clean)
        )


def _of_container(pod: str, status: object, clean: Callable[[str], str]) -> Iterator[Trouble]:
    name, restarts = str(at(status, "name")), number_at(status, "restartCount")
    waiting = mapping_at(status, "state", "waiting")
    ended = mapping_at(status, "state", "terminated")
    before = mapping_at(status, "lastState", "terminated")
    if waiting.get("reason") and waiting["reason"] not in _QUIET:
        yield Trouble(
            *(pod, name, str(waiting["reason"]), _short(waiting.get("message"), clean), restarts),
            has_log=restarts > 0,
            previous=restarts > 0,
        )
    elif ended and number_at(ended, "exitCode") != 0:
        reason = f"{ended.get('reason') or 'Error'}, exit status {ended.get('exitCode')}"
        yield Trouble(
            pod, name, reason, _short(ended.get("message"), clean), restarts, has_log=True
        )
    elif at(status, "state", "running") is not None and at(status, "ready") is False:
        if before and number_at(before, "exitCode") != 0:
            reason = f"{before.get('reason') or 'Error'}, exit status {before.get('exitCode')}"
            yield Trouble(pod, name, reason, "", restarts, has_log=True, previous=True)
        else:
            yield Trouble(pod, name, "runs, and is not ready", "", restarts, has_log=True)


def _short(message: object, clean: Callable[[str], str]) -> str:
    text = " ".join(clean(str(message or "")).split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
