"""What a rollout works with: the cluster, the lock, and whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from repoint.dsn.mask import mask
from repoint.errors import ClusterRefused
from repoint.flows.rolling_out.locking import Hold
from repoint.model.cluster import Document, ObjectRef
from repoint.ports.cluster import ClusterApi
from repoint.rollout.steps import Event

DEFAULT_TIMEOUT_S = 600.0

Tell = Callable[[Event], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user decides about a rollout.

    `timeout_s` bounds the wait for what has no progress deadline of its own. `again` is the
    command that goes on after a stop.
    """

    timeout_s: float = DEFAULT_TIMEOUT_S
    force_conflicts: bool = False
    again: str = "repoint rollout"


@dataclass(frozen=True, slots=True)
class Hooks:
    """What others do around the steps; each may be left out.

    `before_switch` is asked once everything serves and before the first consumer moves to one
    of the Services `target`: it raises where the target is not complete, and takes the baseline.
    It is told whether consumers moved already, and says what a person should hear; `gate` is
    what it asks. `servers_left` tells how many server connections a Pooler's pod still has, None
    where that cannot be read.
    """

    before_switch: Callable[[ClusterApi, bool], Sequence[str]] | None = None
    target: tuple[str, ...] = ()
    gate: str = "is the target complete?"
    servers_left: Callable[[ClusterApi, str, str], int | None] | None = None


@dataclass(slots=True)
class Running:
    """One run of steps: `changed` tells whether it changed anything so far."""

    api: ClusterApi
    hold: Hold
    tell: Tell
    settings: Settings
    hooks: Hooks
    content: str = ""
    changed: bool = False
    step: str = ""
    """The title of the step at hand, for whoever has to say where it stopped."""
    left: tuple[ObjectRef, ...] = field(default=())
    clean: Callable[[str], str] = field(default=mask, repr=False)
    """Takes every password out of what others say."""


def read_if_allowed(api: ClusterApi, ref: ObjectRef) -> Document | None:
    """An object that is good to know; None also where this user may not read it."""
    with suppress(ClusterRefused):
        return api.get(ref)
    return None
