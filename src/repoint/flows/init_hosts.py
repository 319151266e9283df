"""The servers that init takes for the source: by whom they are read, environment by environment."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from repoint.dsn.hosts import parse_host
from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.model.consumer import Purpose
from repoint.planning.inventory import SiteReport
from repoint.planning.sources import SourceHosts

_MARKED = re.compile(r"[${}()<>/%@\[\]]|^_+.*_+$|^[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+$")
"""What no host has: marks of templates, and names in capitals that a script puts a host for."""
_FILL_IN = re.compile(
    r"(?:^|-)(?:(?:change|replace|override|edit|set|fill)-?(?:me|this|in|by|at|here)"
    r"|(?:replaced|overridden|set|filled|injected|patched)-(?:by|in|at|with)|to-be-\w+|your|todo|tbd"
    r"|fixme|placeholder|dummy|unset|x{3,}|insert-\w+)(?:-|$)"
)
"""Words that ask to be replaced (`set-by-replacement`, `REPLACE_ME`, `changeme`)."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "host.docker.internal", "")


@dataclass(frozen=True, slots=True)
class HostNames:
    """What hosts stand for: `own` maps rendered Services to their files' own names.

    `namespaces` are those that hold a Service of each own name.
    """

    own: dict[str, str]
    namespaces: dict[str, frozenset[str]]

    def stands_for(self, host: str) -> str:
        """The Service's own name; with its namespace where that is another team's."""
        plain = host.lower().rstrip(".")
        read = parse_host(plain)
        if read is None:
            return plain
        name = self.own.get(read.service, read.service)
        known = self.namespaces.get(name, frozenset()) - {""}
        if read.namespace is None or not known or read.namespace in known:
            return name
        return f"{name}.{read.namespace}"


def own_names(builds: Iterable[EnvironmentBuild]) -> HostNames:
    """What the hosts of a repository stand for, by the Services that it builds."""
    own: dict[str, str] = {}
    spaces: dict[str, frozenset[str]] = {}
    for build in builds:
        for one in build.objects:
            if one.kind == "Service":
                name = one.original.name
                own[one.name] = name
                both = {one.namespace, one.original.namespace}
                spaces[name] = spaces.get(name, frozenset()) | both
    return HostNames(own, spaces)


def service(report: SiteReport, names: HostNames) -> str:
    """What the host of a site stands for."""
    return names.stands_for(report.site.host.text)


def source_hosts(
    found: Survey, builds: tuple[EnvironmentBuild, ...], taken: Collection[str]
) -> list[tuple[str, str]]:
    """`(host as written, what it stands for)`, the most used first; without what is `taken`."""
    own = own_names(builds)
    weight: Counter[str] = Counter()
    spelled: dict[str, Counter[str]] = {}
    for report in found.inventory.sites:
        host = _server(report)
        read = parse_host(host)
        name = own.stands_for(host)
        if not host or name in taken:
            continue
        linked = any(use.workload.kind != "File" for use in report.uses)
        weight[name] += 10 if linked else 1
        first = not report.environments or report.environments[0] == _first(found)
        full = read is not None and read.namespace is not None
        own_spelling = read is not None and read.service == name
        rank = 1 + 2 * first + 4 * full + 8 * own_spelling
        spelled.setdefault(name, Counter())[host] += rank
    return [(spelled[name].most_common(1)[0][0], name) for name, _ in weight.most_common()]


def _first(found: Survey) -> str:
    names = found.resolution.layout.names
    return names[0] if names else ""


def host_namespaces(
    found: Survey, builds: tuple[EnvironmentBuild, ...], source: str
) -> dict[str, str]:
    """The namespace that each environment's own hosts of the source name."""
    own = own_names(builds)
    read = parse_host(source)
    wanted = own.stands_for(source) if read is not None else ""
    counts: dict[str, Counter[str]] = {}
    for report in found.inventory.sites:
        host = parse_host(report.site.host.text)
        if host is None or host.namespace is None:
            continue
        if own.stands_for(report.site.host.text) != wanted:
            continue
        if len(report.environments) == 1:
            counts.setdefault(report.environments[0], Counter())[host.namespace] += 1
    return {name: counter.most_common(1)[0][0] for name, counter in counts.items()}


@dataclass(frozen=True, slots=True)
class Sources:
    """The servers that are moved from, and other ones, as they are written."""

    hosts: tuple[str, ...]
    left_alone: tuple[str, ...]


def sources_of(
    found: Survey,
    builds: tuple[EnvironmentBuild, ...],
    hosts: Collection[tuple[str, str]],
    taken: Collection[str],
    namespaces: Collection[str],
) -> Sources:
    """The most used server, and those that the same keys name in its place elsewhere.

    An environment whose database stands under another name is moved like the others: what the
    same container reads through the same key is the same database. Two that it reads so in one
    environment are two databases.

    Args:
        found: What a scan without a configuration saw.
        builds: All environments, the unnamed rest too.
        hosts: What `source_hosts` tells; not empty.
        taken: Names of what is moved to.
        namespaces: Those of the environments, in which the server's name counts too.
    """
    services = [one for build in builds for one in build.objects if one.kind == "Service"]
    own = own_names(builds)
    slots: dict[str, set[_Slot]] = {host: set() for host, _ in hosts}
    for report in found.inventory.sites:
        host = _server(report)
        if host and own.stands_for(host) not in taken:
            slots.setdefault(host, set()).update(_slots(report))
    main = next(iter(hosts))[0]
    known = SourceHosts([main], services, namespaces)
    result = [main]
    asked: dict[tuple[str, ...], set[str]] = {}
    for mine in (several for host, several in slots.items() if known.matches(host)):
        _ask(asked, mine)
    for host, several in slots.items():
        elsewhere = any(env not in asked.get(tuple(slot), {env}) for env, *slot in several)
        if elsewhere and not known.matches(host):
            result.append(host)
            known = SourceHosts(result, services, namespaces)
            _ask(asked, several)
    return Sources(tuple(result), tuple(host for host in slots if not known.matches(host)))


_Slot = tuple[str, str, str, str]
"""An environment, and what is the same in all of them: the key, the reader's kind and name."""


def _ask(asked: dict[tuple[str, ...], set[str]], slots: Iterable[_Slot]) -> None:
    for environment, *slot in slots:
        asked.setdefault(tuple(slot), set()).add(environment)


def _slots(report: SiteReport) -> set[_Slot]:
    """Who reads a site through which key, by environment."""
    key = report.site.key
    return {
        (use.environment, key, use.workload.kind, use.workload.container or use.workload.name)
        for use in report.uses
        if use.environment and use.workload.kind != "File"
    }


def _server(report: SiteReport) -> str:
    """The server that a site names for consumers in a cluster, or empty."""
    host = report.site.host.text.split(",")[0]
    if host.lower() in _LOOPBACK or is_placeholder(host):
        return ""
    if any(use.workload.kind == "ComposeService" for use in report.uses):
        return ""
    return "" if report.purpose == Purpose.COMMENT.value else host


def is_placeholder(host: str) -> bool:
    """Whether a host stands for one that is put in later: nothing runs under such a name."""
    first = re.sub(r"[_ ]+", "-", host.partition(".")[0].lower())
    return _MARKED.search(host) is not None or _FILL_IN.search(first) is not None
