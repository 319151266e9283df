"""A repository as a library sees it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from repoint.api.values import Applied, Check, Plan, Proposal, RolledBack, Scan
from repoint.errors import UsageError
from repoint.model.knowledge import NOTHING_ADDED, Knowledge, knowing
from repoint.ports.work import UNWATCHED, Progress

if TYPE_CHECKING:
    from repoint.api.opening import Opened


class Repository:
    """A GitOps repository on disk: what talks to PostgreSQL in it, and how to move that.

    Every method reads the files as they are when it is called and keeps nothing for the next, so
    one object may serve any number of threads, and as many objects as wanted may stand side by
    side. Methods that write take turns by the repository's lock: the second raises `LockHeld`.
    Nothing is printed, no question asked, no signal handled and no process ended. Programs are
    started as the command line does it: git, sops and kubectl, with a list of variables. Of the
    environment only what those need is used (`SOPS_AGE_KEY_FILE`, `PATH` and their like).

    Args:
        root: The folder that holds repoint.yaml.
        knowledge: What the caller knows of own programs, images, kinds and libraries. It
            counts beside what repoint.yaml adds, and belongs to the fingerprint of every plan.
        plugins: Whether installed packages with an entry point `repoint.knowledge` count.
        cache: Whether results are kept in, and taken from, the user's cache folder, as the command
            line does.
        progress: Told of long steps; by default nobody is.

    Raises:
        UsageError: `root` is no folder.
        ConfigError: `knowledge` holds what cannot be.
    """

    def __init__(
        self,
        root: str | os.PathLike[str] = ".",
        *,
        knowledge: Knowledge | None = None,
        plugins: bool = True,
        cache: bool = False,
        progress: Progress | None = None,
    ) -> None:
        self._root = Path(root).resolve()
        if not self._root.is_dir():
            raise UsageError(f"`{root}` is no folder", hint="name the one with repoint.yaml")
        self._given = _checked(knowledge)
        self._plugins = plugins
        self._cache = cache
        self._progress: Progress = progress or UNWATCHED

    def __repr__(self) -> str:
        return f"Repository({str(self._root)!r})"

    @property
    def root(self) -> Path:
        """The folder, absolute."""
        return self._root

    def scan(self, environments: Sequence[str] = ()) -> Scan:
        """Take stock: who talks to PostgreSQL, through which file and key, and why.

        Writes nothing. What cannot be read is listed, never skipped. Without a repoint.yaml the
        environments are guessed.

        Args:
            environments: Show only these; all of them when empty.

        Raises:
            UsageError: an environment of that name does not exist.
            ConfigError: repoint.yaml, or a file with knowledge, is wrong.
        """
        from repoint.api.opening import guessed
        from repoint.flows.scanning import scan

        names = _names(environments)
        with self._opened() as here:
            workspace, reading = here.workspace, None
            bare = workspace.config is None
            if bare:
                workspace, reading = guessed(workspace)
            return Scan._of(scan(workspace, names, reading), guessed=bare)

    def plan(self, environments: Sequence[str] = ()) -> Plan:
        """Work out what would change and why, with the proof that nothing else does.

        Writes nothing. A plan with a blocking finding, or a proof that does not hold, is
        returned all the same: `Plan.applicable` tells, and `apply` refuses it.

        Args:
            environments: Plan only these; all of them when empty.

        Raises:
            ConfigError: there is no repoint.yaml, it is wrong, or it names no environment.
            UsageError: an environment of that name does not exist.
            ToolMissing: kubectl or sops is needed and not there.
        """
        from repoint.flows.planning import make_plan

        names = _names(environments)
        with self._opened() as here:
            return Plan._of(make_plan(here.workspace, names))

    def apply(
        self, plan: Plan, environments: Sequence[str] = (), *, allow_dirty: bool = False
    ) -> Applied:
        """Write what a plan says: all of it or nothing, with a receipt for the way back.

        Nothing is worked out anew. A run that was killed at any instant is finished or undone by
        the next one; the gates of repoint.yaml hold here, too.

        Args:
            plan: A plan of this repository, made now or read by `Plan.from_json`.
            environments: Write only these of the plan's; all of them when empty.
            allow_dirty: Write files that have uncommitted changes, too.

        Raises:
            StalePlan: a file, repoint.yaml, or what is known changed since the plan was made.
            PlanBlocked: it holds error findings that nobody accepted.
            ProofFailed: a render would differ by more than the plan.
            GateClosed: repoint.yaml asks for a rehearsal that passed, and there is none.
            DirtyWorkTree: a file has changes that are neither committed nor repoint's own.
            EditRefused: an edit would change more, or other, than planned.
            LockHeld: another run is writing.
            HalfDone: it stopped half-way and could not undo itself; `recover` goes on.
        """
        from repoint.adapters.identity import GitIdentity
        from repoint.api.opening import keep_apply_gate
        from repoint.flows.apply import apply_plan
        from repoint.planning.bounds import check_plan

        names = _names(environments)
        check_plan(plan)
        with self._opened() as here:
            keep_apply_gate(here.workspace.config, plan, names, here.tree)
            done = apply_plan(
                plan,
                here.tree,
                here.sealed,
                environments=names,
                allow_dirty=allow_dirty,
                progress=self._progress,
                identity=GitIdentity(self._root),
                config_text=here.workspace.config_text,
                aside=here.workspace.aside,
            )
            applied = tuple(one.environment for one in done.receipts)
            return Applied(applied, done.written, done.recovered)

    def rollback(self, environments: Sequence[str] = ()) -> RolledBack:
        """Take back what apply wrote, byte for byte where nobody edited since. Files alone.

        Args:
            environments: Take back these; all that are applied when empty.

        Raises:
            UsageError: an environment of that name does not exist.
            Conflict: a value that apply wrote was changed since; nothing is written.
            SealedFile: a sealed file was edited since, and no key at hand opens it.
            LockHeld: another run is writing.
        """
        from repoint.adapters.identity import GitIdentity
        from repoint.flows.receipts import load_receipts
        from repoint.flows.rollback import check_names, roll_back

        names = _names(environments)
        with self._opened(config=False, plugins=False) as here:
            receipts = load_receipts(here.tree)
            check_names(names, receipts, here.tree)
            wanted = names or tuple(receipts)
            done = roll_back(
                *(wanted, here.tree, here.sealed),
                progress=self._progress,
                identity=GitIdentity(self._root),
            )
            told = (done.environments, done.written, done.inexact, done.notes)
            return RolledBack(*told, recovered=done.recovered)

    def recover(self) -> str:
        """Finish or undo a run that was killed: `finished`, `undone`, or empty for none.

        Raises:
            LockHeld: the run is not dead, it is at work.
            HalfDone: a file was changed since by somebody else, or cannot be written.
        """
        from repoint.flows.recover import resume

        with self._opened(config=False, plugins=False) as here:
            return resume(here.tree) if here.tree.files_in(".repoint") else ""

    def check(self, environments: Sequence[str] = ()) -> Check:
        """Ask whether the repository keeps what the migration reached; `Check.passed` tells.

        Raises:
            ConfigError: there is no repoint.yaml, it is wrong, or it names no environment.
            UsageError: an environment of that name does not exist.
        """
        from repoint.flows.checking import check

        names = _names(environments)
        with self._opened() as here:
            return Check(check(here.workspace, names))

    def propose(self) -> Proposal:
        """Look around and propose a repoint.yaml; nothing is written."""
        from repoint.flows.init import propose

        with self._opened(config=False) as here:
            found = propose(here.workspace)
            return Proposal(found.text, found.questions, found.notes)

    @contextmanager
    def _opened(self, *, config: bool = True, plugins: bool = True) -> Iterator[Opened]:
        """The files as they are now, with all that is known about them.

        No installed package may stand in a way back: without `plugins` none is asked.
        """
        from repoint.adapters.filetree import FileTree
        from repoint.api.opening import kept_results, opened, settings_of

        tree = FileTree(self._root)
        asked = plugins and self._plugins
        settings = settings_of(tree, config=config, plugins=asked, given=self._given)
        kept = kept_results(settings.known) if self._cache else None
        with knowing(settings.known):
            yield opened(tree, settings, self._progress, kept=kept)


def _names(environments: Sequence[str]) -> tuple[str, ...]:
    if isinstance(environments, str):  # Else each letter would be an environment.
        return (environments,)
    return tuple(environments)


def _checked(knowledge: Knowledge | None) -> Knowledge:
    if knowledge is None:
        return NOTHING_ADDED
    from repoint.planning.knowledge import knowledge_of

    return knowledge_of(knowledge, "the caller")
