"""Everything the rules say of a planned state, in order and with what is accepted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from repoint.dsn.hosts import parse_host
from repoint.flows.choices import names_of_nobody
from repoint.flows.drift import drifted
from repoint.flows.left_over import left_over
from repoint.flows.owners import Owners
from repoint.flows.scanning import Survey
from repoint.flows.servers import Servers
from repoint.flows.suspects import scripts, unread, with_passwords
from repoint.flows.workspace import Workspace
from repoint.model.consumer import Purpose
from repoint.model.plan import FileChange, Finding, OverlayProof, Severity
from repoint.model.source import Location
from repoint.planning import observations
from repoint.planning.arrival import missing
from repoint.planning.config import Acceptance
from repoint.planning.delivered_objects import claims_missing, source_objects
from repoint.planning.inventory import SiteReport
from repoint.planning.moves import Moves
from repoint.rules import (
    budget,
    cnpg,
    delivery_order,
    hygiene,
    network,
    operations,
    probes,
    routing,
    session_state,
    startup_params,
    targets,
    tls,
    tls_trust,
)

_CHECKS = (
    startup_params,
    session_state,
    tls,
    tls_trust,
    budget,
    network,
    probes,
    targets,
    cnpg,
    operations,
    delivery_order,
)


def all_findings(
    workspace: Workspace,
    found: Survey,
    moves: Sequence[Moves],
    changes: Sequence[FileChange],
    proofs: Sequence[OverlayProof],
) -> tuple[Finding, ...]:
    """Everything the rules say of the planned state, most severe first."""
    result: list[Finding] = []
    names = frozenset(one.environment for one in moves)
    for one in moves:
        result += one.findings
        for rule in _CHECKS:
            result += rule.check(one.facts)
        result += _source_gone(found, one)
        build = next(b for b in found.resolution.environments if b.name == one.environment)
        result += observations.unexpanded(build)
        result += observations.elsewhere(build, _wanted_keys(found))
    if workspace.config is not None:
        result += observations.nowhere(workspace.config, sorted(names), found.resolution)
        result += names_of_nobody(workspace.config, found)
    for one in moves:
        result += drifted(workspace.tree, one.environment, _anew(one))
    result += _of_the_scan(found, moves)
    result += _neighbours(workspace, found, names)
    result += _not_built(changes, proofs)
    result += repository_findings(workspace, found, names)
    result += _locked(found, names)
    if workspace.config is not None:
        result += left_over(found, names, workspace.config)
    return ordered(result, [one.environment for one in moves])


def _anew(moves: Moves) -> frozenset[str]:
    """The files that an earlier apply wrote, and in which a plan follows today's target."""
    code = routing.FORMER_TARGET.code
    return frozenset(one.path for one in moves.edits if one.edit.rule == code)


def _of_the_scan(found: Survey, moves: Sequence[Moves]) -> Iterable[Finding]:
    """What the scan said already; of shared values those alone that a plan splits."""
    names = {one.environment for one in moves}
    code = routing.SHARED_VALUE.code
    split = {
        (one.environment, consumer)
        for one in moves
        for planned in one.edits
        if planned.edit.rule == code
        for consumer in planned.edit.consumers
    }
    for finding in found.inventory.findings:
        if finding.environment and finding.environment not in names:
            continue
        if finding.code != code or (finding.environment, finding.consumer) in split:
            yield finding


def _neighbours(workspace: Workspace, found: Survey, names: Collection[str]) -> Iterable[Finding]:
    """RP105: hosts of the source that are the server of another environment.

    One for each pair of environments: what a shared base names, every consumer of it names. Wait
    loops are left out: they read and write nothing.
    """
    environments = workspace.config.environments if workspace.config is not None else {}
    homes: dict[str, list[str]] = {}
    for name, one in environments.items():
        homes.setdefault(one.namespace, []).append(name)
    servers = Servers(workspace.config, found) if workspace.config is not None else None
    told: dict[tuple[str, str], dict[str, SiteReport]] = {}
    for report in found.inventory.sites:
        read = parse_host(report.site.host.text) if report.is_source else None
        namespace = read.namespace if read is not None else None
        named = homes.get(namespace, []) if namespace else []
        for use in report.uses:
            own = use.environment
            # Where clusters are apart, environments may well have the same namespace.
            home = own if own in named else next(reversed(named), "")
            home = home or (servers.home(report, own) if servers is not None else "")
            if not home or own not in names or home == own or use.purpose is Purpose.PROBE:
                continue
            if environments[own].namespace:
                told.setdefault((own, home), {}).setdefault(use.workload.id, report)
    for (own, home), consumers in told.items():
        (first, report), more = next(iter(consumers.items())), len(consumers) - 1
        also = f" (and {more} more: {', '.join(list(consumers)[1:4])})" if more else ""
        yield routing.NEIGHBOURS_SERVER.finding(
            f"`{report.site.key}` of {first} names the server of `{home}`, and is moved to that "
            f"of `{own}`{also}",
            location=report.site.location,
            environment=own,
            consumer=first,
        )


def _not_built(changes: Sequence[FileChange], proofs: Sequence[OverlayProof]) -> Iterable[Finding]:
    """RP112: what is written and does not arrive."""
    for change, edit, name in missing(changes, proofs):
        yield routing.NOT_BUILT.finding(
            f"`{change.path}` would change {name}, and no overlay builds it so",
            location=None if change.creates else Location(change.path, edit.line, 1, edit.pointer),
            environment=change.environment,
            consumer=next(iter(edit.consumers), ""),
        )


