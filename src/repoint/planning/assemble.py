"""Edits of all environments as file changes, with both digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

from repoint.model.plan import Edit, FileChange, Op
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.splice import apply_edits

_SEALED = (Op.SEALED, Op.SEALED_ADD)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def file_changes(
    environment: str, edits: Iterable[PlannedEdit], read: Callable[[str], bytes]
) -> tuple[FileChange, ...]:
    """One change per file, sorted by path, edits in file order.

    Raises:
        EditRefused: an edit would not read back as planned.
        OverlappingEdits: two edits claim the same bytes.
    """
    by_path: dict[str, list[Edit]] = {}
    for planned in edits:
        mine = by_path.setdefault(planned.path, [])
        if planned.edit not in mine:
            mine.append(planned.edit)
    return tuple(_change(environment, path, by_path[path], read) for path in sorted(by_path))


def _change(
    environment: str, path: str, edits: list[Edit], read: Callable[[str], bytes]
) -> FileChange:
    ordered = tuple(
        sorted(edits, key=lambda edit: edit.start if edit.op is not Op.DUPLICATE else edit.end)
    )
    creates = any(edit.op is Op.CREATE for edit in ordered)
    raw = None if creates else read(path)
    sealed = any(edit.op in _SEALED for edit in ordered)
    return FileChange(
        path=path,
        environment=environment,
        before_sha256="" if raw is None else digest(raw),
        after_sha256="" if sealed else digest(apply_edits(path, raw, ordered)),
        edits=ordered,
    )


def contents_after(changes: Iterable[FileChange], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """The clear files as they are after `changes`; sealed ones are left out."""
    result: dict[str, bytes] = {}
    for change in changes:
        if change.sealed:
            continue
        before = None if change.creates else result.get(change.path) or read(change.path)
        result[change.path] = apply_edits(change.path, before, change.edits)
    return result
