"""What is rolled out: the files of an environment, which have to be applied and committed."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.errors import DirtyWorkTree, GateClosed
from repoint.flows.ledger import append, content_of, entry_of, read
from repoint.flows.planning import make_plan
from repoint.flows.receipts import load_receipts
from repoint.flows.rewriting import changes_of
from repoint.flows.workspace import Workspace
from repoint.model.ledger import Phase
from repoint.model.rehearsal import Verdict
from repoint.planning.config import Environment, as_tuple
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity


@dataclass(frozen=True, slots=True)
class Repository:
    """The repository at hand, with what reads and writes it."""

    workspace: Workspace
    tree: WritableTree
    sealed: SealedEditor
    identity: Identity


def require_applied(repository: Repository, environment: str) -> None:
    """Go on only when the plan has nothing left to write for an environment.

    Raises:
        GateClosed: it has.
    """
    plan = make_plan(repository.workspace, (environment,))
    left = sorted({change.path for change in changes_of(plan, environment)})
    if left:
        noun = "file is" if len(left) == 1 else "files are"
        raise GateClosed(
            f"{len(left)} {noun} not as the plan has them for `{environment}`: `{left[0]}`",
            hint=(
                f"run `repoint apply --env {environment}` and commit what it writes",
                f"`repoint plan --env {environment}` shows the edits",
            ),
        )


def require_committed(repository: Repository, name: str, environment: Environment) -> None:
    """Go on only when everything that is rolled out is in a commit.

    Raises:
        DirtyWorkTree: a file of the environment, or one that apply wrote, is not.
    """
    places = [
        place
        for value in (environment.overlay, environment.secrets, environment.manifests)
        for place in as_tuple(value)
    ]
    receipt = load_receipts(repository.tree).get(name)
    wrote = {entry.path for entry in receipt.files} if receipt is not None else set()
    paths = [
        path
        for path in repository.tree.paths()
        if path in wrote
        or any(place in (path, ".") or path.startswith(f"{place}/") for place in places)
    ]
    dirty = [p for p in repository.tree.dirty(paths) if not p.startswith(".repoint/")]
    if dirty:
        more = f" and {len(dirty) - 1} more" if len(dirty) > 1 else ""
        raise DirtyWorkTree(f"`{dirty[0]}`{more} is rolled out, and not committed")


def content(repository: Repository, environment: str) -> str:
    """The rollout's identity, see `ledger.content_of`; errors as there."""
    return content_of(repository.tree, environment, repository.sealed)


def record_rollout(
    repository: Repository,
    environment: str,
    verdict: Verdict,
    *,
    detail: str,
    content: str,
    overrides: tuple[str, ...] = (),
    did_anything: bool = True,
) -> None:
    """Add a rollout to the ledger; one that found nothing to do only where it is news.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: the ledger cannot be read or written.
    """
    known = [e for e in read(repository.tree) if e.environment == environment]
    mine = [e for e in known if e.phase in (Phase.ROLLED_OUT, Phase.ROLLED_BACK)]
    last = (mine[-1].phase, mine[-1].verdict, mine[-1].content) if mine else None
    if not did_anything and last == (Phase.ROLLED_OUT, verdict, content):
        return
    entry = entry_of(
        *(repository.tree, repository.identity, environment, Phase.ROLLED_OUT, verdict),
        content=content,
        detail=detail,
        overrides=overrides,
    )
    append(repository.tree, entry)
