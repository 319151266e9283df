"""RP290 to RP297: in which order a controller brings the change, and what it deletes.

The edits are right and still arrive wrong: a migration that runs before its Secret has
changed, a Job that cannot be changed, an object that nobody brings. Argo CD, Flux and Helm
are read, not run (GO1 to GO12).
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.delivered import Delivered, DeliveredObject, Deliverer, Phase, Reader
from repoint.rules.facts import EnvironmentFacts
from repoint.rules.rule import Rule

READS_OLD = Rule(
    "RP290",
    Severity.ERROR,
    "a hook runs before the Secret that it reads has changed",
    "A PreSync hook of Argo CD, a pre-install or pre-upgrade hook of Helm, or a lower sync wave "
    "runs before the Secret of the same sync is applied: the migration still connects to the old "
    "server, or waits for a key that does not come, and the sync with it. It is an error where "
    "the plan changes that value, and a warning otherwise, for the next change of it.",
    "make the Job a hook of the Sync phase (`argocd.argoproj.io/hook: Sync`) in a wave "
    "(`argocd.argoproj.io/sync-wave`) after the Secret's and before the workloads'; or make the "
    "Secret a PreSync hook of an earlier wave; or bring the Secret one sync earlier",
    ("GO1", "GO2", "GO3", "T2"),
)
AFTER_WORKLOADS = Rule(
    "RP291",
    Severity.WARNING,
    "workloads start before the migration that they need",
    "By phase and sync wave the migration comes after workloads of the same database: they start "
    "on tables that are not migrated yet.",
    "give the migration an earlier wave than the workloads, and its Secret an earlier one still",
    ("GO2", "T2"),
)
TARGET_LATE = Rule(
    "RP292",
    Severity.WARNING,
    "the Cluster or the Pooler comes after what needs it",
    "Argo CD applies a phase or wave only when everything before it is healthy. What waits for a "
    "Pooler of a later wave never gets healthy, so that the Pooler never comes. Where the Cluster "
    "is yet to be made (`new_cluster`) this is certain, and an error.",
    "give the Cluster and the Pooler an earlier wave than everything that connects to them",
    ("GO2", "GO4"),
)
IMMUTABLE_JOB = Rule(
    "RP293",
    Severity.ERROR,
    "a controller cannot change this Job",
    "The pod template of a Job cannot be changed: `field is immutable`. The plan changes it, the "
    "Job keeps its name, and nothing tells the controller to make it anew: the sync fails there.",
    "Argo CD: `argocd.argoproj.io/sync-options: Force=true,Replace=true`, or a hook with "
    "`argocd.argoproj.io/hook-delete-policy: BeforeHookCreation`. Flux: "
    "`kustomize.toolkit.fluxcd.io/force: enabled`. Helm: a hook, or a name with the revision",
    ("GO5", "GO6", "GO8", "T2"),
)
WRONG_DEPENDENCY = Rule(
    "RP294",
    Severity.WARNING,
    "Flux is not told that consumers need the Cluster",
    "Kustomizations without `dependsOn` are brought side by side, and one that does not `wait` "
    "counts as ready once it is applied: consumers start before the Pooler answers. A Cluster "
    "that depends on its own consumers may never come.",
    "let the consumers' Kustomization name the Cluster's under `dependsOn`, and set `wait: true` "
    "on the Cluster's",
    ("GO9",),
)
LEFT_ALONE = Rule(
    "RP295",
    Severity.ERROR,
    "the controller is told to leave alone what the plan changes",
    "The object is marked so that the controller never brings a change of it, or its Kustomization "
    "is suspended: the plan changes the file, and the cluster keeps the old value.",
    "take the mark away for this change, or bring the object by hand",
    ("GO7", "GO10"),
)
MAY_BE_PRUNED = Rule(
    "RP296",
    Severity.NOTE,
    "the controller deletes the old server's data with its manifest",
    "Pruning is on: the day somebody takes the old server out of the repository, its workload and "
    "its volume claim go from the cluster at once, and with them the way back.",
    "mark its claim and its workload `kustomize.toolkit.fluxcd.io/prune: disabled` (Flux) or "
    "`argocd.argoproj.io/sync-options: Prune=false` (Argo CD) until nobody wants to go back",
    ("GO11", "R", "X9"),
)
OTHER_MODE = Rule(
    "RP297",
    Severity.NOTE,
    "a controller brings this environment, and repoint is told that it does itself",
    "Argo CD or Flux reconciles these objects. `repoint rollout` in mode `kubectl` would write the "
    "same fields, and stop at the first that the controller owns.",
    "set `mode: gitops` for this environment in repoint.yaml: `repoint rollout` then watches the "
    "controller",
    ("GO12",),
)
RULES: tuple[Rule, ...] = (
    READS_OLD,
    AFTER_WORKLOADS,
    TARGET_LATE,
    IMMUTABLE_JOB,
    WRONG_DEPENDENCY,
    LEFT_ALONE,
    MAY_BE_PRUNED,
    OTHER_MODE,
)
_TURNS = {Phase.BEFORE: "before the sync", Phase.SYNC: "in the sync", Phase.AFTER: "after the sync"}
_IGNORED = {
    "kustomize.toolkit.fluxcd.io/reconcile": ("disabled",),
    "kustomize.toolkit.fluxcd.io/ssa": ("ifnotpresent", "ignore"),
}
_KEPT = {
    "kustomize.toolkit.fluxcd.io/prune": ("disabled",),
    "kustomize.toolkit.fluxcd.io/reconcile": ("disabled",),
    "helm.sh/resource-policy": ("keep",),
}


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on how the environment's objects reach its cluster."""
    return on_delivery(facts.name, facts.delivered)


