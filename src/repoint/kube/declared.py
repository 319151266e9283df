"""Who a manifest says reads a site, where no environment deploys what the manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from repoint.formats.base import ParsedFile
from repoint.formats.shelf import Shelf
from repoint.kube.configs import Configs
from repoint.kube.effective import effective
from repoint.kube.objects import objects
from repoint.kube.resource import Resource
from repoint.kube.siteindex import SiteIndex
from repoint.kube.trace import RawUse, Tracer, substitution
from repoint.kube.workloads import containers
from repoint.model.consumer import Site


def declared_uses(
    files: Mapping[str, ParsedFile],
    sites: Mapping[str, tuple[Site, ...]],
    used: Iterable[str],
) -> dict[str, RawUse]:
    """The first reader of each site that is in no deployed object, by site id.

    A base's value that every overlay replaces belongs to the base's own workload. `used`
    are the ids of sites that somebody was found to read.
    """
    known = frozenset(used)
    idle = {path: found for path, found in sites.items() if any(s.id not in known for s in found)}
    tracer = Tracer("", Configs([]), SiteIndex(idle, files), substitution({}), {})
    result: dict[str, RawUse] = {}
    for path in idle:
        if isinstance(files, Shelf) and not files.holds(path, "kind"):
            continue
        for one in objects(files[path]):
            body = effective(one.root, one.path, one.at)
            if not isinstance(body, dict):
                continue
            for view in containers(Resource(body, one.path)):
                for use in tracer.uses(view):
                    if use.site.id not in known:
                        result.setdefault(use.site.id, use)
    return result
