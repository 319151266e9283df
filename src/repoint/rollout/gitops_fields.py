"""Whether a live object is as it should be: every field that is wanted has its value.

What a server adds (defaults, other managers' fields, injected containers) is no difference.
Values are compared in memory; only names of fields come out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from repoint.model.cluster import Document
from repoint.rollout.objects import mapping_at
from repoint.rollout.values import KINDS, changed_keys

_KEYS = ("name", "mountPath", "containerPort", "port", "topologyKey", "key", "ip")
"""What names the items of a list, in Kubernetes' own merge keys."""
_NOT_COMPARED = frozenset({"apiVersion", "kind", "status", "metadata"})
_LOCAL_MARKS = ("config.kubernetes.io/", "internal.config.kubernetes.io/", "config.k8s.io/")
_QUANTITY = re.compile(r"([+-]?\d+(?:\.\d+)?)([eE][+-]?\d+|[KMGTPE]i|[numkMGTPE])?\Z")
_UNITS = {
    **{unit: Decimal(1000) ** n for n, unit in enumerate(("k", "M", "G", "T", "P", "E"), 1)},
    **{f"{unit}i": Decimal(1024) ** n for n, unit in enumerate("KMGTPE", 1)},
    **{"m": Decimal("1e-3"), "u": Decimal("1e-6"), "n": Decimal("1e-9")},
}
_QUANTITIES = re.compile(r"(?:^|\.)(?:limits|requests|hard|capacity|storage|size|sizeLimit)\b")
_SUBSTITUTED = re.compile(r"\$\{[A-Za-z_]\w*[^}]*\}")


def differing(wanted: Document, live: Document) -> tuple[str, ...]:
    """The fields of `wanted` that do not have their value in `live`, sorted.

    A text with `${NAME}` may have anything there: Flux substitutes it.
    """
    if wanted.get("kind") in KINDS:
        found = [f"data[{key}]" for key in changed_keys(live, wanted)]
    else:
        own = {key: value for key, value in wanted.items() if key not in _NOT_COMPARED}
        found = list(_missing(own, live, ""))
    for group in ("labels", "annotations"):
        have = mapping_at(live, "metadata", group)
        for key, value in mapping_at(wanted, "metadata", group).items():
            if not key.startswith(_LOCAL_MARKS) and not _same(value, have.get(key), group):
                found.append(f"metadata.{group}[{key}]")
    return tuple(sorted(dict.fromkeys(found)))


def _missing(wanted: object, live: object, at: str) -> Iterator[str]:
    if isinstance(wanted, Mapping):
        have = live if isinstance(live, Mapping) else {}
        for key, value in wanted.items():
            place = f"{at}.{key}" if at else str(key)
            if key in have or not _is_nothing(value):
                yield from _missing(value, have.get(key), place)
    elif isinstance(wanted, list):
        yield from _missing_items(wanted, live if isinstance(live, list) else [], at)
    elif not _same(wanted, live, at):
        yield at


def _missing_items(wanted: list[Any], live: list[Any], at: str) -> Iterator[str]:
    key = _key_of(wanted)
    if not key:
        if len(wanted) != len(live):
            yield at
            return
        for number, (one, other) in enumerate(zip(wanted, live, strict=True)):
            yield from _missing(one, other, f"{at}[{number}]")
        return
    known = {item.get(key): item for item in live if isinstance(item, Mapping)}
    for item in wanted:
        yield from _missing(item, known.get(item[key]), f"{at}[{item[key]}]")


def _key_of(items: list[Any]) -> str:
    """The key that names every item of a list, empty where none does."""
    for key in _KEYS:
        names = [item.get(key) if isinstance(item, Mapping) else None for item in items]
        if names and all(isinstance(one, str | int) for one in names):
            return key if len(set(names)) == len(names) else ""
    return ""


def _same(wanted: object, live: object, at: str) -> bool:
    if live is None:
        # What is false, zero or empty is left out by the server, unless its default is another.
        return _is_nothing(wanted) or (not isinstance(wanted, str) and not wanted)
    if isinstance(wanted, bool) or isinstance(live, bool):
        return wanted is live
    if wanted == live or (_is_nothing(wanted) and _is_nothing(live)):
        return True
    one, other = str(wanted), str(live)
    if one == other:
        return True
    if _QUANTITIES.search(at):
        return _amount(one) is not None and _amount(one) == _amount(other)
    if _SUBSTITUTED.search(one):
        pattern = ".*".join(re.escape(part) for part in _SUBSTITUTED.split(one))
        return re.fullmatch(pattern, other, re.DOTALL) is not None
    return False


def _amount(text: str) -> Decimal | None:
    """A quantity's value: `1000m` and `1` are equal."""
    found = _QUANTITY.match(text)
    if found is None:
        return None
    unit = found[2] or ""
    if unit[:1] in ("e", "E") and len(unit) > 1 and unit != "Ei":
        return Decimal(f"{found[1]}{unit}")
    return Decimal(found[1]) * _UNITS.get(unit, Decimal(1))


def _is_nothing(value: object) -> bool:
    """Absent, null, and empty are one: servers leave out what is empty."""
    return value is None or value in ({}, [], "")
