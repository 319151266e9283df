"""Renders every overlay that a plan touches, before and after, and compares.

A proof that an earlier run made of the very same files and edits stands, and is not made again.
What it was made of is known for sure when kubectl built the overlay from a copy with nothing but
these files in it, and fetched nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from repoint.flows.scanning import Survey
from repoint.flows.workspace import Workspace
from repoint.model.plan import FileChange, OverlayProof
from repoint.planning.assemble import contents_after
from repoint.planning.codec import decode_proof, encode_changes, encode_proof
from repoint.planning.prove import (
    Outcome,
    OverlayView,
    SourceStates,
    render_proof,
    touched,
    untouched_proof,
)
from repoint.ports.repository import Rendered, Tree

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class _Built:
    """An overlay's build; `from_own` tells that it needed no file but those of its view."""

    outcome: Outcome
    from_own: bool


def prove(
    workspace: Workspace,
    found: Survey,
    changes: Sequence[FileChange],
    environments: Sequence[str],
) -> tuple[OverlayProof, ...]:
    """Proofs for each environment's changes on every overlay of the repository.

    Each environment is applied alone: its own overlays may change as planned, all others
    must not change at all (law 9). Only overlays that read a changed file are rendered, once as
    they are and once for each environment that touches them.
    """
    views = _views(found)
    reads = _Reads(workspace.tree)
    by_environment = {
        name: tuple(change for change in changes if change.environment == name)
        for name in environments
    }
    cases = [
        _Case(workspace, reads, name, mine, [view for view in views if touched(view, mine)])
        for name, mine in by_environment.items()
        if mine
    ]
    waiting = {view for case in cases for view in case.open}
    open_views = [view for view in views if view in waiting]
    steps = len(open_views) + sum(len(case.open) for case in cases)
    workspace.progress.step("rendering overlays, for the proof", steps)
    before = _builds(workspace, reads, open_views, {})
    made = [proof for case in cases for proof in case.proofs(found, views, before)]
    return tuple(made)


class _Reads:
    """The files that each overlay reads; the repository is asked for each of them once."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._there: dict[str, bool] = {}
        self._of: dict[OverlayView, list[str]] = {}

    def of(self, view: OverlayView) -> list[str]:
        """The files that are there, and others that kustomize would stumble over, sorted."""
        known = self._of.get(view)
        if known is None:
            folders = {path.rpartition("/")[0] for path in view.files}
            beside = {f"{one}/{name}".lstrip("/") for one in folders for name in _KUSTOMIZATIONS}
            known = self._of[view] = sorted(filter(self._is_there, view.files | beside))
        return known

    def _is_there(self, path: str) -> bool:
        known = self._there.get(path)
        if known is None:
            known = self._there[path] = self._tree.exists(path)
        return known


class _Case:
    """One environment's changes, the overlays that they touch, and what is known of these."""

    def __init__(
        self,
        workspace: Workspace,
        reads: _Reads,
        name: str,
        mine: tuple[FileChange, ...],
        own: Sequence[OverlayView],
    ) -> None:
        self._workspace = workspace
        self._reads = reads
        self._name = name
        self._mine = mine
        self._own = frozenset(own)
        self._contents = contents_after(mine, workspace.tree.read)
        self._questions = _questions(workspace, reads, name, mine, self._contents, own)
        self._known = {view: self._recalled(view) for view in own}
        self.open = [view for view in own if self._known[view] is None]

    def proofs(
        self, found: Survey, views: Iterable[OverlayView], before: Mapping[str, _Built]
    ) -> Iterable[OverlayProof]:
        """A proof for each overlay of the repository."""
        after = _builds(self._workspace, self._reads, self.open, self._contents)
        states: SourceStates | None = None
        for view in views:
            if view not in self._own:
                yield untouched_proof(view, self._name)
                continue
            known = self._known[view]
            if known is not None:
                yield known
                continue
            old, new, sources = before[view.overlay], after[view.overlay], None
            if old.outcome.text is None:
                states = states or SourceStates(found.files, found.paths, self._contents)
                sources = states.of(view.overlay)
            proof = render_proof(view, self._name, self._mine, old.outcome, new.outcome, sources)
            if old.from_own and new.from_own:
                self._keep(view, proof)
            yield proof

    def _recalled(self, view: OverlayView) -> OverlayProof | None:
        kept = self._workspace.kept
        if kept is None or view not in self._questions:
            return None
        answer = kept.recall(self._questions[view])
        return None if answer is None else decode_proof(answer)

    def _keep(self, view: OverlayView, proof: OverlayProof) -> None:
        kept = self._workspace.kept
        if kept is not None and view in self._questions:
            kept.keep(self._questions[view], encode_proof(proof))


def _questions(
    workspace: Workspace,
    reads: _Reads,
    name: str,
    mine: tuple[FileChange, ...],
    contents: Mapping[str, bytes],
    views: Iterable[OverlayView],
) -> dict[OverlayView, tuple[bytes, ...]]:
    """All that each view's proof depends on; of views that read nothing from elsewhere."""
    if workspace.kept is None:
        return {}
    written = sha256(encode_changes(mine))
    for path, raw in sorted(contents.items()):
        written.update(_told(path, raw))
    tool, edits = workspace.renderer.mark.encode(), written.digest()
    known: dict[str, bytes] = {}
    found: dict[OverlayView, tuple[bytes, ...]] = {}
    for view in views:
        if not view.local:
            continue
        content = sha256()
        for path in reads.of(view):
            if path not in known:
                known[path] = _told(path, workspace.tree.read(path))
            content.update(known[path])
        head = "\0".join((view.environment, view.overlay, name))
        found[view] = (b"proof", tool, head.encode(), content.digest(), edits)
    return found


def _told(path: str, raw: bytes) -> bytes:
    return sha256(path.encode(errors="surrogateescape")).digest() + sha256(raw).digest()


def _builds(
    workspace: Workspace,
    reads: _Reads,
    views: Sequence[OverlayView],
    contents: Mapping[str, bytes],
) -> dict[str, _Built]:
    """Each overlay's build from its own files; where that is not enough from all there are."""
    own = {view.overlay: frozenset(reads.of(view)) for view in views}
    built = workspace.renderer.within(own).render(own, contents)
    failed = [overlay for overlay, one in built.items() if one.text is None]
    again = workspace.renderer.render(failed, contents) if failed else {}
    return {
        overlay: _Built(_outcome(again.get(overlay, one)), overlay not in again)
        for overlay, one in built.items()
    }


def _outcome(build: Rendered) -> Outcome:
    return Outcome(build.text, build.error)


def _views(found: Survey) -> tuple[OverlayView, ...]:
    everything = (*found.resolution.environments, found.resolution.unnamed)
    return tuple(
        OverlayView(one.name, build.overlay, build.files, build.renderable)
        for one in everything
        for build in one.builds
    )
