"""Evidence of session state in a repository's own source text.

Pure reading of one file at a time: SQL files as they stand, programs by their string
literals. Tests, vendored code and generated code do not count; migrations count only for
row-level security, since they run direct.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from repoint.model.source import Location
from repoint.rules.drivers import drivers_in
from repoint.rules.facts import Hazard, HazardKind, RoleDefault
from repoint.rules.sent import is_setting
from repoint.rules.source_text import language_of, read_source, sql_without_comments

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

_SKIPPED = re.compile(
    r"(^|/)(tests?|__tests__|spec|specs|testdata|fixtures?|vendor|node_modules|third_party|dist"
    r"|build|target|\.[^/]+)/|(_test\.go|[._-](test|spec)\.[a-z]+|(^|/)test_[^/]*\.py|\.min\.js)$",
    re.IGNORECASE,
)
_MIGRATION = re.compile(
    r"(^|/)(migrations?|migrate|schema|schemas|changelogs?|alembic|versions|flyway|seeds?|dumps?"
    r"|initdb|init)(/|\.sql$)|(^|/)V\d+[\d._]*__[^/]*\.sql$|\.(up|down)\.sql$",
    re.IGNORECASE,
)
_GUC = r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)?"
_WORTH_READING = re.compile(
    r"\bset_config\b|\bSET\s+(?:SESSION|LOCAL|ROLE|TIME|[\w.]+\s*(?:=|TO\b))|\bLISTEN\s"
    r"|advisory_lock|\bTEMP(?:ORARY)?\s+TABLE|WITH\s+HOLD|\bPREPARE\s|ROW\s+LEVEL\s+SECURITY"
    r"|CREATE\s+POLICY|NewListener|WaitForNotification|add_listener|getNotifications"
    r"|wait_for_notify|PgListener",
    re.IGNORECASE,
)
_START = r"(?:^|;)\s*"
_I = re.IGNORECASE

_SET = re.compile(
    rf"{_START}SET\s+(?:(?P<scope>SESSION|LOCAL)\s+)?(?P<name>TIME\s+ZONE|{_GUC})"
    r"\s*(?:=|\bTO\b|(?<=ZONE)\s)",
    _I,
)
_CHARACTERISTICS = re.compile(rf"{_START}SET\s+SESSION\s+CHARACTERISTICS\b", _I)
_SET_CONFIG = re.compile(
    rf"\bset_config\s*\(\s*\\?'{{1,2}}(?P<name>{_GUC})\\?'{{1,2}}\s*,(?P<rest>[^;]{{0,200}})", _I
)
_THIRD = re.compile(r",\s*(?P<local>true|false|\\?'t(?:rue)?\\?'|\$\d|%s|\?|:\w+)\s*\)", _I)
_SET_ROLE = re.compile(
    rf"{_START}SET\s+(?:SESSION\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)\b(?!\s+(?:NONE|DEFAULT)\b)"
)
_POLICY = re.compile(r"\bCREATE\s+POLICY\b", _I)
_ENABLE_RLS = re.compile(r"\b(?:ENABLE|FORCE)\s+ROW\s+LEVEL\s+SECURITY\b", _I)
_CURRENT = re.compile(rf"\bcurrent_setting\s*\(\s*\\?'{{1,2}}(?P<name>\w+\.{_GUC})\\?'", _I)
_STATEMENTS: tuple[tuple[HazardKind, re.Pattern[str], str], ...] = (
    (
        # In capitals and alone: `listen tcp ..` is a message, `LISTEN` a socket's state.
        HazardKind.LISTEN,
        re.compile(rf"{_START}LISTEN\s+(?:\"[^\"]*\"?|[\w.]+|[$%{{][^\s;]*)?\s*(?:;|$)"),
        "it runs LISTEN",
    ),
    (
        HazardKind.ADVISORY_LOCK,
        re.compile(r"\bpg_(?:try_)?advisory_lock(?:_shared)?\s*\(", _I),
        "it takes a session advisory lock",
    ),
    (
        HazardKind.TEMP_TABLE,
        re.compile(
            rf"{_START}CREATE\s+(?:(?:GLOBAL|LOCAL)\s+)?TEMP(?:ORARY)?\s+TABLE\b"
            r"(?![^;]*\bON\s+COMMIT\s+DROP\b)",
            _I,
        ),
        "it creates a temporary table",
    ),
    (
        HazardKind.WITH_HOLD,
        re.compile(r"\bDECLARE\b[^;]{0,120}\bCURSOR\s+WITH\s+HOLD\b", _I),
        "it declares a cursor WITH HOLD",
    ),
    (
        HazardKind.SQL_PREPARE,
        re.compile(rf"{_START}PREPARE\s+(?!TRANSACTION\b)[\w\"]+\s*(?:\([^)]*\)\s*)?AS\b", _I),
        "it runs PREPARE",
    ),
)
# Calls that listen without any SQL of the program's own.
_CALLS: tuple[tuple[HazardKind, re.Pattern[str], str], ...] = (
    (
        HazardKind.LISTEN,
        re.compile(
            r"\bpq\.NewListener\(|\.WaitForNotification\(|\.add_listener\(|"
            r"\.getNotifications\(|\.wait_for_notify\b|\bPgListener::"
        ),
        "it waits for notifications",
    ),
)
_ROLE_DEFAULT = re.compile(
    rf"\bALTER\s+ROLE\s+\"?(?P<role>[\w-]+)\"?\s+(?:IN\s+DATABASE\s+\"?(?P<db>[\w-]+)\"?\s+)?"
    rf"SET\s+(?P<name>{_GUC})\s*(?:=|\bTO\b)\s*(?P<value>[^;\n]{{1,120}})",
    _I,
)


@dataclass(frozen=True, slots=True)
class _Text:
    """A piece of SQL and the line it starts on."""

    text: str
    line: int

    def line_at(self, offset: int) -> int:
        """The file's line of an offset in the piece."""
        return self.line + self.text.count("\n", 0, offset)


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
    language = language_of(path)
    if not language or _SKIPPED.search(path) or not _WORTH_READING.search(text):
        return tuple(found)
    pieces = _pieces(text, language)
    found.extend(_row_security(path, pieces, home))
    for piece in pieces:
        found.extend(_set_config(path, piece, home))
        if not _MIGRATION.search(path):
            found.extend(_session(path, piece, home))
    if language != "sql" and not _MIGRATION.search(path):
        found.extend(_calls(path, text, language, home))
    return tuple(sorted(set(found), key=lambda hazard: (hazard.line, hazard.kind, hazard.subject)))


