"""Evidence of session state in a repository's own source text.

Pure reading of one file at a time: SQL files as they stand, programs by their string
literals. Tests, vendored code and generated code do not count; migrations count only for
row-level security, since they run direct.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from repoint.model.source import Location
from repoint.rules.drivers import drivers_in
from repoint.rules.facts import Hazard, HazardKind, RoleDefault
from repoint.rules.libraries import library_hazards
from repoint.rules.role_defaults import elements
from repoint.rules.source_calls import calls
from repoint.rules.source_settings import is_settings_file, settings_in
from repoint.rules.source_statements import Piece, access, set_configs, statements
from repoint.rules.source_text import (
    Source,
    is_skipped,
    language_of,
    read_source,
    sql_without_comments,
)

COMPONENT_FILES = frozenset(
    {
        "go.mod",
        "package.json",
        "pyproject.toml",
        "requirements.txt",
        "setup.py",
        "pom.xml",
        "build.gradle",
        "build.gradle.kts",
        "Gemfile",
        "composer.json",
        "Cargo.toml",
        "Dockerfile",
        "Containerfile",
        "mix.exs",
    }
)
"""Files whose directory is a component: something that is built by itself."""

_MIGRATION = re.compile(
    r"(^|/)(migrations?|migrate|schema|schemas|changelogs?|alembic|versions|flyway|seeds?|dumps?"
    r"|initdb|init)(/|\.sql$)|(^|/)V\d+[\d._]*__[^/]*\.sql$|\.(up|down)\.sql$",
    re.IGNORECASE,
)
# What a file has to hold, in any case, to be taken apart at all; words are faster than patterns.
_WORTH_READING = (
    *("set_config", "set role", "listen ", "newlistener", "pglistener", "notification", "notify("),
    *("add_listener", "createsubscriber", ".listen(", ".listen ", "wait_for_notify", "getnotify"),
    *("advisory", "temp table", "temporary table", "temporary(", "temp:", "with hold", "withhold"),
    *("prepare ", "level security", "create policy", "lastval", "currval", "valid until"),
    *("revoke ", "28p01", "authentication failed", "3d000", "search_path", "searchpath"),
    *("setschema", "create_pool", "transactionisolation", "apartment", "assume_role"),
    *(".iterator(", "side_cursors", "describeexec", "pg8000", "runtimeparams", "server_settings"),
    *("statement_timeout", "lock_timeout", "session_timeout", "'-c", '"-c', " -c", ".options("),
)
_SETS = re.compile(
    r"set\b[\s'\"+.\\]{1,40}(?:session|local|time|role\b|[\w.]+['\"]?\s*(?:=|to\b)|[{$#%]|\w+\s*[;)]|$)"
)
_SQLITE = re.compile(
    r"\A(?=[\s\S]*(?:sqlite|mysql|mariadb|SqlClient))(?![\s\S]*(?:postgres|psycopg|pgx|asyncpg|npgsql))",
    re.IGNORECASE,
)
_POLICY = re.compile(r"\bCREATE\s+POLICY\b", re.IGNORECASE)
_ENABLE_RLS = re.compile(r"\b(?:ENABLE|FORCE)\s+ROW\s+LEVEL\s+SECURITY\b", re.IGNORECASE)
_CURRENT = re.compile(
    r"\bcurrent_setting\s*\(\s*\\?'{1,2}(?P<name>\w+\.[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\\?'",
    re.IGNORECASE,
)
_ROLE_DEFAULT = re.compile(
    r"\bALTER\s+ROLE\s+\"?(?P<role>[\w-]+)\"?\s+(?:IN\s+DATABASE\s+\"?(?P<db>[\w-]+)\"?\s+)?"
    r"SET\s+(?P<name>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\s*(?:=|\bTO\b)\s*(?P<value>[^;\n]{1,120})",
    re.IGNORECASE,
)


def scan_source(
    path: str, text: str, components: Collection[str] = frozenset()
) -> tuple[Hazard, ...]:
    """Evidence in one file, by line; `components` are the directories of components.

    Reads .sql, the languages of source_text, and the manifests that name drivers.
    """
    home = component_of(path, components)
    found = [
        Hazard(HazardKind.DRIVER, path, line, f"it uses {name}", home, name)
        for name, line in drivers_in(path, text)
    ]
    if is_skipped(path):
        return tuple(found)
    found += library_hazards(path, text, home)
    if is_settings_file(path):
        return (*found, *settings_in(path, text, home))
    language = language_of(path)
    if not language or not _worth_reading(text):
        return tuple(found)
    source = read_source(text, language) if language != "sql" else None
    found.extend(_evidence(path, _pieces(text, source), source, language, home))
    return tuple(sorted(set(found), key=lambda hazard: (hazard.line, hazard.kind, hazard.subject)))


def _evidence(
    path: str, pieces: Sequence[Piece], source: Source | None, language: str, home: str
) -> Iterator[Hazard]:
    """Migrations run direct: of them only what outlives them counts."""
    migration = bool(_MIGRATION.search(path))
    # Temporary tables are other databases' as well, and a file may say whose.
    other = source is not None and bool(_SQLITE.search(source.uncommented))
    yield from _row_security(path, pieces, home)
    for piece in pieces:
        for hazard in set_configs(path, piece, home):
            if "." in hazard.subject or not migration:
                yield hazard
        yield from access(path, piece, home)
        for hazard in () if migration else statements(path, piece, home):
            if not (other and hazard.kind is HazardKind.TEMP_TABLE):
                yield hazard
    if source is not None and not migration:
        yield from calls(path, source, language, home)


def _worth_reading(text: str) -> bool:
    lower = text.lower()
    return any(word in lower for word in _WORTH_READING) or bool(_SETS.search(lower))


def scan_role_defaults(path: str, text: str) -> tuple[RoleDefault, ...]:
    """`ALTER ROLE .. SET ..` in an SQL file, or in any other text of the repository (SP9)."""
    clean = sql_without_comments(text) if path.endswith(".sql") else text
    return tuple(
        RoleDefault(
            match["role"],
            match["db"] or "",
            match["name"].lower(),
            _value_of(match["value"]),
            Location(path, line := clean.count("\n", 0, match.start()) + 1, 1, f"line/{line}"),
        )
        for match in _ROLE_DEFAULT.finditer(clean)
    )


def _value_of(text: str) -> str:
    """What `SET name = ..` sets: names of a list joined by commas, as `normal()` compares them."""
    return ",".join(elements(text.replace("\\", "").strip()))


def component_of(path: str, components: Collection[str]) -> str:
    """The nearest directory of `components` that holds `path`; empty for the root."""
    directory = path.rpartition("/")[0]
    while directory and directory not in components:
        directory = directory.rpartition("/")[0]
    return directory


def component_dirs(paths: Collection[str]) -> frozenset[str]:
    """Directories that hold a component's manifest, among a repository's paths."""
    return frozenset(
        path.rpartition("/")[0]
        for path in paths
        if path.rpartition("/")[2] in COMPONENT_FILES and not is_skipped(path)
    )


def _pieces(text: str, source: Source | None) -> tuple[Piece, ...]:
    if source is None:
        return (Piece(sql_without_comments(text), 1, sql=True),)
    return tuple(
        Piece(sql_without_comments(_unquoted(literal.text)), literal.line, literal.before)
        for literal in source.literals
        if len(literal.text) > 4
    )


def _unquoted(text: str) -> str:
    """A literal's text with escaped quotes and line breaks read, in the same length."""
    plain = text.replace('\\"', ' "').replace("\\n", " \n").replace("\\t", "  ")
    return plain.replace("\\\n", " \n")


def _row_security(path: str, pieces: Sequence[Piece], home: str) -> Iterator[Hazard]:
    """Policies that read a setting; the setting may be read by a function of the same file."""
    policies = [(p, m) for p in pieces for m in _POLICY.finditer(p.text)]
    enabled = [(p, m) for p in pieces for m in _ENABLE_RLS.finditer(p.text)]
    if not policies and not enabled:
        return
    readers = [(p, m) for p in pieces for m in _CURRENT.finditer(p.text)]
    for name in dict.fromkeys(match["name"] for _, match in readers):
        piece, match = next((p, m) for p, m in readers if m["name"] == name)
        line = piece.line_at(match.start())
        message = f"a row-level security policy reads `{name}`"
        yield Hazard(HazardKind.RLS_GUC, path, line, message, home, name)
    if not readers:
        piece, match = (policies or enabled)[0]
        line = piece.line_at(match.start())
        yield Hazard(HazardKind.RLS, path, line, "row-level security is on", home)
