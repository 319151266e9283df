"""Which rendered Pooler or Cluster a host names, and which of a container's hosts count."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.dsn.hosts import Service, fqdn, same_service
from repoint.flows.scanning import Survey
from repoint.kube.builds import EnvironmentBuild
from repoint.kube.resource import Resource
from repoint.model.consumer import Purpose, Site, Use
from repoint.planning.config import Config
from repoint.planning.environment_facts import pooler_facts
from repoint.rules.facts import ClusterFacts, PoolerFacts


@dataclass(slots=True, eq=False)
class Address:
    """What a host names: a Cluster's Service, or a Pooler's."""

    server: str
    cluster: ClusterFacts
    pooler: PoolerFacts | None = None
    unlike: str = ""


Asking = tuple[Use, Site, Address]
"""A use, its site, and the server that the site names."""


class Addresses:
    """Which server a host names, asked from a namespace."""

    def __init__(
        self,
        poolers: list[tuple[PoolerFacts, Resource]],
        clusters: list[ClusterFacts],
        domain: str,
    ) -> None:
        self._domain = domain
        self._known: list[tuple[Service, Address]] = []
        by_name = {(one.name, one.namespace): one for one in clusters}
        for pooler, _ in poolers:
            cluster = by_name.get((pooler.cluster, pooler.namespace))
            if cluster is not None:
                service = Service(pooler.name, pooler.namespace)
                self._known.append((service, Address(self._full(service), cluster, pooler)))
        for cluster in clusters:
            for suffix in ("rw", "ro", "r"):
                service = Service(f"{cluster.name}-{suffix}", cluster.namespace)
                unlike = "" if suffix == "rw" else "read-only Services are not rehearsed"
                address = Address(self._full(service), cluster, unlike=unlike)
                self._known.append((service, address))

    def of(self, host: str, namespace: str) -> Address | None:
        """The server of the first host in a list; None when it is none of them."""
        first = host.split(",")[0]
        for service, address in self._known:
            asking = namespace or service.namespace
            if first and same_service(first, service, from_namespace=asking, domain=self._domain):
                return address
        return None

    def _full(self, service: Service) -> str:
        return fqdn(service.name, service.namespace, self._domain)


def build_of(found: Survey, name: str) -> EnvironmentBuild:
    """What an environment deploys."""
    return next(one for one in found.resolution.environments if one.name == name)


def cnpg_objects(build: EnvironmentBuild, kind: str) -> list[Resource]:
    """The CloudNativePG objects of a kind."""
    group = "postgresql.cnpg.io"
    return [one for one in build.objects if one.kind == kind and one.group == group]


def rendered_poolers(build: EnvironmentBuild, config: Config) -> list[tuple[PoolerFacts, Resource]]:
    """Every Pooler, as the rules see it and as it is rendered."""
    return [(pooler_facts(one, config), one) for one in cnpg_objects(build, "Pooler")]


def main_ones(uses: list[Asking]) -> list[Asking]:
    """Without the keys that `envFrom` hands to a runtime beside its own."""
    if not any(use.purpose is Purpose.RUNTIME for use, _, _ in uses):
        return uses
    return [
        one
        for one in uses
        if not (one[0].source.startswith("envfrom") and one[0].purpose.must_go_direct)
    ]


def full_ones(uses: list[Asking]) -> list[Asking]:
    """Without bare hosts that a whole connection string of the same container names too."""
    whole = whole_ones(uses)
    named = {one[2].server for one in whole}
    return [one for one in uses if one in whole or one[2].server not in named]


def whole_ones(uses: list[Asking]) -> list[Asking]:
    """Those that tell role and database."""
    return [one for one in uses if one[1].user and one[1].database]
