"""The proof of law 4 and law 9, from renders that somebody else makes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from repoint.formats.base import ParsedFile
from repoint.formats.read import read_file
from repoint.kube.files import FileIndex
from repoint.kube.kustomize import Build, Kustomizer
from repoint.model.plan import FileChange, OverlayProof
from repoint.planning.composed import Objects
from repoint.planning.render_diff import compare, explain, objects_built, objects_of


@dataclass(frozen=True, slots=True, eq=False)
class OverlayView:
    """An overlay with the files it reads, and the environment it belongs to (or none).

    `local` tells that none of them is missing, and that it reads nothing from elsewhere.
    """

    environment: str
    overlay: str
    files: frozenset[str]
    local: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """A build: the rendered YAML stream, or None and why there is none."""

    text: str | None
    error: str


def touched(view: OverlayView, changes: Iterable[FileChange]) -> bool:
    """Whether any change is to a file that the overlay reads."""
    return not view.files.isdisjoint(change.path for change in changes)


def untouched_proof(view: OverlayView, applied: str) -> OverlayProof:
    """The proof for an overlay that reads no changed file."""
    return OverlayProof(
        environment=view.environment,
        overlay=view.overlay,
        applied=applied,
        method="untouched",
        reason="it reads no file that changes",
        changed=(),
        unchanged_fields=0,
        unchanged_digest="",
    )


def render_proof(
    view: OverlayView,
    applied: str,
    changes: tuple[FileChange, ...],
    before: Outcome,
    after: Outcome,
    sources: tuple[Objects, Objects] | None,
) -> OverlayProof:
    """Compare two renders; on the sources where the overlay does not build before either.

    Args:
        view: The overlay.
        applied: The environment whose changes are applied.
        changes: Those changes.
        before: The render of the tree as it is.
        after: The render with the changes.
        sources: Both states as the sources tell them, for overlays that do not build.
    """
    if before.text is not None and after.text is not None:
        old, new, method, reason = objects_of(before.text), objects_of(after.text), "render", ""
    elif before.text is not None or sources is None:
        return _broken(view, applied, after.error or "it does not build any more")
    else:
        old, new = sources
        method, reason = "sources", before.error
    diff = compare(old, new)
    if view.environment == applied:
        changed, unexplained = explain(diff, _of_overlay(view, changes))
    else:
        changed = ()
        unexplained = tuple(f"{one.object}: {one.field}" for one in diff.differences)
    return OverlayProof(
        environment=view.environment,
        overlay=view.overlay,
        applied=applied,
        method=method,
        reason=reason,
        changed=changed,
        unchanged_fields=diff.unchanged,
        unchanged_digest=diff.digest,
        unexplained=unexplained,
    )


def _of_overlay(view: OverlayView, changes: tuple[FileChange, ...]) -> tuple[FileChange, ...]:
    """The changes that can reach an overlay: of files that it reads, or new ones beside those.

    Others may well have the same words in them; they explain nothing here.
    """
    folders = {path.rpartition("/")[0] for path in view.files}
    return tuple(
        change
        for change in changes
        if change.path in view.files
        or (change.creates and change.path.rpartition("/")[0] in folders)
    )


def _broken(view: OverlayView, applied: str, reason: str) -> OverlayProof:
    return OverlayProof(
        environment=view.environment,
        overlay=view.overlay,
        applied=applied,
        method="render",
        reason=reason,
        changed=(),
        unchanged_fields=0,
        unchanged_digest="",
        unexplained=(f"the overlay does not build with the changes: {reason}",),
    )


class SourceStates:
    """An overlay's objects before and after, read from the sources alone."""

    def __init__(
        self, files: Mapping[str, ParsedFile], known: Iterable[str], changed: Mapping[str, bytes]
    ) -> None:
        after = {**files, **{path: read_file(path, raw) for path, raw in changed.items()}}
        paths = tuple(known)
        self._before = Kustomizer(FileIndex(files, paths))
        self._after = Kustomizer(FileIndex(after, (*paths, *changed)))

    def of(self, overlay: str) -> tuple[Objects, Objects]:
        """Both states of one overlay."""
        return _objects(self._before.build(overlay)), _objects(self._after.build(overlay))


def _objects(build: Build) -> Objects:
    return objects_built(build.objects)
