"""Git at work in the same tree, from another process, while repoint applies and rolls back.

Git that only looks or packs, or commits, changes no file: the tree ends before or after. Git that
takes files away and brings them back changes them under repoint's hands: then repoint refuses, or
is done, or leaves it to a person, and every file is one of its two versions.
"""

from __future__ import annotations

import os
import subprocess
import time
from functools import partial
from pathlib import Path

from tests.torture.forking import Child, Ended, in_child
from tests.torture.looking import LEDGER, Shot, look, torn
from tests.torture.scenarios.base import Job, Tally
from tests.torture.verbs import run_verb
from tests.torture.world import World, make_world

HARMLESS: dict[str, tuple[tuple[str, ...], ...]] = {
    "status": (("status", "--untracked-files=all"), ("status",)),
    "gc": (("gc", "--quiet", "--prune=now"),),
    "add and commit": (("add", "--all", "."), ("commit", "--quiet", "-m", "meanwhile")),
    "a held index.lock": (),
}
MOVING: dict[str, tuple[tuple[str, ...], ...]] = {
    "stash": (("stash",), ("stash", "pop")),
    "checkout": (("checkout", "--quiet", "elsewhere"), ("checkout", "--quiet", "here")),
    "restore": (("checkout", "--quiet", "--", "a.yaml", "d"),),
}
_MOMENT_S = 0.02
_FINE = ("StalePlan", "FileRefused", "HalfDone", "Conflict", "LockHeld")


def run(job: Job) -> Tally:
    """One of git's verbs and one of repoint's, both started within a moment; some die."""
    tally = Tally("git")
    world = make_world(job.scratch / "world")
    elsewhere = _begin(world)
    runs = 0
    while job.goes_on(tally.kills):
        runs += 1
        name = job.random.choice([*HARMLESS, *MOVING])
        root = world.copy(job.scratch / "run")
        verb = "apply"
        if job.random.random() < 0.5:
            in_child(partial(run_verb, root, "apply"))
            verb = "rollback"
        ends = _race(job, root, verb, name)
        what = f"run {runs}, {verb} and git {name}"
        moved = name in MOVING
        tally.ended(what, ends, *(_FINE if moved else ()))
        again = in_child(partial(run_verb, root, "resume"))
        tally.ended(what, [again], *(("HalfDone",) if moved else ()))
        tally.outcomes[again.error or again.told or ends[0].error or ends[0].how] += 1
        _judge(tally, what, world, root, elsewhere, moved=moved, left=again.error == "HalfDone")
    tally.note = f"{runs} runs"
    return tally


def _race(job: Job, root: Path, verb: str, name: str) -> list[Ended]:
    lock = root / ".git/index.lock"
    if name == "a held index.lock":
        lock.touch()
    # Whoever is first is ahead by a moment; git needs longer to start.
    git = Child(partial(_all_of, root, {**HARMLESS, **MOVING}[name]))
    time.sleep(job.random.random() * _MOMENT_S)
    child = Child(partial(run_verb, root, verb))
    if job.random.random() < 0.4:
        time.sleep(job.random.random() * _MOMENT_S)
        child.kill()
    ends = [child.wait()]
    git.wait()
    lock.unlink(missing_ok=True)
    return ends


def _all_of(root: Path, commands: tuple[tuple[str, ...], ...]) -> str:
    return " ".join(str(_git(root, *command).returncode) for command in commands)


def _judge(
    tally: Tally, what: str, world: World, root: Path, elsewhere: Shot, *, moved: bool, left: bool
) -> None:
    found = look(root)
    found.pop(LEDGER, None)
    if not moved:
        tally.judge(what, torn(found, world.states))
    else:
        tally.judge(what, _half_file(found, world, elsewhere, left=left))
    checked = _git(root, "fsck", "--no-dangling", "--connectivity-only")
    if checked.returncode:
        tally.judge(what, f"git fsck: {checked.stderr.decode()}")


def _half_file(found: Shot, world: World, elsewhere: Shot, *, left: bool) -> str:
    """A file that is neither of its versions, or a staged one that nobody knows of any more."""
    known: dict[str, set[str]] = {}
    for state in (*world.states, elsewhere):
        for name, node in state.items():
            known.setdefault(name, set()).add(node.content)
    for name, node in found.items():
        if ".repoint-" in name or name == ".repoint/journal":
            if not left:
                return f"`{name}` is left over"
        elif node.kind == "file" and name in known and node.content not in known[name]:
            return f"`{name}` is neither of its versions"
    return ""


def _begin(world: World) -> Shot:
    """A repository with two branches, and what the other one holds: an edit of a file at hand."""
    root = world.root
    _git(root, "init", "--quiet", "--initial-branch=here")
    _git(root, "add", "--all", ".")
    _git(root, "commit", "--quiet", "-m", "before")
    _git(root, "checkout", "--quiet", "-b", "elsewhere")
    edited = root / "a.yaml"
    edited.write_bytes(edited.read_bytes() + b"# elsewhere\n")
    _git(root, "commit", "--quiet", "--all", "-m", "elsewhere")
    there, mode = look(root), edited.stat().st_mode
    _git(root, "checkout", "--quiet", "here")
    edited.chmod(mode)  # Git keeps no more of it than whether it can be run.
    return there


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    who = {f"GIT_{role}_{what}": "torture" for role in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    return subprocess.run(
        ["git", "-C", str(root), *arguments],
        env={**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull},
        capture_output=True,
        check=False,
    )
