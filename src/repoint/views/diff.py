"""The plan as a unified diff, passwords masked: to read in a review, not to feed to `patch`.

Hunks show changed lines only. The lines around them are left out on purpose: a neighbour may
be a clear-text secret of a kind that no mask knows. The hunk's heading names the value instead.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence

from repoint.dsn.mask import mask
from repoint.model.plan import Edit, FileChange, Op, Plan
from repoint.planning.splice import apply_edits, to_write
from repoint.ports import Tree
from repoint.views.wording import edit_summary


def plan(value: Plan, tree: Tree) -> str:
    """Every change of every file, by environment in the order of promotion.

    An environment's changes are shown against the file as it is now.
    """
    lines: list[str] = []
    for change in value.changes:
        lines += file_diff(change, tree)
    return "".join(f"{line}\n" for line in lines)


def file_diff(change: FileChange, tree: Tree) -> list[str]:
    """The lines of one file's diff, its header included."""
    header = [
        f"diff --repoint {change.environment or '-'} {change.path}",
        "--- /dev/null" if change.creates else f"--- a/{change.path}",
        f"+++ b/{change.path}",
    ]
    if change.sealed:
        return header + [line for edit in change.edits for line in _sealed(edit)]
    raw = None if change.creates else tree.read(change.path)
    written = to_write(change.edits)
    after = apply_edits(change.path, raw, written)
    return header + list(_hunks(_lines(raw or b""), _lines(after), written, change.creates))


def _lines(raw: bytes) -> list[str]:
    return raw.decode("utf-8-sig", errors="replace").splitlines()


def _hunks(
    before: list[str], after: list[str], edits: Sequence[Edit], creates: bool
) -> Iterator[str]:
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    hidden = {edit.line for edit in edits if edit.op is Op.ENCODED}
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag == "equal":
            continue
        yield _heading(start, end, new_start, new_end, edits, creates)
        for number in range(start, end):
            yield "-" + _shown(before[number], encoded=number + 1 in hidden)
        for number in range(new_start, new_end):
            yield "+" + _shown(after[number], encoded=bool(hidden & set(range(start + 1, end + 1))))


def _heading(
    start: int, end: int, new_start: int, new_end: int, edits: Sequence[Edit], creates: bool
) -> str:
    spot = f"@@ -{_range(start, end)} +{_range(new_start, new_end)} @@"
    if creates:
        return spot
    names = [edit.pointer for edit in edits if start < edit.line <= max(end, start + 1)]
    return f"{spot} {names[0]}" if names else spot


def _range(start: int, end: int) -> str:
    length = end - start
    first = start + 1 if length else start
    return str(first) if length == 1 else f"{first},{length}"


def _shown(line: str, *, encoded: bool) -> str:
    """A line as it may be shown; base64 is left out, since nothing in it can be masked."""
    if encoded:
        key, colon, _ = line.partition(":")
        return f"{key}{colon} (base64)" if colon else "(base64)"
    return mask(line)


def _sealed(edit: Edit) -> Iterator[str]:
    """A sealed value: what is known of it in clear is the parts that change."""
    yield f"@@ -{edit.line} +{edit.line} @@ {edit.pointer}"
    if edit.op is Op.SEALED_ADD:
        yield f"+{edit.key}: ENC[{edit_summary(edit)}]"
        return
    before = [f"{part.name or part.part} {part.before}" for part in edit.parts if part.before]
    after = [f"{part.name or part.part} {part.after}" for part in edit.parts if part.after]
    yield f"-{edit.key}: ENC[{mask(', '.join(before))}]"
    yield f"+{edit.key}: ENC[{mask(', '.join(after))}]"
