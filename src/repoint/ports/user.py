"""The user: who it is, and what this machine keeps of theirs."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol


class Identity(Protocol):
    """Who and when, for records."""

    def who(self) -> str:
        """`Name <mail>` as git knows the user, else the user's name on this machine."""
        ...

    def now(self) -> datetime:
        """The time, in UTC, to the second."""
        ...


class LocalState(Protocol):
    """Small files of this user on this machine, apart from the repository, by name."""

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none that can be read."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Replace a file whole; it is this user's alone.

        Raises:
            FileRefused: it cannot be written.
        """
        ...
