"""How near a cluster is to the planned state, when somebody else brings it there.

Judged from one picture of the cluster: nothing is changed. An object is as planned when every
wanted field has its value, it is well, and whoever reads a connection started after that
connection had changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum

from repoint.model.cluster import Document, ObjectRef, ref_of
from repoint.rollout.gitops_controllers import Told, told
from repoint.rollout.gitops_fields import differing
from repoint.rollout.gitops_hosts import Values, connection_keys, naming
from repoint.rollout.gitops_times import Change, born, changed_since, clock, moment
from repoint.rollout.inputs import WHOLE, Input, inputs_of
from repoint.rollout.names import ROLLED
from repoint.rollout.objects import at, mapping_at, marks_of, template_of
from repoint.rollout.ordering import is_cnpg
from repoint.rollout.readiness import State, judge, judge_pooler
from repoint.rollout.recycling import Run, Way, clusters_named, due
from repoint.rollout.restarts import by_reloader
from repoint.rollout.values import KINDS

_SHOWN = 4
_NEVER = ("Skip", "SyncFail", "PreDelete", "PostDelete")
_POOL = "cnpg.io/poolerName"


class Standing(StrEnum):
    """How far something is; unknown never counts as reached."""

    REACHED = "reached"
    WAITING = "waiting"
    FAILED = "failed"
    UNKNOWN = "unknown"


_WORST = (Standing.FAILED, Standing.WAITING, Standing.UNKNOWN, Standing.REACHED)


@dataclass(frozen=True, slots=True)
class Row:
    """One object and how far it is; `fields` are the names of those that differ."""

    ref: ObjectRef
    standing: Standing
    reason: str = ""
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Advice:
    """What repoint does not do in this mode, and the commands that do it."""

    text: str
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Picture:
    """A cluster at one moment. It holds values of Secrets, and shows none.

    `wanted` are the planned objects, empty where Helm makes them; `live` what is there of them,
    and the Secrets and ConfigMaps that they read; `workloads` those of an environment without
    planned objects. `pods` are all of its namespaces', `controllers` the objects of Argo CD and
    Flux. `target` and `source` are names of Services.
    """

    wanted: tuple[Document, ...] = field(repr=False)
    live: Mapping[ObjectRef, Document] = field(repr=False)
    pods: tuple[Document, ...] = field(repr=False, default=())
    controllers: tuple[Document, ...] = field(repr=False, default=())
    workloads: tuple[Document, ...] = field(repr=False, default=())
    target: tuple[str, ...] = ()
    source: tuple[str, ...] = ()

    @property
    def values(self) -> Values:
        """The live Secrets and ConfigMaps by kind, namespace and name."""
        return {
            (ref.kind, ref.namespace, ref.name): one
            for ref, one in self.live.items()
            if ref.kind in KINDS
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture tells."""

    rows: tuple[Row, ...]
    controllers: tuple[Told, ...] = ()
    advice: tuple[Advice, ...] = ()

    @property
    def standing(self) -> Standing:
        """The worst of the rows; unknown without any."""
        found = {row.standing for row in self.rows} or {Standing.UNKNOWN}
        return next(one for one in _WORST if one in found)

    @property
    def busy(self) -> bool:
        """Whether a controller is at work right now."""
        return any(one.busy for one in self.controllers)


def see(picture: Picture) -> Seen:
    """Judge a picture of an environment whose planned objects are known."""
    controllers = tuple(told(one) for one in picture.controllers)
    keys = connection_keys(picture.wanted, picture.target)
    first = {ref_of(one): _row(picture, one, controllers) for one in picture.wanted}
    rows: list[Row] = []
    advice: list[Advice] = []
    for one in picture.wanted:
        row = _after_inputs(first[ref_of(one)], picture, first)
        if row.standing is Standing.REACHED:
            row, more = _fresh(row, picture, _read(picture.live.get(row.ref), keys))
            advice += more
        rows.append(row)
    advice += _recycling(picture, rows)
    return Seen(tuple(rows), controllers, tuple(advice))


