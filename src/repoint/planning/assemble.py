"""Edits of all environments as file changes, with both digests."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace

from repoint.model.knowledge import in_force
from repoint.model.plan import Applicability, Edit, FileChange, InputDigest, Op
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.splice import apply_edits, spliced

_SEALED = (Op.SEALED, Op.SEALED_ADD)
_SURENESS = (Applicability.SAFE, Applicability.REVIEW, Applicability.DISPLAY)


def digest(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def fingerprint(
    tool_version: str, inputs: Iterable[InputDigest], config_text: str, environments: Iterable[str]
) -> str:
    """What a plan was made of, in one digest: SHA-256 in hex.

    What installed packages know belongs to it; what the repository adds is among `inputs`.
    """
    whole = hashlib.sha256()
    known = in_force().mark
    for text in (tool_version, config_text, *environments, *([known] if known else ())):
        whole.update(text.encode() + b"\0")
    for one in inputs:
        whole.update(f"{one.path}\0{one.sha256}\0".encode())
    return whole.hexdigest()


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
        twin = next((n for n, edit in enumerate(mine) if _same_change(edit, planned.edit)), None)
        if twin is None:
            mine.append(planned.edit)
        else:
            mine[twin] = _joined(mine[twin], planned.edit)
    return tuple(_change(environment, path, by_path[path], read) for path in sorted(by_path))


def _same_change(one: Edit, other: Edit) -> bool:
    """Whether two edits do the same to the same bytes, such as a port that two hosts share."""
    return _bare(one) == _bare(other)


def _bare(edit: Edit) -> Edit:
    safe = Applicability.SAFE
    return replace(
        edit, key="", rule="", reason="", applicability=safe, consumers=(), expects=(), touches=(),
        line=0, pointer=edit.pointer if edit.op in _SEALED else "",
    )  # fmt: skip


def _joined(one: Edit, other: Edit) -> Edit:
    """One edit for both, as unsure as the less sure of them."""
    return replace(
        one,
        reason="; ".join(dict.fromkeys((one.reason, other.reason))),
        applicability=max(one.applicability, other.applicability, key=_SURENESS.index),
        consumers=tuple(dict.fromkeys((*one.consumers, *other.consumers))),
        expects=tuple(dict.fromkeys((*one.expects, *other.expects))),
        touches=tuple(dict.fromkeys((*one.touches, *other.touches))),
    )


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
        after_sha256="" if sealed else digest(apply_edits(path, raw, ordered, read)),
        edits=ordered,
    )


def contents_after(changes: Iterable[FileChange], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """The clear files as they are after `changes`; sealed ones are left out."""
    result: dict[str, bytes] = {}
    for change in changes:
        if change.sealed:
            continue
        before = None if change.creates else result.get(change.path) or read(change.path)
        result[change.path] = _after(change, before, read)
    return result


def _after(change: FileChange, before: bytes | None, read: Callable[[str], bytes]) -> bytes:
    if before is not None and digest(before) == change.before_sha256:
        after = spliced(change.path, before, change.edits)
        if digest(after) == change.after_sha256:
            # These very bytes were read back when the change was made (law 1).
            return after
    return apply_edits(change.path, before, change.edits, read)
