"""Values that workloads read and nobody here can see: sealed ones, and those kept elsewhere.

Their names alone tell that they hold a connection; where they point stays unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from repoint.kube.builds import EnvironmentBuild
from repoint.kube.facts import ExternalValue, external_values
from repoint.kube.trace import RawUse, SealedReference
from repoint.kube.workloads import ContainerView, containers
from repoint.model.consumer import Certainty, Part, Site, Style
from repoint.model.source import Location
from repoint.sites.keys import Evidence, host_key, words

_WHOLE = frozenset({"url", "uri", "dsn", "jdbc"})
_NOT_DSN = frozenset({"sentry", "redis", "mysql", "mongo", "mongodb", "amqp"})


def unseen_uses(
    environments: Iterable[EnvironmentBuild],
    sealed: Iterable[SealedReference],
    seen: Mapping[str, tuple[Site, ...]],
) -> Iterator[RawUse]:
    """Who reads which value that cannot be seen; `seen` are the sites that can, by path.

    The site of such a use has an empty host and no bytes.
    """
    for reference in sealed:
        style = style_of_name(reference.variable) or style_of_name(reference.key)
        if style is not None:
            yield RawUse(
                site=_site(reference.path, reference.line, reference.key, style),
                container=reference.container,
                environment=reference.environment,
                via=f"{reference.source} {reference.source_name}/{reference.key}, sealed",
                variable=reference.variable,
                source=reference.source,
                source_name=reference.source_name,
                source_key=reference.key,
                certainty=reference.certainty,
            )
    for environment in environments:
        values = external_values(environment.objects)
        if values:
            views = [view for one in environment.objects for view in containers(one)]
            yield from _external(environment, values, views, seen)


def style_of_name(name: str) -> Style | None:
    """How a value of this name holds a PostgreSQL server; None when it holds none, or may not."""
    parts = words(name)
    if not parts or set(parts) & _NOT_DSN:
        return None
    found = host_key(name)
    if found is not None and found.evidence >= Evidence.LOOSE:
        return Style.URL if parts[-1] in _WHOLE else Style.SPLIT_ENV
    if parts == ("dsn",) or {"connection", "strings"} <= set(parts) or "connectionstring" in parts:
        return Style.URL
    return None


def _external(
    environment: EnvironmentBuild,
    values: tuple[ExternalValue, ...],
    views: list[ContainerView],
    seen: Mapping[str, tuple[Site, ...]],
) -> Iterator[RawUse]:
    spelled = {(path, site.key) for path, sites in seen.items() for site in sites}
    readers: dict[str, list[ContainerView]] = {}
    for view in views:
        keyed = (entry.source for entry in view.env if entry.kind == "Secret")
        whole = (one.source for one in view.env_from if one.kind == "Secret")
        for secret in dict.fromkeys((*keyed, *whole)):
            readers.setdefault(secret, []).append(view)
    for value in values:
        if not value.key or (value.path, value.key) in spelled:
            continue
        for view in readers.get(value.secret, ()):
            for variable, source in _readings(view, value):
                style = style_of_name(variable) or style_of_name(value.key)
                if style is None:
                    continue
                yield RawUse(
                    site=_site(value.path, value.line, value.key, style),
                    container=view,
                    environment=environment.name,
                    via=f"{source} {value.secret}/{value.key}, by {value.kind}",
                    variable=variable,
                    source=source,
                    source_name=value.secret,
                    source_key=value.key,
                    certainty=Certainty.CERTAIN,
                )


def _readings(view: ContainerView, value: ExternalValue) -> Iterator[tuple[str, str]]:
    """The variables through which a container gets the value, each with its way."""
    mine, theirs = view.workload.namespace, value.namespace
    if mine and theirs and mine != theirs:
        return
    own = {entry.name for entry in view.env}
    for entry in view.env:
        if entry.kind == "Secret" and (entry.source, entry.key) == (value.secret, value.key):
            yield entry.name, "secret"
    for source in view.env_from:
        variable = f"{source.prefix}{value.key}"
        if source.kind == "Secret" and source.source == value.secret and variable not in own:
            yield variable, "envfrom-secret"


def _site(path: str, line: int, key: str, style: Style) -> Site:
    return Site(
        location=Location(path, line, 1, ""),
        style=style,
        key=key,
        host=Part("", None),
        port=None,
        database=None,
        user=None,
        schema=None,
        sealed=True,
        display_only="the value is not in the repository in clear text",
    )
