"""The phrases that the human and the Markdown view share; every value passes the mask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.model.consumer import Consumer, Site
from repoint.model.plan import (
    Applicability,
    Edit,
    FileChange,
    Finding,
    Op,
    OverlayProof,
    PartEdit,
    Plan,
)
from repoint.model.told import count as count
from repoint.planning.copied import shown
from repoint.planning.inventory import EnvironmentView, Inventory

OUTSIDE = "outside every environment"
_LONGEST = 100


@dataclass(frozen=True, slots=True)
class ProofLine:
    """One sentence of the proof, and whether it is good news."""

    text: str
    holds: bool


def scan_next(inventory: Inventory, *, configured: bool = True) -> str:
    """The command after a scan."""
    if not inventory.files_seen:
        return "there is no file here; `repoint -C ROOT scan` looks at another folder"
    if not configured:
        return "`repoint init` writes repoint.yaml; then `repoint plan`"
    if any(one.update_required for one in inventory.consumers):
        return "`repoint plan` shows what would change and why"
    return "`repoint check` asks whether anything is left to do"


def check_next(findings: Iterable[Finding]) -> str:
    """The command after a check that found errors."""
    first = next(one.code for one in findings if one.blocks)
    return f"`repoint explain {first}` tells its remedies; then run `repoint check` again"


def by_code(findings: Iterable[Finding]) -> str:
    """`3 RP110, 1 RP131`: how many there are of each code, the most first."""
    number = Counter(one.code for one in findings)
    return ", ".join(f"{times} {code}" for code, times in number.most_common())


def half_done_text(verb: str) -> str:
    """What a run of `verb` left that was stopped while it wrote, and the command that ends it."""
    return (
        f"a run of `repoint {verb}` was stopped half-way, so files may be partly written; "
        "`repoint apply --resume` finishes or undoes it"
    )


def address(site: Site) -> str:
    """`host:port` as the site spells it, the host alone where it names no port."""
    host = mask(site.host.text) or "(no host)"
    return f"{host}:{site.port.text}" if site.port is not None and site.port.text else host


def place(site: Site) -> str:
    """`path:line key`, with what a reader must know of it."""
    marks = [
        word for word, holds in (("sealed", site.sealed), (site.encoded, True)) if holds and word
    ]
    if site.display_only:
        marks.append(f"not editable: {site.display_only}")
    tail = f" ({', '.join(marks)})" if marks else ""
    return f"{site.location.path}:{site.location.line} {site.key}{tail}"


def workload_name(consumer: Consumer) -> str:
    """`Kind/name`, with the container where it tells the consumer apart."""
    workload = consumer.workload
    name = f"{workload.kind}/{workload.name}"
    return f"{name} [{workload.container}]" if workload.container else name


def current_addresses(sites: Sequence[Site]) -> tuple[str, ...]:
    """The distinct addresses of `sites`, in order."""
    return tuple(dict.fromkeys(address(site) for site in sites))


def environment_title(view: EnvironmentView) -> str:
    """What an environment is made of, after its name."""
    parts = [f"namespace {view.namespace}"] if view.namespace else []
    parts += [f"overlay {overlay}" for overlay in view.overlays]
    return ", ".join(parts)


def environment_names(inventory: Inventory) -> tuple[str, ...]:
    """The configured environments in order, then any other a consumer names, then none."""
    names = dict.fromkeys(view.name for view in inventory.environments)
    names.update(dict.fromkeys(c.environment for c in inventory.consumers if c.environment))
    if any(not consumer.environment for consumer in inventory.consumers):
        names[""] = None
    return tuple(names)


def edit_summary(edit: Edit) -> str:
    """What an edit does, on one line, passwords masked."""
    if edit.op is Op.CREATE:
        return f"new file, {count(edit.after.count(chr(10)) or 1, 'line')}"
    if edit.op is Op.SPLICE:
        return _replacement(edit.before, edit.after)
    changes = ", ".join(_part(part) for part in edit.parts)
    if edit.op in (Op.DUPLICATE, Op.SEALED_ADD):
        return f"new key, a copy with {changes}" if changes else "new key, a copy"
    return changes


def new_lines(edit: Edit) -> tuple[str, ...]:
    """The lines that an edit inserts or creates, masked; none when it is a single one."""
    if edit.op is Op.CREATE or (edit.op is Op.SPLICE and not edit.before):
        lines = mask(shown(edit).strip("\r\n")).splitlines()
        return tuple(lines) if edit.op is Op.CREATE or len(lines) > 1 else ()
    return ()


def _replacement(before: str, after: str) -> str:
    if not before:
        added = after.strip("\r\n")
        if "\n" in added:
            return f"insert {count(added.count(chr(10)) + 1, 'line')}"
        return f"insert `{_short(added.strip())}`"
    if "\n" in before.strip() or "\n" in after.strip():
        return f"replace {count(before.strip().count(chr(10)) + 1, 'line')}"
    if not after:
        return f"remove `{_short(before.strip())}`"
    return f"{_short(before.strip())} -> {_short(after.strip())}"


def _part(part: PartEdit) -> str:
    name = part.name if part.part == "param" else part.part
    if not part.before:
        return f"{name} {_short(part.after)} added"
    if not part.after:
        return f"{name} {_short(part.before)} removed"
    return f"{name} {_short(part.before)} -> {_short(part.after)}"


def _short(text: str) -> str:
    masked = mask(text)
    return masked if len(masked) <= _LONGEST else masked[: _LONGEST - 1] + "…"


def edit_mark(edit: Edit) -> str:
    """How sure the edit is, for a reader: nothing when it is safe."""
    if edit.applicability is Applicability.DISPLAY:
        return "shown only, not written"
    return "please review" if edit.applicability is Applicability.REVIEW else ""


def changes_of(plan: Plan, environment: str) -> tuple[FileChange, ...]:
    """The file changes of one environment, in the plan's order."""
    return tuple(change for change in plan.changes if change.environment == environment)


