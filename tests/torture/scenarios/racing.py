"""Up to three processes at work in one repository at once, and any of them may die."""

from __future__ import annotations

import time
from functools import partial

from tests.torture.forking import Child, Ended, in_child
from tests.torture.looking import LEDGER, look, stamps, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.scenarios.ledgers import wrong_ledger
from tests.torture.verbs import run_verb
from tests.torture.world import BYSTANDERS, make_world

VERBS = ("told-apply", "told-apply", "told-rollback", "told-rollback", "resume", "record", "read")
# `record` does not recover: it refuses while a dead run's journal is there.
FINE = ("LockHeld", "HalfDone")
_FRESH = 100
_MOMENT_S = 0.03


def run(job: Job) -> Tally:
    """Verbs, offsets and instants of death are drawn; without deaths there is no HalfDone."""
    tally = Tally("racing")
    world = make_world(job.scratch / "start")
    root, runs = world.root, 0
    while job.goes_on(tally.kills):
        if runs % _FRESH == 0 or tally.torn:
            root = world.copy(job.scratch / "run")
        runs += 1
        untouched = stamps(root, BYSTANDERS)
        ledger = root / LEDGER
        known = ledger.read_bytes() if ledger.exists() else None
        verbs = [job.random.choice(VERBS) for _ in range(job.random.choice((2, 2, 3)))]
        deadly = job.random.random() < 0.8
        ends = _race(job, [partial(run_verb, root, verb) for verb in verbs], deadly=deadly)
        what = f"race {runs}: {', '.join(verbs)}"
        tally.ended(what, ends, *(FINE if deadly else FINE[:1]))
        tally.ended(what, [in_child(partial(run_verb, root, "resume"))])
        for end in ends:
            tally.outcomes.update([end.how] if end.how != "refused" else [])
        found = look(root)
        found.pop(LEDGER, None)
        tally.judge(what, torn(found, world.states))
        tally.judge(what, wrong_ledger(known, ledger.read_bytes() if known else None, found))
        if stamps(root, BYSTANDERS) != untouched:
            tally.judge(what, "a file that no plan names was written")
    tally.note = f"{runs} races"
    return tally


def _race(job: Job, works: list[partial[str]], *, deadly: bool) -> list[Ended]:
    """Start all of them within a moment of each other, kill some, and wait for the rest."""
    children = []
    for work in works:
        children.append(Child(work))
        time.sleep(job.random.random() * _MOMENT_S / 4)
    if deadly:
        doomed = job.random.sample(children, job.random.randint(1, len(children)))
        for child in doomed:
            time.sleep(job.random.random() * _MOMENT_S / len(doomed))
            child.kill()
    return [child.wait() for child in children]
