"""What names the source and stays where it is, since nobody connects by it to move."""

from __future__ import annotations

from repoint.flows.reading import Reading
from repoint.formats.shelf import text_of
from repoint.kube.resolve import Resolution
from repoint.kube.siteindex import SiteIndex
from repoint.planning.between import between, copied_from, target_names
from repoint.planning.config import Config
from repoint.planning.sources import filled_from


def left_alone(config: Config | None, resolution: Resolution, known: Reading) -> frozenset[str]:
    """The ids of the sites that stay where they are though they name the source.

    What the target itself is filled from, what copies the source into the target, and names that
    all texts take for a piece of a host.
    """
    whole = {use.site.id for use in resolution.uses if not use.piece}
    pieces = frozenset(use.site.id for use in resolution.uses if use.piece) - whole
    if config is None:
        return pieces
    objects = (one for env in (*resolution.environments, resolution.unnamed) for one in env.objects)
    sites = SiteIndex(known.sites, known.files)
    cluster, pooler = config.target.cluster, config.target.pooler
    names = target_names(cluster, pooler)
    copying = between(known.sites, names, lambda path: text_of(known.files, path))
    copying |= copied_from(resolution.uses, cluster, pooler)
    return pieces | copying | filled_from(objects, cluster, sites)
