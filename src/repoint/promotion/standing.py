"""What stands in an environment of what repoint wrote there."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.rehearsal import Verdict
from repoint.promotion.content import untouched


@dataclass(frozen=True, slots=True)
class Standing:
    """What was applied to an environment, and whether it stands.

    `content` is what was applied, whatever became of it. `verdict` is pass when all of it
    stands, fail when a value was changed since, unknown when that cannot be told; `why` says so
    in a line. `edited` are files in which others changed something else, `files` all of the
    receipt's.
    """

    environment: str
    content: str
    verdict: Verdict
    why: str = ""
    edited: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def is_applied(self) -> bool:
        """Whether repoint changed anything here."""
        return self.content != untouched(self.environment)
