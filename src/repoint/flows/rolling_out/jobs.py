"""Jobs: which have to run, and what was made of those that did."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.inputs import Input, inputs_of, job_digest
from repoint.rollout.names import RAN, SPEC
from repoint.rollout.objects import annotated, at, mapping_at, marks_of
from repoint.rollout.ordering import Wave, wave_of
from repoint.rollout.readiness import State, judge
from repoint.rollout.recycling import Run, clusters_named, sets_roles
from repoint.rollout.values import Tokens

_OURS: Document = {"metadata": {"annotations": {SPEC: ""}}}
"""Stands for a Job that is not there: what the Lease remembers is repoint's."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a Job has to run (again), or be waited for, and why."""

    run: bool
    wait: bool
    why: str = ""


class JobBook:
    """What is known of the Jobs that ran: by the Jobs, and by the Lease for those that are gone.

    `lease` is the Lease as it is; a Job with `ttlSecondsAfterFinished` is remembered there.
    """

    def __init__(self, lease: Document | None) -> None:
        self._ran = _ran(marks_of(lease))

    def marked(self, document: Document, tokens: Callable[[Input], Tokens]) -> Document:
        """The Job with the digest of what it is made from."""
        return annotated(document, {SPEC: job_digest(document, tokens)})

    def judge(self, wanted: Document, live: Document | None) -> Verdict:
        """What is to be done about a Job, `wanted` as `marked` gave it."""
        digest = marks_of(wanted).get(SPEC)
        asleep = at(wanted, "spec", "suspend") is True
        if live is None:
            known = self._ran.get(str(ref_of(wanted)), {})
            if known.get("digest") == digest:
                return Verdict(False, False)
            return Verdict(True, not asleep)
        if marks_of(live).get(SPEC) != digest or at(live, "metadata", "deletionTimestamp"):
            return Verdict(
                True, not asleep, "deleted and made again: it, or what it reads, changed"
            )
        state = judge(live).state
        if state is State.FAILED and not asleep:
            return Verdict(True, True, "deleted and made again: it failed")
        return Verdict(False, state is State.WAITING and not asleep)

    def runs(
        self,
        documents: tuple[Document, ...],
        live: Mapping[ObjectRef, Document | None],
        other: Callable[[ObjectRef], Document | None],
        again: frozenset[ObjectRef] = frozenset(),
    ) -> tuple[Run, ...]:
        """The Jobs that ran for this state, and those that are about to (`again`, without uid).

        What ran before repoint came is not among them.
        """
        return tuple(
            Run(
                "" if ref_of(one) in again else self._uid(one, live),
                ref_of(one).name,
                sets_roles(_texts(one, documents, other)),
                _clusters(one, documents, other),
            )
            for one in documents
            if wave_of(one) is Wave.JOBS and at(one, "spec", "suspend") is not True
            if ref_of(one) in again or SPEC in marks_of(live.get(ref_of(one)) or _OURS)
        )

    def _uid(self, wanted: Document, live: Mapping[ObjectRef, Document | None]) -> str:
        there = live.get(ref_of(wanted))
        if there is None:
            return str(self._ran.get(str(ref_of(wanted)), {}).get("uid", ""))
        return str(at(there, "metadata", "uid") or "")


def remembered(marks: Mapping[str, object], job: Document) -> str:
    """The Lease's annotation with a Job that is complete."""
    entry = {"digest": marks_of(job).get(SPEC), "uid": at(job, "metadata", "uid")}
    return json.dumps({**_ran(marks), str(ref_of(job)): entry}, sort_keys=True)


def _ran(marks: Mapping[str, object]) -> dict[str, dict[str, object]]:
    """What the annotation tells; nothing where somebody else wrote it."""
    try:
        found = json.loads(str(marks.get(RAN, "{}")))
    except (ValueError, RecursionError):
        return {}
    known = found.items() if isinstance(found, dict) else ()
    return {job: entry for job, entry in known if isinstance(entry, dict)}


def _clusters(
    job: Document,
    documents: tuple[Document, ...],
    other: Callable[[ObjectRef], Document | None],
) -> frozenset[ObjectRef]:
    """The Clusters that a Job certainly keeps to; empty where it reads what cannot be read."""
    known = {ref_of(one): one for one in documents}
    values = {}
    for one in inputs_of(job):
        ref = one.ref
        found = known.get(ref) or other(ref)
        if found is None:
            return frozenset()
        values[one.kind, one.namespace, one.name] = found
    return clusters_named(job, values, documents)


def _texts(
    job: Document,
    documents: tuple[Document, ...],
    other: Callable[[ObjectRef], Document | None],
) -> Iterator[str]:
    """What a Job runs, as far as it can be seen: its own spec and the ConfigMaps it reads."""
    yield from _strings(job.get("spec"))
    known = {ref_of(one): one for one in documents}
    for one in inputs_of(job):
        if one.kind == "ConfigMap":
            ref = one.ref
            found = known.get(ref) or other(ref)
            yield from (str(value) for value in mapping_at(found, "data").values())


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _strings(inner)
    elif isinstance(value, str):
        yield value
