"""Waiting until an object is ready: by a watch, with a deadline, telling what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable

from repoint.flows.rolling_out.failing import stopped
from repoint.flows.rolling_out.situation import Running
from repoint.model.cluster import Document, ObjectRef
from repoint.rollout.readiness import (
    Judgement,
    State,
    deadline_of,
    judge,
    judge_pooler,
    progress_of,
)
from repoint.rollout.steps import Event, Tone

_SLICE_S = 10.0
# Past an object's own deadline its controller is given a moment to say so itself.
_GRACE_S = 30.0

Judge = Callable[[Document | None], Judgement]


def wait_ready(running: Running, ref: ObjectRef) -> Document:
    """Wait until an object is ready.

    A Deployment has its own progress deadline, all others the rollout's timeout; either begins
    anew with each progress.

    Raises:
        RolloutStopped: it failed, or made no progress in time.
        LockHeld: somebody else took the Lease over.
    """
    return _Wait(running, ref, ref, judge).run()


def wait_pooler(running: Running, ref: ObjectRef, deployment: ObjectRef) -> Document:
    """Wait until a Pooler's own Deployment is ready; errors as for `wait_ready`."""

    def judged(document: Document | None) -> Judgement:
        return judge_pooler(running.api.get(ref), document)

    return _Wait(running, ref, deployment, judged).run()


def wait_gone(running: Running, ref: ObjectRef, uid: str) -> None:
    """Wait until the object of a uid is not there any more; errors as for `wait_ready`."""

    def judged(document: Document | None) -> Judgement:
        same = document is not None and document["metadata"].get("uid") == uid
        return Judgement(State.WAITING, "it is being deleted") if same else Judgement(State.READY)

    _Wait(running, ref, ref, judged, gone_is_fine=True).run()


class _Wait:
    """One wait: `seen` is watched, `ref` is what it is about."""

    def __init__(
        self,
        running: Running,
        ref: ObjectRef,
        seen: ObjectRef,
        judged: Judge,
        *,
        gone_is_fine: bool = False,
    ) -> None:
        self._running, self._ref, self._seen, self._judge = running, ref, seen, judged
        self._gone_is_fine = gone_is_fine
        self._told = ""
        self._progress: tuple[object, ...] = ()
        self._until = 0.0
        self._last: Document | None = None

    def run(self) -> Document:
        """The object once it is ready; an empty one where it is gone and may be."""
        api, seen = self._running.api, self._seen
        if self._is_over(api.get(seen)):
            return self._last or {}
        while True:
            left = max(0.1, min(_SLICE_S, self._until - time.monotonic()))
            for kind, document in api.watch(
                *(seen.api_version, seen.kind, seen.namespace),
                fields=f"metadata.name={seen.name}",
                timeout_s=left,
            ):
                if kind == "DELETED":
                    self._ended(document)
                if self._is_over(None if kind == "DELETED" else document):
                    return self._last or {}
                if time.monotonic() > self._until:
                    break
            if self._is_over(api.get(seen)):
                return self._last or {}

    def _ended(self, document: Document) -> None:
        """A Job that is cleaned up as soon as it is complete is judged by its last state."""
        if self._gone_is_fine or document.get("kind") != "Job":
            return
        metadata = {k: v for k, v in document["metadata"].items() if k != "deletionTimestamp"}
        last = {**document, "metadata": metadata}
        if not self._judge(last).ready:
            raise stopped(self._running, self._ref, last, "it was deleted before it was complete")
        self._gone_is_fine, self._last = True, last

    def _is_over(self, document: Document | None) -> bool:
        self._running.hold.check()
        if document is None and self._gone_is_fine:
            return True
        if document is not None:
            self._last = document
        judged = self._judge(document)
        if judged.state is State.FAILED:
            raise stopped(self._running, self._ref, self._last, judged.reason)
        if judged.ready:
            if judged.reason:
                self._running.tell(Event(Tone.NOTE, f"{self._ref}: {judged.reason}"))
            return True
        self._tell(judged.reason)
        self._keep_time(document)
        if time.monotonic() > self._until:
            raise stopped(
                self._running, self._ref, self._last, f"no progress in time: {judged.reason}"
            )
        return False

    def _tell(self, reason: str) -> None:
        if reason != self._told:
            self._told = reason
            self._running.tell(Event(Tone.WAITS, f"{self._ref}: {reason}"))

    def _keep_time(self, document: Document | None) -> None:
        progress = (self._told, *progress_of(document))
        if progress == self._progress and self._until:
            return
        self._progress = progress
        default = self._running.settings.timeout_s
        own = deadline_of(document or {}, default)
        grace = _GRACE_S if (document or {}).get("kind") == "Deployment" else 0.0
        self._until = time.monotonic() + own + grace
