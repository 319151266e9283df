"""A soak on the terminal: a sparkline for each pool, or a line now and then where none looks."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from repoint.cli.output import Terminal

if TYPE_CHECKING:
    from rich.live import Live

    from repoint.model.verification import Soak

_LINE_EVERY_S = 60.0


class SoakScreen:
    """Shows a soak on stderr while it lasts; silent where the user asked to be left alone."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._live: Live | None = None
        self._next = 0.0

    def __enter__(self) -> SoakScreen:
        """Begin to show; on a terminal the lines are redrawn in place."""
        if not self._terminal.quiet and sys.stderr.isatty():
            from rich.console import Console
            from rich.live import Live

            console = Console(stderr=True, no_color=not self._terminal.color, highlight=False)
            self._live = Live(console=console, auto_refresh=False, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Clear what was drawn."""
        if self._live is not None:
            self._live.__exit__(kind, error, trace)

    def show(self, soak: Soak) -> None:
        """Show what the soak comes to so far."""
        from repoint.views.verification import soak_lines

        if self._live is not None:
            from rich.text import Text

            self._live.update(Text("\n".join(soak_lines(soak))), refresh=True)
            return
        now = time.monotonic()
        if now >= self._next:
            self._next = now + _LINE_EVERY_S
            for line in soak_lines(soak):
                self._terminal.notice(line)
