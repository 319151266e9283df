"""The way there and the way back: refuses a switch that would miss rows, or a return that would."""

from __future__ import annotations

from collections.abc import Sequence

from repoint.comparison.baseline import Written
from repoint.comparison.model import Comparison
from repoint.comparison.standing import WORKLOADS, Standing, judge_standing, source_parts
from repoint.dsn.hosts import parse_host
from repoint.errors import GateClosed, WouldLoseData
from repoint.flows.desired import desired_state, environment_of
from repoint.flows.planning import require_config
from repoint.flows.scanning import survey
from repoint.flows.workspace import Workspace
from repoint.model.cluster import Document, ref_of
from repoint.model.plan import Severity
from repoint.model.rehearsal import Verdict
from repoint.planning.config import Config
from repoint.ports.cluster import ClusterApi

_SHOWN = 5
FROZEN = "the source takes no writes: its transactions are read only"
"""The usual trouble of a way back: the source was frozen for the switch."""


def require_complete(found: Comparison) -> None:
    """Go on only with a target that has all of the source.

    Raises:
        GateClosed: it has not, or nobody can tell.
    """
    if found.verdict is Verdict.PASS and not found.partial:
        return
    wrong = [f"{one.family}: {one.name}" for one in found.differences if _blocks(one.severity)]
    wrong += [f"rows of {one.name}" for one in found.tables if one.verdict is Verdict.FAIL]
    wrong += [f"not seen: {one.what} of the {one.side}" for one in found.unseen]
    wrong += [f"unknown: {one.name}" for one in found.tables if one.verdict is Verdict.UNKNOWN]
    what = _listed(wrong) or found.partial
    raise GateClosed(
        f"the target of `{found.environment}` is not proven to have all of the source: {what}",
        hint=(
            f"`repoint data compare --env {found.environment}` lists what differs",
            "move what is missing, stop what writes to the source, then compare again",
        ),
    )


def _blocks(severity: Severity) -> bool:
    return severity is Severity.ERROR


def source_standing(
    workspace: Workspace,
    environment: str,
    api: ClusterApi | None = None,
    *,
    desired: Sequence[Document] | None = None,
) -> Standing:
    """Whether the source of an environment still stands, in its objects and in the cluster.

    Args:
        api: The cluster; without one nobody can tell of it, and the verdict is unknown at best.
        desired: The environment's objects as they are to be; by default from the tree as it is.

    Raises:
        UsageError, SealedFile, ToolFailed, FileRefused: as for `desired_state`.
        ClusterRefused, ClusterLost: the cluster does not tell.
    """
    config = require_config(workspace)
    environment_of(workspace, environment)
    if desired is None:
        desired = desired_state(workspace, environment).documents
    if not any(parse_host(host) for host in config.source.hosts):
        why = "the source is outside the cluster: nothing of it is deployed here"
        return Standing(Verdict.SKIPPED, (why,))
    namespaces = _namespaces(config, environment, desired)
    here = [] if api is None else [one for ns in namespaces for one in _deployed(api, ns)]
    documents = [*desired, *here]
    names = _services(workspace, config.source.hosts, namespaces, documents)
    parts = source_parts(documents, names)
    live = None if api is None else {ref: api.get(ref) for ref in parts.refs}
    return judge_standing(parts, desired, live)


def _services(
    workspace: Workspace,
    hosts: Sequence[str],
    namespaces: Sequence[str],
    documents: Sequence[Document],
) -> set[tuple[str, str]]:
    """`(namespace, name)` of the source's Services, with the prefixes that a build gave them."""
    known = {read.service for host in hosts if (read := parse_host(host)) is not None}
    found = survey(workspace).source
    names = {(one.namespace, one.name) for one in (found.services if found is not None else ())}
    for one in documents:
        ref = ref_of(one)
        if ref.kind == "Service" and ref.name in known:
            names.add((ref.namespace, ref.name))
    return {one for one in names if one[0] in namespaces}


