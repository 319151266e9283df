"""Which hosts are the source: the PostgreSQL that everybody talks to today."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from repoint.dsn.hosts import DEFAULT_DOMAIN, HostName, parse_host
from repoint.kube.effective import child, mapping, text
from repoint.kube.resource import Resource
from repoint.kube.siteindex import SiteIndex

_CNPG = "postgresql.cnpg.io"


class SourceHosts:
    """Follows the named hosts in every spelling.

    Args:
        hosts: As `source.hosts` of repoint.yaml lists them.
        services: The effective Services of all environments: one whose own file calls it
            like a source is the source there, whatever prefix and namespace it got. One of type
            `ExternalName` and the host that it stands for are one server.
        namespaces: Namespaces of the environments, in which the source's name counts too.
        domain: The cluster's DNS domain.
        targets: Hosts that consumers move to. A Service may hand them on already, under the
            source's own name: that makes no source of them.
    """

    def __init__(
        self,
        hosts: Collection[str],
        services: Collection[Resource] = (),
        namespaces: Iterable[str] = (),
        domain: str = DEFAULT_DOMAIN,
        targets: Collection[str] = (),
    ) -> None:
        self._domain = domain
        self._targets = frozenset(map(_place, targets))
        self._names = tuple(name for host in hosts if (name := parse_host(host)) is not None)
        known = {name.service for name in self._names}
        twins = [one for one in services if _own_name(one) in known or one.name.lower() in known]
        self.services = tuple(twins)
        handed = (one for one in map(_stands_for, twins) if not self._is_target(one))
        self._exact = frozenset(_plain(host) for host in (*hosts, *handed) if host)
        self._aliases = frozenset(one.name.lower() for one in twins) | known
        self._namespaces = frozenset(
            [
                *(one.namespace for one in twins),
                *namespaces,
                *(n.namespace or "" for n in self._names),
            ]
        ) - {""}
        self._stand_ins: frozenset[tuple[str, str]] = frozenset()
        self._stand_ins = _stand_ins(self, services)

    def matches(self, host: str, asking_namespace: str = "") -> bool:
        """Whether `host`, as written, is the source when asked from a namespace.

        A bare name counts in the namespaces where the source stands, and where nothing
        tells the namespace.
        """
        plain = _plain(host)
        if plain in self._exact:
            return True
        read = parse_host(plain)
        if read is None or self._foreign(read):
            return False
        where = read.namespace or asking_namespace
        if any(name == read.service and where in ("", space) for space, name in self._stand_ins):
            return True
        if read.service not in self._aliases:
            return False
        if read.namespace is not None:
            return not self._namespaces or read.namespace in self._namespaces
        return not asking_namespace or not self._namespaces or asking_namespace in self._namespaces

    def _is_target(self, host: str) -> bool:
        read = parse_host(host)
        if read is None or self._foreign(read):
            return False
        # Where no namespace is known, a target is its name alone.
        return not self._targets.isdisjoint((_place(host), (read.service, "")))

    def _foreign(self, read: HostName) -> bool:
        return read.domain is not None and read.domain != self._domain


def filled_from(objects: Iterable[Resource], target: str, sites: SiteIndex) -> frozenset[str]:
    """The ids of the sites that name a server which the target itself is filled from.

    `externalClusters` of the Cluster `target` are the origin of an import, a base backup or a
    subscription: one that named the target would be filled from itself.
    """
    clusters = (one for one in objects if (one.kind, one.group) == ("Cluster", _CNPG))
    mine = (one for one in clusters if target in (one.name, one.original.name))
    origins = (child(one.body, "spec", "externalClusters") for one in mine)
    return frozenset(site.id for one in origins if one is not None for site in sites.below(one))


def _stand_ins(source: SourceHosts, services: Iterable[Resource]) -> frozenset[tuple[str, str]]:
    """The `(namespace, name)` of the Services that hand on a name of the source."""
    return frozenset(
        (one.namespace, one.name.lower())
        for one in services
        if (host := _stands_for(one)) and source.matches(host, one.namespace)
    )


def _stands_for(service: Resource) -> str:
    """The host that a Service of type `ExternalName` hands on, empty for any other."""
    return text(mapping(service.body, "spec"), "externalName")


def _place(host: str) -> tuple[str, str]:
    """The name and the namespace of a Service's host, however it is spelled."""
    read = parse_host(host)
    return (read.service, read.namespace or "") if read is not None else (host, "")


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _own_name(resource: Resource) -> str:
    return resource.original.name.lower()
