"""The power fails at any moment, and the disk has kept no more than it had promised.

A run is recorded once. For each of its operations, and for what may be left of those that were not
synced until then, the folder is written out, recovered by a fresh reader, and judged. Recoveries
are recorded in their turn, and lose their power as well.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

from repoint.errors import RepointError
from tests.torture.disk import (
    Inodes,
    Listing,
    Operation,
    after_power_loss,
    listing,
    recorded,
    unsynced,
    write_out,
)
from tests.torture.looking import LEDGER, Shot, look, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.touches import applied_of
from tests.torture.verbs import run_verb
from tests.torture.world import World, make_world

_ALL_OF = 5
"""With so many unsynced operations every choice of them is tried; with more, some."""
_DRAWN = 4
_DEEPER = 6
"""Every so many recoveries lose their power, too."""


@dataclass(frozen=True)
class Outage:
    """A folder as it may be when the power is back; `ended` when the run had told that it was."""

    what: str
    left: Listing
    ended: bool


def run(job: Job) -> Tally:
    """Apply, the first apply of a repository, and rollback."""
    tally = Tally("power-loss")
    used = make_world(job.scratch / "used")
    new = make_world(job.scratch / "new", used=False)
    starts = [(used, "apply"), (new, "apply"), (applied_of(used, job.scratch / "on"), "rollback")]
    outages: list[tuple[World, str, Outage]] = []
    for start, verb in starts:
        place = start.copy(job.scratch / "recorded")
        with recorded(place) as recording:
            run_verb(place, verb)
        found = outages_of(recording.first, recording.operations, job.random)
        outages += [(start, verb, outage) for outage in found]
    seen = 0
    for start, verb, outage in job.some_of(outages):
        seen += 1
        what = f"{verb}, {outage.what}"
        lose_power(tally, job, start, what, outage, verb, deeper=seen % _DEEPER == 0)
        if job.until_torn and tally.torn:
            break
    tally.note = f"{seen} of {len(outages)} outages"
    return tally


def outages_of(first: Inodes, operations: list[Operation], draw: Random) -> list[Outage]:
    """What may be left at every moment; each folder once."""
    seen: set[tuple[Listing, bool]] = set()
    found: list[Outage] = []
    for count in range(len(operations) + 1):
        done = operations[:count]
        for fates in _fates(done, unsynced(done), draw):
            left = listing(after_power_loss(first, done, fates))
            ended = count == len(operations)
            if (left, ended) not in seen:
                seen.add((left, ended))
                lost = ", ".join(f"{_tell(done[place])} {fates[place]}" for place in sorted(fates))
                found.append(Outage(f"after operation {count}: {lost or 'all kept'}", left, ended))
    return found


def lose_power(
    tally: Tally,
    job: Job,
    start: World,
    what: str,
    outage: Outage,
    verb: str,
    *,
    deeper: bool,
) -> None:
    """Recover from one outage and judge; `deeper` lets the power fail during that as well."""
    root = job.scratch / "left" / "repository"
    shutil.rmtree(root.parent, ignore_errors=True)
    root.parent.mkdir()
    write_out(outage.left, root)
    before, after = start.states if verb == "apply" else start.states[::-1]
    states = (after,) if outage.ended else (before, after)
    with recorded(root) as recording:
        _recover(tally, what, root)
    _judge(tally, what, root, states)
    if deeper and recording.operations:
        again = outages_of(recording.first, recording.operations, job.random)
        for one in job.random.sample(again, min(len(again), _DRAWN)):
            shutil.rmtree(root)
            write_out(one.left, root)
            deep = f"{what}; then in the recovery {one.what}"
            _recover(tally, deep, root)
            _judge(tally, deep, root, states)


def _recover(tally: Tally, what: str, root: Path) -> None:
    try:
        tally.outcomes[run_verb(root, "resume") or "nothing left"] += 1
    except RepointError as error:
        tally.judge(what, f"{type(error).__name__}: {error.message}")
    except Exception as error:
        tally.judge(what, f"a bug: {error!r}")


def _judge(tally: Tally, what: str, root: Path, states: tuple[Shot, ...]) -> None:
    found = look(root)
    found.pop(LEDGER, None)
    tally.judge(what, torn(found, states))


def _fates(done: list[Operation], loose: list[int], draw: Random) -> Iterator[dict[int, str]]:
    """What may become of the unsynced operations: everything when they are few."""
    if len(loose) <= _ALL_OF:
        for some in itertools.product(("kept", "lost"), repeat=len(loose)):
            yield {place: fate for place, fate in zip(loose, some, strict=True) if fate != "kept"}
    else:
        yield {}
        yield dict.fromkeys(loose, "lost")
        for place in loose:
            yield {place: "lost"}
            yield {other: "lost" for other in loose if other != place}
    writes = [place for place in loose if done[place].what == "write"]
    for fate in ("half", "zeros"):
        yield from ({place: fate} for place in writes)
    for _ in range(_DRAWN if len(loose) > _ALL_OF else 0):
        yield {
            place: draw.choice(("lost", "half", "zeros") if place in writes else ("lost",))
            for place in loose
            if draw.random() < 0.5
        }


def _tell(operation: Operation) -> str:
    names = " ".join(f"{'+' if new is not None else '-'}{name}" for name, new in operation.names)
    return f"{operation.what} {names or operation.inode}"
