"""One operator at a time: a Lease in the environment's namespace, renewed while a run lasts.

Whether the holder lives is judged by its renewals as they are seen here, never by comparing
clocks: a Lease that nobody renews for as long as it says is free. A holder on this machine
whose process is gone is not waited for.
"""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from repoint.errors import ClusterRefused, LockHeld, RepointError
from repoint.flows.desired import Desired
from repoint.model.cluster import Document, ObjectRef
from repoint.ports.cluster import ClusterApi
from repoint.rollout.names import PROCESS
from repoint.rollout.objects import at, marks_of, number_at
from repoint.rollout.ordering import is_cnpg

_API = "coordination.k8s.io/v1"
DURATION_S = 30
_RENEW_S = DURATION_S / 3
_LONGEST_S = 10 * DURATION_S
_FRESH_S = 2.0
_GIVE_BACK_S, _INTERRUPTED_S = 10.0, 0.5
_TRIES = 20


@dataclass(frozen=True, slots=True)
class Holder:
    """Who rolls out: a name for people, and a process.

    `is_gone` tells of the text that an earlier process left whether that surely ended.
    """

    name: str
    process: str = ""
    is_gone: Callable[[str], bool] = lambda process: False


def lease_ref(environment: str, namespace: str) -> ObjectRef:
    """The Lease of an environment."""
    return ObjectRef(_API, "Lease", namespace, f"repoint-{environment.lower()}".replace("_", "-"))


def lock_namespace(desired: Desired) -> str:
    """The namespace of the Lease: the environment's own, else that of its Cluster."""
    if desired.namespace:
        return desired.namespace
    clusters = [one.ref.namespace for one in desired.objects if is_cnpg(one.ref, "Cluster")]
    return next(iter((*clusters, *desired.namespaces)), "default")


class Hold:
    """The Lease while it is held; safe to use from several threads."""

    def __init__(self, api: ClusterApi, ref: ObjectRef, holder: Holder) -> None:
        self._api, self._holder = api, holder
        self.ref = ref
        self._lost = ""
        self._renewed = _clock()
        self._writing = threading.Lock()

    @property
    def owner(self) -> str:
        """Who holds it."""
        return self._holder.name

    def check(self) -> None:
        """Go on only while it is held: looked up anew, unless that was a moment ago.

        A process that was stopped, or a machine that slept, must not go on with what it knew.

        Raises:
            LockHeld: somebody else took it, because this run did not renew it in time, or it
                was deleted.
            ClusterLost, ClusterRefused: it cannot be renewed.
        """
        if not self._lost and _clock() - self._renewed > _FRESH_S:
            self.renew()
        if self._lost:
            raise LockHeld(
                f"`{self.ref}` {self._lost}",
                hint="another rollout may be going on: look with `repoint status` first",
            )

    def note(self, marks: Mapping[str, str | None]) -> None:
        """Write annotations of the Lease; None removes one."""
        self._change(lambda lease: _marked(lease, marks))

    def noted(self) -> Mapping[str, Any]:
        """The annotations as they are now."""
        return marks_of(self._api.get(self.ref))

    def renew(self) -> None:
        """Say that this run lives."""
        self._change(lambda lease: _held_by(lease, self._holder))

    def release(self) -> None:
        """Give it back; a Lease that is lost is left alone."""
        if not self._lost:
            self._change(_released)

    def _change(self, change: Callable[[dict[str, Any]], None]) -> None:
        with self._writing:
            for _ in range(_TRIES):
                began = _clock()
                lease = self._api.get(self.ref)
                if lease is None or not _is(lease, self._holder):
                    taker = at(lease, "spec", "holderIdentity")
                    self._lost = (
                        f"was taken over by `{taker}`" if taker else "was deleted or let go"
                    )
                    return
                changed = copy.deepcopy(dict(lease))
                change(changed)
                try:
                    self._api.replace(changed)
                except ClusterRefused as error:
                    if error.reason != "Conflict":
                        raise
                else:
                    self._renewed = began
                    return


