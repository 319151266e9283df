"""Known programs and images: those of `data/known.toml`, and those that were added.

The file is read the first time one is asked for. What was added wins over the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from repoint.model.consumer import Purpose
from repoint.model.globs import fits
from repoint.model.knowledge import Tool, in_force, remembered
from repoint.rules.tables import table

_WILD = frozenset("*?[")

CAUTION = (
    Purpose.MIGRATION,
    Purpose.ADMIN,
    Purpose.BACKUP,
    Purpose.REPLICATION,
    Purpose.MONITORING,
    Purpose.RUNTIME,
    Purpose.LOCAL_DEVELOPMENT,
    Purpose.PROBE,
    Purpose.UNKNOWN,
)
"""Where evidence disagrees the first of these wins: direct is the safe mistake."""

Pattern = tuple[tuple[str, ...], ...]


class Match(NamedTuple):
    """A tool found in a command: which words said so, and how many."""

    tool: Tool
    position: int
    words: tuple[str, ...]


@lru_cache(maxsize=1)
def _data() -> tuple[tuple[Tool, ...], dict[str, frozenset[str]]]:
    data = table("known.toml")
    lists = {name: frozenset(words) for name, words in data["words"].items()}
    return tuple(_tool(entry) for entry in data["tool"]), lists


def tools() -> tuple[Tool, ...]:
    """Every known tool: those that were added, then those of the file in its order."""
    return (*in_force().tools, *_data()[0])


def word_list(name: str) -> frozenset[str]:
    """A list of words of the data file: `neutral`, `wrappers` or `interpreters`."""
    return _data()[1][name]


def _tool(entry: dict[str, object]) -> Tool:
    def texts(key: str) -> tuple[str, ...]:
        value = entry.get(key, [])
        return tuple(str(item) for item in value) if isinstance(value, list) else ()

    return Tool(
        name=str(entry["name"]),
        purpose=Purpose(str(entry["purpose"])),
        source=str(entry["source"]),
        commands=texts("commands"),
        images=texts("images"),
        program=str(entry.get("program", "")),
        plain=bool(entry.get("plain", False)),
        starts=str(entry.get("starts", "")),
    )


@remembered(maxsize=8)
def _index() -> tuple[dict[str, list[tuple[Tool, Pattern]]], list[tuple[Tool, Pattern]]]:
    """Patterns by the exact name of their program, and those that are globs."""
    exact: dict[str, list[tuple[Tool, Pattern]]] = {}
    globs: list[tuple[Tool, Pattern]] = []
    for tool in tools():
        for pattern in map(_pattern, tool.commands):
            for name in pattern[0]:
                if "*" in name:
                    globs.append((tool, ((name,), *pattern[1:])))
                else:
                    exact.setdefault(name, []).append((tool, pattern))
    return exact, globs


def _pattern(line: str) -> Pattern:
    return tuple(tuple(word.split("|")) for word in line.split())


def command_matches(words: tuple[str, ...], programs: frozenset[int]) -> tuple[Match, ...]:
    """The best match at each word that names a known program, in word order.

    `programs` are the positions where a program stands; elsewhere only names that are no
    everyday words count, so that `npx` and wrappers nobody has heard of hide nothing.
    """
    exact, globs = _index()
    found: list[Match] = []
    for position, word in enumerate(words):
        name = word.rsplit("/", 1)[-1].removesuffix(".exe")
        candidates = exact.get(name, [])
        if position in programs:
            candidates = [*candidates, *(g for g in globs if fits(name, g[1][0][0]))]
        matches = [
            Match(tool, position, (name, *rest))
            for tool, pattern in candidates
            if position in programs or not tool.plain
            if (rest := _follow(tool, pattern[1:], words[position + 1 :])) is not None
        ]
        if matches:
            found.append(min(matches, key=_rank))
    return tuple(found)


def _rank(match: Match) -> tuple[bool, bool, int, int]:
    """What was added, then named programs, then the longer pattern, then the safer purpose."""
    tool = match.tool
    return not tool.origin, tool.plain, -len(match.words), CAUTION.index(tool.purpose)


def _follow(tool: Tool, pattern: Pattern, words: tuple[str, ...]) -> tuple[str, ...] | None:
    """The words that answer `pattern` in order.

    A server's main command has to stand right behind its program, options apart;
    for all other purposes any words may stand between.
    """
    matched: list[str] = []
    strict = tool.purpose is Purpose.RUNTIME
    rest = iter(words)
    for choices in pattern:
        for word in rest:
            if any(fits(word, choice) for choice in choices):
                matched.append(word)
                break
            if strict and not word.startswith("-"):
                return None
        else:
            return None
    return tuple(matched)


@remembered(maxsize=4096)
def image_tool(image: str) -> Tool | None:
    """The tool whose image this is; what was added first, then the longest pattern decides."""
    name, tag = image_name(image)
    if not name:
        return None
    plain, wild = _patterns()
    whole = f"{name}:{tag}"
    found = [plain[end] for end in (*_ends(name), *_ends(whole)) if end in plain]
    found += [one for one in wild if one.spelled in whole and image_matches(one.pattern, name, tag)]
    return max(found).tool if found else None


class _ImagePattern(NamedTuple):
    """A pattern of images; of several that fit the greatest decides, of equals the first."""

    added: bool
    length: int
    before: int
    pattern: str
    tool: Tool
    spelled: str = ""
    """The longest part that has to stand in the image as it is."""


@remembered(maxsize=8)
def _patterns() -> tuple[dict[str, _ImagePattern], tuple[_ImagePattern, ...]]:
    """Every pattern of images: the ends of names as they are, and those with a wildcard."""
    named = ((pattern, tool) for tool in tools() for pattern in tool.images)
    known = [
        _ImagePattern(bool(tool.origin), len(pattern), -number, pattern, tool)
        for number, (pattern, tool) in enumerate(named)
    ]
    wild: list[_ImagePattern] = []
    plain: dict[str, _ImagePattern] = {}
    for one in known:
        if _WILD.intersection(one.pattern):
            wild.append(one._replace(spelled=_spelled(one.pattern)))
        else:
            plain[one.pattern] = max(one, plain.get(one.pattern, one))
    return plain, tuple(wild)


def _spelled(pattern: str) -> str:
    """The longest text between the wildcards of a pattern; nothing where it has a choice of signs.

    Without it no name fits, which is told sooner than that one does.
    """
    return "" if "[" in pattern else max(re.split(r"[*?]", pattern), key=len)


def _ends(name: str) -> Iterator[str]:
    """A name, and what is left of it behind each slash."""
    yield name
    while name := name.partition("/")[2]:
        yield name


def image_matches(pattern: str, name: str, tag: str) -> bool:
    """Whether an image's name and tag end as `pattern` says."""
    text = f"/{name}:{tag}" if ":" in pattern else f"/{name}"
    return fits(text, f"*/{pattern}")


def image_name(image: str) -> tuple[str, str]:
    """An image's path without registry and digest, and its tag; lower case."""
    path = image.strip().lower().split("@", 1)[0]
    head, _, last = path.rpartition("/")
    last, _, tag = last.partition(":")
    parts = [part for part in head.split("/") if part]
    if parts and ("." in parts[0] or ":" in parts[0] or parts[0] == "localhost"):
        parts = parts[1:]
    return "/".join([*parts, last]), tag
