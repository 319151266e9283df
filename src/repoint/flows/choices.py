"""Consumers that repoint.yaml speaks of and that the repository does not have: RP108."""

from __future__ import annotations

from collections.abc import Iterator

from repoint.flows.scanning import Survey
from repoint.kube.workloads import containers
from repoint.model.plan import Finding
from repoint.model.source import Location
from repoint.planning.config import CONFIG_NAME, Config
from repoint.rules import routing


def choices_of_nobody(config: Config, found: Survey) -> Iterator[Finding]:
    """A finding for each name under `consumers:` that nothing in the repository is called.

    Whatever could be meant counts: every object, container and file, whether it was seen to talk to
    PostgreSQL or not, since a sealed value may hide that.
    """
    if not config.consumers:
        return
    known = _names(found)
    for name in config.consumers:
        if name in known:
            continue
        import difflib

        near = difflib.get_close_matches(name, sorted(known), n=1)
        yield routing.CHOICE_OF_NOBODY.finding(
            f"{CONFIG_NAME}: `consumers.{name}` is the name of no consumer",
            hint=f"did you mean `{near[0]}`?" if near else "",
            location=Location(CONFIG_NAME, 1, 1, f"/0/consumers/{name}"),
        )


def _names(found: Survey) -> set[str]:
    """Every spelling that a name under `consumers:` may have."""
    known = set(found.paths)
    for build in (*found.resolution.environments, found.resolution.unnamed):
        for one in build.objects:
            inside = [view.workload.container for view in containers(one)]
            for name in (one.name, one.original.name):
                known |= {name, f"{one.kind}/{name}"}
                known |= {f"{name}/{container}" for container in inside}
                known |= {f"{one.kind}/{name}/{container}" for container in inside}
    for uses in found.uses.values():
        for use in uses:
            name, kind, container = use.workload.name, use.workload.kind, use.workload.container
            known |= {name, f"{kind}/{name}", f"{name}/{container}", f"{kind}/{name}/{container}"}
    return known
