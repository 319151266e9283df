"""Whose server a host is, where `source.hosts` lists several."""

from __future__ import annotations

from functools import cached_property

from repoint.flows.scanning import Survey
from repoint.model.consumer import Purpose
from repoint.planning.config import Config
from repoint.planning.inventory import SiteReport
from repoint.planning.sources import SourceHosts


class Servers:
    """The servers of the source, by the environments that talk to no other one."""

    def __init__(self, config: Config, found: Survey) -> None:
        services = found.source.services if found.source is not None else ()
        spaces = [one.namespace for one in config.environments.values() if one.namespace]
        self._found = found
        self._listed = tuple(
            SourceHosts([host], services, spaces, config.target.domain)
            for host in config.source.hosts
        )

    def home(self, report: SiteReport, environment: str) -> str:
        """The environment whose only server a site names beside `environment`'s own; or empty.

        Of two servers that an environment talks to, the one that another environment has for its
        only one is that one's. Where that is so of all of them, products share servers: then what
        the environment itself says is its own, and what a shared base says is not.
        """
        if len(self._listed) < 2 or not report.is_source or not environment:
            return ""
        servers = self._named.get(environment, {})
        if len(servers) < 2:
            return ""
        all_shared = all(self._alone_with(server) for server in servers)
        if all_shared and report.environments == (environment,):
            return ""
        return self._alone_with(self._number(report.site.host.text))

    def _alone_with(self, server: int) -> str:
        """The first environment that has a server for its only one, or empty."""
        return next((name for name, all_ in self._named.items() if list(all_) == [server]), "")

    def _number(self, host: str) -> int:
        """Which entry of `source.hosts` a host is, -1 for none."""
        return next((n for n, one in enumerate(self._listed) if one.matches(host)), -1)

    @cached_property
    def _named(self) -> dict[str, dict[int, None]]:
        """The servers that each environment's consumers name, wait loops left out."""
        named: dict[str, dict[int, None]] = {}
        for report in self._found.inventory.sites:
            for use in report.uses if report.is_source else ():
                if use.environment and use.purpose is not Purpose.PROBE:
                    server = self._number(report.site.host.text)
                    named.setdefault(use.environment, {}).setdefault(server, None)
        return named
