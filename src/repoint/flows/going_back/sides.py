"""Both sides of an environment's move as its files tell them, whichever of them is on disk."""

from __future__ import annotations

from dataclasses import dataclass, field

from repoint.errors import RepointError, UsageError
from repoint.flows.comparing.strings import before_apply
from repoint.flows.desired import Desired, desired_state
from repoint.flows.planning import make_plan
from repoint.flows.receipts import load_receipts, read_now
from repoint.flows.rehearsing.planned import laid_over, planned_state
from repoint.flows.rolling_out.source import Repository
from repoint.flows.workspace import Workspace
from repoint.model.cluster import ObjectRef


@dataclass(frozen=True, slots=True)
class Sides:
    """What an environment goes back to, and what it comes from.

    `files` are those that are taken back, none where that is done. `back` is the repository
    without the move, `moved` with it (None where nobody can tell), both in memory: they stay as
    they are while files are written. `desired` are the objects to go back to, None where Helm
    makes them; `left` those that only the move brought.
    """

    environment: str
    files: tuple[str, ...]
    back: Workspace
    moved: Workspace | None
    desired: Desired | None = field(repr=False)
    left: tuple[ObjectRef, ...] = ()


def sides_of(repository: Repository, environment: str) -> Sides:
    """Read both sides; nothing is written.

    Raises:
        Conflict: a value that apply wrote was changed since.
        SealedFile: a sealed file was edited since, and no key at hand opens it.
        ToolFailed, FileRefused: the objects of before cannot be read.
    """
    workspace, tree, store = repository.workspace, repository.tree, repository.sealed
    receipt = load_receipts(tree).get(environment)
    if receipt is None:
        moved = _planned(repository, environment)
        desired = _objects(workspace, environment)
        left = _left(moved, environment, desired)
        return Sides(environment, (), workspace, moved, desired, left)
    paths = sorted({file.path for file in receipt.files})
    now = {path: raw for path in paths if (raw := read_now(tree, path)) is not None}
    moved = laid_over(workspace, now, store)
    back = before_apply(moved, environment, tree, store)
    desired = _objects(back, environment)
    left = _left(moved, environment, desired)
    return Sides(environment, tuple(paths), back, moved, desired, left)


def _planned(repository: Repository, environment: str) -> Workspace | None:
    """The repository as apply would leave it: how the target is reached, and what the move
    brings; None where a plan cannot tell."""
    workspace, tree, store = repository.workspace, repository.tree, repository.sealed
    try:
        plan = make_plan(workspace, (environment,))
        state = planned_state(plan, workspace, tree, store, (environment,))
    except RepointError:
        return None
    return laid_over(workspace, state.contents, store)


def _objects(workspace: Workspace, environment: str) -> Desired | None:
    try:
        return desired_state(workspace, environment)
    except UsageError:  # Helm makes them
        return None


def _left(
    moved: Workspace | None, environment: str, desired: Desired | None
) -> tuple[ObjectRef, ...]:
    if moved is None or desired is None:
        return ()
    try:
        brought = desired_state(moved, environment)
    except RepointError:
        return ()
    kept = {one.ref for one in desired.objects}
    return tuple(one.ref for one in brought.objects if one.ref not in kept)
