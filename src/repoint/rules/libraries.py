"""Libraries that keep session state by themselves, found by a manifest's dependency on them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.model.globs import fits
from repoint.model.knowledge import Library, in_force, told_by
from repoint.rules.facts import Hazard, HazardKind

_K = HazardKind
_GOOD_JOB = "github.com/bensheldon/good_job#pgbouncer-compatibility"
_OBAN = "hexdocs.pm/oban/troubleshooting.html"
_LOCKS = "migrates under a session lock"
LIBRARIES: tuple[Library, ...] = (
    Library(
        *("graphile-worker", "package.json", "graphile-worker", "ST11"),
        keeps=(_K.LISTEN,),
        says="graphile-worker listens for its jobs",
    ),
    Library(
        *("GoodJob", "Gemfile", "good_job", _GOOD_JOB),
        keeps=(_K.LISTEN, _K.ADVISORY_LOCK),
        says="GoodJob uses LISTEN and session advisory locks",
    ),
    Library(
        *("Oban", "mix.exs", "oban", _OBAN), keeps=(_K.LISTEN,), says="Oban listens for its jobs"
    ),
    Library(
        *("golang-migrate", "go.mod", "github.com/golang-migrate/migrate", "MG5"),
        keeps=(_K.MIGRATOR,),
        says=f"golang-migrate {_LOCKS}",
    ),
    Library(
        *("goose", "go.mod", "github.com/pressly/goose", "MG8"),
        keeps=(_K.MIGRATOR,),
        says=f"goose {_LOCKS}",
    ),
    Library(
        *("node-pg-migrate", "package.json", "node-pg-migrate", "MG1"),
        keeps=(_K.MIGRATOR,),
        says=f"node-pg-migrate {_LOCKS}",
    ),
)
"""The libraries that repoint knows by itself."""

# How a manifest spells a dependency; elsewhere its name is a word of a line that is no comment.
_SPELLED = {
    "package.json": r'"{}"\s*:\s*"',
    "Gemfile": r"^\s*gem\s+['\"]{}['\"]",
    "mix.exs": r"\{{\s*:{}\b",
    "go.mod": r"^(?!.*// indirect).*(?<![\w./-]){}(?:/v\d+)?\s+v",
}
_WORD = r"^(?!\s*(?:#|//|<!--)).*?(?<![\w@/.-]){}(?![\w/.-])"
_ENTRYPOINT = r"(?:[\w.-]+[-_])?entrypoint(?:\.(?:sh|bash))?"
# What an image's own entrypoint runs before the program, and the facts.
_STARTS = (
    (r"^(?!\s*#).*\b(?:rails|rake)\s+db:(?:prepare|migrate)\b", "MG9"),
    (r"^(?!\s*#).*\bprisma\s+migrate\s+deploy\b", "MG10"),
)


def is_entrypoint(path: str) -> bool:
    """Whether a file is what an image runs first, by its name."""
    return bool(re.fullmatch(_ENTRYPOINT, path.rpartition("/")[2]))


def is_added_manifest(path: str) -> bool:
    """Whether a file's name is one in which an added library is to be looked for."""
    name = path.rpartition("/")[2]
    return any(fits(name, one.manifest) for one in in_force().libraries)


def library_hazards(path: str, text: str, home: str) -> tuple[Hazard, ...]:
    """What the libraries of a manifest keep in their sessions, and the drivers they bring."""
    return tuple(_found(path, text, home))


def _found(path: str, text: str, home: str) -> Iterator[Hazard]:
    name = path.rpartition("/")[2]
    for library in (*in_force().libraries, *LIBRARIES):
        line = _line_of(library, name, text) if fits(name, library.manifest) else 0
        if not line:
            continue
        source = f" ({library.source})" if library.source else ""
        origin = told_by(library.origin)
        for kind in library.keeps:
            said = f"{library.says}{source}{origin}"
            yield Hazard(HazardKind(kind), path, line, said, home)
        if library.driver:
            said = f"it uses {library.name}, which brings {library.driver}{origin}"
            yield Hazard(HazardKind.DRIVER, path, line, said, home, library.driver)
    for pattern, source in _STARTS if is_entrypoint(path) else ():
        match = re.search(pattern, text, re.MULTILINE)
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            said = f"its entrypoint {_LOCKS} before it serves ({source})"
            yield Hazard(_K.MIGRATOR, path, line, said, home)


def _line_of(library: Library, name: str, text: str) -> int:
    """The line, from 1, on which a manifest names the library; 0 where it does not."""
    spelled = _SPELLED.get(name, _WORD).format(re.escape(library.dependency))
    match = re.search(spelled, text, re.MULTILINE)
    return text.count("\n", 0, match.start()) + 1 if match is not None else 0