def see_hosts(picture: Picture, expected: Iterable[ObjectRef]) -> Seen:
    """Judge the live workloads of an environment that Helm makes, by the servers they name.

    Args:
        picture: `workloads` are all of the environment's namespaces.
        expected: The consumers that are known by name.
    """
    rows: list[Row] = []
    advice: list[Advice] = []
    keys = connection_keys(picture.live.values(), picture.target)
    for one in picture.workloads:
        old = naming(one, picture.values, picture.source)
        new = naming(one, picture.values, picture.target)
        if old:
            rows.append(Row(ref_of(one), Standing.WAITING, f"names the source: {', '.join(old)}"))
        elif new:
            judged = judge(one)
            row = Row(ref_of(one), _STANDINGS[judged.state], judged.reason)
            if row.standing is Standing.REACHED:
                row, more = _fresh(row, picture, _read(one, keys), one)
                advice += more
            rows.append(row)
    found = {(row.ref.kind, row.ref.namespace, row.ref.name) for row in rows}
    for ref in expected:
        if (ref.kind, ref.namespace, ref.name) not in found:
            why = "no workload of this name is seen to name the source or the target"
            rows.append(Row(ref, Standing.UNKNOWN, why))
    return Seen(tuple(rows), tuple(told(one) for one in picture.controllers), tuple(advice))


_STANDINGS = {
    State.READY: Standing.REACHED,
    State.WAITING: Standing.WAITING,
    State.FAILED: Standing.FAILED,
}


def _row(picture: Picture, wanted: Document, controllers: tuple[Told, ...]) -> Row:
    """How far an object is by itself."""
    ref = ref_of(wanted)
    live = picture.live.get(ref)
    hooks = str(marks_of(wanted).get("argocd.argoproj.io/hook", "")).split(",")
    if all(hook.strip() in _NEVER for hook in hooks):
        return Row(ref, Standing.REACHED, "no sync brings it")
    if not ref.name:
        return Row(ref, Standing.UNKNOWN, "its name is made by the cluster: look at it yourself")
    if live is None:
        return _absent(ref, wanted, controllers)
    fields = differing(wanted, live)
    if fields:
        more = f" and {len(fields) - _SHOWN} more" if len(fields) > _SHOWN else ""
        shown = ", ".join(f"`{name}`" for name in fields[:_SHOWN])
        return Row(ref, Standing.WAITING, f"not as planned yet: {shown}{more}", fields)
    if is_cnpg(ref, "Pooler"):
        own = ObjectRef("apps/v1", "Deployment", ref.namespace, ref.name)
        judged = judge_pooler(live, picture.live.get(own))
    else:
        judged = judge(live)
    return Row(ref, _STANDINGS[judged.state], judged.reason)


def _absent(ref: ObjectRef, wanted: Document, controllers: tuple[Told, ...]) -> Row:
    policies = str(marks_of(wanted).get("argocd.argoproj.io/hook-delete-policy", ""))
    policies += str(marks_of(wanted).get("helm.sh/hook-delete-policy", ""))
    expires = at(wanted, "spec", "ttlSecondsAfterFinished") is not None
    if ref.kind != "Job" or not (expires or "ucceeded" in policies):
        return Row(ref, Standing.WAITING, "it is not there yet")
    if any(f"{ref.namespace}/{ref.name}" in one.hooks and one.done for one in controllers):
        return Row(ref, Standing.REACHED, "ran to its end in the last sync, and was deleted")
    return Row(ref, Standing.UNKNOWN, "it cleans up after itself, and nobody tells that it ran")


def _after_inputs(row: Row, picture: Picture, first: Mapping[ObjectRef, Row]) -> Row:
    """A workload is judged only once what it reads is there: its failure before is an old one."""
    live = picture.live.get(row.ref)
    if live is None or row.fields or not template_of(live):
        return row
    for one in inputs_of(live):
        given = first.get(one.ref)
        if given is not None and given.standing is Standing.WAITING:
            return replace(row, standing=Standing.WAITING, reason=f"{given.ref} comes first")
    return row


def _read(
    workload: Document | None, keys: frozenset[tuple[str, str, str, str]]
) -> tuple[Input, ...]:
    """The inputs of a workload that hold a connection to the target, key by key."""
    found = []
    for one in inputs_of(workload) if workload is not None else ():
        for kind, namespace, name, key in keys:
            same = (kind, namespace, name) == (one.kind, one.namespace, one.name)
            if same and one.key in (WHOLE, key):
                found.append(replace(one, key=key))
    return tuple(sorted(set(found)))


