"""Who reaches PostgreSQL by which key and which Service: one row for each way, before and after.

Both the drawing and the table beside it are made of these rows, so that they say the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from repoint.flows.dossier import Dossier
from repoint.model.consumer import Consumer, Use
from repoint.model.dossier import EnvironmentTarget
from repoint.model.plan import FieldChange, Op, Plan, PlannedConsumer
from repoint.planning.inventory import Inventory
from repoint.views import wording
from repoint.views.report.names import Ids, consumer_anchor, short_workload

_KINDS = {
    "secret": "Secret",
    "envfrom-secret": "Secret",
    "configmap": "ConfigMap",
    "envfrom-configmap": "ConfigMap",
}
_NOT_MOVED = ("", "unchanged")
_STEP = re.compile(r'\["([^"]+)"\]')
_REFERENCE = re.compile(r"\.env\[(?P<variable>[^\]]+)\]\.(?P<rest>value|valueFrom\..+)\Z")


@dataclass(frozen=True, slots=True)
class Key:
    """Where a connection is read: a key of a Secret or ConfigMap, else a place of its own.

    `kind` is `Secret`, `ConfigMap`, or what the place is called (`command`, `environment
    variable`, `file`), which belongs to its one consumer; then `name` is empty.
    """

    kind: str
    name: str
    key: str

    @property
    def shared(self) -> bool:
        """Whether it is an object of its own, which others may read as well."""
        return bool(self.name)

    def __str__(self) -> str:
        return f"{self.kind} {self.name}/{self.key}" if self.name else f"{self.kind} {self.key}"


@dataclass(frozen=True, slots=True)
class Way:
    """One connection: through which key to which host; `direct` says that it must avoid a pool."""

    key: Key
    host: str
    direct: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A consumer in one environment, with its ways before and after.

    `route` is `pooled`, `direct`, `unchanged` or `unknown`; `after` is empty where only a scan
    was made. `settled` says that it is at its target already, and nothing is planned.
    """

    id: str
    anchor: str
    environment: str
    kind: str
    namespace: str
    name: str
    container: str
    purpose: str
    route: str
    way: str
    mode: str
    update: str
    why: tuple[str, ...]
    before: tuple[Way, ...]
    after: tuple[Way, ...]
    places: tuple[str, ...] = ()
    settled: bool = False

    @property
    def title(self) -> str:
        """`Kind/name [container]`."""
        return short_workload(self.kind, self.name, self.container)


def rows_of(dossier: Dossier) -> tuple[Row, ...]:
    """Every consumer: those of the plan where there is one, else those of the scan."""
    uses = _Uses(dossier.inventory)
    if dossier.plan is not None:
        fields = _fields(dossier.plan)
        direct = {one.environment: one.direct for one in dossier.targets}
        found = [
            _planned(one, uses, fields, dossier.plan, direct.get(one.environment, ""))
            for one in dossier.plan.consumers
        ]
        planned = {(row.id, row.environment) for row in found}
        found += [
            row
            for target in dossier.targets
            if target.environment in dossier.plan.environments
            for row in uses.settled(target)
            if (row.id, row.environment) not in planned
        ]
    elif dossier.inventory is not None:
        found = [_scanned(one, uses) for one in dossier.inventory.consumers]
    else:
        found = []
    found.sort(key=lambda row: (row.namespace, row.kind, row.name))
    ids = Ids()
    return tuple(replace(row, anchor=ids.take(row.anchor)) for row in found)


class _Uses:
    """The uses of every consumer, with the address that its site spells."""

    def __init__(self, inventory: Inventory | None) -> None:
        self._by: dict[tuple[str, str], list[tuple[Use, str, str]]] = {}
        self._sites = {}
        for report in inventory.sites if inventory else ():
            self._sites[report.site.id] = report.site
            for use in report.uses:
                place = (bare_host(wording.address(report.site)), report.site.key)
                self._by.setdefault((use.workload.id, use.environment), []).append((use, *place))

    def ways(self, consumer: str, environment: str, hosts: Iterable[str] = ()) -> tuple[Way, ...]:
        """The ways of a consumer; with `hosts` only those that lead to one of them."""
        wanted = set(hosts)
        found = [
            Way(_key(use, key), host, use.purpose.must_go_direct)
            for use, host, key in self._by.get((consumer, environment), ())
            if not wanted or host in wanted
        ]
        return tuple(dict.fromkeys(found))

    def variables(self, consumer: str, environment: str) -> dict[str, Key]:
        """The key behind each environment variable."""
        known = self._by.get((consumer, environment), ())
        return {use.variable: _key(use, key) for use, _, key in known if use.variable}

    def settled(self, target: EnvironmentTarget) -> tuple[Row, ...]:
        """The consumers of an environment that ask its Poolers or its Cluster already."""
        pooled = {one.host for one in target.poolers}
        hosts = {*pooled, target.direct}
        found = []
        for (_, environment), known in self._by.items():
            own = [one for one in known if one[1] in hosts and not _for_another(one[0], known)]
            if environment != target.environment or not own or own[0][0].workload.kind == "File":
                continue
            ways = [Way(_key(use, key), host, use.purpose.must_go_direct) for use, host, key in own]
            uses = [use for use, *_ in own]
            found.append(_settled(uses, tuple(dict.fromkeys(ways)), pooled))
        return tuple(found)

    def places(self, consumer: Consumer) -> tuple[str, ...]:
        """Where the sites of a consumer stand."""
        return tuple(wording.place(self._sites[s]) for s in consumer.sites if s in self._sites)