def plan_environments(plan: Plan) -> tuple[str, ...]:
    """The plan's environments, and the empty name when a change belongs to none of them."""
    used = [row.environment for row in plan.consumers]
    used += [change.environment for change in plan.changes]
    used += [task.environment for task in plan.tasks]
    return tuple(dict.fromkeys((*plan.environments, *used)))


def proof_lines(plan: Plan, environment: str) -> tuple[ProofLine, ...]:
    """What the renders prove about the edits of one environment."""
    proofs = [proof for proof in plan.proofs if proof.applied == environment]
    lines: list[ProofLine] = []
    untouched: list[str] = []
    unowned = 0
    for proof in proofs:
        own = proof.environment == environment
        if not own and proof.holds and not proof.changed:
            untouched += [proof.environment] if proof.environment else []
            unowned += not proof.environment
            continue
        lines += _proof_of(proof)
    if untouched:
        names = ", ".join(dict.fromkeys(untouched))
        lines.append(ProofLine(f"other environments: {names}: unchanged", True))
    if unowned:
        lines.append(ProofLine(f"{count(unowned, 'overlay')} of no environment: unchanged", True))
    return tuple(lines)


def _proof_of(proof: OverlayProof) -> list[ProofLine]:
    digest = f" (sha256 {proof.unchanged_digest[:12]}…)" if proof.unchanged_digest else ""
    if proof.method == "untouched":
        return [ProofLine(f"overlay {proof.overlay}: no file that it reads changes", True)]
    verb = "changes, as planned" if len(proof.changed) == 1 else "change, each planned"
    text = (
        f"overlay {proof.overlay}: {count(len(proof.changed), 'field')} {verb}; "
        f"{proof.unchanged_fields} do not{digest}"
    )
    if not proof.changed:
        text = (
            f"overlay {proof.overlay}: none of its {proof.unchanged_fields} fields changes{digest}"
        )
    if proof.unexplained:
        text = (
            f"overlay {proof.overlay}: {count(len(proof.unexplained), 'field')} would change "
            f"without being planned"
        )
    if proof.method == "sources":
        text += f"; judged from the sources, because {proof.reason or 'it does not build'}"
    lines = [ProofLine(text, proof.holds)]
    return lines + [ProofLine(f"unplanned: {mask(field)}", False) for field in proof.unexplained]


def finding_place(finding: Finding) -> str:
    """`path:line`, or an empty string."""
    where = finding.location
    return f"{where.path}:{where.line}" if where else ""


def ordered(findings: Iterable[Finding], environments: Sequence[str]) -> tuple[Finding, ...]:
    """Findings by environment in the given order, errors first, accepted ones last."""
    severities = {"error": 0, "warning": 1, "note": 2}
    places = {name: number for number, name in enumerate(environments)}
    return tuple(
        sorted(
            findings,
            key=lambda finding: (
                places.get(finding.environment, len(places)),
                finding.environment,
                bool(finding.accepted),
                severities[finding.severity],
                finding.code,
            ),
        )
    )


def plan_summary(plan: Plan) -> str:
    """One sentence: how much changes, and what stands in the way."""
    if plan.is_empty:
        head = "nothing changes"
    else:
        files = len({change.path for change in plan.changes})
        edits = sum(len(change.edits) for change in plan.changes)
        places = len({change.environment for change in plan.changes})
        head = (
            f"{count(files, 'file')} with {count(edits, 'edit')} in {count(places, 'environment')}"
        )
    tail = []
    if plan.tasks:
        tail.append(f"{count(len(plan.tasks), 'task')} for a person")
    if plan.blocking:
        tail.append(f"{count(len(plan.blocking), 'finding')} in the way")
    failed = sum(not proof.holds for proof in plan.proofs)
    if failed:
        tail.append(f"{count(failed, 'proof')} failed")
    if plan.unreadable:
        tail.append(f"{len(plan.unreadable)} could not be read")
    return "; ".join([head, *tail])


def plan_next(plan: Plan) -> str:
    """The command to run next, or what to do before."""
    if plan.blocking:
        codes = ", ".join(dict.fromkeys(finding.code for finding in plan.blocking))
        return (
            f"mend or accept {codes} (`repoint explain {plan.blocking[0].code}`), then plan again"
        )
    if not plan.applicable:
        return "the fields listed above change without being planned; nothing can be applied"
    if plan.is_empty and plan.tasks:
        return "do the tasks above by hand, then plan again"
    if plan.is_empty:
        return "`repoint check` in CI keeps it so"
    first = next(change.environment for change in plan.changes)
    return f"`repoint apply --env {first}`" if first else "`repoint apply`"
