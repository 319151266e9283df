"""The steps of a rollout, as they are shown before and while they run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from repoint.model.cluster import Document, ObjectRef


class Action(StrEnum):
    """What a step does."""

    RESUME = "let go"
    """A Pooler that a run which was cut off left paused lets clients through again."""
    APPLY = "apply"
    WAIT = "wait for"
    RESTART = "restart"
    """A Pooler's pods start anew with what the Pooler says."""
    GATE = "data gate"
    REPLACE = "run"
    """A Job is deleted and made again."""
    RECYCLE = "recycle"
    ROLL = "roll out"
    """A workload is applied, restarted by it where due, and waited for."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    `fields` are the names of what an apply changes, `is_new` tells that the object is made.
    `why` says what else a person wants to know: who restarts it, what clients notice.
    `document` is what is applied or made; it may hold a Secret's values, and is never shown.
    """

    action: Action
    ref: ObjectRef
    fields: tuple[str, ...] = ()
    is_new: bool = False
    why: str = ""
    document: Document = field(default_factory=dict, repr=False)
    force: bool = False
    reloaded: bool = False
    """Reloader is expected to restart it."""
    mark: str = ""
    """The digest of what it reads, for what Reloader restarts."""

    @property
    def title(self) -> str:
        """Such as `apply Service/naytife/backend`."""
        return f"{self.action.value} {self.ref}".rstrip()


@dataclass(frozen=True, slots=True)
class Draft:
    """What a rollout would do now; with no steps the environment is as it should be.

    `notes` are told before. `objects` counts everything that was looked at.
    """

    environment: str
    context: str
    namespace: str
    steps: tuple[Step, ...]
    notes: tuple[str, ...] = ()
    objects: int = 0

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return not self.steps


class Tone(StrEnum):
    """What an event tells."""

    BEGAN = "began"
    WAITS = "waits"
    DONE = "done"
    NOTE = "note"
    TROUBLE = "trouble"
    """What a pod or an event of Kubernetes says about a failure."""
    LOG = "log"
    """A line of a failing container's log."""


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happens while steps run; `number` of `total` counts from 1."""

    tone: Tone
    text: str
    number: int = 0
    total: int = 0


def switches(steps: tuple[Step, ...]) -> bool:
    """Whether any step moves consumers: what the data gate has to come before."""
    return any(is_switch(step) for step in steps)


def is_switch(step: Step) -> bool:
    """Whether a step belongs to what comes after the data gate."""
    late = (Action.REPLACE, Action.RECYCLE, Action.ROLL)
    return step.action in late or bool(step.document and _late(step.ref, step.document))


def _late(ref: ObjectRef, document: Mapping[str, Any]) -> bool:
    from repoint.rollout.ordering import Wave, wave_of

    return wave_of(document) in (Wave.VALUES, Wave.WORKLOADS)