def _key(use: Use, key: str) -> Key:
    kind = _KINDS.get(use.source, "")
    if kind and use.source_name:
        return Key(kind, use.source_name, use.source_key or key)
    if use.source == "volume" and use.source_name:
        return Key("volume", use.source_name, use.source_key or key)
    if use.source == "literal":
        return Key("variable", "", use.variable or key)
    return Key("file" if use.source == "file" else "command", "", key)


def _scanned(one: Consumer, uses: _Uses) -> Row:
    workload = one.workload
    return Row(
        *(one.id, consumer_anchor(one.environment, workload.id), one.environment),
        *(workload.kind, workload.namespace, workload.name, workload.container),
        purpose=str(one.purpose),
        route=str(one.route),
        way=str(one.route),
        mode="",
        update=one.update_required,
        why=one.evidence,
        before=uses.ways(workload.id, one.environment),
        after=(),
        places=uses.places(one),
    )


def _for_another(use: Use, known: Sequence[tuple[Use, str, str]]) -> bool:
    """Whether a consumer has a key at hand only because `envFrom` takes all of an object."""
    return (
        use.source.startswith("envfrom")
        and use.purpose.must_go_direct
        and any(not one.purpose.must_go_direct for one, *_ in known)
    )


def _settled(known: Sequence[Use], ways: tuple[Way, ...], pooled: set[str]) -> Row:
    first = known[0]
    workload = first.workload
    routes = dict.fromkeys("pooled" if way.host in pooled else "direct" for way in ways)
    return Row(
        *(workload.id, consumer_anchor(first.environment, workload.id), first.environment),
        *(workload.kind, workload.namespace, workload.name, workload.container),
        purpose=", ".join(dict.fromkeys(str(use.purpose) for use in known)),
        route=", ".join(routes),
        way=", ".join(routes),
        mode="",
        update="",
        why=("is there already",),
        before=ways,
        after=ways,
        settled=True,
    )


def _planned(
    one: PlannedConsumer,
    uses: _Uses,
    fields: Mapping[str, list[FieldChange]],
    plan: Plan,
    direct: str,
) -> Row:
    hosts = [host for text in one.current.split(",") if (host := bare_host(text.strip()))]
    before = uses.ways(one.id, one.environment, hosts)
    if not before:
        unknown = Key("", "", "")
        before = tuple(Way(unknown, host) for host in hosts)
    moved = _moved_keys(one, uses, fields)
    copied = {} if moved else _copied_keys(one, plan)
    after = before
    targets = [bare_host(host) for host in one.new.split(", ") if host not in _NOT_MOVED]
    if targets:
        after = tuple(
            replace(way, key=_renamed(way.key, moved, copied), host=_target(way, targets, direct))
            for way in before
        )
    return Row(
        *(one.id, consumer_anchor(one.environment, one.id), one.environment),
        *(one.kind, one.namespace, one.name, one.container),
        purpose=one.purpose,
        route=one.route if targets else "unchanged",
        way=one.way,
        mode=one.pool_mode,
        update=one.update_required,
        why=one.reasons or one.evidence,
        before=before,
        after=tuple(dict.fromkeys(after)),
    )


def _target(way: Way, targets: Sequence[str], direct: str) -> str:
    """Where one way leads: a consumer's keys may go different ways (runtime pooled, DDL direct)."""
    if len(targets) == 1:
        return targets[0]
    return next((host for host in targets if (host == direct) == way.direct), targets[0])


def bare_host(address: str) -> str:
    """`host` of `host:port`."""
    host, colon, port = address.rpartition(":")
    return host if colon and port.isdigit() else address


def _renamed(key: Key, moved: Mapping[Key, Key], copied: Mapping[str, str]) -> Key:
    if key in moved:
        return moved[key]
    return replace(key, key=copied[key.key]) if key.shared and key.key in copied else key


def _fields(plan: Plan) -> dict[str, list[FieldChange]]:
    """What the renders show of each object, by environment and object."""
    found: dict[str, list[FieldChange]] = {}
    for proof in plan.proofs:
        if proof.environment == proof.applied:
            for change in proof.changed:
                found.setdefault(f"{proof.applied}\0{change.object}", []).append(change)
    return found


def _moved_keys(
    one: PlannedConsumer, uses: _Uses, fields: Mapping[str, list[FieldChange]]
) -> dict[Key, Key]:
    """The keys that a variable is read from after the plan, as the render shows it."""
    known = uses.variables(one.id, one.environment)
    moved: dict[Key, Key] = {}
    name = f"{one.environment}\0{one.kind}/{one.namespace}/{one.name}"
    for change in fields.get(name, ()):
        found = _REFERENCE.search(change.field)
        if found is None or f"ontainers[{one.container}]." not in change.field:
            continue
        old = known.get(found["variable"])
        if old is None or not change.after:
            continue
        now = moved.get(old, old)
        last = found["rest"].rpartition(".")[2]
        if last == "value" and old.shared:
            now = Key("variable", "", found["variable"])
        elif last == "key":
            now = replace(now, key=change.after)
        elif last == "name":
            now = replace(now, name=change.after)
        moved[old] = now
    return moved


def _copied_keys(one: PlannedConsumer, plan: Plan) -> dict[str, str]:
    """The second keys of sealed Secrets that only this consumer reads, by the first one's name.

    A file that is sealed shows no key in a render, and an overlay that does not build none at all.
    """
    found: dict[str, str] = {}
    for change in plan.changes:
        for edit in change.edits if change.environment == one.environment else ():
            if edit.op is Op.SEALED_ADD and edit.consumers == (one.id,):
                source = _STEP.findall(edit.source_pointer)
                target = _STEP.findall(edit.pointer)
                if source and target:
                    found[source[-1]] = target[-1]
    return found
