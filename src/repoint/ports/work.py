"""What a long step has at hand: another process, results of earlier runs, and one who looks on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

Result = TypeVar("Result")


class Aside(Protocol):
    """Does work at the same time as the caller, on the same memory, where that is possible."""

    def __call__(self, pieces: Sequence[Callable[[], Result]], /) -> Callable[[], list[Result]]:
        """Start on at most 256 `pieces`, which change nothing that is seen outside.

        What comes back gives their results, in their order: the caller takes part then, in what
        is left. A result is a copy where another process made it. A `RepointError` of a piece is
        raised where the results are asked for.
        """
        ...


class KeptResults(Protocol):
    """Results of earlier runs, found by all that they depend on; nobody needs them."""

    def recall(self, question: Sequence[bytes]) -> bytes | None:
        """The answer to the very same question; None without one. Never a wrong one."""
        ...

    def keep(self, question: Sequence[bytes], answer: bytes) -> None:
        """Keep an answer, which holds no secret, where that can be done; raises nothing."""
        ...


class Progress(Protocol):
    """Tells a person how far a long step is; silent when nobody looks."""

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step of `total` units (unknown when None)."""
        ...

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        ...

    def at(self, place: str) -> None:
        """What is worked on now, such as a path; no value of it."""
        ...


class Unwatched:
    """Progress that nobody looks at."""

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step."""

    def advance(self, count: int = 1) -> None:
        """Some units are done."""

    def at(self, place: str) -> None:
        """Work is at a place."""


UNWATCHED = Unwatched()
