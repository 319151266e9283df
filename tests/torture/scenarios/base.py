"""What every scenario is given, and what it tells."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TypeVar

from tests.torture.forking import Ended

T = TypeVar("T")
_SHOWN = 5


@dataclass(frozen=True)
class Job:
    """How much a scenario may do: `seconds` at most, or `kills` where those are asked for.

    `until_torn` is for those who only want to see whether anything is torn.
    """

    scratch: Path
    random: Random
    seconds: float
    kills: int = 0
    stride: int = 1
    until_torn: bool = False
    began: float = field(default_factory=time.monotonic)

    def goes_on(self, kills: int) -> bool:
        """Whether one that could go on for ever should, after so many kills."""
        if self.kills:
            return kills < self.kills
        return time.monotonic() - self.began < self.seconds

    def some_of(self, cases: Sequence[T]) -> Iterator[T]:
        """Every `stride`-th case in an order that is drawn, as many as the time allows.

        Where a number of kills is asked for, all of them: then time does not matter.
        """
        left = list(cases[:: self.stride])
        self.random.shuffle(left)
        for number, case in enumerate(left):
            if number and not self.kills and time.monotonic() - self.began > self.seconds:
                return
            yield case


@dataclass
class Tally:
    """What came of a scenario; `torn` names every tree that was neither before nor after."""

    name: str
    kills: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    torn: list[str] = field(default_factory=list)
    skipped: str = ""
    note: str = ""
    seconds: float = 0.0

    def judge(self, what: str, wrong: str) -> None:
        """Keep what is wrong with a tree, if anything is."""
        if wrong:
            self.torn.append(f"{what}: {wrong}")

    def ended(self, what: str, ends: Iterable[Ended], *fine: str) -> None:
        """Count the ends of processes; one that was killed counts as a kill.

        A bug is as bad as a torn tree, and so is an error that is not among `fine`.
        """
        for end in ends:
            self.kills += end.how == "killed"
            if end.how == "crashed":
                self.torn.append(f"{what}: {end.told.strip()}")
            elif end.how == "refused":
                self.outcomes[end.error] += 1
                if end.error not in fine:
                    self.torn.append(f"{what}: {end.error}: {end.told}")

    def lines(self) -> list[str]:
        """The line of the table, and below it what was torn."""
        if self.skipped:
            return [f"{self.name:16} skipped: {self.skipped}"]
        told = ", ".join(f"{count} {name}" for name, count in self.outcomes.most_common())
        line = f"{self.name:16} {self.kills:6} kills {len(self.torn):3} torn {self.seconds:6.1f} s"
        lines = [f"{line}  {told}{f'; {self.note}' if self.note else ''}"]
        lines += [f"  TORN {what}" for what in self.torn[:_SHOWN]]
        if len(self.torn) > _SHOWN:
            lines.append(f"  ... and {len(self.torn) - _SHOWN} more")
        return lines