def scan_role_defaults(path: str, text: str) -> tuple[RoleDefault, ...]:
    """`ALTER ROLE .. SET ..` in an SQL file, or in any other text of the repository (SP9)."""
    clean = sql_without_comments(text) if path.endswith(".sql") else text
    return tuple(
        RoleDefault(
            match["role"],
            match["db"] or "",
            match["name"].lower(),
            match["value"].strip().strip("'\""),
            Location(path, line := clean.count("\n", 0, match.start()) + 1, 1, f"line/{line}"),
        )
        for match in _ROLE_DEFAULT.finditer(clean)
    )


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
        if path.rpartition("/")[2] in COMPONENT_FILES and not _SKIPPED.search(path)
    )


def hazards_for(
    consumer_name: str, hazards: Sequence[Hazard], names: Collection[str] = ()
) -> tuple[Hazard, ...]:
    """The hazards of a consumer: those of the component whose directory is like its name.

    With a single component everything belongs to every consumer, unless `names`, all
    consumers' names, show that the component is one of them in particular.
    """
    homes = {hazard.app_dir for hazard in hazards}
    mine = {home for home in homes if home and _alike(consumer_name, home)}
    if mine:
        return tuple(hazard for hazard in hazards if hazard.app_dir in mine)
    if len(homes) != 1:
        return ()
    only = next(iter(homes))
    if only and any(_alike(name, only) for name in names):
        return ()
    return tuple(hazards)


