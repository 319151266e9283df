"""A disk that says no: once, or from some touch on for good, and the process lives to tell.

An error that says that nothing was changed is held to that; a run that ends half-way is recovered
by the next one, when the disk is well again.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.torture.forking import Ended, in_child
from tests.torture.looking import look, stamps, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.touches import applied_of
from tests.torture.verbs import TOUCHES, WRITING, run_verb, strike
from tests.torture.world import BYSTANDERS, World, make_world

CODES = ("ENOSPC", "EIO", "EDQUOT", "EROFS")
_NEW = "first apply"
Case = tuple[str, str, bool, int]


def run(job: Job) -> Tally:
    """Every touch of apply, of the first apply, of rollback and of a recovery, with every error."""
    tally = Tally("failing-disk")
    used = make_world(job.scratch / "used")
    new = make_world(job.scratch / "new", used=False)
    starts = {"apply": used, _NEW: new, "rollback": applied_of(used, job.scratch / "applied")}
    cases = [
        (verb, code, for_good, number)
        for verb, start in starts.items()
        for number in range(1, _touches(start.copy(job.scratch / "counted"), verb) + 1)
        for code in CODES
        for for_good in (False, True)
    ]
    seen = 0
    for case in job.some_of(cases):
        seen += 1
        _fail(tally, starts[case[0]], job.scratch / "run", case)
    tally.note = f"{seen} of {len(cases)} errors"
    return tally


def _touches(root: Path, verb: str) -> int:
    return int(in_child(partial(_counted, root, verb)).told)


def _counted(root: Path, verb: str) -> str:
    touches = strike(0, lambda *_: None)
    run_verb(root, _plain(verb))
    return str(touches())


def _fail(tally: Tally, start: World, place: Path, case: Case) -> None:
    verb, code, for_good, number = case
    what = f"{verb}, {code} {'from' if for_good else 'at'} touch {number}"
    root = start.copy(place)
    untouched = stamps(root, BYSTANDERS)
    end = in_child(partial(_failing, root, verb, number, getattr(errno, code), for_good=for_good))
    tally.ended(what, [end], "FileRefused", "HalfDone")
    again = in_child(partial(run_verb, root, "resume"))
    tally.ended(what, [again])
    tally.outcomes["done"] += end.how == "done"
    before, after = start.states if verb != "rollback" else start.states[::-1]
    tally.judge(f"{what}, {_told(end)}", torn(look(root), _states(end, before, after)))
    if stamps(root, BYSTANDERS) != untouched:
        tally.judge(what, "a file that no plan names was written")


def _states(end: Ended, before: Any, after: Any) -> tuple[Any, ...]:
    """Refused: nothing was changed. Done: everything was. Half done: either, after a recovery."""
    if end.how == "done":
        return (after,)
    return (before, after) if end.error == "HalfDone" else (before,)


def _told(end: Ended) -> str:
    return f"{end.error}: {end.told}" if end.error else end.how


def _plain(verb: str) -> str:
    return verb.removeprefix("first ")


def _failing(root: Path, verb: str, number: int, code: int, *, for_good: bool) -> str:
    # An empty folder that cannot be removed stays, and nothing is undone because of it.
    kept = os.rmdir
    if for_good:
        _fail_from(number, code)
    else:
        strike(number, partial(_refuse, code))
    os.rmdir = kept
    return run_verb(root, _plain(verb))


def _refuse(
    code: int, name: str, real: Callable[..., Any], given: tuple[Any, ...], rest: dict[str, Any]
) -> Any:
    """The error; a disk without room takes half of a write first, and says so at the next one."""
    if code in (errno.ENOSPC, errno.EDQUOT) and name == "write" and len(given[1]) > 1:
        return real(given[0], bytes(given[1])[: len(given[1]) // 2], **rest)
    if name == "fsync":
        real(*given)
    raise OSError(code, os.strerror(code), *(one for one in given[:2] if isinstance(one, Path)))


def _fail_from(number: int, code: int) -> None:
    """Every touch from the `number`-th on fails; what takes no room still works on a full disk."""
    count = 0
    needs_room = ("open", "write", "pwrite", "mkdir")

    def failing(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **rest: Any) -> Any:
            nonlocal count
            if name == "open" and not (given[1] & WRITING):
                return real(*given, **rest)
            count += 1
            full = code in (errno.ENOSPC, errno.EDQUOT)
            roomy = name not in needs_room or (name == "open" and not given[1] & os.O_CREAT)
            if count < number or (full and roomy):
                return real(*given, **rest)
            if count == number:
                return _refuse(code, name, real, given, rest)
            raise OSError(code, os.strerror(code))

        return call

    for name in TOUCHES:
        setattr(os, name, failing(name, getattr(os, name)))
