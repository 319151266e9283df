"""What a way back through the cluster asks before it begins, and tells when it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from repoint.comparison.baseline import Written
from repoint.errors import RolloutStopped
from repoint.flows.comparing.reaching import World
from repoint.flows.comparing.switching import Desk, WayBack, ask_way_back
from repoint.flows.desired import Desired, desired_state
from repoint.flows.going_back.sides import Sides
from repoint.flows.ledger import append, content_of, entry_of, read
from repoint.flows.rolling_out.source import Repository
from repoint.flows.services import services_of
from repoint.flows.verifying.flow import read_scenery
from repoint.flows.verifying.returned import verify_return
from repoint.flows.workspace import Workspace
from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Check, Verdict
from repoint.model.verification import Verification
from repoint.ports.cluster import ClusterApi
from repoint.ports.connecting import Dial, HttpGet
from repoint.ports.repository import WritableTree

_BEGUN = (Phase.APPLIED, Phase.ROLLED_OUT, Phase.TAKEN_BACK)
_MEANWHILE = "nothing was written on the target while its consumers left"


@dataclass(frozen=True, slots=True)
class Past:
    """What the ledger knows of an environment's way back.

    `owed` is the last step on the way there (or of the files' way back) that no way back
    through the cluster has followed; None where nothing is owed. `done` is the last way back.
    """

    owed: Entry | None
    done: Entry | None


def past_of(tree: WritableTree, environment: str) -> Past:
    """What the ledger tells; errors as for `ledger.read`."""
    owed: Entry | None = None
    done: Entry | None = None
    for one in read(tree):
        if one.environment != environment:
            continue
        if one.phase is Phase.ROLLED_BACK:
            done = one
            owed = None if one.verdict is Verdict.PASS else one
        elif one.phase in _BEGUN:
            owed = one
    return Past(owed, done)


def rolled_out(tree: WritableTree) -> tuple[str, ...]:
    """Environments that were rolled out, and whose cluster no way back has followed.

    Raises:
        FileRefused: the ledger cannot be read.
    """
    found: dict[str, None] = {}
    for one in read(tree):
        if one.phase is Phase.ROLLED_OUT:
            found[one.environment] = None
        elif one.phase is Phase.ROLLED_BACK and one.verdict is Verdict.PASS:
            found.pop(one.environment, None)
    return tuple(found)


def ask(desk: Desk, sides: Sides, world: World) -> WayBack:
    """What the way back would meet: the source as it will be, and what was written since."""
    moved = sides.moved or sides.back
    return ask_way_back(
        replace(desk, workspace=moved),
        sides.environment,
        world,
        desired=sides.desired.documents if sides.desired is not None else None,
        earlier=sides.back,
    )


def require_same(workspace: Workspace, wanted: Desired) -> None:
    """Go on only where the files on disk are those that the steps were made of.

    Raises:
        RolloutStopped: they are not; the cluster was not touched.
    """
    now = desired_state(workspace, wanted.environment)
    if {one.ref: one.document for one in now.objects} != {
        one.ref: one.document for one in wanted.objects
    }:
        raise RolloutStopped(
            "a file was changed while the way back began; the cluster was not touched",
            hint=f"run `repoint rollback --env {wanted.environment} --rollout` again",
        )


def verified(
    workspace: Workspace, api: ClusterApi, environment: str, *, dial: Dial, get: HttpGet
) -> Verification:
    """The consumers at the source, from the repository as it is now; nothing is written."""
    scene = read_scenery(workspace, api, environment)
    services = services_of(workspace, environment)
    return verify_return(workspace, api, scene, services, dial=dial, get=get)


def with_meanwhile(found: Verification, before: WayBack, after: WayBack) -> Verification:
    """The verification with what was written on the target between two measurements."""
    if after.unasked:
        check = Check("target-written", Verdict.SKIPPED, _MEANWHILE, after.unasked)
    elif None in before.written or before.unasked:
        why = "there was no baseline to measure by"
        check = Check("target-written", Verdict.SKIPPED, _MEANWHILE, why)
    else:
        more = _more(before.written, after.written)
        observed = f"rows were written to {', '.join(more)}" if more else "nothing"
        verdict = Verdict.FAIL if more else Verdict.PASS
        check = Check("target-written", verdict, _MEANWHILE, observed)
    return replace(found, checks=(*found.checks, check))


def _more(before: Sequence[Written | None], after: Sequence[Written | None]) -> list[str]:
    """Tables that were written to once more."""
    names = []
    for one, other in zip(before, after, strict=True):
        if one is not None and other is not None:
            known = {table.name: table for table in one.changed}
            names += [table.name for table in other.changed if known.get(table.name) != table]
    return names


def record_return(
    repository: Repository,
    environment: str,
    verdict: Verdict,
    *,
    detail: str,
    overrides: Sequence[str] = (),
) -> None:
    """Tell the ledger of a way back through the cluster, with the content that it took back.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    content = content_of(repository.tree, environment, repository.sealed)
    for one in read(repository.tree):
        if one.environment == environment and one.phase is Phase.TAKEN_BACK:
            content = one.content
    entry = entry_of(
        *(repository.tree, repository.identity, environment, Phase.ROLLED_BACK, verdict),
        content=content,
        detail=detail,
        overrides=overrides,
    )
    append(repository.tree, entry)