def _namespaces(config: Config, environment: str, documents: Sequence[Document]) -> tuple[str, ...]:
    """Where an environment's source may stand: in its own namespaces, or in one of nobody's.

    A host names one environment's namespace, and the others have the like of it in theirs.
    """
    others = {one.namespace for name, one in config.environments.items() if name != environment}
    told = [
        read.namespace or ""
        for host in config.source.hosts
        if (read := parse_host(host)) is not None and read.namespace not in others
    ]
    own = [config.environments[environment].namespace]
    own += [ref_of(one).namespace for one in documents]
    return tuple(dict.fromkeys(name for name in (*own, *told) if name))


def _deployed(api: ClusterApi, namespace: str) -> list[Document]:
    kinds = (("v1", "Service"), *WORKLOADS)
    # The items of a list do not say what they are.
    return [
        {**one, "apiVersion": version, "kind": kind}
        for version, kind in kinds
        for one in api.list(version, kind, namespace)
    ]


def require_way_back(
    environment: str,
    standing: Standing | None,
    written: Written | None,
    *,
    unasked: str = "",
    trouble: str = "",
    accept_data_loss: bool = False,
) -> tuple[str, ...]:
    """Go back only where nothing is lost, or a person accepts that; what is accepted then.

    Args:
        standing: Of the source; None where nobody asked, on the way back of files alone.
        written: Since the baseline; None where there is no baseline, or nobody could ask.
        unasked: Why nobody could ask the target; empty when it was asked.
        trouble: What stands against writing at the source; empty when it takes writes, or where
            nobody asked.

    Raises:
        WouldLoseData: the source is gone, or rows were written since.
    """
    gone = standing is not None and standing.verdict is Verdict.FAIL
    unsure = gone or (standing is not None and standing.verdict is Verdict.UNKNOWN)
    doubts = standing.reasons if standing is not None and unsure else ()
    lost = _unproven(written, unasked)
    reasons = (*doubts, *((trouble,) if trouble else ()), *lost)
    if not reasons or (accept_data_loss and not gone):
        return reasons
    why, hints = f"going back in `{environment}` would lose data:", [_way_out(trouble)]
    if gone:
        hints = ["bring the source back first, or restore a backup: there is nothing to go back to"]
    elif reasons == (trouble,):
        why = f"`{environment}` cannot go back yet:"
        hints += ["or pass `--accept-data-loss` to go back to it as it is"]
    else:
        hints += [
            f"`repoint data written --env {environment}` lists them by table",
            "copy those rows to the source first, or pass `--accept-data-loss`",
        ]
    raise WouldLoseData(f"{why} {'; '.join(reasons)}", hint=tuple(filter(None, hints)))


def _unproven(written: Written | None, unasked: str) -> tuple[str, ...]:
    """What was written on the target since, or why nobody can tell; nothing where nothing was."""
    if unasked:
        return (f"nobody can tell what was written on the target since: {unasked}",)
    if written is None:
        return ("no baseline was taken, so nobody can tell what was written since",)
    return (_told(written),) if written.verdict is not Verdict.PASS else ()


def _way_out(trouble: str) -> str:
    """What to do about a source that stands and takes no writes; empty where it takes them."""
    if not trouble:
        return ""
    if trouble == FROZEN:
        return (
            "let it be written again, by what froze it: "
            "`ALTER DATABASE .. RESET default_transaction_read_only`"
        )
    return "bring it up first: writes would fail there"


def _told(written: Written) -> str:
    parts = []
    if written.changed:
        names = _listed([one.name for one in written.changed])
        parts.append(f"{len(written.changed)} tables were written since ({names})")
    if written.unknown:
        names = _listed([one.name for one in written.unknown])
        parts.append(f"nobody can tell of {len(written.unknown)} tables ({names})")
    if written.elsewhere:
        parts.append("the baseline was taken on another server, of which nobody can tell")
    return ", ".join(parts)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
