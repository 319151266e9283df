"""A soak on the terminal: a sparkline for each pool, or a line now and then where none looks."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from repoint.cli.output import Terminal
from repoint.cli.progress import Region, is_watched
from repoint.views.visible import visible

if TYPE_CHECKING:
    from repoint.model.verification import Soak

_LINE_EVERY_S = 60.0


class SoakScreen:
    """Shows a soak on stderr while it lasts; silent where the user asked to be left alone."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live = not terminal.quiet and is_watched()
        self._region = Region()
        self._next = 0.0

    def __enter__(self) -> SoakScreen:
        """Begin to show; on a terminal the lines are redrawn in place."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear what was drawn."""
        self._region.clear()

    def show(self, soak: Soak) -> None:
        """Show what the soak comes to so far."""
        from repoint.views.verification import soak_lines

        if self._live:
            self._region.draw([visible(line) for line in soak_lines(soak)])
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LINE_EVERY_S
            for line in soak_lines(soak):
                self._terminal.notice(line)
