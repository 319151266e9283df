"""From a container to the sites it reads, and the way they reach it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from repoint.kube.configs import Configs, Found
from repoint.kube.effective import Value
from repoint.kube.siteindex import SiteIndex
from repoint.kube.spelled import around, pieces, spelled
from repoint.kube.workloads import ContainerView, EnvEntry
from repoint.model.consumer import Certainty, Site

_PLACEHOLDER = re.compile(r"\$\{([A-Za-z_]\w*)(?::[^}]*)?\}")
_SCRIPT = re.compile(r"\.(?:sh|bash|sql|py|rb|pl|js)\Z")
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]*\Z")
_COMPOSED = re.compile(r"(?<!\$)\$\(([A-Za-z_][\w.-]*)\)")
_SUBSTITUTED = re.compile(r"\$\{([A-Za-z_]\w*)(?::?[-=?+][^}]*)?\}")


def is_spring(variable: str) -> bool:
    """Whether a variable is one of Spring's settings, in which it resolves `${NAME}` itself."""
    return variable.startswith("SPRING_")


class RawUse(Struct, frozen=True, eq=False):
    """A container reads a site in an environment; what for is judged elsewhere.

    `environment` is empty where none is named. `via` tells the way for a person.
    `variable`, `source`, `source_name`, `source_key`, `through`, `host` and `around` are
    as in `model.consumer.Use`. `piece` tells that the container gets but a piece of its host there.
    """

    site: Site
    container: ContainerView
    environment: str
    via: str
    variable: str
    source: str
    source_name: str
    source_key: str
    certainty: Certainty
    through: str = ""
    host: str = ""
    around: str = ""
    piece: bool = False

    def within(self, environment: str) -> RawUse:
        """The same use in another environment."""
        return self if environment == self.environment else replace(self, environment=environment)

    def becoming(self, name: str) -> RawUse:
        """The same use of a value that a template hands on by another name."""
        return replace(self, via=f"{name} <- {self.via}", source_key=name)


class SealedReference(Struct, frozen=True, eq=False):
    """A container reads a key of a sealed file whose values could not be decrypted."""

    path: str
    line: int
    pointer: str
    key: str
    container: ContainerView
    environment: str
    variable: str
    source: str
    source_name: str
    certainty: Certainty


class _Link(Struct, frozen=True):
    """A leaf that a container reads, before its sites are looked up."""

    value: Value
    via: str
    variable: str = ""
    source: str = "literal"
    source_name: str = ""
    source_key: str = ""
    certainty: Certainty = Certainty.CERTAIN
    through: str = ""


Expand = Callable[[Value], Iterable[tuple[str, Value]]]


def substitution(variables: Mapping[str, tuple[Value, ...]]) -> Expand:
    """Expand `${NAME}` (with a default or not) by the leaves that NAME stands for."""

    def expand(value: Value) -> Iterator[tuple[str, Value]]:
        for name in dict.fromkeys(_SUBSTITUTED.findall(value.text)) if variables else ():
            for leaf in variables.get(name, ()):
                yield f"${{{name}}}", leaf

    return expand


