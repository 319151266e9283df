"""Commands that stand between the source and the target: what copies the one into the other.

`pg_dump -h old | psql -h new-rw` names both, and must go on doing so: moved, it would copy the
target into itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from repoint.dsn.hosts import parse_host
from repoint.model.consumer import Site
from repoint.sites.commands import clients

_GOES_ON = ("\\", "|", "&&")
"""How a line of a shell ends whose command goes on in the next one."""


def target_names(cluster: str, pooler: str) -> frozenset[str]:
    """What the Services of a Cluster and its Pooler are called."""
    return frozenset(one.lower() for one in (f"{cluster}-rw", f"{cluster}-ro", pooler) if one)


def between(
    sites: Mapping[str, Collection[Site]], names: Collection[str], text: Callable[[str], str]
) -> frozenset[str]:
    """The ids of the sites whose command names the target as well.

    Args:
        sites: The sites of each file.
        names: The target's Services.
        text: The text of a file.
    """
    found: set[str] = set()
    for path, mine in sites.items():
        if len(mine) < 2 or not any(_is_one_of(site, names) for site in mine):
            continue
        lines = text(path).splitlines()
        for group in _commands(mine, lines):
            if any(_is_one_of(site, names) for site in group):
                found.update(site.id for site in group)
    return frozenset(found)


def _commands(sites: Iterable[Site], lines: list[str]) -> Iterator[list[Site]]:
    """The sites of each command that runs over one or several lines."""
    group: list[Site] = []
    for site in sorted(sites, key=lambda one: (one.location.line, one.start)):
        if group and not _one_command(group[-1], site, lines):
            yield group
            group = []
        group.append(site)
    if group:
        yield group


def _one_command(one: Site, other: Site, lines: list[str]) -> bool:
    """Whether two sites are arguments of programs in one text, joined by a shell."""
    if one.key not in clients() or other.key not in clients():
        return False
    first, last = one.location.line, other.location.line
    between_them = lines[first - 1 : last - 1]
    return all(line.rstrip().endswith(_GOES_ON) for line in between_them)


def _is_one_of(site: Site, names: Collection[str]) -> bool:
    read = parse_host(site.host.text)
    return read is not None and read.service.lower() in names
