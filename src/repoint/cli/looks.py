"""What a human view depends on beside what it tells."""

from __future__ import annotations

import os
import sys


def looks(*, no_color: bool) -> tuple[bool, int]:
    """Whether it has color, and its columns: 80 when stdout is no terminal."""
    shows = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    width = 80
    if shows:
        try:
            width = max(40, os.get_terminal_size(sys.stdout.fileno()).columns or 80)
        except (OSError, ValueError):
            width = 80
    return shows and not no_color and not os.environ.get("NO_COLOR"), width