def _fresh(
    row: Row, picture: Picture, inputs: tuple[Input, ...], workload: Document | None = None
) -> tuple[Row, tuple[Advice, ...]]:
    """Whether what runs has started after the connections that it reads had changed."""
    live = workload if workload is not None else picture.live.get(row.ref)
    if live is None or not inputs:
        return row, ()
    if row.ref.kind == "Job":
        started = moment(at(live, "status", "startTime")) or born(live)
        change = changed_since(started, inputs, picture.values) if started else None
        if change is None or started is None:
            return row, ()
        text = f"started at {clock(started)}, before {change}: it read the old one"
        return replace(row, standing=Standing.FAILED, reason=text), (_again(row.ref),)
    if row.ref.kind not in ROLLED:
        return row, ()
    stale = list(_stale(live, picture, inputs))
    if not stale:
        return row, ()
    change = max((change for _, change in stale), key=lambda one: one.at)
    text = f"{len(stale)} pods started before {change}"
    row = replace(row, standing=Standing.WAITING, reason=text)
    objects = {
        (ref.kind, ref.name): one
        for ref, one in picture.live.items()
        if ref.namespace == row.ref.namespace
    }
    if by_reloader(live, inputs, objects):
        return replace(row, reason=f"{text}; Reloader is to restart it"), ()
    command = (
        f"kubectl -n {row.ref.namespace} rollout restart {row.ref.kind.lower()}/{row.ref.name}"
    )
    why = f"{row.ref} still has its old connection: nobody restarts it"
    return row, (Advice(why, (command,)),)


def _stale(
    workload: Document, picture: Picture, inputs: tuple[Input, ...]
) -> Iterator[tuple[Document, Change]]:
    labels = mapping_at(workload, "spec", "selector", "matchLabels")
    namespace = ref_of(workload).namespace
    for pod in picture.pods:
        own = mapping_at(pod, "metadata", "labels")
        mine = ref_of(pod).namespace == namespace and labels and labels.items() <= own.items()
        ended = at(pod, "status", "phase") in ("Succeeded", "Failed")
        started = born(pod)
        if not mine or ended or at(pod, "metadata", "deletionTimestamp") or started is None:
            continue
        change = changed_since(started, inputs, picture.values)
        if change is not None:
            yield pod, change


def _again(ref: ObjectRef) -> Advice:
    return Advice(
        f"{ref} has to run again, on the new connection; the controller makes it anew",
        (f"kubectl -n {ref.namespace} delete job/{ref.name}",),
    )


def _recycling(picture: Picture, rows: Iterable[Row]) -> Iterator[Advice]:
    """Pools whose server connections are older than a migration that ran (PS4)."""
    reached = {row.ref for row in rows if row.standing is Standing.REACHED}
    keys = connection_keys(picture.wanted, picture.target)
    for one in picture.wanted:
        pooler = ref_of(one)
        if not is_cnpg(pooler, "Pooler") or pooler not in reached:
            continue
        pods = [
            pod
            for pod in picture.pods
            if mapping_at(pod, "metadata", "labels").get(_POOL) == pooler.name
            and ref_of(pod).namespace == pooler.namespace
        ]
        oldest = min((time for pod in pods if (time := born(pod))), default=None)
        runs = []
        for ref, job in picture.live.items():
            ended = moment(at(job, "status", "completionTime"))
            after = ref.kind == "Job" and ref in reached and ended and oldest and oldest < ended
            if after and (_read(job, keys) or naming(job, picture.values, picture.target)):
                named = clusters_named(job, picture.values, picture.wanted)
                runs.append(Run(str(at(job, "metadata", "uid")), ref.name, clusters=named))
        needed = due(one, picture.live.get(pooler), runs)
        if needed is not None:
            names = ", ".join(run.name for run in needed.runs)
            yield Advice(
                f"{pooler} keeps server connections from before {names} (PS4), and repoint does "
                f"not recycle it in this mode; {needed.effect}",
                _recycle_commands(pooler, needed.way),
            )


def _recycle_commands(pooler: ObjectRef, way: Way) -> tuple[str, ...]:
    head = f"kubectl -n {pooler.namespace}"
    if way is Way.RESTART:
        return (f"{head} rollout restart deployment/{pooler.name}",)
    patch = '{{"spec":{{"pgbouncer":{{"paused":{}}}}}}}'
    return tuple(
        f"{head} patch poolers.postgresql.cnpg.io {pooler.name} --type merge "
        f"-p '{patch.format(value)}'"
        for value in ("true", "false")
    )
