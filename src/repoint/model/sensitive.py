"""A text that must not be shown."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Keeps a password out of every repr, log and traceback; `reveal` is the only way to it."""

    _text: str = field(repr=False)

    def reveal(self) -> str:
        """The text, for the one place that sends it."""
        return self._text

    def __str__(self) -> str:
        return "***"
