"""Settings files of frameworks that make a setting on each new connection (ST7, ST1).

Rails runs `SET` for `schema_search_path` and for each of `variables` of `config/database.yml`;
HikariCP runs `connection-init-sql` (Spring's `application.yml` or `.properties`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.rules.facts import Hazard, HazardKind
from repoint.rules.sent import Fate, Sent, fate, is_setting
from repoint.rules.source_statements import Piece, statements

_RAILS = re.compile(r"(^|/)config/database\.ya?ml$")
_SPRING = re.compile(r"(^|/)(application|bootstrap)(-[\w-]+)?\.(ya?ml|properties)$")
_INIT = re.compile(
    r"(?i)\b(?:connection-?init-?sql|new-connection-sql)\s*[:=]\s*['\"]?(?P<sql>[^'\"\n#]+)"
)
_LINE = re.compile(r"^(?P<indent>\s*)(?P<key>[\w.-]+)\s*:\s*(?P<value>[^#\n]*)")


def is_settings_file(path: str) -> bool:
    """Whether the file may hold such settings."""
    return bool(_RAILS.search(path) or _SPRING.search(path))


def settings_in(path: str, text: str, home: str) -> Iterator[Hazard]:
    """Settings that the framework makes for each session."""
    if _RAILS.search(path):
        yield from _rails(path, text, home)
    if _SPRING.search(path):
        for number, line in enumerate(text.splitlines(), 1):
            found = _INIT.search(re.split(r"(?:^|\s)#", line)[0])
            if found:
                yield from statements(path, Piece(found["sql"], number, sql=True), home)


def _rails(path: str, text: str, home: str) -> Iterator[Hazard]:
    inside = -1
    for number, line in enumerate(text.splitlines(), 1):
        found = _LINE.match(line)
        if found is None:
            continue
        indent, key, value = len(found["indent"]), found["key"], found["value"].strip(" '\"")
        if indent <= inside:
            inside = -1
        if key == "variables" and not value:
            inside = indent
        named = "search_path" if key == "schema_search_path" else key if inside >= 0 else ""
        wanted = named and value not in ("", "public") and is_setting(named)
        if wanted and fate(Sent(named, named), None, 0) is not Fate.WORKS:
            message = f"it sets `{named}` for its session"
            yield Hazard(HazardKind.SESSION_GUC, path, number, message, home, named)