def repository_findings(
    workspace: Workspace, found: Survey, names: frozenset[str]
) -> list[Finding]:
    """Findings that belong to no environment's decisions.

    Passwords in clear text are told of files that one of the environments `names` moves, or none
    alone does.
    """
    moving = {
        report.site.location.path
        for report in found.inventory.sites
        if report.is_source
        and (not report.environments or not names.isdisjoint(report.environments))
    }
    result = list(observations.printed(scripts(found)))
    sealing = sops_files(workspace)
    config = workspace.config
    home = Owners(config, found).certain if config is not None and config.environments else None
    clear = observations.clear_text(with_passwords(found), sealing, moving.__contains__, home)
    result += (one for one in clear if not one.environment or one.environment in names)
    result += observations.unreadable(found.resolution, unread(found))
    result += observations.templates(found.inventory.sites)
    return result


def sops_files(workspace: Workspace) -> list[tuple[str, str]]:
    """`(path, text)` of every `.sops.yaml`."""
    paths = [
        p for p in workspace.tree.paths() if p.rpartition("/")[2] in (".sops.yaml", ".sops.yml")
    ]
    return [(path, workspace.tree.read(path).decode(errors="replace")) for path in paths]


_RUNS_IT = {"Deployment", "StatefulSet", "DaemonSet"}


def _source_gone(found: Survey, moves: Moves) -> Iterable[Finding]:
    """RP130: consumers move away from a server of which the environment has not every part.

    A workload and a claim count as missing where another environment has them.
    """
    if not moves.consumers or found.source is None:
        return
    services = found.source.services
    parts = {b.name: tuple(source_objects(b, services)) for b in found.resolution.environments}
    build = next(b for b in found.resolution.environments if b.name == moves.environment)
    mine = {one.kind for one in parts[build.name]}
    others = [one for name, several in parts.items() if name != build.name for one in several]
    claims = {one.name for one in others if one.kind == "PersistentVolumeClaim"}
    gone = ""
    if services and "Service" not in mine:
        gone = "Service"
    elif not mine & _RUNS_IT and any(one.kind in _RUNS_IT for one in others):
        gone = "workload"
    elif claims & set(claims_missing(build, parts[build.name])):
        gone = "volume claim"
    if gone:
        yield routing.SOURCE_GONE.finding(
            f"the render of `{moves.environment}` holds no {gone} of the source",
            environment=moves.environment,
        )


def _wanted_keys(found: Survey) -> frozenset[str]:
    """Keys of Secrets that hold a connection somewhere, or are called as if they did."""
    keys = {use.source_key for uses in found.uses.values() for use in uses if use.source_key}
    return frozenset(keys | {"DATABASE_URL", "DB_HOST", "dsn", "DSN", "PGHOST", "POSTGRES_HOST"})


def _locked(found: Survey, names: frozenset[str]) -> Iterable[Finding]:
    """RP312: sealed files without a key, an error where a wanted environment reads them."""
    for path, why in closed(found):
        environment = found.resolution.layout.environment_of(path)
        readers = {ref.environment for ref in found.resolution.sealed if ref.path == path}
        needed = bool((readers | {environment}) & names)
        if needed or not environment:
            yield hygiene.cannot_open(path, why, environment=environment, needed=needed)


def closed(found: Survey) -> list[tuple[str, str]]:
    """Each sealed file that could not be opened, by its path, and why."""
    reasons = {one.path: one.reason for one in found.inventory.unreadable}
    return [(path, reasons.get(path, "")) for path in sorted(found.locked)]


_RANK = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTE: 2}


def ordered(findings: Iterable[Finding], environments: Sequence[str]) -> tuple[Finding, ...]:
    """Each finding once: most severe first, then in promotion order, by code and place."""
    order = {name: number for number, name in enumerate(environments)}

    def rank(finding: Finding) -> tuple[object, ...]:
        place = finding.location
        spot = (place.path, place.line) if place is not None else ("", 0)
        return (
            _RANK[finding.severity],
            order.get(finding.environment, len(order)),
            finding.code,
            spot,
            finding.message,
        )

    unique = tuple(dict.fromkeys(findings))
    worst: dict[tuple[object, ...], int] = {}
    for finding in unique:
        worst[_spot(finding)] = min(
            _RANK[finding.severity], worst.get(_spot(finding), _RANK[Severity.NOTE])
        )
    kept = [f for f in unique if _RANK[f.severity] == worst[_spot(f)]]
    return tuple(sorted(kept, key=rank))


def _spot(finding: Finding) -> tuple[object, ...]:
    """What a finding is about: the same rule at the same place is told once, at its worst."""
    place = finding.location or finding.message
    return finding.code, finding.environment, place, finding.consumer


def accepted(findings: Iterable[Finding], choices: Sequence[Acceptance]) -> tuple[Finding, ...]:
    """Mark the findings that repoint.yaml accepts with the reason given there."""
    return tuple(
        replace(finding, accepted=choice.reason) if choice is not None else finding
        for finding in findings
        for choice in (next((c for c in choices if _accepts(c, finding)), None),)
    )


def _accepts(choice: Acceptance, finding: Finding) -> bool:
    path = finding.location.path if finding.location is not None else ""
    return (
        choice.code == finding.code
        and choice.environment in ("", finding.environment)
        and (not choice.consumer or choice.consumer in finding.consumer)
        and choice.path in ("", path)
    )
