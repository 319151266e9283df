"""Renders every overlay that a plan touches, before and after, and compares."""

from __future__ import annotations

from collections.abc import Sequence

from repoint.flows.scanning import Survey
from repoint.flows.workspace import Workspace
from repoint.model.plan import FileChange, OverlayProof
from repoint.planning.assemble import contents_after
from repoint.planning.prove import (
    Outcome,
    OverlayView,
    SourceStates,
    render_proof,
    touched,
    untouched_proof,
)
from repoint.ports import Rendered


def prove(
    workspace: Workspace,
    found: Survey,
    changes: Sequence[FileChange],
    environments: Sequence[str],
) -> tuple[OverlayProof, ...]:
    """Proofs for each environment's changes on every overlay of the repository.

    Each environment is applied alone: its own overlays may change as planned, all others
    must not change at all (law 9). Only overlays that read a changed file are rendered.
    """
    views = _views(found)
    by_environment = {
        name: tuple(change for change in changes if change.environment == name)
        for name in environments
    }
    hit = [v for v in views if any(touched(v, mine) for mine in by_environment.values())]
    workspace.progress.step("rendering overlays", len(hit) * (1 + len(by_environment)))
    before = workspace.renderer.render([v.overlay for v in hit], {})
    proofs: list[OverlayProof] = []
    for name, mine in by_environment.items():
        if not mine:
            continue
        contents = contents_after(mine, workspace.tree.read)
        own = [view for view in views if touched(view, mine)]
        after = workspace.renderer.render([view.overlay for view in own], contents)
        states: SourceStates | None = None
        for view in views:
            if view not in own:
                proofs.append(untouched_proof(view, name))
                continue
            sources = None
            if before[view.overlay].text is None:
                states = states or SourceStates(found.files, found.paths, contents)
                sources = states.of(view.overlay)
            proofs.append(
                render_proof(
                    view,
                    name,
                    mine,
                    _outcome(before[view.overlay]),
                    _outcome(after[view.overlay]),
                    sources,
                )
            )
    return tuple(proofs)


def _outcome(build: Rendered) -> Outcome:
    return Outcome(build.text, build.error)


def _views(found: Survey) -> tuple[OverlayView, ...]:
    everything = (*found.resolution.environments, found.resolution.unnamed)
    return tuple(
        OverlayView(one.name, build.overlay, build.files)
        for one in everything
        for build in one.builds
    )
