"""Every environment's effective objects: overlays, what controllers add, plain manifests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from repoint.formats.base import FileKind
from repoint.kube.delivery import Delivery, deliveries, element_environments, substituted
from repoint.kube.effective import MADE, Origin, Value, child, text
from repoint.kube.environments import EnvironmentSpec, Layout, find_environments
from repoint.kube.facts import made_secrets
from repoint.kube.files import FileIndex
from repoint.kube.helmfile import environment_names
from repoint.kube.homes import by_namespace, delivered_to, home_of, word_of, worded
from repoint.kube.kustomize import Build, Kustomizer
from repoint.kube.objects import CLUSTER_SCOPED, is_kustomization, objects
from repoint.kube.patches import apply_patches, read_patches
from repoint.kube.rendered import from_render
from repoint.kube.resource import Resource
from repoint.kube.sealed import SealedSecretView, is_cipher
from repoint.kube.workloads import containers

_CONTROLLERS = frozenset({"Kustomization", "Application", "ApplicationSet"})


class EnvironmentBuild(Struct, frozen=True, eq=False):
    """An environment with what it deploys.

    `name` is empty for what no environment is named for. `builds` are its overlays',
    `plain` the objects of manifests that no overlay reads and whose place, or whose controller,
    names the environment; `variables` are what Flux substitutes in them. `files` are
    all files they are made of, `deliveries` the controllers' objects that may bring them.
    """

    name: str
    overlays: tuple[str, ...]
    namespace: str
    builds: tuple[Build, ...]
    plain: tuple[Resource, ...]
    files: frozenset[str]
    variables: dict[str, tuple[Value, ...]]
    deliveries: tuple[Delivery, ...] = ()

    @property
    def objects(self) -> tuple[Resource, ...]:
        """The effective objects, overlays first."""
        return tuple(one for build in self.builds for one in build.objects) + self.plain

    @property
    def problems(self) -> tuple[str, ...]:
        """What the builds of its overlays stumbled over."""
        return tuple(one for build in self.builds for one in build.problems)


class Deployed(Struct, frozen=True, eq=False):
    """All environments of a repository, and what stands outside them."""

    layout: Layout
    environments: tuple[EnvironmentBuild, ...]
    unnamed: EnvironmentBuild

    @property
    def all(self) -> tuple[EnvironmentBuild, ...]:
        """The named environments in promotion order, then the unnamed rest."""
        return (*self.environments, self.unnamed)


def deploy(
    index: FileIndex,
    sealed: Iterable[SealedSecretView] = (),
    specs: tuple[EnvironmentSpec, ...] = (),
    rendered: Mapping[str, str] | None = None,
) -> Deployed:
    """Build every environment from the sources; `rendered` are kubectl's builds by overlay."""
    views = {view.path: view for view in sealed}
    kustomizer = Kustomizer(index, _Reveal(views))
    builder = _Builder(kustomizer, rendered or {})
    manifests = index.holding("kind")
    controllers = _controllers(manifests, kustomizer)
    delivered = deliveries(controllers)
    words = [word for one in controllers for _, word in element_environments(one)]
    words += environment_names(index)
    told = worded([(one.directory, word_of(one)) for one in delivered])
    layout = find_environments(index, kustomizer, specs, told, words)
    made = _environments(manifests, builder, layout, delivered, views)
    return Deployed(layout, made[:-1], made[-1])


def _kinds(path: str, index: FileIndex) -> frozenset[str]:
    """The kinds of the Kubernetes objects in a file; none for a kustomization."""
    parsed = index.files[path]
    if parsed.kind not in (FileKind.YAML, FileKind.JSON) or is_kustomization(parsed):
        return frozenset()
    return frozenset(one.kind for one in objects(parsed))


def _controllers(paths: Iterable[str], kustomizer: Kustomizer) -> tuple[Resource, ...]:
    """The Flux and Argo CD objects of all files, with what they may substitute from.

    A file that spells no controller's kind is not parsed for this.
    """
    index = kustomizer.index
    found: list[Resource] = []
    others: list[str] = []
    for path in paths:
        if index.may_say(path, _CONTROLLERS) and _kinds(path, index) & _CONTROLLERS:
            found += kustomizer.load(path)
        else:
            others.append(path)
    if not any(child(one.body, "spec", "postBuild", "substituteFrom") for one in found):
        return tuple(found)
    sources = [path for path in others if _kinds(path, index) & {"ConfigMap", "Secret"}]
    return (*found, *(one for path in sources for one in kustomizer.load(path)))


class _Builder(Struct, frozen=True, eq=False):
    """Builds overlays from the sources; those of `rendered` are as kubectl built them."""

    kustomizer: Kustomizer
    rendered: Mapping[str, str]

    def build(self, overlay: str) -> Build:
        """The build of an overlay, whoever made it."""
        own, stream = self.kustomizer.build(overlay), self.rendered.get(overlay)
        return own if stream is None else from_render(own, stream, self.kustomizer.index)


class _Reveal:
    """Gives sealed objects the kind, name and namespace that decryption showed."""

    def __init__(self, views: dict[str, SealedSecretView]) -> None:
        self._views = views

    def __call__(self, resource: Resource) -> None:
        view = self._views.get(resource.path)
        if view is None:
            return
        origin = Origin(resource.path, "/0/metadata")
        if view.kind and is_cipher(resource.kind):
            resource.put(("kind",), Value(view.kind, origin))
        if is_cipher(resource.api_version) and view.kind == "Secret":
            resource.put(("apiVersion",), Value("v1", origin))
        for key, value in (("name", view.name), ("namespace", view.namespace)):
            if value and is_cipher(text(resource.body, "metadata", key)):
                resource.set_metadata(key, value, origin)


