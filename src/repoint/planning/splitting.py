"""Values of their own for consumers that cannot follow the one value they share (X7)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from repoint.dsn.mask import mask
from repoint.errors import EditRefused
from repoint.kube.effective import Value
from repoint.kube.resource import Resource
from repoint.model.consumer import Site, Use
from repoint.planning.config_copies import Copied
from repoint.planning.deliver import Delivery
from repoint.planning.places import Place, Step, at_steps, container_steps
from repoint.planning.site_edits import Goal, applied, part_edits, replacements
from repoint.planning.wishes import Reason
from repoint.planning.yaml_emit import Token, Tree

_SECRET_SOURCES = ("secret", "envfrom-secret")
_CONFIG_SOURCES = ("configmap", "envfrom-configmap")


@dataclass(frozen=True, slots=True)
class Branch:
    """A use that leaves a shared value, with the built object it belongs to."""

    use: Use
    resource: Resource | None


@dataclass(frozen=True, slots=True)
class _Own:
    """What a variable gets instead: its `value`, and what has to be there for it.

    `needs_key` tells of a second key beside the site's own; `relay` is a place of the Secret
    between the two that hands that key on, with its text. `words` are a container's `command` or
    `args` instead of a variable, `copied` a copy of the ConfigMap that it mounts.
    """

    value: dict[str, Tree]
    needs_key: bool = False
    relay: tuple[Place, str] | None = None
    words: tuple[tuple[str, list[Tree]], ...] = ()
    copied: Copied | None = None


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
    values: list[tuple[Branch, Resource, _Own]] = []
    for branch in branches:
        if _follows(branch.use, branches):
            continue
        resource = branch.resource
        if branch.use.source == "volume":
            own = _mounted(delivery, site, goal, branch, branches, word)
        else:
            own = _own(delivery, site, goal, branch, key, word)
        if own is None or resource is None or not delivery.can_override(branch.use, resource):
            return branch.use
        values.append((branch, resource, own))
    if not values:
        return branches[0].use
    needs_key = any(own.needs_key for _, _, own in values)
    if needs_key and key not in present and not delivery.add_key(site, goal, key, reason):
        return branches[0].use
    for branch, resource, own in values:
        _hand_over(delivery, branch.use, resource, own, reason)
    return None


def _hand_over(delivery: Delivery, use: Use, resource: Resource, own: _Own, reason: Reason) -> None:
    """Plan the edits that give a use its own value."""
    if own.copied is not None:
        delivery.copies.take(own.copied, reason)
        return
    if own.relay is not None:
        place, text = own.relay
        delivery.set_field(place.resource, place.steps, text, reason)
    steps = container_steps(resource, use.workload.container) or ()
    for field, words in own.words:
        delivery.set_field(resource, (*steps, field), words, reason)
    if own.value:
        delivery.override(use, resource, own.value, reason)


def _mounted(
    delivery: Delivery,
    site: Site,
    goal: Goal,
    branch: Branch,
    branches: Sequence[Branch],
    word: str,
) -> _Own | None:
    """A copy of the ConfigMap whose file a container mounts."""
    if branch.resource is None:
        return None
    leaving = {one.use.workload.container for one in branches if one.resource is branch.resource}
    copied = delivery.copies.able(site, goal, branch.use, branch.resource, leaving, word)
    return _Own({}, copied=copied) if copied is not None else None


def _follows(use: Use, branches: Sequence[Branch]) -> bool:
    """Whether a variable is put together from one of the same container that leaves, too."""
    if not use.through:
        return False
    leaving = {one.use.variable for one in branches if one.use.workload == use.workload}
    return use.through[2:-1] in leaving - {use.variable}


def _own(
    delivery: Delivery, site: Site, goal: Goal, branch: Branch, key: str, word: str
) -> _Own | None:
    """The new source of a variable: the second key of a Secret, else a plain value."""
    use = branch.use
    if use.through:
        return _put_together(delivery, site, goal, branch, key, word)
    if use.source in _SECRET_SOURCES and use.source_key:
        return _Own(_secret_key(use.source_name, key), needs_key=True)
    if use.source not in _CONFIG_SOURCES:
        return None
    return _plain(_moved(delivery, site, goal), use)


def _put_together(
    delivery: Delivery, site: Site, goal: Goal, branch: Branch, key: str, word: str
) -> _Own | None:
    """The same for a variable whose text holds the site's value by a reference to it.

    What the reference stands for is put in its place. A password is not: the reference is made
    one to the second key, and where a Secret holds the text, there in a key beside it.
    """
    use, resource = branch.use, branch.resource
    steps = container_steps(resource, use.workload.container) if resource is not None else None
    if resource is None or steps is None:
        return None
    reference, moved = _reference(use.through), _moved(delivery, site, goal)
    direct = f"${{{key}}}" if use.through == f"${{{_base_key(site)}}}" else None
    text = moved if _is_plain(moved) else direct
    if use.source == "command":
        words = _words(resource, steps, reference, text)
        return _Own({}, needs_key=text is direct, words=words) if words else None
    spelled = at_steps(resource.body, (*steps, "env", (use.variable,), "value"))
    if isinstance(spelled, Value) and reference.search(spelled.text):
        whole = reference.sub(lambda _: text or "", spelled.text)
        fits = text is not None and _is_plain(whole)
        return _Own({"value": whole}, needs_key=text is direct) if fits else None
    found = _source_place(delivery, use)
    if found is None or not reference.search(found.value.text):
        return None
    if use.source in _CONFIG_SOURCES:
        text = reference.sub(lambda _: moved or "", found.value.text)
        return _plain(text, use) if _is_plain(moved) else None
    if direct is None or not delivery.overlay.can_carry(found.resource):
        return None
    beside = second_key(use.source_key, word)
    there = Place(found.resource, (*found.steps[:-1], beside), found.value)
    relayed = reference.sub(lambda _: direct, found.value.text)
    return _Own(_secret_key(use.source_name, beside), needs_key=True, relay=(there, relayed))


def _words(
    resource: Resource, steps: tuple[Step, ...], reference: re.Pattern[str], text: str | None
) -> tuple[tuple[str, list[Tree]], ...]:
    """The lists of words of a container with `text` for the reference; none where it cannot be."""
    found: list[tuple[str, list[Tree]]] = []
    for field in ("command", "args") if text is not None else ():
        present = at_steps(resource.body, (*steps, field))
        items = present if isinstance(present, list) else []
        old = [item.text for item in items if isinstance(item, Value)]
        new: list[Tree] = [reference.sub(lambda _: text or "", word) for word in old]
        if len(old) != len(items) or not all(_is_plain(str(word)) for word in new):
            return ()
        if new != old:
            found.append((field, new))
    return tuple(found)


def _source_place(delivery: Delivery, use: Use) -> Place | None:
    """The leaf of the ConfigMap or Secret that a variable is taken from."""
    holder = delivery.source_of(use)
    for field in ("stringData", "data") if holder is not None else ():
        steps: tuple[Step, ...] = (field, use.source_key)
        leaf = at_steps(holder.body, steps) if holder is not None else None
        if holder is not None and isinstance(leaf, Value):
            return Place(holder, steps, leaf)
    return None


def _reference(through: str) -> re.Pattern[str]:
    """`$(NAME)`, or `${NAME}` with a default or without."""
    name = re.escape(through[2:-1])
    return re.compile(
        rf"\$\({name}\)" if through.startswith("$(") else rf"\$\{{{name}(?::?[-=?+][^}}]*)?\}}"
    )


def _secret_key(name: str, key: str) -> dict[str, Tree]:
    return {"valueFrom": {"secretKeyRef": {"name": name, "key": key}}}


def _plain(text: str | None, use: Use) -> _Own | None:
    """A variable of a ConfigMap with a text of its own, where it can be shown.

    Kubernetes replaces `$(NAME)` in a variable, and not in a ConfigMap.
    """
    if text is None or not _is_plain(text) or "$(" in text:
        return None
    # A variable cannot have both: the patch takes the reference away.
    gone: dict[str, Tree] = {"valueFrom": Token("null")} if use.source == "configmap" else {}
    return _Own({"value": text, **gone})


def _is_plain(text: str | None) -> bool:
    return text is not None and mask(text) == text and "\n" not in text


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
    return site.key if not last or last.isdigit() or last in ("patch", "value") else last


def second_key(key: str, word: str = "direct") -> str:
    """`DATABASE_URL` to `DATABASE_URL_DIRECT`, `dsn` to `dsn_direct`, `a-b` to `a-b-direct`."""
    if "-" in key or "." in key:
        return f"{key}{'-' if '-' in key else '.'}{word}"
    if re.search(r"[a-z][A-Z]", key):
        return f"{key}{word.capitalize()}"
    return f"{key}_{word.upper()}" if key.isupper() else f"{key}_{word}"