@contextmanager
def locked(
    api: ClusterApi,
    environment: str,
    namespace: str,
    holder: Holder,
    said: Callable[[str], None],
) -> Iterator[Hold]:
    """Hold the Lease of an environment while the block runs.

    `said` is told when another run's Lease is waited for.

    Raises:
        LockHeld: another run holds it, and renews it.
        ClusterRefused: this user may not write it.
    """
    ref = lease_ref(environment, namespace)
    _acquire(api, ref, holder, said)
    hold = Hold(api, ref, holder)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(hold, ended), daemon=True)
    keeper.start()
    patience_s = _GIVE_BACK_S
    try:
        yield hold
    except KeyboardInterrupt:
        patience_s = _INTERRUPTED_S
        raise
    finally:
        ended.set()
        # Not waited for long: a Lease that is not given back runs out by itself.
        giving_back = threading.Thread(target=_give_back, args=(hold,), daemon=True)
        giving_back.start()
        giving_back.join(patience_s)


def _give_back(hold: Hold) -> None:
    with suppress(RepointError):
        hold.release()


def _keep(hold: Hold, ended: threading.Event) -> None:
    while not ended.wait(_RENEW_S):
        with suppress(RepointError):  # the run itself meets an API server that is away
            hold.renew()


def _acquire(api: ClusterApi, ref: ObjectRef, holder: Holder, said: Callable[[str], None]) -> None:
    for _ in range(_TRIES):
        lease = api.get(ref)
        try:
            if lease is None:
                fresh: dict[str, Any] = {
                    "apiVersion": ref.api_version,
                    "kind": ref.kind,
                    "metadata": {"name": ref.name, "namespace": ref.namespace},
                }
                _held_by(fresh, holder)
                api.create(fresh)
                return
            if not _is_free(api, lease, ref, holder, said):
                continue
            taken = copy.deepcopy(dict(lease))
            _held_by(taken, holder)
            api.replace(taken)
            return
        except ClusterRefused as error:
            if error.reason not in ("Conflict", "AlreadyExists"):
                raise
    raise LockHeld(f"`{ref}` is wanted by several runs at once", hint="run the command again")


def _is_free(
    api: ClusterApi,
    lease: Document,
    ref: ObjectRef,
    holder: Holder,
    said: Callable[[str], None],
) -> bool:
    """Whether nobody holds it any more; False when it changed, so that it is read again.

    Raises:
        LockHeld: its holder renewed it while we looked.
    """
    owner = str(at(lease, "spec", "holderIdentity") or "")
    if not owner or holder.is_gone(str(marks_of(lease).get(PROCESS, ""))):
        return True
    duration = max(1, number_at(lease, "spec", "leaseDurationSeconds", default=DURATION_S))
    if duration > _LONGEST_S:
        raise LockHeld(
            f"`{owner}` holds `{ref}` for {duration} s after each sign of life",
            hint=f"where it has ended: `kubectl delete lease {ref.name} -n {ref.namespace}`",
        )
    said(f"`{owner}` holds {ref}; it is free when nobody renews it for {duration} s")
    until = time.monotonic() + duration
    seen = at(lease, "spec", "renewTime")
    fields = f"metadata.name={ref.name}"
    for kind, now in api.watch(
        ref.api_version, ref.kind, ref.namespace, fields=fields, timeout_s=duration
    ):
        if kind == "DELETED" or not at(now, "spec", "holderIdentity"):
            return False
        if at(now, "spec", "renewTime") != seen:
            raise LockHeld(
                f"`{owner}` is rolling out here: `{ref}` was renewed just now",
                hint="wait until that run has ended, then run the command again",
            )
    return time.monotonic() >= until


def _clock() -> float:
    """Seconds that go on while the machine sleeps, where the system counts them."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _is(lease: Document, holder: Holder) -> bool:
    found = (at(lease, "spec", "holderIdentity"), marks_of(lease).get(PROCESS, ""))
    return found == (holder.name, holder.process)


def _held_by(lease: dict[str, Any], holder: Holder) -> None:
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    spec = lease.setdefault("spec", {})
    if not _is(lease, holder):
        spec["acquireTime"] = now
        spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
    spec["holderIdentity"] = holder.name
    spec["leaseDurationSeconds"] = DURATION_S
    spec["renewTime"] = now
    _marked(lease, {PROCESS: holder.process})


def _released(lease: dict[str, Any]) -> None:
    lease["spec"]["holderIdentity"] = ""
    _marked(lease, {PROCESS: None})


def _marked(lease: dict[str, Any], marks: Mapping[str, str | None]) -> None:
    found = lease["metadata"].get("annotations") or {}
    kept = {**found, **marks}
    lease["metadata"]["annotations"] = {k: v for k, v in kept.items() if v is not None}
