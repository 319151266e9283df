"""Versions of servers, as tuples of numbers, and what somebody may ask of them."""

from __future__ import annotations

from dataclasses import dataclass


def dotted(version: tuple[int, ...]) -> str:
    """(1, 24, 1) is `1.24.1`."""
    return ".".join(str(part) for part in version)


@dataclass(frozen=True, slots=True)
class VersionWish:
    """A version that is wanted: `1.24` is any 1.24, `1.24+` is that or newer."""

    version: tuple[int, ...]
    or_newer: bool = False

    def __str__(self) -> str:
        return dotted(self.version) + ("+" if self.or_newer else "")

    @classmethod
    def parse(cls, text: str) -> VersionWish:
        """The wish that a text such as `1.24` or `1.24+` spells.

        Raises:
            ValueError: it spells none.
        """
        numbers = text.removesuffix("+").split(".")
        if not all(part.isascii() and part.isdigit() for part in numbers):
            raise ValueError(f"`{text}` is no version such as 1.24 or 1.24+")
        return cls(tuple(map(int, numbers)), text.endswith("+"))

    def meets(self, version: tuple[int, ...]) -> bool:
        """Whether a version is one that is wanted."""
        alike = version[: len(self.version)] == self.version
        return alike or (self.or_newer and version > self.version)
