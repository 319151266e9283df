"""Runs probe Jobs: makes them, waits, reads their logs, and deletes them whatever happens."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from repoint.errors import ClusterLost, ClusterRefused
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.ports.cluster import ClusterApi
from repoint.verification.probe_job import CONTAINER, PROBE_LABEL, Answers, answers_in

_LOOK_S = 5.0
_STARTED_S = 60.0


def new_run() -> str:
    """A name for one run's probes."""
    return secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Made:
    """A probe that runs, or why it does not."""

    ref: ObjectRef
    run: str
    problem: str = ""


@contextmanager
def running(api: ClusterApi, jobs: Sequence[tuple[str, Document]]) -> Iterator[tuple[Made, ...]]:
    """Make every Job at once; all of them are deleted when the block is left, however it is."""
    made: list[Made] = []
    try:
        for run, job in jobs:
            # Remembered before it is asked for: a request that is cut off may have made it.
            made.append(Made(ref_of(job), run))
            try:
                api.create(job)
            except ClusterRefused as error:
                made[-1] = Made(ref_of(job), run, error.message)
        yield tuple(made)
    finally:
        for one in made:
            with suppress(ClusterRefused, ClusterLost):
                api.delete(one.ref)


def outcome(api: ClusterApi, made: Made, deadline: float) -> Answers | str:
    """What a probe found, else why nothing; it is waited for until a monotonic `deadline`."""
    if made.problem:
        return made.problem
    started = time.monotonic() + _STARTED_S
    while True:
        state = _state(api, made)
        if state == "ended":
            return _answers(api, made)
        if state.startswith("`"):
            return state
        if time.monotonic() > (deadline if state == "runs" else min(deadline, started)):
            return "the probe did not end in time" if state == "runs" else "the probe did not start"
        _wait(api, made)


def _wait(api: ClusterApi, made: Made) -> None:
    """Until something of the probe's pod changes, or a moment is over."""
    labels = f"{PROBE_LABEL}={made.run}"
    events = api.watch("v1", "Pod", made.ref.namespace, labels=labels, timeout_s=_LOOK_S)
    for number, _ in enumerate(events):
        if number:  # the first one tells what is there already
            return


def _state(api: ClusterApi, made: Made) -> str:
    """`waits`, `runs`, `ended`, or a text in backticks of what keeps it."""
    pod = _pod(api, made)
    if pod is None:
        return "waits"
    status = pod.get("status") or {}
    if status.get("phase") in ("Succeeded", "Failed"):
        return "ended"
    for one in status.get("containerStatuses") or ():
        waiting: Mapping[str, str] = (one.get("state") or {}).get("waiting") or {}
        reason = str(waiting.get("reason", ""))
        if reason in ("ErrImagePull", "ImagePullBackOff", "InvalidImageName"):
            return f"`{reason}`: name another image as `verify.image` in repoint.yaml"
        if reason.startswith("Create") and reason.endswith("Error"):
            return f"`{reason}`: what the consumer's variables refer to is not all there"
        if (one.get("state") or {}).get("running"):
            return "runs"
    return "waits"


def _answers(api: ClusterApi, made: Made) -> Answers | str:
    pod = _pod(api, made)
    if pod is None:
        return "the probe's pod is gone"
    log = api.logs(made.ref.namespace, ref_of(pod).name, CONTAINER, lines=50)
    return answers_in(log)


def _pod(api: ClusterApi, made: Made) -> Document | None:
    found = api.list("v1", "Pod", made.ref.namespace, labels=f"{PROBE_LABEL}={made.run}")
    return found[0] if found else None
