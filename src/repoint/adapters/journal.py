"""All files of a run change together, or none does, whenever the run is killed.

The order of things on disk, each step synced before the next begins (file by file, or a whole
file system at once where there are many):

1. `begin` in the journal: every file, its digests, the name its new content will be staged under.
2. Folders are made, new contents are staged beside their targets (mode 0600 until complete).
3. The targets are read once more; whoever changed meanwhile stops the run.
4. `commit` in the journal.
5. Each staged file is renamed over its target; files to remove are removed.
6. The journal is deleted.

A run killed before 4 is undone: staged files and made folders are removed, no target was touched.
A run killed after 4 is finished: what is still staged is renamed. Where a rename fails, the old
contents are staged from memory, the journal says `revert`, and they are renamed back. The journal
holds names and digests, no content; no copy of a clear file stands anywhere but beside it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from repoint.adapters import journal_file, lock, settling
from repoint.adapters.journal_file import JOURNAL_NAME, Step
from repoint.adapters.staging import digest_of, stage, steps_of
from repoint.errors import FileRefused, HalfDone, StalePlan
from repoint.model.receipt import FileWrite

PARALLEL = 8


def commit(root: Path, verb: str, entries: Sequence[tuple[FileWrite, Path]]) -> None:
    """Make every write come true, or none; the lock is held by the caller.

    Args:
        root: The repository.
        verb: The command at work, for the record.
        entries: Each write with the real file it goes to.

    Raises:
        StalePlan: a file is not what `before` says.
        FileRefused: a file cannot be staged or replaced; nothing was changed.
        HalfDone: a failure after the commit could not be undone; the journal stays.
    """
    steps = steps_of(root, entries)
    by_path = {write.path: write for write, _ in entries}
    log = lock.state_dir(root) / JOURNAL_NAME
    if log.exists():
        raise HalfDone("an unfinished run has to be finished or undone first")
    path, begun = "", 0
    try:
        begun = journal_file.begin(log, verb, steps)
        with settling.at_once(_folders(root, steps), len(steps)) as disks:
            for step in steps:
                path = step.path
                stage(root, step, by_path[path].after, sync=disks is None)
            _settle(root, steps, disks)
        _check_unchanged(root, steps)
        journal_file.append(log, "commit")
    except BaseException as error:
        _give_up(root, log, steps, begun)
        if not isinstance(error, OSError):
            raise
        raise FileRefused.by(f"`{path or JOURNAL_NAME}` cannot be written", error) from None
    try:
        _finish(root, log, steps)
    except OSError as error:
        _take_back(root, log, steps, by_path, error)
    except KeyboardInterrupt:
        _finish(root, log, steps)
        raise


def recover(root: Path) -> str:
    """Finish or undo what a killed run left behind; the lock is held by the caller.

    Returns:
        `finished`, `undone`, or an empty string when there was nothing.

    Raises:
        HalfDone: a file was changed since, or cannot be written; the message names it.
    """
    log = root / lock.STATE_DIR / JOURNAL_NAME
    if not log.exists():
        return ""
    try:
        steps, states = journal_file.read(log)
        if not steps:
            journal_file.delete(log)
            return ""
        if "revert" in states:
            _revert(root, log, steps)
            return "undone"
        if "commit" not in states:
            _undo(root, log, steps)
            return "undone"
        _check_ours(root, steps)
        _finish(root, log, steps)
    except OSError as error:
        raise _half_done(root, error) from None
    return "finished"


def half_done(root: Path) -> str:
    """The verb of a run that was stopped half-way; empty without one, and while it is at work."""
    log = root / lock.STATE_DIR / JOURNAL_NAME
    if not log.exists() or lock.is_held(root):
        return ""
    return journal_file.verb_of(log)


def _check_unchanged(root: Path, steps: Sequence[Step]) -> None:
    """Read every target once more: an editor may have saved it since it was planned on."""
    for step in steps:
        if digest_of(Path(f"{root}/{step.target}")) != step.before:
            raise StalePlan(
                f"`{step.path}` changed while it was being replaced; nothing was written"
            )


def _check_ours(root: Path, steps: Sequence[Step]) -> None:
    """Every target is as it was before or as it is to be; nobody else wrote it meanwhile."""
    for step in steps:
        now = digest_of(root / step.target)
        waiting = not step.after or (root / step.staged).exists()
        if now != step.after and not (waiting and now == step.before):
            raise HalfDone(
                f"`{step.path}` was changed by somebody else before the run was finished",
                hint=(
                    "restore it from git, or accept it as it is",
                    f"then delete `{lock.STATE_DIR}/{JOURNAL_NAME}` and run `repoint plan`",
                ),
            )


def _finish(root: Path, log: Path, steps: Sequence[Step]) -> None:
    """Rename what is staged; done twice it does the rest of the first time."""
    with settling.at_once(_folders(root, steps), len(steps)) as disks:
        if disks is None:
            _put_in_place(root, steps)
        else:
            # A rename waits for the disk to let go of the old file; others need not wait for it.
            parts = [steps[start::PARALLEL] for start in range(PARALLEL)]
            with ThreadPoolExecutor(PARALLEL) as pool:
                list(pool.map(lambda part: _put_in_place(root, part), parts))
        for folder in [folder for step in steps for folder in reversed(step.drop_dirs)]:
            with contextlib.suppress(OSError):
                (root / folder).rmdir()
        for step in steps:
            Path(f"{root}/{_backward_name(step)}").unlink(missing_ok=True)
        _settle(root, steps, disks)
    journal_file.delete(log)


def _put_in_place(root: Path, steps: Iterable[Step]) -> None:
    for step in steps:
        target = Path(f"{root}/{step.target}")
        if not step.after:
            target.unlink(missing_ok=True)
            continue
        try:
            Path(f"{root}/{step.staged}").replace(target)
        except FileNotFoundError:
            # It was renamed before.
            if digest_of(target) != step.after:
                raise


def _give_up(root: Path, log: Path, steps: Sequence[Step], begun: int) -> None:
    """Undo a run that failed before it was committed.

    `begun` is the length of the journal until then. What it says beyond is taken back first: a
    `commit` that could not be synced may be on disk all the same.
    """
    try:
        if begun and log.exists():
            journal_file.cut(log, begun)
        if begun or log.exists():
            _undo(root, log, steps)
    except OSError as error:
        raise _half_done(root, error) from None


def _undo(root: Path, log: Path, steps: Sequence[Step]) -> None:
    """Remove what was staged and made; every target is as it was."""
    for staged in [name for step in steps for name in (step.staged, _backward_name(step))]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            (root / staged).unlink()
    for step in steps:
        for folder in reversed(step.made_dirs):
            with contextlib.suppress(OSError):
                (root / folder).rmdir()
    # Once the journal is gone nobody knows of a staged file that a power failure brings back.
    _sync_folders(root, steps)
    journal_file.delete(log)


def _take_back(
    root: Path, log: Path, steps: Sequence[Step], writes: dict[str, FileWrite], cause: OSError
) -> None:
    """A rename failed: put back what was renamed already, from memory.

    The old contents are staged under names of their own before the journal says `revert`: until
    then the run can still be finished, from then on it can only be undone.
    """
    try:
        for step in steps:
            if step.before and digest_of(root / step.target) != step.before:
                stage(root, _backward(step), writes[step.path].before)
        journal_file.append(log, "revert")
        _revert(root, log, steps)
    except OSError as error:
        raise _half_done(root, error) from None
    name = _relative(root, cause.filename2 or cause.filename)
    raise FileRefused.by(f"`{name}` cannot be replaced", cause) from None


def _backward(step: Step) -> Step:
    """The step that puts the old content back."""
    return replace(step, staged=_backward_name(step), made_dirs=step.drop_dirs)


def _backward_name(step: Step) -> str:
    """Where the old content is staged, for the way back."""
    return f"{step.staged}-old"


def _revert(root: Path, log: Path, steps: Sequence[Step]) -> None:
    """Rename the old contents back; done twice it does the rest of the first time."""
    for step in steps:
        with contextlib.suppress(FileNotFoundError):
            if step.before:
                (root / _backward_name(step)).replace(root / step.target)
            elif digest_of(root / step.target) == step.after:
                (root / step.target).unlink()
    _undo(root, log, steps)


def _half_done(root: Path, error: OSError) -> HalfDone:
    name = _relative(root, error.filename)
    return HalfDone(f"`{name}` cannot be written: {error.strerror}")


def _relative(root: Path, name: object) -> str:
    path = Path(os.fsdecode(name)) if isinstance(name, (str, bytes)) else root
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name


def _settle(root: Path, steps: Sequence[Step], disks: settling.FileSystems | None) -> None:
    """Bring all names to the disk; with `disks` the contents, too."""
    if disks is None:
        _sync_folders(root, steps)
    else:
        disks.settle()


def _sync_folders(root: Path, steps: Iterable[Step]) -> None:
    """Sync the names of all files of a run, and those of the folders that it makes and drops."""
    for folder in _folders(root, steps):
        # A folder that was made, or was to be made, may be gone.
        with contextlib.suppress(FileNotFoundError):
            lock.sync_folder(folder)


def _folders(root: Path, steps: Iterable[Step]) -> list[Path]:
    """Where names come and go in a run."""
    names = {name for step in steps for name in (step.target, *step.made_dirs, *step.drop_dirs)}
    return [root / folder for folder in sorted({name.rpartition("/")[0] for name in names})]
