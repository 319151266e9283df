"""Whose source text is whose: from a repository's components to the consumers it deploys.

A component belongs to the consumers that a build file, an image or a name link to it. A
consumer of somebody else's image has none. What nothing links is not left out: the only
component of a repository counts for every consumer, and components that nobody claims
count for everybody as what they are, unlinked.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

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


class Attribution:
    """A repository's evidence, shared out among the consumers of an environment.

    Args:
        hazards: Evidence of the whole repository, with what its build files tell.
        names: All consumers, which tell the components that are somebody else's.
    """

    def __init__(self, hazards: Sequence[Hazard], names: Collection[Name] = ()) -> None:
        self._names = tuple(names)
        self._hazards = [h for h in hazards if h.kind is not HazardKind.BUILT_FROM]
        self._places: dict[str, set[str]] = {}
        for one in hazards:
            if one.kind is HazardKind.BUILT_FROM:
                self._places.setdefault(one.subject, set()).add(one.app_dir)
        self._homes = {hazard.app_dir for hazard in self._hazards}
        self._claimed = {home for one in self._names for home in self._homes_of(one)}
        folders = (_OWN_FOLDER.search(_inner(hazard)) for hazard in self._hazards)
        self._folders = {
            found["name"]: frozenset(one for one in self._names if _called(one, found["name"]))
            for found in folders
            if found is not None
        }

    def hazards_of(self, consumer: Name) -> tuple[Hazard, ...]:
        """The hazards of a consumer; those that nothing links to it say so (`linked`)."""
        mine = self._homes_of(consumer)
        if consumer.foreign and not mine:
            return ()
        orphans = self._homes - self._claimed - mine
        if not mine and len(self._homes) == 1:
            # The only component: its consumers are called anything, unless one has its name.
            mine, orphans = orphans, set()
        elif mine:
            orphans = {home for home in orphans if not home or _SHARED & set(home.split("/"))}
        kept = [h for h in self._hazards if not self._of_another(h, consumer)]
        own = [hazard for hazard in kept if hazard.app_dir in mine]
        loose = [replace(hazard, linked=False) for hazard in kept if hazard.app_dir in orphans]
        return (*own, *loose)

    def _homes_of(self, consumer: Name) -> set[str]:
        """The components of a consumer: by its build, else by its image's or its own name."""
        image = image_key(consumer.image)
        places = self._places.get(image, set()) if image else set()
        by_build = {home for home in self._homes for place in places if _inside(home, place)}
        if by_build:
            return {home for home in by_build if home} or by_build
        return {home for home in self._homes if home and _called(consumer, home)}

    def _of_another(self, hazard: Hazard, consumer: Name) -> bool:
        """Whether the file stands in a folder such as `cmd/worker` that is another consumer's."""
        found = _OWN_FOLDER.search(_inner(hazard))
        if found is None or not self._folders[found["name"]]:
            return False
        return not _called(consumer, found["name"])


def _inner(hazard: Hazard) -> str:
    """The file's path within its component."""
    return hazard.path.removeprefix(hazard.app_dir).lstrip("/")


def _inside(home: str, place: str) -> bool:
    """Whether a component is what is built at `place`: there, below it, or around it."""
    return home == place or f"{home}/".startswith(f"{place}/") or f"{place}/".startswith(f"{home}/")


def _called(consumer: Name, folder: str) -> bool:
    """Whether a folder is called like the consumer or its image."""
    image = image_key(consumer.image)
    return _alike(consumer.name, folder) or bool(image and _alike(image, folder))


@lru_cache(maxsize=65536)
def _alike(name: str, directory: str) -> bool:
    """Whether a consumer's name and some part of a directory share all words of one of them."""
    words = _words(name)
    for segment in directory.split("/"):
        part = _words(segment)
        if part - _GENERIC and (part <= words or words <= part):
            return True
    return False


@lru_cache(maxsize=8192)
def _words(name: str) -> frozenset[str]:
    return frozenset(word for word in re.split(r"[^a-z0-9]+", name.lower()) if word)
