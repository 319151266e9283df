"""The ledger: what was done to which environment, with which content, when and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from repoint.model.rehearsal import Verdict

LEDGER_FORMAT = 1


class Phase(StrEnum):
    """The steps of an environment's move, in their order; the last two are the way back."""

    PLANNED = "planned"
    REHEARSED = "rehearsed"
    APPLIED = "applied"
    COMPARED = "compared"
    ROLLED_OUT = "rolled-out"
    VERIFIED = "verified"
    SOAKED = "soaked"
    TAKEN_BACK = "taken-back"
    """The files are as they were (`rollback`)."""
    ROLLED_BACK = "rolled-back"
    """The cluster is as it was (`rollback --rollout`)."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the ledger.

    `content` is what repoint changed in this environment (64 hexadecimal digits, see
    `promotion.content`; in an `applied` entry what that one plan changed), `plan` the plan's
    fingerprint, `tool` repoint's version, `who` a name as git knows it. `detail` is one short
    line for a person; `overrides` are the gates that were passed by, each as `gate: reason`.
    `seconds` is how long a soak lasted. `settings` tells by which decisions of repoint.yaml it
    was done (see `promotion.settings`). No field holds a value of a secret.
    """

    id: str
    at: datetime
    who: str
    tool: str
    environment: str
    phase: Phase
    verdict: Verdict
    content: str
    plan: str = ""
    detail: str = ""
    overrides: tuple[str, ...] = ()
    seconds: float = 0.0
    settings: str = ""
    format: int = LEDGER_FORMAT
