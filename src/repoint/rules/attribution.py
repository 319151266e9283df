"""Whose source text is whose: from a repository's components to the consumers it deploys."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from repoint.rules.facts import Hazard


def hazards_for(
    consumer_name: str, hazards: Sequence[Hazard], names: Collection[str] = ()
) -> tuple[Hazard, ...]:
    """The hazards of a consumer: those of the component whose directory is like its name.

    With a single component everything belongs to every consumer, unless `names`, all
    consumers' names, show that the component is one of them in particular.
    """
    homes = {hazard.app_dir for hazard in hazards}
    mine = {home for home in homes if home and _alike(consumer_name, home)}
    if mine:
        return tuple(hazard for hazard in hazards if hazard.app_dir in mine)
    if len(homes) != 1:
        return ()
    only = next(iter(homes))
    if only and any(_alike(name, only) for name in names):
        return ()
    return tuple(hazards)


_GENERIC = frozenset(
    {
        "app",
        "apps",
        "src",
        "service",
        "services",
        "packages",
        "cmd",
        "server",
        "code",
        "source",
        "projects",
        "components",
        "lib",
        "libs",
        "deploy",
        "k8s",
        "docker",
    }
)


def _alike(name: str, directory: str) -> bool:
    """Whether a consumer's name and some part of a directory share all words of one of them."""
    words = _words(name)
    for segment in directory.split("/"):
        part = _words(segment)
        if part - _GENERIC and (part <= words or words <= part):
            return True
    return False


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}