class Tracer:
    """Follows the references of one environment's containers.

    `expand` gives the leaves that a leaf stands for (a chart's values, a variable
    that Flux or compose substitutes), each with a label for a person.
    """

    def __init__(
        self,
        environment: str,
        configs: Configs,
        sites: SiteIndex,
        expand: Expand,
        wanted: Mapping[tuple[str, str], frozenset[str]],
    ) -> None:
        self.environment = environment
        self._configs = configs
        self._sites = sites
        self._expand = expand
        self._wanted = wanted

    def uses(self, container: ContainerView) -> Iterator[RawUse]:
        """Every site the container reads, in the order it is given them."""
        links = list(self._links(container))
        own = {f"$({link.variable})": link.value.text for link in links if not link.through}
        apart: dict[str, set[str]] = {}
        for link in links:
            leaves = list(self._expand(link.value))
            written = link.value.scalar.text if link.value.scalar is not None else link.value.text
            piece = bool(link.through) and link.through in apart.get(link.variable, ())
            parts: set[str] = set()
            for site in self._sites.of(link.value):
                parts.update(names := pieces(site.host.text))
                host = spelled(site.host.text, _known(link, own, leaves)) if names else ""
                yield self._use(site, container, link, host=host, piece=piece)
            if parts and not link.through:
                apart[link.variable] = parts
            for label, value in leaves:
                handed = replace(link, via=f"{link.via} <- {label}", through=link.through or label)
                longer, torn = around(written, label), label in parts
                for site in self._sites.of(value):
                    yield self._use(site, container, handed, around=longer, piece=torn)

    def _use(
        self,
        site: Site,
        container: ContainerView,
        link: _Link,
        *,
        host: str = "",
        around: str = "",
        piece: bool = False,
    ) -> RawUse:
        return RawUse(
            site=site,
            container=container,
            environment=self.environment,
            via=link.via,
            variable=link.variable,
            source=link.source,
            source_name=link.source_name,
            source_key=link.source_key,
            certainty=link.certainty,
            through=link.through,
            host=host,
            around=around,
            piece=piece,
        )

    def sealed(self, container: ContainerView) -> Iterator[SealedReference]:
        """Every key of an undecrypted sealed file that the container reads."""
        for link in self._links(container):
            if link.source not in ("secret", "envfrom-secret", "volume"):
                continue
            found = self._find("Secret", container, link.source_name)
            view = self._configs.sealed_view(found.resource) if found else None
            if found is None or view is None or view.readable:
                continue
            for key, line, pointer in view.keys:
                if key == link.source_key:
                    yield SealedReference(
                        path=view.path,
                        line=line,
                        pointer=pointer,
                        key=key,
                        container=container,
                        environment=self.environment,
                        variable=link.variable,
                        source=link.source,
                        source_name=link.source_name,
                        certainty=link.certainty,
                    )

    def _links(self, container: ContainerView) -> Iterator[_Link]:
        by_variable: dict[str, _Link] = {}
        for link in self._from_sources(container):
            by_variable[link.variable] = link
        for entry in container.env:
            by_variable.pop(entry.name, None)
            link_or_none = self._from_entry(container, entry)
            if link_or_none is not None:
                by_variable[entry.name] = link_or_none
        yield from by_variable.values()
        yield from self._composed(container, by_variable)
        yield from self._from_mounts(container)
        for field, value in container.words:
            yield _Link(value, field, source="command")
        for field, value in container.others:
            yield _Link(value, field)

    def _from_sources(self, container: ContainerView) -> Iterator[_Link]:
        for entry in container.env_from:
            found = self._find(entry.kind, container, entry.source)
            lowered = entry.kind.lower()
            for key, value in found.values().items() if found else ():
                if _SCRIPT.search(key):
                    # A ConfigMap of settings that has a script, too: nobody reads a variable
                    # called `run.sh`.
                    continue
                variable = f"{entry.prefix}{key}"
                yield _Link(
                    value=value,
                    via=f"envFrom {variable} <- {lowered} {entry.source}/{key}",
                    variable=variable,
                    source=f"envfrom-{lowered}",
                    source_name=entry.source,
                    source_key=key,
                    certainty=found.certainty if found else Certainty.GUESS,
                )

    def _from_entry(self, container: ContainerView, entry: EnvEntry) -> _Link | None:
        if entry.value is not None:
            return _Link(entry.value, f"env {entry.name}", entry.name)
        found = self._find(entry.kind, container, entry.source) if entry.kind else None
        value = found.value(entry.key) if found else None
        if found is None or value is None:
            return None
        lowered = entry.kind.lower()
        return _Link(
            value=value,
            via=f"env {entry.name} <- {lowered} {entry.source}/{entry.key}",
            variable=entry.name,
            source=lowered,
            source_name=entry.source,
            source_key=entry.key,
            certainty=found.certainty,
        )

    def _composed(
        self, container: ContainerView, by_variable: Mapping[str, _Link]
    ) -> Iterator[_Link]:
        """A variable spelled with `$(NAME)` reads what NAME reads, when NAME comes first.

        Spring resolves `${NAME}` in its own settings, whichever comes first.
        """
        before: set[str] = set(by_variable) - set(container.env_names)
        for entry in container.env:
            text = entry.value.text if entry.value is not None else ""
            spelled = {name: f"$({name})" for name in _COMPOSED.findall(text) if name in before}
            if is_spring(entry.name):
                spelled |= {name: f"${{{name}}}" for name in _PLACEHOLDER.findall(text)}
            for name, shown in spelled.items():
                link = by_variable.get(name)
                if link is not None and name != entry.name:
                    yield replace(
                        link,
                        via=f"env {entry.name} <- {shown}",
                        variable=entry.name,
                        through=shown,
                    )
            before.add(entry.name)

    def _from_mounts(self, container: ContainerView) -> Iterator[_Link]:
        for mount in container.mounts:
            found = self._find(mount.kind, container, mount.source)
            values = found.values() if found else {}
            script = _scripts_run(container, values)
            for key, value in values.items():
                if script and _VARIABLE.match(key) and key not in script:
                    # Settings beside a script that others take as variables: no file to it.
                    continue
                if not mount.keys or key in mount.keys:
                    yield _Link(
                        value=value,
                        via=f"file {mount.path} <- {mount.kind.lower()} {mount.source}/{key}",
                        source="volume",
                        source_name=mount.source,
                        source_key=key,
                        certainty=found.certainty if found else Certainty.GUESS,
                    )

    def _find(self, kind: str, container: ContainerView, name: str) -> Found | None:
        namespace = container.workload.namespace
        keys = self._wanted.get((namespace, name), frozenset())
        return self._configs.find(kind, namespace, name, keys, container.path)


def _known(
    link: _Link, own: Mapping[str, str], leaves: Iterable[tuple[str, Value]]
) -> dict[str, str]:
    """The texts of the references that a value may hold, as it writes them."""
    known = {**own, **{label: value.text for label, value in leaves}}
    if is_spring(link.variable):
        known |= {f"${{{name[2:-1]}}}": text for name, text in own.items()}
    return known


def _scripts_run(container: ContainerView, values: Mapping[str, Value]) -> str:
    """The texts of the scripts that a container's command names by their keys, and of theirs."""
    words = " ".join(value.text for _, value in container.words)
    scripts = {key: value.text for key, value in values.items() if _SCRIPT.search(key)}
    texts: dict[str, str] = {key: scripts[key] for key in scripts if f"/{key}" in words}
    for _ in scripts:
        known = "\n".join(texts.values())
        texts |= {key: text for key, text in scripts.items() if key in known}
    return "\n".join(texts.values())


def keys_wanted(views: Iterable[ContainerView]) -> dict[tuple[str, str], frozenset[str]]:
    """The keys read of each Secret, by `(namespace, name)`."""
    result: dict[tuple[str, str], frozenset[str]] = {}
    for view in views:
        for entry in view.env:
            if entry.kind == "Secret":
                where = (view.workload.namespace, entry.source)
                result[where] = result.get(where, frozenset()) | {entry.key}
    return result
