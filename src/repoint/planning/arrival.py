"""Whether what a plan writes shows in the builds: the other half of law 4.

The proof says that nothing changes but what is planned. Here it is asked whether what is planned
changes anything: a patch that no kustomization brings to its object would leave a consumer where
it was, and nothing would tell.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from repoint.model.plan import Edit, FileChange, Op, OverlayProof
from repoint.planning.render_diff import around, names_of


def missing(
    changes: Iterable[FileChange], proofs: Sequence[OverlayProof]
) -> Iterator[tuple[FileChange, Edit, str]]:
    """Edits that name what changes of an object where no build shows it; each object once.

    Only of environments whose every overlay was built: what is read from sources alone may
    show less than there is.

    Yields:
        The file, the edit in it, and the object (`Kind/namespace/name`).
    """
    built = {one.environment for one in proofs if one.environment == one.applied}
    unsure = {one.environment for one in proofs if one.method == "sources" or not one.holds}
    shown = _shown(proofs)
    told: set[tuple[str, str]] = set()
    for change in sorted(changes, key=lambda one: not one.creates):  # a patch, then its listing
        if change.environment not in built - unsure:
            continue
        for edit in change.edits:
            if edit.op not in (Op.SPLICE, Op.CREATE):
                continue
            for name, places in _expected(edit).items():
                arrives = any((change.environment, place) in shown for place in places)
                if not arrives and (change.environment, name) not in told:
                    told.add((change.environment, name))
                    yield change, edit, name


def _shown(proofs: Iterable[OverlayProof]) -> set[tuple[str, str]]:
    """Environments with every field that differs in a build, and all that it lies in."""
    return {
        (proof.environment, place)
        for proof in proofs
        if proof.environment == proof.applied
        for one in proof.changed
        for name in names_of(one.object)
        for place in around(f"{name}#{one.field}")
    }


def _expected(edit: Edit) -> dict[str, list[str]]:
    """The places that an edit says to change, by object; the object itself where it names none."""
    found: dict[str, list[str]] = {name: [] for name in edit.touches}
    for place in edit.expects:
        name, _, field = place.partition("#")
        found.setdefault(name, []).extend([place] if field else [])
    return {name: places or [name] for name, places in found.items()}
