"""A chart's defaults: whether any environment still reads one.

What a chart would use without any environment's values has uses outside every environment. It
is told once: as read by an environment, as overridden by all, or as nobody's.
"""

from __future__ import annotations

from repoint.flows.scanning import Survey
from repoint.model.consumer import Style, Use
from repoint.planning.inventory import SiteReport

_Read = tuple[str, str]
"""A value as its reader knows it: the workload's name and the key."""


class Overriding:
    """The environments in which a value of its own stands, for each reader and key.

    Without a key: those in which the reader is at all. What it reads there of a chart's defaults
    has that environment's uses, so that one without any is read nowhere.
    """

    def __init__(self, found: Survey) -> None:
        self._everywhere = set(found.resolution.layout.names)
        self._own: dict[_Read, set[str]] = {}
        for report in found.inventory.sites:
            for use in report.uses:
                if use.environment and len(report.environments) == 1:
                    read = (use.workload.name, report.site.key)
                    self._own.setdefault(read, set()).add(use.environment)
                    self._own.setdefault((use.workload.name, ""), set()).add(use.environment)

    def everywhere(self, report: SiteReport, use: Use) -> bool:
        """Whether a use outside every environment is of a value that all of them override."""
        key = "" if is_default(report) else report.site.key
        own = self._own.get((use.workload.name, key), set())
        return not use.environment and bool(self._everywhere) and self._everywhere <= own


def is_default(report: SiteReport) -> bool:
    """Whether a site is a value of a chart."""
    return report.site.style is Style.HELM_VALUE


def told_in_its_environments(report: SiteReport, use: Use) -> bool:
    """Whether a use is of the chart alone, and an environment reads the same default."""
    return not use.environment and is_default(report) and bool(report.environments)
