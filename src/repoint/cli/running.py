"""Steps that run in a cluster: their lines on the screen, their end by a signal."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from repoint.cli.options import Session
from repoint.errors import UsageError

if TYPE_CHECKING:
    from repoint.rollout.steps import Event


@dataclass(slots=True)
class Lines:
    """Shows events as they come: on a terminal one line that changes, elsewhere one each."""

    session: Session
    form: str
    events: list[Event] = field(default_factory=list)
    at: str = ""

    def tell(self, event: Event) -> None:
        """Show an event."""
        from repoint.rollout.steps import Tone
        from repoint.views.rollout import line

        self.events.append(event)
        if event.tone is Tone.BEGAN:
            self.at = event.text
        passing = event.tone in (Tone.BEGAN, Tone.WAITS)
        if passing and self.session.progress.shows:
            self.session.progress.step(line(event).strip())
            return
        self.close()
        failing = event.tone in (Tone.TROUBLE, Tone.LOG)
        tell = self.session.terminal.say if failing else self.session.terminal.notice
        tell(line(event))

    def close(self) -> None:
        """Clear the line that changes."""
        self.session.progress.close()


@contextmanager
def interruptible() -> Iterator[None]:
    """Take a polite end (SIGTERM) for Ctrl-C: no Pooler is left paused, no probe stays."""

    def interrupt(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def seconds(duration: str) -> float:
    """A duration in seconds.

    Raises:
        UsageError: the text is none.
    """
    from repoint.planning.config import DURATION, seconds_of

    if duration and not re.fullmatch(DURATION, duration):
        raise UsageError(
            f"`{duration}` is no duration", hint="write one as `90s`, `30m` or `1h30m`"
        )
    return seconds_of(duration)