def on_delivery(environment: str, facts: Delivered) -> tuple[Finding, ...]:
    """The same, for an environment of which nothing else is asked."""
    found: list[Finding] = []
    for reader in facts.readers:
        for rule in (_reads_old, _target_late, _after_workloads, _immutable, _left_alone):
            found.extend(rule(environment, facts, reader))
        found.extend(_dependency(environment, facts, reader))
    found.extend(_suspended(environment, facts))
    found.extend(_prunable(environment, facts))
    found.extend(_mode(environment, facts))
    return tuple(dict.fromkeys(found))


def _reads_old(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    turn = reader.object.turn
    if turn is None or reader.object.kind in ("Deployment", "StatefulSet", "DaemonSet"):
        return
    worst: dict[str, Finding] = {}
    for one in sorted(reader.inputs, key=lambda item: item.changes):
        theirs = one.object.turn
        if theirs is None or turn >= theirs or not _together(reader.object, one.object):
            continue
        comes = f"{one.object.id} comes {_told(theirs)}"
        changes = "; the plan changes it, and the old one is read" if one.changes else ""
        message = f"{reader.id} runs {_told(turn)}, and {comes}{changes}"
        worst[one.object.id] = READS_OLD.finding(
            message,
            location=reader.object.location,
            environment=environment,
            consumer=reader.id,
            severity=Severity.ERROR if one.changes else Severity.WARNING,
        )
    yield from worst.values()


def _after_workloads(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    turn = reader.object.turn
    if reader.purpose != "migration" or turn is None or reader.object.kind != "Job":
        return
    early = [
        other
        for other in facts.readers
        if other.purpose == "runtime"
        and _together(reader.object, other.object)
        and other.object.turn is not None
        and other.object.turn < turn
    ]
    if early:
        names = ", ".join(sorted({f"`{other.object.name}`" for other in early}))
        yield AFTER_WORKLOADS.finding(
            f"{reader.id} runs {_told(turn)}, after {names}",
            location=reader.object.location,
            environment=environment,
            consumer=reader.id,
        )


def _target_late(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    turn = reader.object.turn
    for target in facts.targets:
        theirs = target.turn
        if turn is None or theirs is None or turn >= theirs:
            continue
        if _together(reader.object, target):
            yield TARGET_LATE.finding(
                f"{reader.id} comes {_told(turn)}, and {target.id} {_told(theirs)}",
                location=reader.object.location,
                environment=environment,
                consumer=reader.id,
                severity=Severity.ERROR if facts.new_cluster else Severity.WARNING,
            )


def _immutable(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    job, known = reader.object, bool(reader.object.tool)
    if job.kind != "Job" or not reader.changes or not reader.keeps_name or reader.expires:
        return
    if not known and not facts.gitops:
        return
    if _made_anew(job):
        return
    who = {"argocd": "Argo CD", "flux": "Flux", "helm": "Helm"}.get(job.tool, "a controller")
    yield IMMUTABLE_JOB.finding(
        f"{reader.id}: the plan changes its pod template, which {who} cannot",
        location=job.location,
        environment=environment,
        consumer=reader.id,
        severity=Severity.ERROR if known else Severity.WARNING,
    )


def _made_anew(job: DeliveredObject) -> bool:
    """Whether the controller deletes and re-creates the Job when its template changes."""
    if job.mark("kustomize.toolkit.fluxcd.io/ssa").lower() in ("ifnotpresent", "ignore"):
        return True  # RP295 tells that it is not changed at all.
    if job.tool == "flux":
        enabled = job.mark("kustomize.toolkit.fluxcd.io/force").lower() == "enabled"
        return enabled or (job.by is not None and job.by.force)
    if job.is_hook:
        policies = job.listed("argocd.argoproj.io/hook-delete-policy") or job.listed(
            "helm.sh/hook-delete-policy"
        )
        # Both tools take it for granted where nothing is said (GO6).
        return not policies or bool({"BeforeHookCreation", "before-hook-creation"} & {*policies})
    options = job.listed("argocd.argoproj.io/sync-options")
    if job.by is not None and job.by.force:
        return True
    return {"Force=true", "Replace=true"} <= {*options}


def _left_alone(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    changing = [one.object for one in reader.inputs if one.changes]
    for one in (*changing, *((reader.object,) if reader.changes else ())):
        mark = next((m for m in _IGNORED if one.mark(m).lower() in _IGNORED[m]), "")
        if one.is_hook and one.phase is None and "Skip" in one.listed("argocd.argoproj.io/hook"):
            mark = "argocd.argoproj.io/hook"
        if mark:
            yield LEFT_ALONE.finding(
                f"{one.id} is marked `{mark}: {one.mark(mark)}`, so that the change never comes",
                location=one.location,
                environment=environment,
                consumer=reader.id,
            )


def _dependency(environment: str, facts: Delivered, reader: Reader) -> Iterator[Finding]:
    mine = reader.object.by
    if mine is None or mine.tool != "flux":
        return
    for target in facts.targets:
        theirs = target.by
        if theirs is None or theirs.tool != "flux" or theirs == mine:
            continue
        if _depends(theirs, mine, facts.deliverers):
            text = f"Kustomization `{theirs.name}`, which brings {target.id}, depends on"
            text, severity = f"{text} `{mine.name}` with its consumers", Severity.ERROR
        elif not _depends(mine, theirs, facts.deliverers):
            text = f"Kustomization `{mine.name}` does not depend on `{theirs.name}`, which brings"
            text, severity = f"{text} {target.id}", Severity.WARNING
        elif not theirs.waits:
            text = f"Kustomization `{theirs.name}` is ready before {target.id} is: it does not wait"
            severity = Severity.NOTE
        else:
            continue
        yield WRONG_DEPENDENCY.finding(
            text, location=mine.location, environment=environment, severity=severity
        )


def _depends(one: Deliverer, other: Deliverer, known: tuple[Deliverer, ...]) -> bool:
    """Whether `one` waits for `other`, directly or through others."""
    by_id = {deliverer.id: deliverer for deliverer in known}
    queue, seen = list(one.after), set[str]()
    while queue:
        name = queue.pop()
        if name == other.id:
            return True
        if name not in seen and name in by_id:
            seen.add(name)
            queue.extend(by_id[name].after)
    return False


def _suspended(environment: str, facts: Delivered) -> Iterator[Finding]:
    touched = {
        one.by
        for reader in facts.readers
        for one in (
            *(given.object for given in reader.inputs if given.changes),
            *((reader.object,) if reader.changes else ()),
        )
        if one.by is not None and one.by.suspended
    }
    for deliverer in sorted(touched, key=lambda one: one.id):
        yield LEFT_ALONE.finding(
            f"Kustomization `{deliverer.name}` is suspended, so that the change never comes",
            hint="resume it when the change is to come: `flux resume kustomization "
            f"{deliverer.name}`",
            location=deliverer.location,
            environment=environment,
            severity=Severity.WARNING,
        )


def _prunable(environment: str, facts: Delivered) -> Iterator[Finding]:
    for one in facts.source:
        if one.kind == "Service" or one.by is None or not one.by.prune:
            continue
        kept = any(one.mark(name).lower() in values for name, values in _KEPT.items())
        options = one.listed("argocd.argoproj.io/sync-options")
        if kept or {"Prune=false", "Prune=confirm"} & {*options}:
            continue
        yield MAY_BE_PRUNED.finding(
            f"{one.id} of the old server goes from the cluster when it leaves the repository",
            location=one.location,
            environment=environment,
        )


def _mode(environment: str, facts: Delivered) -> Iterator[Finding]:
    brought = {
        reader.object.by
        for reader in facts.readers
        if reader.object.by is not None and reader.object.by.tool in ("flux", "argocd")
    }
    if facts.gitops or not brought:
        return
    names = ", ".join(f"`{one.name}`" for one in sorted(brought, key=lambda one: one.id))
    yield OTHER_MODE.finding(
        f"{names} brings the consumers of `{environment}`, whose `mode` is `kubectl`",
        environment=environment,
    )


def _together(one: DeliveredObject, other: DeliveredObject) -> bool:
    """Whether both come with the same sync, whose phases and waves order them."""
    return bool(one.unit) and one.unit == other.unit


def _told(turn: tuple[int, int]) -> str:
    phase, wave = turn
    return f"{_TURNS[Phase(phase)]} in wave {wave}" if wave else _TURNS[Phase(phase)]
