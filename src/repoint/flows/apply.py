"""Writes a plan: rechecked against the files, all of it or nothing, with a receipt to undo it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repoint.errors import PlanBlocked, ProofFailed, StalePlan
from repoint.flows.chosen import chosen_in
from repoint.flows.ledger import entry_of, write_of
from repoint.flows.receipts import load_receipts, receipt_writes
from repoint.flows.rewriting import Rewriting, changes_of, is_done, wanted_of
from repoint.flows.workspace import in_turn
from repoint.model.ledger import Phase
from repoint.model.plan import Finding, Plan
from repoint.model.receipt import FileWrite, Receipt
from repoint.model.rehearsal import Verdict
from repoint.model.told import count
from repoint.planning.assemble import fingerprint
from repoint.ports.repository import SealedEditor, WritableTree
from repoint.ports.user import Identity
from repoint.ports.work import UNWATCHED, Aside, Progress
from repoint.promotion.content import content_of_changes


@dataclass(frozen=True, slots=True)
class Applied:
    """What apply did; `written` is empty when everything was applied before.

    `recovered` tells what became of an earlier run that was killed: `finished`, `undone`, or empty.
    """

    receipts: tuple[Receipt, ...]
    written: tuple[str, ...]
    recovered: str = ""


def apply_plan(
    plan: Plan,
    tree: WritableTree,
    store: SealedEditor,
    *,
    environments: Sequence[str] = (),
    allow_dirty: bool = False,
    progress: Progress = UNWATCHED,
    identity: Identity | None = None,
    config_text: str | None = None,
    aside: Aside = in_turn,
) -> Applied:
    """Write the plan's changes for `environments` (all of the plan's by default).

    Nothing is computed anew: each file must be what the plan was made on, or that with the
    same plan's changes for another environment in it. With `identity` the ledger tells of it,
    in the same breath: either both are on disk, or neither. With `config_text` (repoint.yaml) the
    plan's fingerprint has to be that of its inputs. `aside` is for what another process can do.

    Raises:
        StalePlan: a file or an input changed since; it names the file.
        PlanBlocked: error findings that nobody accepted, in one of `environments` or in none.
        ProofFailed: a render would differ by more than the plan.
        DirtyWorkTree: a file has changes that are neither committed nor repoint's own.
        EditRefused: an edit would change more, or other, than planned.
        FileRefused: a file cannot be replaced, or the ledger cannot be read.
    """
    wanted = wanted_of(plan, environments)
    with tree.locked("apply"):
        recovered = tree.recover()
        receipts = load_receipts(tree)
        _require_applicable(plan, wanted)
        todo = [name for name in wanted if not is_done(plan, name, receipts, tree)]
        if not todo:
            return Applied(_of(receipts, wanted), (), recovered)
        work = Rewriting(plan, tree, store, receipts, tuple(todo))
        work.check_inputs()
        if config_text is not None:
            _require_whole(plan, config_text)
        work.check_clean(allow_dirty)
        paths = tuple(dict.fromkeys(c.path for c in plan.changes if c.environment in todo))
        _edit(work, paths, aside, progress)
        progress.step("writing")
        after = work.after(chosen_in(config_text))
        told = [] if identity is None else [_told(tree, identity, plan, todo)]
        tree.commit("apply", [*work.writes, *receipt_writes(tree, receipts, after), *told])
        return Applied(_of(after, wanted), paths, recovered)


def _edit(work: Rewriting, paths: Sequence[str], aside: Aside, progress: Progress) -> None:
    """Work out every file's new bytes, in the plan's order: the first that is refused is told."""
    work.prepare(paths, aside, progress)
    progress.step("editing", len(paths))
    for path in paths:
        progress.at(path)
        work.change(path)
        progress.advance()


def _told(tree: WritableTree, identity: Identity, plan: Plan, names: Iterable[str]) -> FileWrite:
    """The ledger with an entry for each environment that is applied now."""
    entries = []
    for name in names:
        changes = changes_of(plan, name)
        phase, verdict = Phase.APPLIED, Verdict.PASS
        one = entry_of(
            *(tree, identity, name, phase, verdict),
            content=content_of_changes(name, changes),
            plan=plan.fingerprint,
            detail=count(len(changes), "file"),
        )
        entries.append(one)
    return write_of(tree, entries)


def _of(receipts: Mapping[str, Receipt], names: Iterable[str]) -> tuple[Receipt, ...]:
    return tuple(receipts[name] for name in names if name in receipts)


def _require_whole(plan: Plan, config_text: str) -> None:
    made = fingerprint(plan.tool_version, plan.inputs, config_text, plan.environments)
    if made != plan.fingerprint:
        made_of = "its inputs, repoint.yaml and the knowledge of installed packages"
        raise StalePlan(f"this plan's fingerprint is not that of {made_of}")


def _coded(findings: Iterable[Finding]) -> list[str]:
    """Each code once, with the first place that it was found at."""
    told: dict[str, str] = {}
    for one in sorted(findings, key=lambda finding: (finding.code, finding.location is None)):
        place = one.location
        at = f" at `{place.path}` line {place.line}" if place else ""
        told.setdefault(one.code, f"{one.code}{at}")
    return list(told.values())


def _require_applicable(plan: Plan, names: Sequence[str]) -> None:
    """Refuse what stands in the way of `names`, or of no environment; others' may be open."""
    mine = [one for one in plan.blocking if one.environment in ("", *names)]
    if mine:
        codes = ", ".join(_coded(mine))
        held = {one.environment for one in mine}
        free = [] if "" in held else [name for name in names if name not in held]
        others = " and ".join(f"`--env {name}`" for name in free)
        raise PlanBlocked(
            f"the plan has error findings that nobody accepted: {codes}",
            hint=(
                PlanBlocked.default_hint,
                *([f"nothing is in the way of {others}"] if free else []),
            ),
        )
    broken = [one.overlay for one in plan.proofs if not one.holds and one.applied in names]
    if broken:
        raise ProofFailed(
            f"more than the plan would change in the render of `{broken[0]}`",
            hint="`repoint plan` lists the fields that no edit accounts for",
        )
