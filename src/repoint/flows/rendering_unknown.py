"""What the own reader does not know of an overlay, asked of kubectl."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.errors import RepointError
from repoint.flows.reading import Reading
from repoint.flows.workspace import Workspace
from repoint.kube.environments import EnvironmentSpec
from repoint.kube.resolve import Resolution, resolve
from repoint.model.source import Unreadable


def resolve_all(
    workspace: Workspace, known: Reading, specs: tuple[EnvironmentSpec, ...]
) -> tuple[Resolution, tuple[Unreadable, ...]]:
    """Link workloads to sites; kubectl builds the overlays that the own reader does not know.

    Overlays that kubectl would refuse as well (a file is missing), and those for which it would
    reach for the network, are not asked for. Without kubectl, or where it refuses, the own
    build stands as far as it goes.

    Returns:
        The resolution, and what of it cannot be relied on: a feature whose effect is not shown,
        a connection that no source spells.
    """
    first = resolve(known.files, known.sites, known.sealed, specs, known=known.paths)
    asked = [one.overlay for one in first.builds if one.doubtful and one.renderable]
    texts: dict[str, str] = {}
    refused: dict[str, str] = {}
    if asked:
        workspace.progress.step("building overlays with kubectl", len(asked))
        try:
            for overlay, made in workspace.renderer.render(asked, {}).items():
                if made.text is None:
                    refused[overlay] = made.error
                else:
                    texts[overlay] = made.text
        except RepointError as error:
            refused = dict.fromkeys(asked, error.message)
    resolution = first
    if texts:
        workspace.progress.step("linking workloads to sites")
        resolution = resolve(
            known.files, known.sites, known.sealed, specs, known=known.paths, rendered=texts
        )
    return resolution, tuple(dict.fromkeys(_notes(resolution, refused)))


def _notes(resolution: Resolution, refused: dict[str, str]) -> Iterator[Unreadable]:
    for build in resolution.builds:
        overlay = build.overlay or "."
        why = refused.get(build.overlay, "")
        for feature in build.unsupported:
            said = f", and kubectl did not build it: {why}" if why else ""
            yield Unreadable(overlay, f"{feature}: what it changes is not shown{said}")
        for line in build.untraced:
            yield Unreadable(overlay, f"{line}; kustomize makes the value, no file spells it")
