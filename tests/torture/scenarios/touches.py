"""SIGKILL at each touch of the disk, and at each touch of the recovery of some of those."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.torture.forking import in_child
from tests.torture.looking import LEDGER, look, stamps, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import wrong_ledger
from tests.torture.verbs import arm, run_verb, strike
from tests.torture.world import BYSTANDERS, World, make_world

TIMINGS = ("before", "half", "after")
_RECOVERIES = 12
"""Every so many kills the recovery is killed as well, at a touch that is drawn."""

Case = tuple[str, str, int]


def run(job: Job) -> Tally:
    """Every verb and timing at every touch, in repositories that repoint knows and does not."""
    tally = Tally("every-touch")
    worlds = {name: make_world(job.scratch / name, used=name == "used") for name in ("used", "new")}
    applied = applied_of(worlds["used"], job.scratch / "applied")
    starts = {
        "apply": worlds["used"],
        "first apply": worlds["new"],
        "rollback": applied,
        "told-apply": worlds["used"],
        "told-rollback": applied_of(worlds["used"], job.scratch / "told", "told-apply"),
        "record": applied,
    }
    cases = list(_cases(starts, job.scratch / "counted"))
    seen = 0
    for name, timing, number in job.some_of(cases):
        seen += 1
        deeper = job.random.randrange(1, 40) if seen % _RECOVERIES == 0 else 0
        _kill(tally, starts[name], job.scratch / "run", (name, timing, number), deeper)
    tally.note = f"{seen} of {len(cases)} touches"
    return tally


def applied_of(world: World, folder: Path, verb: str = "apply") -> World:
    """The same world with the plan applied: what a rollback starts from."""
    world.copy(folder)
    found = in_child(partial(run_verb, folder / "repository", verb))
    if found.how != "done":
        raise AssertionError(found.told)
    return World(folder, world.plan, world.before, world.after)


def _cases(starts: dict[str, World], place: Path) -> Iterator[Case]:
    """Every touch of every verb, counted in a run that is left alone."""
    for name, start in starts.items():
        root = start.copy(place)
        told = in_child(partial(_count, root, name))
        for timing in TIMINGS:
            yield from ((name, timing, number) for number in range(1, int(told.told) + 1))


def _count(root: Path, name: str) -> str:
    touches = strike(0, lambda *_: None)
    run_verb(root, name.removeprefix("first "))
    return str(touches())


def _kill(tally: Tally, start: World, place: Path, case: Case, deeper: int) -> None:
    """Kill one run, perhaps its recovery, too; then recover and judge."""
    name, timing, number = case
    what = f"{name} killed {timing} touch {number}"
    root = start.copy(place)
    untouched = stamps(root, BYSTANDERS)
    known = _ledger(root)
    end = in_child(partial(_armed, root, name.removeprefix("first "), number, timing))
    tally.ended(what, [end])
    if deeper:
        what += f", recovery killed after touch {deeper}"
        tally.ended(what, [in_child(partial(_armed, root, "resume", deeper, "after"))])
    recovered = in_child(partial(run_verb, root, "resume"))
    tally.ended(what, [recovered])
    tally.outcomes[recovered.told or "nothing left"] += 1
    found = look(root)
    found.pop(LEDGER, None)
    tally.judge(what, torn(found, start.states))
    tally.judge(what, wrong_ledger(known, _ledger(root), found))
    if stamps(root, BYSTANDERS) != untouched:
        tally.judge(what, "a file that no plan names was written")


def _armed(root: Path, verb: str, number: int, timing: str) -> str:
    arm(number, timing)
    return run_verb(root, verb)


def _ledger(root: Path) -> bytes | None:
    path = root / LEDGER
    return path.read_bytes() if path.exists() else None
