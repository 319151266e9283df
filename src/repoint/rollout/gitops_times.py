"""When what somebody reads was changed, and who started before that.

A manager's entry in `managedFields` has the time at which it last changed any field of its own.
So a key changed then or earlier: who started later has certainly read it as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from repoint.model.cluster import Document, ref_of
from repoint.rollout.inputs import WHOLE, Input
from repoint.rollout.objects import at, items_at, mapping_at


@dataclass(frozen=True, slots=True)
class Change:
    """A Secret or ConfigMap, when the key that is read changed last, and by whom."""

    object: str
    key: str
    at: datetime
    manager: str = ""

    def __str__(self) -> str:
        by = f" by {self.manager}" if self.manager else ""
        return f"{self.object} at {clock(self.at)}{by}"


def moment(text: object) -> datetime | None:
    """A time as the API spells it, None for anything else."""
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None


def clock(time: datetime) -> str:
    """A time for a person, in UTC."""
    return time.strftime("%Y-%m-%d %H:%M:%SZ")


def born(document: Document) -> datetime | None:
    """When an object was made."""
    return moment(at(document, "metadata", "creationTimestamp"))


def changed_at(values: Document, key: str) -> Change | None:
    """When a key of a Secret or ConfigMap (or, as `WHOLE`, any of them) changed last.

    The object's own birth where no manager tells.
    """
    times: list[tuple[datetime, str]] = []
    for entry in items_at(values, "metadata", "managedFields"):
        time = moment(at(entry, "time"))
        owned = {
            name.removeprefix("f:")
            for field in ("f:data", "f:stringData", "f:binaryData")
            for name in mapping_at(entry, "fieldsV1", field)
        }
        if time is not None and (owned if key == WHOLE else key in owned):
            times.append((time, str(at(entry, "manager") or "")))
    whole = ref_of(values)
    name = f"{whole.kind}/{whole.namespace}/{whole.name}"
    if times:
        return Change(name, key, *max(times))
    made = born(values)
    return Change(name, key, made) if made is not None else None


def changed_since(
    started: datetime, inputs: Iterable[Input], values: Mapping[tuple[str, str, str], Document]
) -> Change | None:
    """The newest change of what is read that came after `started`, None where there is none.

    `values` are the live Secrets and ConfigMaps by kind, namespace and name. Times are whole
    seconds: the same second counts as before.
    """
    changes = [
        change
        for one in inputs
        if (found := values.get((one.kind, one.namespace, one.name))) is not None
        and (change := changed_at(found, one.key)) is not None
        and change.at > started
    ]
    return max(changes, key=lambda change: change.at, default=None)
