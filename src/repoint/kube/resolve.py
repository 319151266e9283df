"""Which workload uses which site, in which environment, told from the sources alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from repoint.formats.base import ParsedFile
from repoint.kube import compose
from repoint.kube.builds import Deployed, EnvironmentBuild, deploy
from repoint.kube.configs import Configs, by_name
from repoint.kube.delivery import element_environments, element_readers
from repoint.kube.effective import leaves_of
from repoint.kube.environments import EnvironmentSpec, Layout
from repoint.kube.facts import makers
from repoint.kube.files import FileIndex
from repoint.kube.kustomize import Build
from repoint.kube.overriding import Overriding, overriding
from repoint.kube.release_uses import LooseValue, loose_values, migrator_uses, release_uses
from repoint.kube.releases import Release, releases
from repoint.kube.resource import Resource
from repoint.kube.sealed import SealedSecretView, is_cipher
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, SealedReference, Tracer, keys_wanted, substitution
from repoint.kube.workloads import ContainerView, containers, object_view
from repoint.model.consumer import Site

_INSTALLED = frozenset({"HelmRelease", "Application"})
_NOT_READERS = frozenset(
    {
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
        "ServiceAccount",
        "PersistentVolumeClaim",
    }
)


class Resolution(Struct, frozen=True, eq=False):
    """What the sources tell.

    `environments` are the named ones in promotion order; `unnamed` holds everything
    deployed outside them. `site_environments` tells, by site id, the environments whose
    deployed objects hold the site, or that its file's place names. `problems` are
    `(overlay, problem)` of every overlay that does not build cleanly. `layers` are the files whose
    values a release spells: values files of any name, and objects with values in them.
    `overriding` tells which values file stands over a file of defaults, `loose` what is no site
    in values files and may be a host all the same.
    """

    environments: tuple[EnvironmentBuild, ...]
    unnamed: EnvironmentBuild
    uses: tuple[RawUse, ...]
    sealed: tuple[SealedReference, ...]
    layout: Layout
    site_environments: Mapping[str, tuple[str, ...]]
    index: FileIndex
    """The files that were looked at, for whoever looks further."""
    layers: frozenset[str] = frozenset()
    overriding: Overriding = {}
    loose: tuple[LooseValue, ...] = ()

    @property
    def builds(self) -> tuple[Build, ...]:
        """The builds of all overlays, environment by environment."""
        return tuple(one for env in (*self.environments, self.unnamed) for one in env.builds)

    @property
    def problems(self) -> tuple[tuple[str, str], ...]:
        """What the overlays' builds stumbled over."""
        return tuple((build.overlay, one) for build in self.builds for one in build.problems)


def resolve(
    files: Mapping[str, ParsedFile],
    sites: Mapping[str, tuple[Site, ...]],
    sealed: tuple[SealedSecretView, ...] = (),
    environments: tuple[EnvironmentSpec, ...] = (),
    known: Iterable[str] = (),
    rendered: Mapping[str, str] | None = None,
) -> Resolution:
    """Link workloads to sites over a whole repository.

    Args:
        files: Every file that was parsed, by path.
        sites: The sites of each file, sealed ones included.
        sealed: What the sealed files tell of themselves.
        environments: Those that repoint.yaml names; found by their look when empty.
        known: Paths that exist without having been parsed.
        rendered: What `kubectl kustomize` made of overlays that were not known, by overlay.
    """
    index = FileIndex(files, known)
    deployed = deploy(index, sealed, environments, rendered)
    finder = SiteIndex(sites, files)
    traced = _traced(deployed, finder, {view.path: view for view in sealed})
    uses = [*traced.uses, *_compose_uses(index, deployed.layout, finder)]
    released = releases(index, deployed.layout, _objects(deployed), sites, _built_of(deployed))
    for release in released:
        uses += release_uses(release, finder)
    uses += _migrators(traced.installed, released, finder)
    uses = _in_elements(uses, deployed, finder)
    return Resolution(
        environments=deployed.environments,
        unnamed=deployed.unnamed,
        uses=_distinct(uses),
        sealed=traced.sealed,
        layout=deployed.layout,
        site_environments=_placed(deployed, released, uses, finder, sites),
        index=index,
        layers=frozenset(leaf.origin.path for one in released for _, leaf in one.own),
        overriding=overriding(released),
        loose=tuple(value for one in released for value in loose_values(one, finder)),
    )


class _Traced(Struct, frozen=True, eq=False):
    """What the deployed objects themselves read; `installed` are charts with what each reads."""

    uses: tuple[RawUse, ...]
    sealed: tuple[SealedReference, ...]
    installed: tuple[tuple[ContainerView, list[RawUse]], ...]


