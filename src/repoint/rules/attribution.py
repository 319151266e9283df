"""Whose source text is whose: from a repository's components to the consumers it deploys.

A component belongs to the consumers that a build file, an image or a name link to it. A
consumer of somebody else's image has none. What nothing links is not left out: the only
component of a repository counts for every consumer, and components that nobody claims
count for everybody as what they are, unlinked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from repoint.rules.build_contexts import image_key
from repoint.rules.facts import Hazard, HazardKind
from repoint.rules.known_images import is_known

_SHARED = frozenset(
    {"packages", "libs", "lib", "shared", "common", "internal", "pkg", "core", "db", "database"}
)
_GENERIC = frozenset(
    {
        *_SHARED,
        *("app", "apps", "src", "service", "services", "cmd", "server", "code", "source"),
        *("projects", "components", "deploy", "k8s", "docker", "modules", "workloads"),
    }
)
_OWN_FOLDER = re.compile(r"(?:^|/)(?:cmd|apps|services|workers|jobs|bin)/(?P<name>[^/]+)/")


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """What a consumer is called: its object's own name and its image, empty when unknown."""

    name: str
    image: str = ""

    @property
    def foreign(self) -> bool:
        """Whether the image is a well-known one, built elsewhere."""
        return is_known(self.image)


def hazards_for(
    consumer: Name,
    hazards: Sequence[Hazard],
    names: Collection[Name] = (),
) -> tuple[Hazard, ...]:
    """The hazards of a consumer; those that nothing links to it say so (`linked`).

    Args:
        hazards: Evidence of the whole repository, with what its build files tell.
        names: All consumers, which tell the components that are somebody else's.
    """
    built = [h for h in hazards if h.kind is HazardKind.BUILT_FROM]
    hazards = [h for h in hazards if h.kind is not HazardKind.BUILT_FROM]
    homes = {hazard.app_dir for hazard in hazards}
    mine = _homes_of(consumer, homes, built)
    own = [h for h in hazards if h.app_dir in mine and not _of_another(h, consumer, names)]
    if consumer.foreign and not mine:
        return ()
    claimed = {home for one in names for home in _homes_of(one, homes, built)}
    orphans = homes - claimed - mine
    if not mine and len(homes) == 1 and orphans:
        return tuple(h for h in hazards if not _of_another(h, consumer, names))
    if mine:
        orphans = {home for home in orphans if not home or _SHARED & set(home.split("/"))}
    loose = [
        replace(hazard, linked=False)
        for hazard in hazards
        if hazard.app_dir in orphans and not _of_another(hazard, consumer, names)
    ]
    return (*own, *loose)


def _homes_of(consumer: Name, homes: Iterable[str], built: Sequence[Hazard]) -> set[str]:
    """The components of a consumer: by its build, else by its image's or its own name."""
    image = image_key(consumer.image)
    places = {one.app_dir for one in built if image and one.subject == image}
    by_build = {home for home in homes for place in places if _inside(home, place)}
    if by_build:
        deepest = {home for home in by_build if home}
        return deepest or by_build
    return {
        home
        for home in homes
        if home and (_alike(consumer.name, home) or (image and _alike(image, home)))
    }


def _inside(home: str, place: str) -> bool:
    """Whether a component is what is built at `place`: there, below it, or around it."""
    return home == place or f"{home}/".startswith(f"{place}/") or f"{place}/".startswith(f"{home}/")


def _of_another(hazard: Hazard, consumer: Name, names: Collection[Name]) -> bool:
    """Whether the file stands in a folder such as `cmd/worker` that is another consumer's."""
    inner = hazard.path.removeprefix(hazard.app_dir).lstrip("/")
    found = _OWN_FOLDER.search(inner)
    if found is None or _called(consumer, found["name"]):
        return False
    return any(_called(one, found["name"]) for one in names)


def _called(consumer: Name, folder: str) -> bool:
    image = image_key(consumer.image)
    return _alike(consumer.name, folder) or bool(image and _alike(image, folder))


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
