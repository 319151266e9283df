"""What the ledger holds of one environment, seen from what stands there now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.promotion.standing import Standing

_BACK = (Phase.TAKEN_BACK, Phase.ROLLED_BACK)


@dataclass(frozen=True, slots=True)
class Timeline:
    """One environment's entries by time, with what stands there.

    Whatever was reached before a rollback, or with another content, counts no more. A rehearsal
    alone is not undone by a rollback: it is of a content, not of an environment's state.
    """

    standing: Standing
    entries: tuple[Entry, ...]

    @classmethod
    def of(cls, standing: Standing, ledger: Sequence[Entry]) -> Timeline:
        """The timeline of `standing.environment` in a whole ledger that is in order."""
        mine = tuple(one for one in ledger if one.environment == standing.environment)
        return cls(standing, mine)

    @property
    def since_back(self) -> tuple[Entry, ...]:
        """What was done since the last rollback."""
        backs = [number for number, one in enumerate(self.entries) if one.phase in _BACK]
        return self.entries[backs[-1] + 1 :] if backs else self.entries

    @property
    def back(self) -> Entry | None:
        """The last rollback, when nothing was applied since."""
        backs = [one for one in self.entries if one.phase in _BACK]
        applied = any(one.phase is Phase.APPLIED for one in self.since_back)
        return backs[-1] if backs and not applied else None

    def reached(self, phase: Phase) -> tuple[Entry, ...]:
        """The entries of a phase that count for what stands, by time.

        An `applied` entry holds what one plan changed, and counts while it was not taken back; a
        comparison of data is of no content.
        """
        if phase is Phase.REHEARSED:
            return self._with_content(self.entries, phase)
        if phase in (Phase.APPLIED, Phase.COMPARED):
            return tuple(one for one in self.since_back if one.phase is phase)
        return self._with_content(self.since_back, phase)

    def last(self, phase: Phase) -> Entry | None:
        """The newest of `reached`."""
        return next(reversed(self.reached(phase)), None)

    def newest(self, phase: Phase) -> Entry | None:
        """The newest entry of a phase, whether it counts or not."""
        return next((one for one in reversed(self.entries) if one.phase is phase), None)

    @property
    def pending_rehearsal(self) -> Entry | None:
        """The newest rehearsal, when it is of a plan that was not applied yet."""
        newest, applied = self.newest(Phase.REHEARSED), self.last(Phase.APPLIED)
        if newest is None or newest.content == self.standing.content:
            return None
        earliest = applied or self.back
        return newest if earliest is None or newest.at > earliest.at else None

    @property
    def rolled_out(self) -> Entry | None:
        """The newest roll-out of what stands that came to its end."""
        found = [one for one in self.reached(Phase.ROLLED_OUT) if one.verdict is Verdict.PASS]
        return found[-1] if found else None

    @property
    def switch_began(self) -> Entry | None:
        """The first roll-out of what stands, finished or not."""
        return next(iter(self.reached(Phase.ROLLED_OUT)), None)

    @property
    def soaked_seconds(self) -> float:
        """How long the longest soak lasted that passed after the last that did not."""
        longest = 0.0
        for one in self.reached(Phase.SOAKED):
            longest = max(longest, one.seconds) if one.verdict is Verdict.PASS else 0.0
        return longest

    def _with_content(self, entries: Sequence[Entry], phase: Phase) -> tuple[Entry, ...]:
        content = self.standing.content
        return tuple(one for one in entries if one.phase is phase and one.content == content)