def _environments(
    manifests: Iterable[str],
    builder: _Builder,
    layout: Layout,
    delivered: tuple[Delivery, ...],
    views: dict[str, SealedSecretView],
) -> tuple[EnvironmentBuild, ...]:
    index = builder.kustomizer.index
    specs = (*layout.environments, EnvironmentSpec("", overlays=layout.unnamed))
    homes = delivered_to(delivered, layout)
    own = {spec.name: [one for one, home in homes if home in ("", spec.name)] for spec in specs}
    builds = {
        spec.name: tuple(
            _delivered(builder.build(overlay), own[spec.name], index) for overlay in spec.overlays
        )
        for spec in specs
    }
    consumed = {path for several in builds.values() for build in several for path in build.files}
    plain: dict[str, list[Resource]] = {}
    spaces = by_namespace(layout)
    for path in manifests:
        if path not in consumed and _kinds(path, index):
            view = views.get(path)
            environment = view.environment if view is not None else ""
            place = environment or layout.environment_of(path)
            for one in builder.kustomizer.load(path):
                if _deployable(one):
                    home = place or home_of(one, layout, spaces)
                    plain.setdefault(home, []).append(one.copy())
    return tuple(
        _environment(spec, builds[spec.name], plain.get(spec.name, []), own[spec.name])
        for spec in specs
    )


def _environment(
    spec: EnvironmentSpec,
    builds: tuple[Build, ...],
    plain: list[Resource],
    delivered: list[Delivery],
) -> EnvironmentBuild:
    variables: dict[str, tuple[Value, ...]] = {}
    for delivery in delivered:
        for key, leaf in delivery.variables.items():
            variables[key] = (*variables.get(key, ()), leaf)
    builds = tuple(_placed(_named(build, variables), spec.namespace) for build in builds)
    for resource in plain:
        _name(resource, variables)
        _into_namespace(resource, _around(resource.path, delivered))
        _place(resource, spec.namespace)
    loose = (*plain, *made_secrets((*plain, *(one for b in builds for one in b.objects))))
    reads = {path for build in builds for path in build.files}
    return EnvironmentBuild(
        name=spec.name,
        overlays=spec.overlays,
        namespace=spec.namespace or _namespace(builds),
        builds=builds,
        plain=loose,
        files=frozenset(reads | {one.path for one in loose}),
        variables=variables,
        deliveries=tuple(delivered),
    )


def _named(build: Build, variables: dict[str, tuple[Value, ...]]) -> Build:
    """A build whose objects have the names that Flux makes of `${NAME}` in theirs."""
    if not variables or not any("${" in one.name + one.namespace for one in build.objects):
        return build
    objects = tuple(one.copy() for one in build.objects)
    for one in objects:
        _name(one, variables)
    return replace(build, objects=objects)


def _name(resource: Resource, variables: dict[str, tuple[Value, ...]]) -> None:
    for key in ("name", "namespace"):
        written = text(resource.body, "metadata", key)
        spelled = substituted(written, variables)
        if spelled != written:
            resource.deliver(key, spelled, Origin(resource.path, MADE))


def _placed(build: Build, namespace: str) -> Build:
    """A build whose objects are in the environment's namespace where they name none."""
    if not namespace or all(one.namespace for one in build.objects):
        return build
    objects = tuple(one.copy() for one in build.objects)
    for one in objects:
        _place(one, namespace)
    return replace(build, objects=objects)


def _place(resource: Resource, namespace: str) -> None:
    """What names no namespace goes where `kubectl --namespace` would put it."""
    if namespace and not resource.namespace and resource.kind not in CLUSTER_SCOPED:
        resource.deliver("namespace", namespace, Origin(resource.path, MADE))


def _around(path: str, delivered: list[Delivery]) -> list[Delivery]:
    return [one for one in delivered if one.directory and path.startswith(f"{one.directory}/")]


def _delivered(build: Build, delivered: list[Delivery], index: FileIndex) -> Build:
    """What a controller makes of a build: its namespace, its patches."""
    mine = [one for one in delivered if one.directory == build.overlay]
    if len(mine) != 1:
        return build
    resources, problems = list(build.objects), list(build.problems)
    unsupported = list(build.unsupported)
    for resource in resources:
        _into_namespace(resource, mine)
    if mine[0].patches:
        patches = read_patches(mine[0].patches, mine[0].path, index, ("patches",))
        resources, more = apply_patches(resources, patches)
        problems += more
        unsupported += patches.unsupported
    return replace(
        build,
        objects=tuple(resources),
        problems=tuple(problems),
        unsupported=tuple(unsupported),
        files=build.files | {mine[0].path},
    )


def _into_namespace(resource: Resource, delivered: list[Delivery]) -> None:
    named = {one.namespace for one in delivered if one.namespace}
    if len(named) == 1 and not resource.namespace and resource.kind not in CLUSTER_SCOPED:
        resource.deliver("namespace", named.pop(), Origin(delivered[0].path, MADE))


def _deployable(resource: Resource) -> bool:
    """Whether an object stands by itself: a workload without any image is a patch."""
    views = tuple(containers(resource))
    return not views or any(view.image for view in views)


def _namespace(builds: tuple[Build, ...]) -> str:
    """The namespace that most objects of some builds are in."""
    counts: dict[str, int] = {}
    for build in builds:
        for resource in build.objects:
            if resource.namespace:
                counts[resource.namespace] = counts.get(resource.namespace, 0) + 1
    return max(counts, key=lambda name: counts[name]) if counts else ""
