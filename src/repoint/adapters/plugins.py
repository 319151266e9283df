"""Knowledge that installed packages bring by an entry point of the group `repoint.knowledge`.

An entry point names a mapping, a `Knowledge`, a function without arguments that returns one of
them, or a package with a file `knowledge.yaml` in it. Only what is installed counts: nothing in a
repository can become a package here. One that fails stops the run and is named.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # Asked at the door, where each import counts.
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint
    from types import ModuleType

    from repoint.model.knowledge import Knowledge

GROUP = "repoint.knowledge"
DATA_FILE = "knowledge.yaml"
_HEADER = f"[{GROUP}]".encode()


def any_installed(places: Sequence[str] | None = None) -> bool:
    """Whether an installed package may bring knowledge; asked of every run, so without imports.

    Args:
        places: Folders with installed packages; by default those on `sys.path`.
    """
    for place in _places() if places is None else places:
        try:
            found = os.scandir(place)
        except OSError:
            continue
        with found:
            if any(_brings(entry.path) for entry in found if entry.name.endswith(_ENDINGS)):
                return True
    return False


_ENDINGS = (".dist-info", ".egg-info")


def _places() -> list[str]:
    """Where packages are installed: never the folder that a run was started in."""
    names = ("/site-packages", "/dist-packages")
    return [one for one in dict.fromkeys(sys.path) if one.endswith(names)]


def _brings(folder: str) -> bool:
    try:
        with open(f"{folder}/entry_points.txt", "rb") as file:
            return _HEADER in file.read()
    except OSError:
        return False


def installed(places: Sequence[str] | None = None) -> Knowledge:
    """What all installed packages bring, in the order of their names; `places` as before.

    Raises:
        KnowledgeFailed: one cannot be imported, or what it brings is wrong; it is named.
    """
    from repoint.model.knowledge import joined

    return joined(_brought(point) for point in _points(places))


def told_of(places: Sequence[str] | None = None) -> tuple[tuple[str, str, str], ...]:
    """Each installed package that brings knowledge: name, version, and what is wrong with it."""
    from repoint.errors import KnowledgeFailed

    found: dict[tuple[str, str], str] = {}
    for point in _points(places):
        name, _, version = _told(point).rpartition(" ")
        try:
            _brought(point)
            found.setdefault((name, version), "")
        except KnowledgeFailed as error:
            found[name, version] = error.message
    return tuple((name, version, problem) for (name, version), problem in found.items())


def _points(places: Sequence[str] | None) -> list[EntryPoint]:
    """The entry points of this group, by the names of their packages."""
    where = _places() if places is None else list(places)
    if not any_installed(where):
        return []
    from importlib.metadata import distributions

    packages = {one.name.lower(): one for one in reversed([*distributions(path=where)])}
    return [
        point
        for _, package in sorted(packages.items())
        for point in sorted(package.entry_points, key=lambda point: point.name)
        if point.group == GROUP
    ]


def _told(point: EntryPoint) -> str:
    """A package with its version, as evidence names it."""
    return f"{point.dist.name} {point.dist.version}" if point.dist is not None else point.value


def _brought(point: EntryPoint) -> Knowledge:
    from types import ModuleType

    from repoint.errors import KnowledgeFailed, RepointError
    from repoint.planning.knowledge import knowledge_in, knowledge_of

    origin = _told(point)
    try:
        value = point.load()
        if isinstance(value, ModuleType):
            return knowledge_in(_data_of(value), origin)
        return knowledge_of(value() if callable(value) else value, origin)
    except RepointError as error:
        raise KnowledgeFailed(f"knowledge of {origin}: {error.message}") from error
    except (Exception, SystemExit) as error:
        what = f"`{point.name} = {point.value}` ended with {type(error).__name__}"
        raise KnowledgeFailed(f"knowledge of {origin}: {what}") from error


def _data_of(module: ModuleType) -> str:
    """The text of the data file in a package, which may lie in an archive."""
    from importlib.resources import files

    return files(module).joinpath(DATA_FILE).read_text("utf-8")
