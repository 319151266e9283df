"""A part of what a scan found: consumers by name and purpose, and the sites that they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from repoint.model.consumer import Consumer, Use, Workload
from repoint.planning.inventory import Inventory


def narrowed(
    inventory: Inventory, names: Sequence[str] = (), purposes: Sequence[str] = ()
) -> Inventory:
    """Consumers whose name is like one of `names` and whose purpose is one of `purposes`.

    A name is that of the workload, `Kind/name`, or that of the container; `*` is any text. An
    empty list takes all. Sites stay that such a consumer reads, and findings about either; what
    could not be read stays as well: a consumer may be in it.
    """
    if not names and not purposes:
        return inventory

    def wanted(one: Consumer | Use) -> bool:
        return _is_named(one.workload, names) and (not purposes or str(one.purpose) in purposes)

    consumers = tuple(filter(wanted, inventory.consumers))
    sites = tuple(one for one in inventory.sites if any(map(wanted, one.uses)))
    places = {(one.site.location.path, one.site.location.line) for one in sites}
    known = {one.workload.id for one in consumers}
    return replace(
        inventory,
        consumers=consumers,
        sites=sites,
        findings=tuple(
            one
            for one in inventory.findings
            if one.consumer in known
            or (one.location and (one.location.path, one.location.line) in places)
        ),
    )


def _is_named(workload: Workload, patterns: Sequence[str]) -> bool:
    names = (workload.name, f"{workload.kind}/{workload.name}", workload.container)
    return not patterns or any(fnmatchcase(name, one) for name in names for one in patterns)
