"""What the rules look at of each consumer: pools, labels, connections, hazards."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from repoint.dsn.parse import parse
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.configs import config_values
from repoint.kube.effective import mapping, pairs
from repoint.kube.resource import Resource
from repoint.kube.workloads import ContainerView, containers, leaves
from repoint.model.consumer import Purpose, Route, Site, Style, Use, Workload
from repoint.planning.config import Config
from repoint.planning.connection_variables import with_variables
from repoint.planning.judging import choice_for, main_purpose
from repoint.planning.scale import autoscaled, scale_of
from repoint.planning.site_edits import mode_name
from repoint.rules.attribution import Attribution, Name
from repoint.rules.facts import Connection, ConsumerFacts, Hazard
from repoint.rules.known_images import image_hazards
from repoint.sites.companions import is_login_part
from repoint.sites.encoded import plain_text

Labels = tuple[tuple[str, str], ...]
Configs = dict[tuple[str, str], list[tuple[str, str]]]
"""Keys and values by kind and name of the object that holds them."""
Way = tuple[Workload, Route]
"""A container, and the route of some of its keys."""

_POOL_SIZE = re.compile(
    r"(?i)^(?:(?:.*_)?(?:MAX_(?:OPEN_)?CONN(?:ECTION)?S?|POOL_(?:MAX(?:_SIZE)?|SIZE)|MAX_POOL_SIZE"
    r"|MAXIMUM_POOL_SIZE)|POOL_SIZE|RAILS_MAX_THREADS)$"
)
_POOL_PARAMS = (
    "pool_max_conns",
    "max_conns",
    "maximumPoolSize",
    "connection_limit",
    "pool_size",
    "Maximum Pool Size",
    "Max Pool Size",
)


def consumer_facts(
    config: Config,
    environment: EnvironmentBuild,
    uses: Mapping[Way, tuple[Use, ...]],
    sites: Mapping[str, Site],
    hazards: tuple[Hazard, ...],
) -> tuple[ConsumerFacts, ...]:
    """One per container and way that repoint moves.

    A container whose keys go both ways has two, of one id: rules on pools see what is pooled.

    Args:
        uses: The uses in this environment, of sites that name the source, by container and route.
        sites: Those sites by id.
        hazards: What the repository's source text tells.
    """
    views = {view.workload: view for one in environment.objects for view in containers(one)}
    workloads = {workload: None for workload, _ in uses}
    names = {_called(views.get(workload), workload) for workload in workloads}
    shares = Attribution(hazards, names)
    configs = _config_values(environment)
    limits = autoscaled(environment.objects)
    scales = {workload: scale_of(views.get(workload), limits) for workload in workloads}
    return tuple(
        ConsumerFacts(
            id=workload.id,
            kind=workload.kind,
            namespace=workload.namespace,
            name=workload.name,
            purpose=main_purpose(mine).value,
            route=route.value,
            replicas=scales[workload].replicas,
            pool_size=_pool_size(config, workload, mine, sites, views.get(workload), configs),
            labels=_pod_labels(views.get(workload)),
            connections=_connections(mine, sites, tuple(_variables(views.get(workload), configs))),
            hazards=_own_hazards(views.get(workload), workload, mine, shares),
            logs_in=_logs_in(views.get(workload)),
            mounts=_mounts(views.get(workload)),
            surge=scales[workload].surge,
            scaled_by=scales[workload].source,
        )
        for (workload, route), mine in uses.items()
    )


def _own_hazards(
    view: ContainerView | None,
    workload: Workload,
    uses: tuple[Use, ...],
    shares: Attribution,
) -> tuple[Hazard, ...]:
    """What the consumer's source text tells; a wait loop has none of its own."""
    if main_purpose(uses) is Purpose.PROBE:
        return ()
    return (*_image_hazards(view), *shares.hazards_of(_called(view, workload)))


def _image_hazards(view: ContainerView | None) -> tuple[Hazard, ...]:
    """What is known of the image itself, at the line that names it."""
    if view is None or not view.image:
        return ()
    body = view.resource.body if view.resource is not None else {}
    place = next((v for _, v in leaves(body) if v.text == view.image and v.scalar), None)
    path = place.origin.path if place is not None else view.path
    line = place.scalar.line if place is not None and place.scalar is not None else 1
    variables = {entry.name: entry.value.text for entry in view.env if entry.value is not None}
    return image_hazards(view.image, variables, path, line)


def _logs_in(view: ContainerView | None) -> bool:
    """Whether a container's commands run a query."""
    words = " ".join((*view.command, *view.args)) if view is not None else ""
    return bool(re.search(r"(?<![\w.-])psql(?![\w.-])", words))


def _called(view: ContainerView | None, workload: Workload) -> Name:
    """The names that a source directory would carry: without prefix, as its file says."""
    image = view.image if view is not None else ""
    if view is not None and view.resource is not None:
        return Name(view.resource.original.name, image)
    return Name(workload.name, image)


