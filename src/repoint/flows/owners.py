"""Whose a file is, and which environment moves a site."""

from __future__ import annotations

from repoint.dsn.hosts import parse_host
from repoint.flows.scanning import Survey
from repoint.model.consumer import Purpose, Site
from repoint.planning.config import Config
from repoint.planning.inventory import SiteReport


class Owners:
    """Which environment alone reads a file; files that no environment reads have a home."""

    def __init__(self, config: Config, found: Survey) -> None:
        self._first = next(iter(config.environments))
        self._found = found
        self._environments = len(config.environments)
        self._spaces = {
            one.namespace: name for name, one in config.environments.items() if one.namespace
        }
        self._readers: dict[str, set[str]] = {}
        for build in (*found.resolution.environments, found.resolution.unnamed):
            for path in build.files:
                self._readers.setdefault(path, set()).add(build.name)
        self._servers: dict[tuple[str, str | None], str] = {}
        order = {name: number for number, name in enumerate(config.environments)}
        seen = [
            (order[use.environment], report.site)
            for report in found.inventory.sites
            if report.is_source
            for use in report.uses
            if use.workload.kind != "File" and use.environment in order
        ]
        names = tuple(config.environments)
        for number, site in sorted(seen, key=lambda one: one[0]):
            for database in dict.fromkeys((site.database, None)):
                key = (site.host.text.lower(), database)
                self._servers.setdefault(key, names[number])
        for report in found.inventory.sites:
            # A values file that several environments' releases name is in no build.
            if len(report.environments) > 1:
                spread = self._readers.setdefault(report.site.location.path, set())
                spread.update(report.environments)

    def readers(self, path: str) -> frozenset[str]:
        """Environments that read a file; the empty name stands for everything outside them."""
        return frozenset(self._readers.get(path, ()))

    def owner(self, path: str) -> str:
        """The one environment that a file belongs to; empty when several share it."""
        readers = self._readers.get(path, set())
        if len(readers) == 1 and "" not in readers:
            return next(iter(readers))
        named = self._found.resolution.layout.environment_of(path)
        if readers - {""}:
            return ""
        if not named and self._in_shared_chart(path):
            return ""
        return named or self._home(path)

    def certain(self, path: str) -> str:
        """The one environment that reads a file, or in whose place it is; empty where none is sure.

        Several environments may name one place, of which the layout tells the first one alone.
        """
        layout = self._found.resolution.layout
        known = {
            spec.name
            for spec in layout.environments
            for place in (*spec.secrets, *spec.overlays)
            if place and f"{path}/".startswith(f"{place}/")
        }
        known |= self._readers.get(path, set()) | {layout.environment_of(path)} - {""}
        return next(iter(known)) if len(known) == 1 else ""

    def alone(self, site: Site, environment: str) -> bool:
        """Whether one environment alone uses a site of a file that no overlay reads.

        Such a file may hold Applications, or elements of an ApplicationSet, of several.
        """
        known = self._found.resolution
        path = site.location.path
        if not self.readers(path) and self.home_of(site) == environment:
            return True
        if self._in_shared_chart(path) or any(path in build.files for build in known.builds):
            return False
        return known.site_environments.get(site.id, ()) == (environment,)

    def home_of(self, site: Site) -> str:
        """The environment that moves a site of a file that nobody reads, such as a script.

        The one whose namespace the host names, else the one whose consumers talk to the same
        server, that of the same database first; a server that several share, and one that nobody
        talks to, goes with the file.
        """
        path, host = site.location.path, site.host.text.lower()
        owner = self.owner(path)
        read = parse_host(host)
        if not owner or self._found.resolution.layout.environment_of(path):
            return owner
        if read is not None and read.namespace in self._spaces:
            return self._spaces[read.namespace]
        known = self._servers.get((host, site.database)) or self._servers.get((host, None))
        return known or owner

    def _in_shared_chart(self, path: str) -> bool:
        """Whether a file belongs to a chart that several environments install."""
        if self._environments == 1:
            return False
        folder = path.rpartition("/")[0]
        while True:
            if self._found.index.exists(f"{folder}/Chart.yaml".lstrip("/")):
                return True
            if not folder:
                return False
            folder = folder.rpartition("/")[0]

    def _home(self, path: str) -> str:
        """The environment whose namespace the file's hosts are in, else the first one."""
        for site in self._found.sites.get(path, ()):
            read = parse_host(site.host.text)
            if read is not None and read.namespace in self._spaces:
                return self._spaces[read.namespace]
        return self._first


def concerns(report: SiteReport, environment: str, owners: Owners) -> bool:
    """Whether a site that names the source is this environment's to move."""
    return report.is_source and is_of(report, environment, owners)


def is_of(report: SiteReport, environment: str, owners: Owners) -> bool:
    """Whether a site is this environment's to change, whatever it names."""
    if report.purpose == Purpose.COMMENT.value:
        return False
    if any(use.workload.kind != "File" for use in report.uses):
        return any(use.environment == environment for use in report.uses)
    path = report.site.location.path
    readers = owners.readers(path) - {""}
    if readers:
        # A value that a manifest still spells and every overlay overrides is nobody's to move.
        return environment in readers and environment in report.environments
    return owners.home_of(report.site) == environment