_GENERIC = frozenset(
    {
        "app",
        "apps",
        "src",
        "service",
        "services",
        "packages",
        "cmd",
        "server",
        "code",
        "source",
        "projects",
        "components",
        "lib",
        "libs",
        "deploy",
        "k8s",
        "docker",
    }
)


def _alike(name: str, directory: str) -> bool:
    """Whether a consumer's name and some part of a directory share all words of one of them."""
    words = _words(name)
    for segment in directory.split("/"):
        part = _words(segment)
        if part - _GENERIC and (part <= words or words <= part):
            return True
    return False


def _words(name: str) -> set[str]:
    return {word for word in re.split(r"[^a-z0-9]+", name.lower()) if word}


def _pieces(text: str, language: str) -> tuple[_Text, ...]:
    if language == "sql":
        return (_Text(sql_without_comments(text), 1),)
    source = read_source(text, language)
    return tuple(
        _Text(sql_without_comments(_unquoted(literal.text)), literal.line)
        for literal in source.literals
        if len(literal.text) > 5
    )


def _unquoted(text: str) -> str:
    """A literal's text with escaped quotes and line breaks read, in the same length."""
    return text.replace('\\"', ' "').replace("\\n", " \n").replace("\\t", "  ")


def _row_security(path: str, pieces: Sequence[_Text], home: str) -> Iterator[Hazard]:
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


def _setting(path: str, piece: _Text, match: re.Match[str], home: str, *, local: bool) -> Hazard:
    name = _guc(match["name"])
    kind = HazardKind.LOCAL_GUC if local else HazardKind.SESSION_GUC
    message = f"it sets `{name}` for {'a transaction' if local else 'its session'}"
    return Hazard(kind, path, _line(piece, match), message, home, name)


def _line(piece: _Text, match: re.Match[str]) -> int:
    """The line of the statement's first word, behind a `;` and white space."""
    skipped = len(match.group()) - len(match.group().lstrip("; \t\r\n"))
    return piece.line_at(match.start() + skipped)


def _set_config(path: str, piece: _Text, home: str) -> Iterator[Hazard]:
    """Calls of set_config; what they set for a transaction counts in migrations too."""
    for match in _SET_CONFIG.finditer(piece.text):
        third = _THIRD.search(match["rest"])
        local = third is not None and third["local"].strip("\\'").lower() in ("true", "t")
        if "." in match["name"] or not _MIGRATION.search(path):
            yield _setting(path, piece, match, home, local=local)


def _session(path: str, piece: _Text, home: str) -> Iterator[Hazard]:
    for match in _SET.finditer(piece.text):
        if is_setting(_guc(match["name"])):
            local = (match["scope"] or "").lower() == "local"
            yield _setting(path, piece, match, home, local=local)
    for match in _CHARACTERISTICS.finditer(piece.text):
        message = "it sets characteristics of its session"
        subject = "session characteristics"
        yield Hazard(HazardKind.SESSION_GUC, path, _line(piece, match), message, home, subject)
    for match in _SET_ROLE.finditer(piece.text):
        yield Hazard(
            HazardKind.SET_ROLE, path, _line(piece, match), "it changes its role", home, "role"
        )
    for kind, pattern, message in _STATEMENTS:
        for match in pattern.finditer(piece.text):
            yield Hazard(kind, path, _line(piece, match), message, home)


def _calls(path: str, text: str, language: str, home: str) -> Iterator[Hazard]:
    code = read_source(text, language).code
    for kind, pattern, message in _CALLS:
        for match in pattern.finditer(code):
            yield Hazard(kind, path, code.count("\n", 0, match.start()) + 1, message, home)


def _guc(name: str) -> str:
    return "timezone" if name.lower().startswith("time") and " " in name else name.lower()
