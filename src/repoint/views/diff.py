"""The plan as a unified diff, passwords masked: to read in a review, not to feed to `patch`.

Hunks show changed lines only. The lines around them are left out on purpose: a neighbour may
be a clear-text secret of a kind that no mask knows. The hunk's heading names the value instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from repoint.dsn.mask import mask
from repoint.model.plan import Edit, FileChange, Op, Plan
from repoint.planning.splice import Patch, apply_edits, line_of, patches, splice, to_write
from repoint.ports.repository import Tree
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
    written = to_write(change.edits)
    if change.creates:
        lines = apply_edits(change.path, None, written, tree.read).decode().splitlines()
        return [*header, f"@@ -0,0 +{_range(0, len(lines))} @@", *(f"+{mask(x)}" for x in lines)]
    return header + list(_hunks(change.path, tree.read(change.path), written))


def _hunks(path: str, raw: bytes, edits: Sequence[Edit]) -> Iterator[str]:
    """One hunk for each run of lines that edits touch, straight from the patches."""
    shift = 0
    for group in _groups(raw, patches(path, raw, edits)):
        start, end = _whole_lines(raw, group)
        moved = [Patch(cut.start - start, cut.end - start, cut.text) for cut in group]
        before = _lines(raw[start:end])
        after = _lines(splice(path, raw[start:end], moved))
        first = line_of(raw, start) - 1
        lead, tail = _common(before, after)
        hidden = any(e.op is Op.ENCODED and start <= e.start <= end for e in edits)
        named = [e.pointer for e in edits if start <= e.start <= end and e.op is not Op.DUPLICATE]
        gone, new = before[lead : len(before) - tail], after[lead : len(after) - tail]
        at = first + lead
        spot = f"@@ -{_range(at, len(gone))} +{_range(at + shift, len(new))} @@"
        yield f"{spot} {named[0]}" if named else spot
        yield from (f"-{_shown(line, encoded=hidden)}" for line in gone)
        yield from (f"+{_shown(line, encoded=hidden)}" for line in new)
        shift += len(new) - len(gone)


def _groups(raw: bytes, cuts: Sequence[Patch]) -> Iterator[list[Patch]]:
    """Patches that share a line, or stand on neighbouring ones, together."""
    group: list[Patch] = []
    for cut in cuts:
        if group and line_of(raw, cut.start) > line_of(raw, group[-1].end) + 1:
            yield group
            group = []
        group.append(cut)
    if group:
        yield group


def _whole_lines(raw: bytes, group: Sequence[Patch]) -> tuple[int, int]:
    """The bytes of the lines that a group touches; an insertion between lines touches none."""
    start = raw.rfind(b"\n", 0, group[0].start) + 1
    last = max(cut.end for cut in group)
    if last == start and all(cut.text.endswith(b"\n") for cut in group):
        return start, last
    line_end = raw.find(b"\n", last)
    return start, len(raw) if line_end < 0 else line_end + 1


def _lines(raw: bytes) -> list[str]:
    return raw.decode("utf-8-sig", errors="replace").splitlines()


def _common(before: Sequence[str], after: Sequence[str]) -> tuple[int, int]:
    """How many lines are the same at the beginning and at the end."""
    shortest = min(len(before), len(after))
    lead = next((n for n in range(shortest) if before[n] != after[n]), shortest)
    rest = shortest - lead
    tail = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    return lead, tail


def _range(start: int, length: int) -> str:
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
