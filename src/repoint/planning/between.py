"""What stands between the source and the target: commands and Jobs that copy one into the other.

`pg_dump -h old | psql -h new-rw` names both, and must go on doing so: moved, it would copy the
target into itself. So must a Job that has the two in variables of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from repoint.dsn.hosts import parse_host
from repoint.kube.trace import RawUse
from repoint.kube.workloads import ContainerView
from repoint.model.consumer import Site
from repoint.sites.commands import clients

_GOES_ON = ("\\", "|", "&&")
"""How a line of a shell ends whose command goes on in the next one."""

_COPIER = re.compile(r"\b(?:pgcopydb|pgloader)\b")
_COPIERS_SOURCE = "PGCOPYDB_SOURCE_PGURI"
"""pgcopydb.readthedocs.io/en/latest/ref/pgcopydb_clone.html, Environment."""
_JOINED = re.compile(r"\\\r?\n|(?<=\|)[ \t\r]*\n|\n(?=[ \t]*\|)")
_COMMAND_ENDS = re.compile(r"\|\||&&|[;\n]")
_PIPED = re.compile(r"\b(?:pg_dump(?:all)?|psql)\b[^|]*\|.*?\b(?:psql|pg_restore)\b")


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


def copied_from(uses: Iterable[RawUse], cluster: str, pooler: str) -> frozenset[str]:
    """The ids of the sites that a container alone reads which copies them into the target.

    Its source and its target may stand in variables of their own, the target in the Secret that
    the operator makes. A site that somebody else reads as well has to move with that one.
    """
    names = target_names(cluster, pooler)
    secrets = {f"{cluster}-app", f"{cluster}-superuser"}
    read: dict[tuple[str, str], list[RawUse]] = {}
    for use in uses:
        read.setdefault((use.environment, use.container.workload.id), []).append(use)
    copying: set[str] = set()
    others: set[str] = set()
    for mine in read.values():
        view = mine[0].container
        reaches = _is_given(view, secrets) or any(_is_one_of(use.site, names) for use in mine)
        into = reaches and _copies(view)
        for use in mine:
            stays = into or use.variable == _COPIERS_SOURCE
            (copying if stays else others).add(use.site.id)
    return frozenset(copying - others)


def _is_given(view: ContainerView, secrets: set[str]) -> bool:
    """Whether a container gets a variable from one of these Secrets."""
    given = {one.source for one in view.env if one.kind == "Secret"}
    given.update(one.source for one in view.env_from if one.kind == "Secret")
    return not given.isdisjoint(secrets)


def _copies(view: ContainerView) -> bool:
    """Whether a container runs what reads one database and writes another."""
    text = "\n".join(value.text for _, value in view.words)
    if _COPIER.search(text) or _COPIER.search(view.image):
        return True
    if "pg_dump" in text and "pg_restore" in text:
        return True
    commands = _COMMAND_ENDS.split(_JOINED.sub(" ", text))
    return any(_PIPED.search(one) for one in commands)


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
