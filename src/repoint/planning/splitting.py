"""Values of their own for consumers that cannot follow the one value they share (X7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.kube.resource import Resource
from repoint.model.consumer import Site, Use
from repoint.planning.deliver import Delivery
from repoint.planning.overlay_edits import Reason
from repoint.planning.site_edits import Goal, applied, part_edits, replacements
from repoint.planning.yaml_emit import Token, Tree

_SECRET_SOURCES = ("secret", "envfrom-secret")
_CONFIG_SOURCES = ("configmap", "envfrom-configmap")


@dataclass(frozen=True, slots=True)
class Branch:
    """A use that leaves a shared value, with the built object it belongs to."""

    use: Use
    resource: Resource | None


def split_off(
    delivery: Delivery,
    site: Site,
    goal: Goal,
    branches: Sequence[Branch],
    present: frozenset[str],
    reason: Reason,
    word: str = "direct",
) -> Use | None:
    """Give every branch a value of its own.

    Args:
        delivery: Takes the edits.
        site: The shared site, which keeps its value.
        goal: Where the branches go.
        branches: The uses that leave.
        present: Keys that stand beside the site's own already.
        reason: Why.
        word: What tells the second key from the first one.

    Returns:
        The first use that cannot be split off; then nothing was planned for any.
    """
    key = second_key(_base_key(site), word)
    values: list[tuple[Branch, Resource, dict[str, Tree]]] = []
    for branch in branches:
        value = _value(delivery, site, goal, branch.use, key)
        resource = branch.resource
        if value is None or resource is None or not delivery.can_override(branch.use, resource):
            return branch.use
        values.append((branch, resource, value))
    needs_key = any(branch.use.source in _SECRET_SOURCES for branch, _, _ in values)
    if needs_key and key not in present and not delivery.add_key(site, goal, key, reason):
        return branches[0].use
    for branch, resource, value in values:
        delivery.override(branch.use, resource, value, reason)
    return None


def _value(
    delivery: Delivery, site: Site, goal: Goal, use: Use, key: str
) -> dict[str, Tree] | None:
    """The new source of a variable: the second key of a Secret, else a plain value."""
    if use.source in _SECRET_SOURCES and use.source_key:
        return {"valueFrom": {"secretKeyRef": {"name": use.source_name, "key": key}}}
    if use.source not in _CONFIG_SOURCES:
        return None
    text = _moved(delivery, site, goal)
    if text is None or mask(text) != text or "$(" in text or "\n" in text:
        return None
    # A variable cannot have both: the patch takes the reference away.
    gone: dict[str, Tree] = {"valueFrom": Token("null")} if use.source == "configmap" else {}
    return {"value": text, **gone}


def _moved(delivery: Delivery, site: Site, goal: Goal) -> str | None:
    """The site's value as it reads at the goal; a bare host needs nothing of its siblings."""
    if site.encoded or site.sealed:
        return None
    scalar, text, text_map = delivery.ground.holder(site)
    if scalar is None:
        return None
    text = text.partition("=")[2] if text.startswith(f"{site.key}=") else text
    if text == site.host.text:
        return goal.host
    try:
        edits = replacements(site, part_edits(site, goal), scalar.text, text_map)
    except EditRefused:
        return None
    return applied(scalar.text, edits).removeprefix(f"{site.key}=")


def _base_key(site: Site) -> str:
    """The key in the file, or the site's own name where the file has a list or a patch's text."""
    last = site.value_pointer.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
    return site.key if not last or last.isdigit() or last == "patch" else last


def second_key(key: str, word: str = "direct") -> str:
    """`DATABASE_URL` to `DATABASE_URL_DIRECT`, `dsn` to `dsn_direct`, `a-b` to `a-b-direct`."""
    if "-" in key or "." in key:
        return f"{key}{'-' if '-' in key else '.'}{word}"
    if re.search(r"[a-z][A-Z]", key):
        return f"{key}{word.capitalize()}"
    return f"{key}_{word.upper()}" if key.isupper() else f"{key}_{word}"
