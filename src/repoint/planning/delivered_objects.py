"""How an environment's objects get to its cluster: controllers, hooks and waves, as facts."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from repoint.formats.base import FileKind, ParsedFile
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.delivery import Delivery
from repoint.kube.effective import child, effective, items, pairs, text
from repoint.kube.facts import makers
from repoint.kube.objects import objects
from repoint.kube.resource import Resource
from repoint.kube.trace import RawUse
from repoint.kube.workloads import containers
from repoint.model.consumer import Purpose, Use
from repoint.model.source import Location
from repoint.planning.config import Config
from repoint.planning.environment_facts import Targets, place_of
from repoint.planning.overlay_folder import PlannedEdit
from repoint.planning.places import object_name
from repoint.rules.delivered import TOOLS, Delivered, DeliveredObject, Deliverer, Input, Reader

_KINDS = {
    "secret": ("Secret",),
    "envfrom-secret": ("Secret",),
    "configmap": ("ConfigMap",),
    "envfrom-configmap": ("ConfigMap",),
    "volume": ("Secret", "ConfigMap"),
}
_OWN = ("literal", "command")
_REVISION = re.compile(r"\{\{.*\.Release\.Revision.*\}\}")
_PODS = ("Deployment", "StatefulSet", "DaemonSet")


@dataclass(frozen=True, slots=True, eq=False)
class Readings:
    """Who reads a connection in one environment.

    `raw` are the links of containers to sites, `uses` those links with a purpose by site id;
    `moving` are the ids of the sites that name the source.
    """

    raw: tuple[RawUse, ...]
    uses: Mapping[str, tuple[Use, ...]]
    moving: Collection[str]
    files: Mapping[str, ParsedFile]


def delivered(
    config: Config,
    build: EnvironmentBuild,
    targets: Targets,
    readings: Readings,
    source: Iterable[Resource],
    edits: Iterable[PlannedEdit],
) -> Delivered:
    """What the rules on the order of delivery look at.

    Args:
        build: The environment as it is built before the plan.
        targets: The Cluster and the Poolers that its consumers move to.
        source: The source's Services, of every environment.
        edits: The plan for this environment.
    """
    chosen = config.environments.get(build.name)
    desk = _Desk(build, readings)
    touched = {expected.partition("#")[0] for one in edits for expected in one.edit.expects}
    wanted = (targets.cluster, targets.pooler, targets.session)
    return Delivered(
        gitops=chosen is not None and chosen.mode == "gitops",
        deliverers=tuple(desk.deliverer(one) for one in build.deliveries),
        readers=tuple(desk.readers(touched)),
        targets=tuple(desk.object(one) for one in wanted if one is not None),
        source=tuple(desk.object(one) for one in source_objects(build, source)),
        new_cluster=chosen is not None and chosen.new_cluster,
    )


class _Desk:
    """Looks objects up in one environment."""

    def __init__(self, build: EnvironmentBuild, readings: Readings) -> None:
        self._build = build
        self._readings = readings
        self._overlay_of = {id(one): part.overlay for part in build.builds for one in part.objects}

    def deliverer(self, delivery: Delivery) -> Deliverer:
        """A controller's object as the rules see it."""
        return Deliverer(
            tool=delivery.tool,
            name=delivery.name,
            namespace=delivery.home,
            location=Location(delivery.path, delivery.line, 1, ""),
            force=delivery.force,
            prune=delivery.prune,
            waits=delivery.waits,
            suspended=delivery.suspended,
            after=delivery.after,
        )

    def object(self, resource: Resource) -> DeliveredObject:
        """An object of a render or a chart's template, with who brings it."""
        overlay = self._overlay_of.get(id(resource))
        directory = resource.path.rpartition("/")[0] if overlay is None else overlay
        chart = self._chart(resource)
        by = self._bringer(chart or directory)
        if by is None and chart:
            by = Deliverer("helm", chart)
        marks = (*_marks(resource, "annotations"), *_marks(resource, "labels"))
        return DeliveredObject(
            kind=resource.kind,
            namespace=resource.namespace,
            name=resource.name,
            marks=marks,
            by=by,
            unit=by.id if by is not None else directory,
            location=place_of(resource),
        )

    def readers(self, touched: Collection[str]) -> Iterator[Reader]:
        """Every workload of the environment that reads a connection, once each."""
        grouped: dict[tuple[str, str, str], list[RawUse]] = {}
        for use in self._readings.raw:
            if use.environment == self._build.name and use.container.resource is not None:
                one = use.container.workload
                grouped.setdefault((one.kind, one.namespace, one.name), []).append(use)
        for (kind, namespace, name), uses in grouped.items():
            resource = uses[0].container.resource
            if resource is None or not any(containers(resource)):
                continue
            place = "/".join(part for part in (kind, namespace, name) if part)
            changing = [use for use in uses if use.site.id in self._readings.moving]
            yield Reader(
                id=place,
                object=self.object(resource),
                purpose=self._purpose(uses),
                inputs=tuple(self._inputs(uses)),
                changes=object_name(resource) in touched
                or any(use.source in _OWN for use in changing),
                keeps_name=_keeps_name(resource),
                expires=child(resource.body, "spec", "ttlSecondsAfterFinished") is not None,
            )

    def _inputs(self, uses: Iterable[RawUse]) -> Iterator[Input]:
        for use in uses:
            reader = use.container.resource
            for kind in _KINDS.get(use.source, ()):
                found = self._config(kind, use, reader) if reader is not None else None
                if found is not None:
                    moves = use.site.id in self._readings.moving
                    yield Input(self.object(found), use.source_key, moves)

    def _config(self, kind: str, use: RawUse, reader: Resource) -> Resource | None:
        """The Secret or ConfigMap that is read, or what makes it."""
        chart = self._chart(reader)
        if chart:
            return self._in_chart(chart, kind, use.site.location.path)
        made_of = makers().keys() if kind == "Secret" else frozenset[str]()
        named = [
            one
            for one in self._build.objects
            if (one.kind == kind or one.kind in made_of)
            and one.name == use.source_name
            and one.namespace == reader.namespace
        ]
        # A Secret that something else makes comes when its maker does.
        named.sort(key=lambda one: one.kind not in made_of)
        return named[0] if named else None

    def _in_chart(self, chart: str, kind: str, path: str) -> Resource | None:
        """The chart's own object of a kind; the one of the site's file, else its only one."""
        found = [
            Resource(body, one.path)
            for parsed in self._readings.files.values()
            if parsed.path.startswith(f"{chart}/templates/")
            for one in objects(parsed)
            if one.kind == kind and isinstance(body := effective(one.root, one.path, one.at), dict)
        ]
        own = [one for one in found if one.path == path] or found
        return own[0] if len(own) == 1 else None

    def _purpose(self, uses: Iterable[RawUse]) -> str:
        judged = {
            one.purpose
            for raw in uses
            for one in self._readings.uses.get(raw.site.id, ())
            if one.workload == raw.container.workload and one.environment == self._build.name
        }
        if Purpose.MIGRATION in judged:
            return Purpose.MIGRATION.value
        return min((one.value for one in judged - {Purpose.PROBE}), default=Purpose.RUNTIME.value)

    def _chart(self, resource: Resource) -> str:
        """The directory of the chart that a template belongs to; empty for any other file."""
        parsed = self._readings.files.get(resource.path)
        head, found, _ = resource.path.rpartition("/templates/")
        return head if found and parsed and parsed.kind is FileKind.HELM_TEMPLATE else ""

    def _bringer(self, directory: str) -> Deliverer | None:
        """The controller's object whose directory holds this one most closely."""
        around = [
            one
            for one in self._build.deliveries
            if one.directory == directory
            or (one.directory and directory.startswith(f"{one.directory}/"))
        ]
        best = max(around, key=lambda one: len(one.directory), default=None)
        return self.deliverer(best) if best is not None else None


