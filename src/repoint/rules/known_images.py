"""What is known of images whose source is elsewhere: their driver, and what they keep.

The images are data: `data/images.toml`, read the first time one is asked for, and what was
added. Where nothing is known a consumer stays unseen (RP229).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from repoint.model.knowledge import ImageHabit, in_force, told_by
from repoint.rules.facts import OF_IMAGE, Hazard, HazardKind
from repoint.rules.purpose_known import image_matches, image_name, image_tool
from repoint.rules.tables import table


def known_images() -> tuple[ImageHabit, ...]:
    """Every known image: those that were added, then those of the data file in its order."""
    added = in_force()
    drivers = (
        ImageHabit(tool.name, tool.images, tool.source, tool.driver, origin=tool.origin)
        for tool in added.tools
        if tool.driver and tool.images
    )
    return (*added.images, *drivers, *_of_file())


@lru_cache(maxsize=1)
def _of_file() -> tuple[ImageHabit, ...]:
    data = table("images.toml")
    return tuple(
        ImageHabit(
            name=entry["name"],
            images=tuple(entry["images"]),
            driver=entry.get("driver", ""),
            keeps=tuple(entry.get("keeps", ())),
            says=entry.get("says", ""),
            subject=entry.get("subject", ""),
            when=entry.get("when", ""),
            unless=entry.get("unless", ""),
            source=entry["source"],
        )
        for entry in data["image"]
    )


def image_hazards(
    image: str, variables: Mapping[str, str], path: str, line: int
) -> tuple[Hazard, ...]:
    """What is known of an image, as evidence at the line that names it.

    `variables` are the environment variables of the container that are written as text.
    """
    name, tag = image_name(image)
    found: list[Hazard] = []
    for known in known_images() if name else ():
        if not any(image_matches(pattern, name, tag) for pattern in known.images):
            continue
        if known.when and not _holds(known.when, variables):
            continue
        if known.driver:
            said = f"{known.name} uses {known.driver}{told_by(known.origin)}"
            found.append(Hazard(HazardKind.DRIVER, path, line, said, OF_IMAGE, known.driver))
        if not (known.unless and _holds(known.unless, variables)):
            says = f"{known.says}{told_by(known.origin)}"
            found += [
                Hazard(HazardKind(kind), path, line, says, OF_IMAGE, known.subject)
                for kind in known.keeps
            ]
    return tuple(found)


def is_known(image: str) -> bool:
    """Whether an image is a well-known one, built elsewhere."""
    name, tag = image_name(image)
    listed = any(image_matches(p, name, tag) for one in known_images() for p in one.images)
    return bool(name) and (listed or image_tool(image) is not None)


def _holds(condition: str, variables: Mapping[str, str]) -> bool:
    name, _, value = condition.partition("=")
    return variables.get(name, "").lower() == value
