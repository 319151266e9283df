"""What changes and why, with the diffs; what a person has to do; the proof."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.errors import RepointError
from repoint.model.plan import Edit, FieldChange, FileChange, Plan, Task
from repoint.ports.repository import Tree
from repoint.views import diff, wording
from repoint.views.report.names import Ids, anchor, edit_anchor, file_anchor

_STYLES = {"+": "add", "-": "del", "@": "hunk"}


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A line of a diff and what it is: `add`, `del`, `hunk` or `head`."""

    text: str
    style: str


@dataclass(frozen=True, slots=True)
class EditView:
    """One edit: what, why, by which rule, for whom."""

    id: str
    line: int
    key: str
    summary: str
    reason: str
    rule: str
    mark: str
    purposes: str


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of one environment; `purposes` are those of its edits' consumers."""

    id: str
    path: str
    sealed: bool
    creates: bool
    purposes: str
    edits: tuple[EditView, ...]
    diff: tuple[DiffLine, ...]


@dataclass(frozen=True, slots=True)
class ProofView:
    """A sentence of the proof for a whole environment, and the fields behind it."""

    lines: tuple[wording.ProofLine, ...]
    fields: tuple[FieldChange, ...]
    unexplained: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ChangeView:
    """All of one environment's changes, tasks and proof."""

    id: str
    proof_id: str
    name: str
    files: tuple[FileView, ...]
    tasks: tuple[Task, ...]
    proof: ProofView

    @property
    def title(self) -> str:
        """The name, or what stands for none."""
        return self.name or wording.OUTSIDE

    @property
    def edits(self) -> int:
        """How many edits its files have."""
        return sum(len(one.edits) for one in self.files)


def changes_of(plan: Plan, tree: Tree) -> tuple[ChangeView, ...]:
    """The changes of each environment, in promotion order."""
    purposes = {(one.environment, one.id): tokens(one.purpose) for one in plan.consumers}
    ids = Ids()
    return tuple(
        ChangeView(
            anchor("changes", name),
            anchor("proof", name),
            name,
            tuple(_file(one, tree, purposes, ids) for one in wording.changes_of(plan, name)),
            tuple(task for task in plan.tasks if task.environment == name),
            _proof(plan, name),
        )
        for name in wording.plan_environments(plan)
    )


def _file(
    change: FileChange, tree: Tree, purposes: Mapping[tuple[str, str], str], ids: Ids
) -> FileView:
    edits = tuple(_edit(change, edit, purposes, ids) for edit in change.edits)
    words = dict.fromkeys(word for edit in edits for word in edit.purposes.split())
    return FileView(
        ids.take(file_anchor(change)),
        change.path,
        change.sealed,
        change.creates,
        " ".join(words),
        edits,
        _diff(change, tree),
    )


def _edit(
    change: FileChange, edit: Edit, purposes: Mapping[tuple[str, str], str], ids: Ids
) -> EditView:
    found = dict.fromkeys(
        word
        for one in edit.consumers
        for word in purposes.get((change.environment, one), "").split()
    )
    return EditView(
        ids.take(edit_anchor(change, edit)),
        edit.line,
        edit.key,
        wording.edit_summary(edit),
        edit.reason,
        edit.rule,
        wording.edit_mark(edit),
        " ".join(found),
    )


def _diff(change: FileChange, tree: Tree) -> tuple[DiffLine, ...]:
    """The diff of one file; a plan that was made on other bytes has none."""
    try:
        lines = diff.file_diff(change, tree)
    except RepointError as error:
        return (DiffLine(f"no diff: {error.message}", "head"),)
    # The first three name the file, which the heading does already.
    return tuple(_line(line) for line in lines[3:])


def _line(line: str) -> DiffLine:
    """A line with its sign; a mask does not know a connection string right behind a `+`."""
    return DiffLine(line[:1] + mask(line[1:]), _STYLES.get(line[:1], "head"))


def tokens(purpose: str) -> str:
    """`runtime migration` of `runtime, migration`: words that a filter compares."""
    return purpose.replace(",", "")


def _proof(plan: Plan, name: str) -> ProofView:
    own = [one for one in plan.proofs if one.applied == name]
    return ProofView(
        wording.proof_lines(plan, name),
        tuple(change for one in own for change in one.changed),
        tuple(field for one in own for field in one.unexplained),
    )