def _pod_labels(view: ContainerView | None) -> Labels:
    """The pod template's labels: what NetworkPolicies select."""
    if view is None or view.resource is None:
        return ()
    for path in (("spec", "template"), ("spec", "jobTemplate", "spec", "template"), ()):
        labels = pairs(view.resource.body, *path, "metadata", "labels")
        if labels:
            return labels
    return ()


def _pool_size(
    config: Config,
    workload: Workload,
    uses: tuple[Use, ...],
    sites: Mapping[str, Site],
    view: ContainerView | None,
    configs: Configs,
) -> int:
    """The most connections one replica opens, as user, DSN or variable tell; 0 unknown."""
    chosen = choice_for(config, workload)
    if chosen is not None and chosen.pool_size:
        return chosen.pool_size
    for use in uses:
        params = dict(sites[use.site].params)
        for name in _POOL_PARAMS:
            if name in params and params[name].text.isdigit():
                return int(params[name].text)
    for name, value in _variables(view, configs):
        if _POOL_SIZE.match(name) and value.isdigit():
            return int(value)
    return 0


def _config_values(environment: EnvironmentBuild) -> Configs:
    """The clear values of each object by kind, by its rendered name and by its file's own.

    Of a Secret those alone whose names say that they are a role or a database.
    """
    found: Configs = {}
    for resource in environment.objects:
        if resource.kind not in ("ConfigMap", "Secret"):
            continue
        values = [
            (key, text)
            for key, text in _texts(resource)
            if resource.kind == "ConfigMap" or is_login_part(key)
        ]
        for name in {resource.name, resource.original.name}:
            found.setdefault((resource.kind, name), []).extend(values)
    return found


def _texts(resource: Resource) -> Iterator[tuple[str, str]]:
    """Keys and clear values; what is sealed is left out."""
    encoded = mapping(resource.body, "data") if resource.kind == "Secret" else {}
    for key, value in config_values(resource).items():
        clear = plain_text(value.text) if encoded.get(key) is value else value.text
        if clear is not None and not clear.startswith("ENC["):
            yield key, clear


def _variables(view: ContainerView | None, configs: Configs) -> Iterable[tuple[str, str]]:
    if view is None:
        return
    yield from ((entry.name, entry.value.text) for entry in view.env if entry.value is not None)
    for entry in view.env:
        if entry.kind:
            found = dict(configs.get((entry.kind, entry.source), ()))
            if entry.key in found:
                yield entry.name, found[entry.key]
    for source in view.env_from:
        given = configs.get((source.kind, source.source), ())
        yield from ((source.prefix + key, value) for key, value in given)


def _mounts(view: ContainerView | None) -> tuple[tuple[str, str, str], ...]:
    mounts = view.mounts if view is not None else ()
    return tuple((one.kind, one.source, one.path) for one in mounts)


def _connections(
    uses: tuple[Use, ...], sites: Mapping[str, Site], variables: tuple[tuple[str, str], ...]
) -> tuple[Connection, ...]:
    # What another variable is put together from is no connection of its own.
    parts = {(use.site, use.through) for use in uses if use.through}
    return tuple(
        with_variables(_composed(connection(sites[use.site]), use, variables), variables)
        for use in uses
        if (use.site, f"$({use.variable})") not in parts
    )


def _composed(alone: Connection, use: Use, variables: tuple[tuple[str, str], ...]) -> Connection:
    """The connection of a URL that takes its host from a site: `postgres://$(PG_HOST)/db?..`.

    What it asks for stands in the URL, which no edit of the host's own site reaches.
    """
    known = dict(variables)
    text = known.get(use.variable, "") if use.variable != alone.key else ""
    read = parse(text) if "$" in text else None
    if read is None or not read.host.startswith(("$(", "${")):
        return alone
    return replace(
        alone,
        style=read.style.value,
        user=_told(read.user or "", known) or alone.user,
        database=_told(read.database.text if read.database else "", known) or alone.database,
        params=tuple(
            ("sslmode" if one.name == mode_name(read.scheme) else one.name, one.value.text)
            for one in read.params
        ),
        key=use.variable,
        composed=True,
        scheme=read.scheme,
    )


def _told(text: str, variables: Mapping[str, str]) -> str:
    """A part of a connection string; what a variable of the container says, where it is one."""
    return variables.get(text[2:-1], text) if text.startswith("$(") else text


def connection(site: Site) -> Connection:
    """A site as the rules see it: a JDBC URL is one wherever it stands, and pgjdbc's."""
    jdbc = site.scheme.startswith("jdbc:")
    return Connection(
        site=site.id,
        location=site.location,
        style=Style.JDBC.value if jdbc else site.style.value,
        host=site.host.text,
        user=site.user or "",
        database=site.database or "",
        schema=site.schema or "",
        params=tuple(
            ("sslmode" if name == mode_name(site.scheme) else name, part.text)
            for name, part in site.params
        ),
        sealed=site.sealed,
        key=site.key,
        scheme=site.scheme,
    )
