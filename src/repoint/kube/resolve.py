"""Which workload uses which site, in which environment, told from the sources alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from repoint.formats.base import FileKind, ParsedFile
from repoint.kube.configs import Configs
from repoint.kube.effective import Origin, Value, leaves_of, text
from repoint.kube.environments import EnvironmentSpec, Layout, find_environments
from repoint.kube.files import FileIndex
from repoint.kube.kustomize import Build, Kustomizer
from repoint.kube.objects import is_kustomization, objects
from repoint.kube.resource import Resource
from repoint.kube.sealed import SealedSecretView, is_cipher
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, SealedReference, Tracer, keys_wanted
from repoint.kube.workloads import ContainerView, containers, object_view
from repoint.model.consumer import Site

_NOT_READERS = frozenset(
    [
        "ConfigMap",
        "Secret",
        "Service",
        "Endpoints",
        "EndpointSlice",
        "Namespace",
        "Cluster",
        "Pooler",
        "postgresql",
        "PostgresCluster",
        "NetworkPolicy",
        "CustomResourceDefinition",
        "Kustomization",
        "SealedSecret",
        "ExternalSecret",
        "ServiceAccount",
        "PersistentVolumeClaim",
    ]
)


@dataclass(frozen=True, slots=True, eq=False)
class EnvironmentBuild:
    """An environment with what it deploys.

    `name` is empty for what no environment is named for. `objects` are the effective
    objects of its overlays and of the plain manifests placed with it; `files` every
    file they are made of.
    """

    name: str
    overlays: tuple[str, ...]
    namespace: str
    builds: tuple[Build, ...]
    plain: tuple[Resource, ...]
    files: frozenset[str]

    @property
    def objects(self) -> tuple[Resource, ...]:
        """The effective objects, overlays first."""
        return tuple(one for build in self.builds for one in build.objects) + self.plain

    @property
    def problems(self) -> tuple[str, ...]:
        """What the builds of its overlays stumbled over."""
        return tuple(one for build in self.builds for one in build.problems)


@dataclass(frozen=True, slots=True, eq=False)
class Resolution:
    """What the sources tell.

    `environments` are the named ones in promotion order; `unnamed` holds everything
    deployed outside them. `site_environments` tells, by site id, the environments whose
    deployed objects hold the site, or that its file's place names.
    """

    environments: tuple[EnvironmentBuild, ...]
    unnamed: EnvironmentBuild
    uses: tuple[RawUse, ...]
    sealed: tuple[SealedReference, ...]
    layout: Layout
    site_environments: Mapping[str, tuple[str, ...]]

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """`(overlay, problem)` of every overlay that does not build cleanly."""
        return tuple(
            (build.overlay, problem)
            for environment in (*self.environments, self.unnamed)
            for build in environment.builds
            for problem in build.problems
        )


def resolve(
    files: Mapping[str, ParsedFile],
    sites: Mapping[str, tuple[Site, ...]],
    sealed: tuple[SealedSecretView, ...] = (),
    environments: tuple[EnvironmentSpec, ...] = (),
    known: Iterable[str] = (),
) -> Resolution:
    """Link workloads to sites over a whole repository.

    Args:
        files: Every file that was parsed, by path.
        sites: The sites of each file, sealed ones included.
        sealed: What the sealed files tell of themselves.
        environments: Those that repoint.yaml names; found by their look when empty.
        known: Paths that exist without having been parsed.
    """
    index = FileIndex(files, known)
    kustomizer = Kustomizer(index, _Reveal(sealed))
    layout = find_environments(index, kustomizer, environments)
    made = _builds(index, kustomizer, layout)
    finder = SiteIndex(sites, files)
    uses: list[RawUse] = []
    references: list[SealedReference] = []
    for environment in made:
        views = tuple(readers(environment.objects))
        shared = () if not environment.name else made[-1].plain
        configs = Configs(environment.objects, shared, sealed)
        tracer = Tracer(environment.name, configs, finder, {}, keys_wanted(iter(views)))
        for view in views:
            uses += tracer.uses(view)
            references += tracer.sealed(view)
    return Resolution(
        environments=made[:-1],
        unnamed=made[-1],
        uses=_distinct(uses),
        sealed=tuple(references),
        layout=layout,
        site_environments=_placed(made, finder, sites, layout),
    )


def readers(resources: Iterable[Resource]) -> Iterator[ContainerView]:
    """The containers of every workload, and other objects that may read a value."""
    for resource in resources:
        found = tuple(containers(resource))
        yield from found
        if not found and resource.kind not in _NOT_READERS and not is_cipher(resource.kind):
            yield object_view(resource)


class _Reveal:
    """Gives sealed objects the kind, name and namespace that decryption showed."""

    def __init__(self, sealed: Iterable[SealedSecretView]) -> None:
        self._views = {view.path: view for view in sealed}

    def __call__(self, resource: Resource) -> None:
        view = self._views.get(resource.path)
        if view is None:
            return
        origin = Origin(resource.path, "/0/metadata")
        if view.kind and is_cipher(resource.kind):
            resource.body["kind"] = Value(view.kind, origin)
        if is_cipher(text(resource.body, "apiVersion")) and view.kind == "Secret":
            resource.body["apiVersion"] = Value("v1", origin)
        for key, value in (("name", view.name), ("namespace", view.namespace)):
            if value and is_cipher(text(resource.body, "metadata", key)):
                resource.set_metadata(key, value, origin)


def _builds(
    index: FileIndex, kustomizer: Kustomizer, layout: Layout
) -> tuple[EnvironmentBuild, ...]:
    """Every environment's build, and last what belongs to none."""
    specs = (*layout.environments, EnvironmentSpec("", overlays=layout.unnamed))
    builds = {
        spec.name: tuple(kustomizer.build(overlay) for overlay in spec.overlays) for spec in specs
    }
    consumed = {path for several in builds.values() for build in several for path in build.files}
    plain: dict[str, list[Resource]] = {}
    for path in sorted(set(index.files) - consumed):
        if _is_manifest(index.files[path]):
            found = [one for one in kustomizer.load(path) if _deployable(one)]
            plain.setdefault(layout.environment_of(path), []).extend(found)
    result = []
    for spec in specs:
        loose = tuple(plain.get(spec.name, ()))
        reads = {path for build in builds[spec.name] for path in build.files}
        result.append(
            EnvironmentBuild(
                name=spec.name,
                overlays=spec.overlays,
                namespace=spec.namespace or _namespace(builds[spec.name]),
                builds=builds[spec.name],
                plain=loose,
                files=frozenset(reads | {one.path for one in loose}),
            )
        )
    return tuple(result)


