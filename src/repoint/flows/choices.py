"""Consumers, acceptances and servers of repoint.yaml that are for nobody: RP108, RP113."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from repoint.dsn.hosts import parse_host
from repoint.flows.scanning import Survey
from repoint.kube.charts import find_charts
from repoint.kube.compose import is_compose, services
from repoint.kube.workloads import containers
from repoint.model.plan import Finding
from repoint.model.source import Location
from repoint.planning.config import CONFIG_NAME, Config
from repoint.planning.environment_facts import targets_of
from repoint.rules import routing

_ONE_LETTER = 0.8
"""Above it names are as alike as by a slip of the finger; `pg-old` and `pg-new` are two servers."""
_NOUNS = {"code": "finding's code", "environment": "environment"}
_WAYS = {
    "code": "write the code as `repoint check` or `repoint plan` shows it, or take the entry out",
    "environment": "write the name as under `environments:`, or take the entry out",
}


def names_of_nobody(config: Config, found: Survey) -> Iterator[Finding]:
    """Findings on names in repoint.yaml that are nobody's."""
    yield from _choices(config, found)
    yield from _acceptances(config)
    yield from _sources(config, found)


def _sources(config: Config, found: Survey) -> Iterator[Finding]:
    """A finding where `source.hosts` looks mistyped; none where a sealed value may name it."""
    sites = [one.site for one in found.inventory.sites]
    if found.locked or any(one.is_source for one in found.inventory.sites):
        return
    if found.source is not None and any(found.source.matches(one.host.text) for one in sites):
        # What stays where it is names it, such as the Cluster that is filled from it.
        return
    known = {name.service for site in sites if (name := parse_host(site.host.text))}
    targets = [targets_of(config, build) for build in found.resolution.environments]
    moved = {h for one in targets for h in (one.pooled, one.direct, one.session_pooled) if h}
    if known & {name.service for host in moved if (name := parse_host(host))}:
        return
    import difflib

    named = sorted({site.host.text for site in sites if parse_host(site.host.text)})
    for number, host in enumerate(config.source.hosts):
        near = difflib.get_close_matches(host, named, n=1, cutoff=_ONE_LETTER)
        if near:
            yield routing.SOURCE_OF_NOBODY.finding(
                f"{CONFIG_NAME}: nobody names `{host}` of `source.hosts`",
                hint=f"did you mean `{near[0]}`?",
                location=Location(CONFIG_NAME, 1, 1, f"/0/source/hosts/{number}"),
            )


def _choices(config: Config, found: Survey) -> Iterator[Finding]:
    """A finding for each name under `consumers:` that nothing in the repository is called.

    Whatever could be meant counts: every object, container and file, whether it was seen to talk to
    PostgreSQL or not, since a sealed value may hide that.
    """
    known = _names(found) if config.consumers else set()
    unknown = [name for name in config.consumers if name not in known]
    if not unknown:
        return
    import difflib

    known |= _names_in_files(found)
    for name in (one for one in unknown if one not in known):
        near = difflib.get_close_matches(name, sorted(known), n=1)
        yield routing.CHOICE_OF_NOBODY.finding(
            f"{CONFIG_NAME}: `consumers.{name}` is the name of no consumer",
            hint=_of_release(name, found) or (f"did you mean `{near[0]}`?" if near else ""),
            location=Location(CONFIG_NAME, 1, 1, f"/0/consumers/{name}"),
        )


def _acceptances(config: Config) -> Iterator[Finding]:
    """A finding for each acceptance of a code or an environment that does not exist."""
    if not config.accept:
        return
    from repoint.rules.catalog import ALL_RULES

    codes = {rule.code for rule in ALL_RULES}
    for number, one in enumerate(config.accept):
        named = {"code": (one.code, codes), "environment": (one.environment, config.environments)}
        for key, (name, known) in named.items():
            if name and name not in known:
                yield routing.CHOICE_OF_NOBODY.finding(
                    f"{CONFIG_NAME}: `accept[{number}].{key}`, `{name}`, is no {_NOUNS[key]}",
                    hint=_WAYS[key],
                    location=Location(CONFIG_NAME, 1, 1, f"/0/accept/{number}/{key}"),
                )


def _of_release(name: str, found: Survey) -> str:
    """What to write for the name that a chart's workload has in a release that nobody names."""
    called = name.split("/")
    for chart in find_charts(found.resolution.index):
        for made in chart.resources(chart.name, chart.values):
            for view in containers(made):
                shown = view.workload.name
                tails = {shown, shown.removeprefix(f"{chart.name}-")}
                if any(part.endswith(f"-{tail}") for part in called for tail in tails):
                    return (
                        f"write `{shown}`: nothing tells the release's name, so the chart's own, "
                        f"`{chart.name}`, stands for it"
                    )
    return ""


def _names(found: Survey) -> set[str]:
    """Every spelling that a name under `consumers:` may have."""
    known = set(found.paths)
    for build in (*found.resolution.environments, found.resolution.unnamed):
        for one in build.objects:
            inside = [view.workload.container for view in containers(one)]
            for name in (one.name, one.original.name):
                known |= _spelled(one.kind, name, inside)
    for uses in found.uses.values():
        for use in uses:
            known |= _spelled(use.workload.kind, use.workload.name, [use.workload.container])
    return known


def _names_in_files(found: Survey) -> set[str]:
    """The same of charts' templates and compose files, of which builds know the readers alone."""
    index = found.resolution.index
    files = [index.files[path] for path in index.holding("services")]
    views = [view for one in files if is_compose(one) for view in services(one, index)]
    for chart in find_charts(index):
        for made in chart.resources(chart.name, chart.values):
            views += containers(made)
    seen = [view.workload for view in views]
    return {text for one in seen for text in _spelled(one.kind, one.name, [one.container])}


def _spelled(kind: str, name: str, inside: Iterable[str]) -> set[str]:
    whole = {name, f"{kind}/{name}"}
    return whole | {f"{one}/{container}" for one in whole for container in inside}
