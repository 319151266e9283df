"""Whether an object's change moves a consumer: a place that did not name the target will."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.model.cluster import Document, ref_of
from repoint.rollout.gitops_hosts import names_host, own_texts, plain_values
from repoint.rollout.ordering import is_values


def moves(live: Document | None, wanted: Document, target: Iterable[str]) -> bool:
    """Whether a place in `wanted` names one of the target's Services that did not before.

    Places are the keys of Secrets and ConfigMaps, and the variables and commands of workloads.
    What moves from one Service of the target to another has moved already.
    """
    services = tuple(target)
    before = _named(live, services) if live is not None else frozenset()
    return bool(_named(wanted, services) - before)


def _named(document: Document, services: tuple[str, ...]) -> frozenset[str]:
    texts = plain_values(document) if is_values(ref_of(document)) else own_texts(document)
    return frozenset(place for place, text in texts if names_host(text, services))