def _traced(
    deployed: Deployed, finder: SiteIndex, sealed: Mapping[str, SealedSecretView]
) -> _Traced:
    uses: list[RawUse] = []
    references: list[SealedReference] = []
    installed: list[tuple[ContainerView, list[RawUse]]] = []
    shared = by_name(deployed.unnamed.objects)
    for environment in deployed.all:
        common = by_name(environment.objects)
        for group in (*(build.objects for build in environment.builds), environment.plain):
            views = tuple(readers(group))
            tracer = Tracer(
                environment.name,
                Configs([by_name(group), common, shared], sealed),
                finder,
                substitution(environment.variables),
                keys_wanted(views),
            )
            for view in views:
                read = list(tracer.uses(view))
                uses += read
                if view.workload.kind in _INSTALLED:
                    installed.append((view, read))
                references += tracer.sealed(view) if sealed else ()
    return _Traced(tuple(uses), tuple(references), tuple(installed))


def _migrators(
    installed: Iterable[tuple[ContainerView, list[RawUse]]],
    released: Iterable[Release],
    finder: SiteIndex,
) -> Iterator[RawUse]:
    """What migrates by the values of a chart that is not at hand to tell it."""
    at_hand = {(one.holder, one.namespace, one.name) for one in released if one.chart is not None}
    for view, read in installed:
        who = view.workload
        if (who.kind, who.namespace, who.name) not in at_hand:
            yield from migrator_uses(view, read, finder)


def readers(resources: Iterable[Resource]) -> Iterator[ContainerView]:
    """The containers of every workload, and other objects that may read a value."""
    silent = _NOT_READERS | makers().keys()
    for resource in resources:
        found = tuple(containers(resource))
        yield from found
        if not found and resource.kind not in silent and not is_cipher(resource.kind):
            yield object_view(resource)


def _objects(deployed: Deployed) -> Iterator[tuple[str, Resource]]:
    for environment in deployed.all:
        for resource in environment.objects:
            yield environment.name, resource


def _built_of(deployed: Deployed) -> Iterator[tuple[str, str, str]]:
    """The files that overlays are built of, behind their environment and its namespace."""
    for environment in deployed.all:
        files = {path for build in environment.builds for path in build.files}
        yield from ((environment.name, environment.namespace, path) for path in sorted(files))


def _compose_uses(index: FileIndex, layout: Layout, finder: SiteIndex) -> Iterator[RawUse]:
    for path in index.holding("services"):
        parsed = index.files[path]
        if not compose.is_compose(parsed):
            continue
        tracer = Tracer(
            layout.environment_of(path),
            Configs([]),
            finder,
            substitution(compose.variables(path, index)),
            {},
        )
        for view in compose.services(parsed, index):
            yield from tracer.uses(view)


def _in_elements(uses: list[RawUse], deployed: Deployed, finder: SiteIndex) -> list[RawUse]:
    """Give uses of an ApplicationSet's list elements what the element and the template tell.

    The element names the environment, the template the Helm parameters that a value becomes.
    """
    named: dict[tuple[str, int], str] = {}
    words: dict[int, list[str]] = {}
    readers: dict[tuple[str, int], tuple[str, ...]] = {}
    for _, resource in _objects(deployed):
        fed = element_readers(resource) if resource.kind == "ApplicationSet" else {}
        for leaf, word in element_environments(resource):
            name = deployed.layout.known(word)
            found = words.setdefault(id(resource), [])
            if name and name not in found:
                found.append(name)
            for site in finder.of(leaf):
                named[site.id, site.start] = name
                key = leaf.origin.pointer.rpartition("/")[2]
                readers[site.id, site.start] = fed.get(key, ())
    result: list[RawUse] = []
    for use in uses:
        spot = (use.site.id, use.site.start)
        own = named.get(spot)
        every = words.get(id(use.container.resource), []) if use.container.resource else []
        for name in [own] if own else every or [use.environment]:
            become = [use.becoming(reader) for reader in readers.get(spot, ())]
            result += [one.within(name) for one in become or [use]]
    return result


def _distinct(uses: Iterable[RawUse]) -> tuple[RawUse, ...]:
    seen: dict[tuple[object, ...], RawUse] = {}
    for use in uses:
        spot = (use.site.id, use.site.start, use.piece)
        key = (*spot, use.container.workload, use.environment, use.via)
        seen.setdefault(key, use)
    return tuple(seen.values())


def _placed(
    deployed: Deployed,
    released: tuple[Release, ...],
    uses: Iterable[RawUse],
    finder: SiteIndex,
    sites: Mapping[str, tuple[Site, ...]],
) -> dict[str, tuple[str, ...]]:
    """The environments of each site, used or not, in promotion order."""
    holding: dict[str, set[str]] = {}
    for use in uses:
        holding.setdefault(use.site.id, set()).add(use.environment)
    for name, resource in _objects(deployed):
        for field in resource.body.values():
            for site in finder.below(field):
                holding.setdefault(site.id, set()).add(name)
    for release in released:
        for leaf in (*leaves_of(release.values), *(one for _, one in release.own)):
            for site in finder.of(leaf):
                holding.setdefault(site.id, set()).add(release.environment)
    order = deployed.layout.names
    result: dict[str, tuple[str, ...]] = {}
    for path, found in sites.items():
        place = deployed.layout.environment_of(path)
        for site in found:
            names = holding.get(site.id, set()) - {""}
            if not names and place:
                names = {place}
            result[site.id] = tuple(name for name in order if name in names)
    return result