def _marks(resource: Resource, field: str) -> Iterator[tuple[str, str]]:
    for name, value in pairs(resource.body, "metadata", field):
        domain = name.partition("/")[0]
        if any(domain == tool or domain.endswith(f".{tool}") for tool in TOOLS):
            yield name, value


def _keeps_name(resource: Resource) -> bool:
    """Whether the next revision of an object has the same name."""
    return bool(text(resource.body, "metadata", "name")) and not (
        resource.generated or _REVISION.search(resource.name)
    )


def source_objects(build: EnvironmentBuild, services: Iterable[Resource]) -> Iterator[Resource]:
    """The source's Services here, the workloads behind them and their volume claims."""
    known = {id(one) for one in services}
    for service in build.objects:
        if id(service) not in known:
            continue
        yield service
        wanted = dict(pairs(service.body, "spec", "selector"))
        for one in build.objects:
            labels = dict(pairs(one.body, "spec", "template", "metadata", "labels"))
            if (
                wanted
                and one.kind in _PODS
                and one.namespace == service.namespace
                and wanted.items() <= labels.items()
            ):
                yield one
                yield from _claims(build, one)


def _claims(build: EnvironmentBuild, workload: Resource) -> Iterator[Resource]:
    names = _claim_names(workload)
    for one in build.objects:
        here = one.namespace == workload.namespace
        # A prefix that kustomize gives the claim is not in the reference that was read here.
        if one.kind == "PersistentVolumeClaim" and here and {one.name, one.original.name} & names:
            yield one


def claims_missing(build: EnvironmentBuild, source: Iterable[Resource]) -> Iterator[str]:
    """Names of the claims that the source's workloads mount and the environment has not."""
    for workload in source:
        here = {name for one in _claims(build, workload) for name in (one.name, one.original.name)}
        yield from sorted(_claim_names(workload) - here)


def _claim_names(workload: Resource) -> set[str]:
    volumes = items(workload.body, "spec", "template", "spec", "volumes")
    return {text(one, "persistentVolumeClaim", "claimName") for one in volumes} - {""}
