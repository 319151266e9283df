"""Watch a controller bring an environment to its planned state; nothing is changed.

Everything is asked of the cluster again in each round, so that it can be stopped at any time and
begun again, here or on another machine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TypeVar

from repoint.errors import ClusterLost, ClusterRefused
from repoint.flows.desired import Desired, desired_state, environment_of
from repoint.flows.scanning import survey
from repoint.flows.services import services_of
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.planning.config import as_tuple
from repoint.ports.cluster import ClusterApi
from repoint.rollout.gitops import Advice, Picture, Seen, Standing, see, see_hosts
from repoint.rollout.gitops_controllers import ARGO_API, holders
from repoint.rollout.inputs import inputs_of
from repoint.rollout.names import ROLLED
from repoint.rollout.objects import template_of
from repoint.rollout.ordering import is_cnpg

T = TypeVar("T")
_WORKLOADS = (
    *(("apps/v1", kind) for kind in ROLLED),
    ("batch/v1", "Job"),
    ("batch/v1", "CronJob"),
)


class Ended(StrEnum):
    """Why the watch ended."""

    REACHED = "reached"
    FAILED = "failed"
    """Something failed that nobody is about to mend."""
    LATE = "deadline"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is watched.

    `desired` is None where Helm makes the objects; `expected` are then the consumers that are
    known by name. `target` and `source` are names of Services, `commit` the one that is checked
    out here.
    """

    environment: str
    namespaces: tuple[str, ...]
    desired: Desired | None = field(repr=False)
    expected: tuple[ObjectRef, ...] = ()
    target: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    commit: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a watch looks, in seconds: `timeout_s` after the last change that it saw.

    `settle_s` is how long a failure must stand, while no controller is at work, before it is
    taken for one.
    """

    timeout_s: float = 1800.0
    every_s: float = 3.0
    settle_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Watched:
    """The last that was seen, and why the watch ended; `notes` tell what could not be asked."""

    subject: Subject
    seen: Seen
    ended: Ended
    took_s: float
    notes: tuple[str, ...] = ()

    @property
    def reached(self) -> bool:
        """Whether everything is as planned, with nothing unknown."""
        return self.ended is Ended.REACHED


def subject_of(workspace: Workspace, environment: str, commit: str = "") -> Subject:
    """What there is to watch in an environment, from the tree as it is now.

    Raises:
        UsageError: there is no such environment, or it names no objects.
        SealedFile, ToolFailed, FileRefused: its planned objects cannot be read.
    """
    known = environment_of(workspace, environment)
    found = survey(workspace)
    services = services_of(workspace, environment, found)
    target, source = services.target, services.source
    by_helm = as_tuple(known.values) and not (as_tuple(known.overlay) or as_tuple(known.manifests))
    if not by_helm:
        desired = desired_state(workspace, environment)
        return Subject(
            environment, desired.namespaces, desired, target=target, source=source, commit=commit
        )
    uses = [use for many in found.uses.values() for use in many if use.environment == environment]
    expected = {
        ObjectRef("apps/v1", one.kind, one.namespace or known.namespace, one.name)
        for one in (use.workload for use in uses)
        if one.kind in ROLLED and "{{" not in one.name
    }
    spaces = {known.namespace or services.namespace, *(one.namespace for one in expected)}
    spaces |= {use.workload.namespace for use in uses}
    return Subject(
        environment,
        tuple(sorted(spaces - {""})),
        None,
        expected=tuple(sorted(expected)),
        target=target,
        source=source,
        commit=commit,
    )


def watch(
    api: ClusterApi,
    subject: Subject,
    patience: Patience,
    said: Callable[[Seen], None] = lambda seen: None,
) -> Watched:
    """Look until everything is as planned, a failure stands, or nothing changes for too long.

    `said` is told what every round sees. An API server that is away for a while is waited for.

    Raises:
        ClusterRefused: it may not be asked for what is planned.
        ClusterLost: it did not answer once.
    """
    began = quiet = time.monotonic()
    eye = _Eye(api, subject)
    last: Seen | None = None
    failing: float | None = None
    while True:
        before = last
        try:
            last = eye.look()
            said(last)
        except ClusterLost:
            if last is None:
                raise
        now = time.monotonic()
        quiet = quiet if last == before else now
        lost = last.standing is Standing.FAILED and not last.busy
        failing = (now if failing is None else failing) if lost else None
        ended: Ended | None = None
        if last.standing is Standing.REACHED:
            ended = Ended.REACHED
        elif failing is not None and now - failing >= patience.settle_s:
            ended = Ended.FAILED
        elif now - quiet >= patience.timeout_s:
            ended = Ended.LATE
        if ended is not None:
            return Watched(subject, last, ended, now - began, tuple(eye.notes))
        time.sleep(patience.every_s)


class _Eye:
    """Takes pictures of an environment; what it may not see is noted once."""

    def __init__(self, api: ClusterApi, subject: Subject) -> None:
        self._api = api
        self._subject = subject
        self.notes: dict[str, None] = {}

    def look(self) -> Seen:
        """What one round of questions tells."""
        if self._subject.desired is None:
            seen = self._by_hosts()
        else:
            seen = self._by_documents(self._subject.desired)
        return self._with_revision(seen)

    def _by_documents(self, desired: Desired) -> Seen:
        live: dict[ObjectRef, Document] = {}
        for one in desired.objects:
            found = self._api.get(one.ref) if one.ref.name else None
            if found is not None:
                live[one.ref] = found
            if is_cnpg(one.ref, "Pooler"):
                own = ObjectRef("apps/v1", "Deployment", one.ref.namespace, one.ref.name)
                deployment = self._api.get(own)
                if deployment is not None:
                    live[own] = deployment
        self._add_inputs(live, live.values())
        return see(
            Picture(
                wanted=desired.documents,
                live=live,
                pods=tuple(self._pods()),
                controllers=tuple(self._controllers(live.values())),
                target=self._subject.target,
                source=self._subject.source,
            )
        )

    def _by_hosts(self) -> Seen:
        workloads = [
            one
            for namespace in self._subject.namespaces
            for version, kind in _WORKLOADS
            for one in self._api.list(version, kind, namespace)
        ]
        live: dict[ObjectRef, Document] = {}
        self._add_inputs(live, workloads)
        picture = Picture(
            wanted=(),
            live=live,
            pods=tuple(self._pods()),
            controllers=tuple(self._controllers(workloads)),
            workloads=tuple(workloads),
            target=self._subject.target,
            source=self._subject.source,
        )
        return see_hosts(picture, self._subject.expected)

    def _add_inputs(self, live: dict[ObjectRef, Document], readers: Iterable[Document]) -> None:
        """Put the Secrets and ConfigMaps that are read beside what is already known."""
        wanted = {
            one.ref for reader in tuple(readers) if template_of(reader) for one in inputs_of(reader)
        }
        for ref in sorted(wanted - live.keys()):
            found = self._tried(f"{ref} may not be read", partial(self._api.get, ref))
            if found is not None:
                live[ref] = found

    def _pods(self) -> Iterator[Document]:
        for namespace in self._subject.namespaces:
            yield from self._api.list("v1", "Pod", namespace)

    def _controllers(self, live: Iterable[Document]) -> Iterator[Document]:
        flux, argo = holders(live)
        for ref in flux:
            note = f"what {ref} says is not known: it may not be read"
            found = self._tried(note, partial(self._api.get, ref))
            if found is not None:
                yield found
        if argo:
            note = "what Argo CD says is not known: its Applications may not be listed"
            known = self._tried(note, lambda: self._api.list(ARGO_API, "Application", ""))
            yield from (one for one in known or () if ref_of(one).name in argo)

    def _tried(self, note: str, ask: Callable[[], T]) -> T | None:
        """An answer that the watch can do without."""
        try:
            return ask()
        except ClusterRefused as error:
            if error.reason != "Forbidden":
                raise
            self.notes[note] = None
            return None

    def _with_revision(self, seen: Seen) -> Seen:
        """Say so where a controller is at another commit than the one that is checked out."""
        commit = self._subject.commit
        other = [
            one
            for one in seen.controllers
            if commit and _is_commit(one.revision) and commit not in one.revision
        ]
        more = tuple(
            Advice(f"{one.ref} is at `{one.revision}`, and here `{commit[:12]}` is checked out")
            for one in other
        )
        return Seen(seen.rows, seen.controllers, (*seen.advice, *more))


def _is_commit(revision: str) -> bool:
    """Whether a revision tells a commit (`main@sha1:..`, or the 40 digits alone)."""
    tail = revision.rpartition(":")[2]
    return len(tail) == 40 and all(char in "0123456789abcdef" for char in tail)