def _is_manifest(parsed: ParsedFile) -> bool:
    if parsed.kind not in (FileKind.YAML, FileKind.JSON) or is_kustomization(parsed):
        return False
    return next(objects(parsed), None) is not None


def _deployable(resource: Resource) -> bool:
    """Whether an object stands by itself: a workload without any image is a patch."""
    views = tuple(containers(resource))
    return not views or any(view.image for view in views)


def _namespace(builds: tuple[Build, ...]) -> str:
    counts: dict[str, int] = {}
    for build in builds:
        for resource in build.objects:
            if resource.namespace:
                counts[resource.namespace] = counts.get(resource.namespace, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""


def _distinct(uses: list[RawUse]) -> tuple[RawUse, ...]:
    seen: dict[tuple[object, ...], RawUse] = {}
    for use in uses:
        key = (use.site.id, use.site.start, use.container.workload, use.environment, use.via)
        seen.setdefault(key, use)
    return tuple(seen.values())


def _placed(
    made: tuple[EnvironmentBuild, ...],
    finder: SiteIndex,
    sites: Mapping[str, tuple[Site, ...]],
    layout: Layout,
) -> dict[str, tuple[str, ...]]:
    holding: dict[str, list[str]] = {}
    for environment in made[:-1]:
        for resource in environment.objects:
            for leaf in leaves_of(resource.body):
                for site in finder.of(leaf):
                    names = holding.setdefault(site.id, [])
                    if environment.name not in names:
                        names.append(environment.name)
    for path, found in sites.items():
        named = layout.environment_of(path)
        for site in found:
            if site.id not in holding:
                holding[site.id] = [named] if named else []
    return {site: tuple(names) for site, names in holding.items()}
