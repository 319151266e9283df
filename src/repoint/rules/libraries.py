"""Libraries that keep session state by themselves, found by a manifest's dependency on them."""

from __future__ import annotations

import re

from repoint.rules.facts import Hazard, HazardKind

_K = HazardKind
_ENTRYPOINT = r"(?:[\w.-]+[-_])?entrypoint(?:\.(?:sh|bash))?"
# (manifest's name, what a line of it says, what the library keeps, in words, the source)
_LIBRARIES: tuple[tuple[str, str, tuple[HazardKind, ...], str, str], ...] = (
    (
        r"package\.json",
        r'"graphile-worker"\s*:\s*"',
        (_K.LISTEN,),
        "graphile-worker listens for its jobs",
        "ST11",
    ),
    (
        r"Gemfile",
        r"^\s*gem\s+['\"]good_job['\"]",
        (_K.LISTEN, _K.ADVISORY_LOCK),
        "GoodJob uses LISTEN and session advisory locks",
        "github.com/bensheldon/good_job#pgbouncer-compatibility",
    ),
    (
        r"mix\.exs",
        r"\{\s*:oban\b",
        (_K.LISTEN,),
        "Oban listens for its jobs",
        "hexdocs.pm/oban/troubleshooting.html",
    ),
    (
        r"go\.mod",
        r"^(?!.*// indirect).*github\.com/golang-migrate/migrate(?:/v\d+)?\s+v",
        (_K.MIGRATOR,),
        "golang-migrate migrates under a session lock",
        "MG5",
    ),
    (
        r"go\.mod",
        r"^(?!.*// indirect).*github\.com/pressly/goose(?:/v\d+)?\s+v",
        (_K.MIGRATOR,),
        "goose migrates under a session lock",
        "MG8",
    ),
    (
        r"package\.json",
        r'"node-pg-migrate"\s*:\s*"',
        (_K.MIGRATOR,),
        "node-pg-migrate migrates under a session lock",
        "MG1",
    ),
    (
        _ENTRYPOINT,
        r"^(?!\s*#).*\b(?:rails|rake)\s+db:(?:prepare|migrate)\b",
        (_K.MIGRATOR,),
        "its entrypoint migrates under a session lock before it serves",
        "MG9",
    ),
    (
        _ENTRYPOINT,
        r"^(?!\s*#).*\bprisma\s+migrate\s+deploy\b",
        (_K.MIGRATOR,),
        "its entrypoint migrates under a session lock before it serves",
        "MG10",
    ),
)


def is_entrypoint(path: str) -> bool:
    """Whether a file is what an image runs first, by its name."""
    return bool(re.fullmatch(_ENTRYPOINT, path.rpartition("/")[2]))


def library_hazards(path: str, text: str, home: str) -> tuple[Hazard, ...]:
    """What the libraries of a manifest keep in their sessions."""
    name = path.rpartition("/")[2]
    found = []
    for manifest, pattern, kinds, says, source in _LIBRARIES:
        match = re.search(pattern, text, re.MULTILINE) if re.fullmatch(manifest, name) else None
        if match is not None:
            line = text.count("\n", 0, match.start()) + 1
            said = f"{says} ({source})"
            found += [Hazard(kind, path, line, said, home) for kind in kinds]
    return tuple(found)
