"""Whether an object's change moves a consumer: a place that did not name the target will."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.model.cluster import Document, ref_of
from repoint.rollout.gitops_hosts import Values, names_host, naming, own_texts, plain_values
from repoint.rollout.ordering import is_values


def moves(live: Document | None, wanted: Document, target: Iterable[str]) -> bool:
    """Whether a place in `wanted` names one of the target's Services that did not before.

    Places are the keys of Secrets and ConfigMaps, and the variables and commands of workloads.
    What moves from one Service of the target to another has moved already.
    """
    services = tuple(target)
    before = _named(live, services) if live is not None else frozenset()
    return bool(_named(wanted, services) - before)


def reads_anew(
    live: Document, held: Values, wanted: Document, values: Values, target: Iterable[str]
) -> bool:
    """Whether a workload, in what it is or reads, names the target that it did not name before.

    This sees a move by a Secret of another name, as a generator makes with each change. `held`
    and `values` are the Secrets and ConfigMaps, as they are and as they should be.
    """
    services = tuple(target)
    return bool(naming(wanted, values, services)) and not naming(live, held, services)


def _named(document: Document, services: tuple[str, ...]) -> frozenset[str]:
    texts = plain_values(document) if is_values(ref_of(document)) else own_texts(document)
    return frozenset(place for place, text in texts if names_host(text, services))
