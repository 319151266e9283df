"""Which hosts are the source: the PostgreSQL that everybody talks to today."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.dsn.hosts import DEFAULT_DOMAIN, HostName, parse_host
from repoint.kube.resource import Resource


class SourceHosts:
    """Follows the named hosts in every spelling.

    Args:
        hosts: As `source.hosts` of repoint.yaml lists them.
        services: The effective Services of all environments: one whose own file calls it
            like a source is the source there, whatever prefix and namespace it got.
        namespaces: Namespaces of the environments, in which the source's name counts too.
        domain: The cluster's DNS domain.
    """

    def __init__(
        self,
        hosts: Iterable[str],
        services: Iterable[Resource] = (),
        namespaces: Iterable[str] = (),
        domain: str = DEFAULT_DOMAIN,
    ) -> None:
        self._exact = frozenset(_plain(host) for host in hosts)
        self._domain = domain
        self._names = tuple(name for host in hosts if (name := parse_host(host)) is not None)
        known = {name.service for name in self._names}
        twins = [one for one in services if _own_name(one) in known or one.name.lower() in known]
        self.services = tuple(twins)
        self._aliases = frozenset(one.name.lower() for one in twins) | known
        self._namespaces = frozenset(
            [
                *(one.namespace for one in twins),
                *namespaces,
                *(n.namespace or "" for n in self._names),
            ]
        ) - {""}

    def matches(self, host: str, asking_namespace: str = "") -> bool:
        """Whether `host`, as written, is the source when asked from a namespace.

        A bare name counts in the namespaces where the source stands, and where nothing
        tells the namespace.
        """
        plain = _plain(host)
        if plain in self._exact:
            return True
        read = parse_host(plain)
        if read is None or read.service not in self._aliases or self._foreign(read):
            return False
        if read.namespace is not None:
            return not self._namespaces or read.namespace in self._namespaces
        return not asking_namespace or not self._namespaces or asking_namespace in self._namespaces

    def _foreign(self, read: HostName) -> bool:
        return read.domain is not None and read.domain != self._domain


def _plain(host: str) -> str:
    return host.lower().rstrip(".")


def _own_name(resource: Resource) -> str:
    return resource.original.name.lower()
