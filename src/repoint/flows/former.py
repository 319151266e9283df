"""Values that an earlier apply wrote, and that name a target which repoint.yaml names no more.

The receipts tell what repoint wrote: such a value is nobody's own choice, so that a plan may
write it anew. What a person wrote is left alone, whatever Pooler it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoint.flows.receipts import receipt_of
from repoint.flows.workspace import Workspace
from repoint.model.consumer import Route
from repoint.model.receipt import ReceiptFile
from repoint.planning.environment_facts import Targets
from repoint.planning.inventory import SiteReport
from repoint.planning.rerouted import standing_route
from repoint.planning.sources import SourceHosts
from repoint.planning.undo import has_word

_HOST = re.compile(r"[A-Za-z0-9][\w.-]*")


def former(
    workspace: Workspace,
    reports: Iterable[SiteReport],
    environment: str,
    targets: Targets,
    everything: Iterable[SiteReport] = (),
    source: SourceHosts | None = None,
) -> tuple[SiteReport, ...]:
    """The sites among `reports` that apply sent to another target than today's.

    `everything` are the sites of the repository: a patch repeats the text around what it changes,
    and a host that stands under the same key where no apply wrote is from there. What came from
    another server than `source` is another product's: repoint.yaml speaks of one at a time.
    """
    receipt = receipt_of(workspace.tree, environment)
    config = workspace.config
    if receipt is None or config is None:
        return ()
    receipts = (receipt_of(workspace.tree, name) for name in config.environments)
    touched = {entry.path for one in receipts if one is not None for entry in one.files}
    repeated = {
        (one.site.key, one.site.host.text)
        for one in everything
        if one.site.location.path not in touched
    }
    others = _of_others(receipt.files, source) if source is not None else frozenset()
    written: dict[str, list[ReceiptFile]] = {}
    for entry in receipt.files:
        written.setdefault(entry.path, []).append(entry)
    domain = config.target.domain
    return tuple(
        report
        for report in reports
        if not report.is_source
        and report.site.host.text not in others
        and (report.site.key, report.site.host.text) not in repeated
        and any(_wrote(entry, report) for entry in written.get(report.site.location.path, ()))
        and all(
            standing_route(report.site.host.text, use.workload.namespace, targets, domain)
            is Route.UNKNOWN
            for use in report.uses
        )
    )


def _of_others(files: Iterable[ReceiptFile], source: SourceHosts) -> frozenset[str]:
    """The hosts that stand, by what the receipts tell, where another server's name stood.

    A target that took the place of an earlier target comes from where that one came from.
    """
    undos = [undo for entry in files for undo in entry.undos]
    pairs = {(undo.before, undo.after) for undo in undos}
    pairs |= {(part.before, part.after) for undo in undos for part in undo.parts}
    known = {after for before, after in pairs if before and not _HOST.fullmatch(before)}
    left = {pair for pair in pairs if _HOST.fullmatch(pair[0])}
    while ours := {pair for pair in left if pair[0] in known or source.matches(pair[0])}:
        known.update(after for _, after in ours)
        left -= ours
    return frozenset(after for _, after in left) - known


def _wrote(entry: ReceiptFile, report: SiteReport) -> bool:
    """Whether an apply put the site's host there, by an edit or with the whole file."""
    host = report.site.host.text
    if not host or not entry.before_sha256:
        return bool(host)
    return any(
        has_word(undo.after, host) or any(part.after == host for part in undo.parts)
        for undo in entry.undos
    )
