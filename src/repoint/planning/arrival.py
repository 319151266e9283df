"""Whether what a plan writes shows in the builds: the other half of law 4.

The proof says that nothing changes but what is planned. Here it is asked whether what is planned
changes anything: a patch that no kustomization brings to its object would leave a consumer where
it was, and nothing would tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from repoint.model.plan import Edit, FileChange, Op, OverlayProof
from repoint.planning.render_diff import names_of

_JOINTS = (".", "[", "#")


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
            for name, fields in _expected(edit).items():
                seen = shown.get((change.environment, name), ())
                named = [field for field in fields if field] or [""]
                if any(_is_in(field, one) for field in named for one in seen):
                    continue
                if (change.environment, name) not in told:
                    told.add((change.environment, name))
                    yield change, edit, name


def _shown(proofs: Iterable[OverlayProof]) -> Mapping[tuple[str, str], list[str]]:
    shown: dict[tuple[str, str], list[str]] = defaultdict(list)
    for proof in proofs:
        if proof.environment == proof.applied:
            for one in proof.changed:
                for name in names_of(one.object):
                    shown[proof.environment, name].append(one.field)
    return shown


def _expected(edit: Edit) -> dict[str, list[str]]:
    """The fields that an edit says to change, by object; an empty one is the whole object."""
    found: dict[str, list[str]] = defaultdict(list)
    for prefix in edit.expects:
        name, _, field = prefix.partition("#")
        found[name].append(field)
    return found


def _is_in(expected: str, field: str) -> bool:
    return (
        not expected
        or field == expected
        or field.startswith(tuple(f"{expected}{joint}" for joint in _JOINTS))
    )
