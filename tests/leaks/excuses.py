"""Where a password may stand, and why. Everything else that the search finds is a leak.

Each excuse tells what it stands for, which records it covers, and for which canaries: what was
only ever in a sealed file is never excused in a file.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tests.leaks.canaries import Canary
from tests.leaks.recorder import THROWAWAY

_OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Record:
    """What was recorded, without its bytes; `starter` is who started a sampled process."""

    kind: str
    where: str
    by: str
    mode: int
    starter: str = ""

    def told(self) -> str:
        """For a report."""
        place = f"{self.kind} of {self.where}" if self.where else self.kind
        return f"{place} (by {self.by})" if self.by else place


@dataclass(frozen=True, slots=True)
class Excuse:
    """A place where a password belongs."""

    reason: str
    covers: Callable[[Record, Canary], bool]


def _file(pattern: str, *, by: str, private: bool, clear_only: bool) -> Callable[..., bool]:
    path, writer = re.compile(pattern), re.compile(by)

    def covers(record: Record, canary: Canary) -> bool:
        if record.kind != "file" or not path.search(record.where) or not writer.match(record.by):
            return False
        return not (private and record.mode & _OTHERS) and not (clear_only and canary.sealed)

    return covers


EXCUSES = (
    Excuse(
        "the URL of a migration command that a rehearsal was asked to run, with its throwaway",
        lambda record, canary: (
            canary.label == THROWAWAY
            and (record.kind == "environ" or record.by == "guardian.py:attend")
        ),
    ),
    Excuse(
        "the user's own file, or its new version beside it, with what it held in clear before",
        _file(
            r"^(?!.*/\.repoint/)", by=r"(?:journal|staging)\.py:", private=False, clear_only=True
        ),
    ),
    Excuse(
        "the private copy that kustomize builds: files that are in clear in the repository",
        _file(
            r"/repoint-render-[^/]+/",
            by=r"kubectl\.py:|runner|sampled",
            private=False,
            clear_only=True,
        ),
    ),
    Excuse(
        "an object of Kubernetes as its user declares it (a Secret's data is not read at all)",
        lambda record, canary: (
            record.kind == "object" and record.by == "user" and not canary.sealed
        ),
    ),
    Excuse(
        "a process that a test starts, with what the test gives it",
        lambda record, _: record.kind in {"cmdline", "environ"} and record.starter == "test",
    ),
    Excuse(
        "what the user of a run typed, or had in the environment before it began",
        lambda record, _: record.kind in {"cmdline", "environ"} and record.starter == "user itself",
    ),
)


def excuse_for(record: Record, canary: Canary) -> Excuse | None:
    """The first excuse that covers a hit."""
    return next((one for one in EXCUSES if one.covers(record, canary)), None)
