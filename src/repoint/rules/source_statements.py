"""SQL statements that keep state in a session, in SQL files and in a program's strings.

In a program a string counts for what it is given to. What is executed is read in any case;
what is logged, raised or printed is prose, whatever it says; of the rest only text that is
written as SQL is written (`LISTEN jobs`, `SET search_path = ..`) counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from repoint.rules.facts import Hazard, HazardKind
from repoint.rules.sent import is_setting

_I = re.IGNORECASE
_GUC = r"[A-Za-z_][\w]*(?:\.[A-Za-z_]\w*)?"
_START = r"(?:^|;)\s*"
_HOLE = r"\{|\$\{|\$\w|#\{|%[sqIvw]|:\w|\?"

# Read with white space squeezed; possessive, since most strings are given to nothing known.
_CALLEE = re.compile(
    r"(?P<name>[A-Za-z_]\w*+)[!?]?+ ?(?:<[\w<>, :?]{0,40}> ?)?[(`{<=]*+ ?[(&$@\[]*+ ?"
    r"(?:[$\w.&*\[\]]++(?:\(\))?+ ?, ?){0,3}(?:[fFrRbBuUxX]|[$@])*+$"
)
_TRANSPARENT = re.compile(
    r"^(?:format\w*|sprintf|fmt|concat|str|string|trim\w*|f|r|new|ref|const|final|var|let|val|text"
    r"|strings?|await|return|identifier)$",
    _I,
)
_SINK = re.compile(
    r"(?:exec|query|statement|sql|stmt|command|unprepared|connectioninit|queue|fetch|scalar)"
    r"|^(?:raw|run|select|get|do|text|lit|all|first|one|prepare|perform|update|select_value)$",
    _I,
)
_PROSE = re.compile(
    r"(?:log|print|error|raise|throw|exception|warn|info|debug|trace|fatal|panic|help|usage|message"
    r"|puts|echo|flash|notice|assert|expect|describe|toast|title|label|bail|abort|console|fail)",
    _I,
)

_SET = re.compile(
    rf"{_START}SET\s+(?:(?P<scope>SESSION|LOCAL)\s+)?(?P<quote>\"?)(?P<name>TIME\s+ZONE|{_GUC})"
    r"(?P=quote)\s*(?:=|\bTO\b|(?<=ZONE)\s)",
    _I,
)
_SET_ANY = re.compile(rf"{_START}SET\s+(?:SESSION\s+)?(?:$|{_HOLE})")
_CHARACTERISTICS = re.compile(rf"{_START}SET\s+SESSION\s+CHARACTERISTICS\b", _I)
_SET_CONFIG = re.compile(
    rf"\bset_config\s*\(\s*\\?'{{1,2}}(?P<name>{_GUC})\\?'{{1,2}}\s*,(?P<rest>[^;]{{0,200}})", _I
)
_THIRD = re.compile(
    r",\s*(?P<local>true|false|\\?'t(?:rue)?\\?'|\\?'f(?:alse)?\\?'|\$\d|%s|\?|[:@]\w+)\s*\)", _I
)
_EMPTY = re.compile(r"\s*\\?'{2}\s*,")
_SET_ROLE = (
    rf"{_START}SET\s+(?:SESSION\s+)?(?:ROLE|SESSION\s+AUTHORIZATION)\b(?!\s+(?:NONE|DEFAULT)\b)"
    r"(?!\s*(?:=|TO\b|,))"
)
# In capitals and alone: `listen tcp ..` is a message, `LISTEN` a socket's state.
_LISTEN = rf"{_START}LISTEN\s+(?:\"[^\"]*\"?|[\w.]+|[$%{{#][^\s;]*)?\s*(?:;|$)"
_PREPARE = rf"{_START}PREPARE\s+(?!TRANSACTION\b)[\w\"]+\s*(?:\([^)]*\)\s*)?AS\b"
_TABLE: tuple[tuple[HazardKind, re.Pattern[str], str], ...] = (
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
        HazardKind.LAST_ID,
        re.compile(
            r"(?<![\w.])(?:lastval\s*\(\s*\)|currval\s*\(\s*(?:\\?'|\"|\$|%|:|\?|@|pg_get_))", _I
        ),
        "it reads the id of its session's last insert",
    ),
)
_WORDS: tuple[tuple[HazardKind, str, str, str], ...] = (
    (HazardKind.SET_ROLE, _SET_ROLE, "it changes its role", "role"),
    (HazardKind.LISTEN, _LISTEN, "it runs LISTEN", ""),
    (HazardKind.SQL_PREPARE, _PREPARE, "it runs PREPARE", ""),
)
_WORDS_OF_SQL = re.compile(r"set\b|listen\b|advisory_lock|\btemp|hold\b|\bprepare\b|val\s*\(", _I)
_STRICT = {kind: re.compile(pattern) for kind, pattern, _, _ in _WORDS}
_LOOSE = {kind: re.compile(pattern, _I) for kind, pattern, _, _ in _WORDS}
_LOGIN_TEXT = re.compile(
    r"password authentication failed|\b28P01\b|^\s*3D000\s*$|role \S{0,40} does not exist"
)
_ACCESS_END = re.compile(
    r"\b(?:ALTER|CREATE)\s+(?:ROLE|USER)\b[^;]{0,200}\bVALID\s+UNTIL\s+'(?!infinity)"
    r"|\bREVOKE\s+(?:ALL(?:\s+PRIVILEGES)?|CONNECT)[^;]{0,60}\bON\s+DATABASE\b(?![^;]*\bFROM\s+PUBLIC\b)",
    _I,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of SQL, the line it starts on, and the code on its left (empty in SQL files)."""

    text: str
    line: int
    before: str = ""
    sql: bool = False

    def line_at(self, offset: int) -> int:
        """The file's line of an offset in the piece."""
        return self.line + self.text.count("\n", 0, offset)

    def line_of(self, match: re.Match[str]) -> int:
        """The line of a statement's first word, behind a `;` and white space."""
        skipped = len(match.group()) - len(match.group().lstrip("; \t\r\n"))
        return self.line_at(match.start() + skipped)

    @property
    def callee(self) -> str:
        """The name that the string is given to, seen through formatting; empty when none."""
        left = " ".join(self.before.split()) + " " * self.before[-1:].isspace()
        while found := _CALLEE.search(left):
            if not _TRANSPARENT.match(found["name"]) or found["name"] == "text":
                return found["name"]
            left = left[: found.start()].rstrip(" .:!&$")
        return ""

    @property
    def executed(self) -> bool:
        """Whether the text is SQL by where it stands: a file of SQL, or what runs a query."""
        return self.sql or bool(_SINK.search(self.callee))

    @property
    def prose(self) -> bool:
        """Whether the text is for people: logged, raised, printed."""
        callee = self.callee
        return bool(callee and _PROSE.search(callee) and not _SINK.search(callee))


def statements(path: str, piece: Piece, home: str) -> Iterator[Hazard]:
    """What a piece of SQL keeps in its session, settings of set_config apart."""
    if not _WORDS_OF_SQL.search(piece.text) or piece.prose:
        return
    if not piece.sql and re.match(r" +SET\b", piece.text, _I):
        # ` SET ..` goes on where another string began.
        return
    executed = piece.executed
    for match in _SET.finditer(piece.text):
        # `time_zone` is MySQL's; PostgreSQL's is TimeZone.
        known = is_setting(_guc(match["name"])) and match["name"].lower() != "time_zone"
        if known and (executed or not _is_sentence(piece, match)):
            local = (match["scope"] or "").lower() == "local"
            yield _setting(path, piece, match, home, local=local)
    if executed:
        for match in _SET_ANY.finditer(piece.text):
            message = "it sets a setting for its session"
            yield Hazard(
                HazardKind.SESSION_GUC, path, piece.line_of(match), message, home, "a setting"
            )
    for match in _CHARACTERISTICS.finditer(piece.text):
        message = "it sets characteristics of its session"
        subject = "session characteristics"
        yield Hazard(HazardKind.SESSION_GUC, path, piece.line_of(match), message, home, subject)
    for kind, _, message, subject in _WORDS:
        for match in (_LOOSE if executed else _STRICT)[kind].finditer(piece.text):
            yield Hazard(kind, path, piece.line_of(match), message, home, subject)
    for kind, pattern, message in _TABLE:
        for match in pattern.finditer(piece.text):
            yield Hazard(kind, path, piece.line_of(match), message, home)


def set_configs(path: str, piece: Piece, home: str) -> Iterator[Hazard]:
    """Calls of set_config, for a transaction or a session."""
    for match in _SET_CONFIG.finditer(piece.text):
        third = _THIRD.search(match["rest"])
        local = third is not None and third["local"].strip("\\'").lower() in ("true", "t")
        yield _setting(path, piece, match, home, local=local)
        if not local and _guc(match["name"]) == "search_path" and _EMPTY.match(match["rest"]):
            message = "it empties search_path with set_config"
            line = piece.line_of(match)
            yield Hazard(HazardKind.EMPTY_PATH, path, line, message, home, "search_path")


def access(path: str, piece: Piece, home: str) -> Iterator[Hazard]:
    """SQL that ends a role's access, and code that matches the text of a failed login."""
    for match in _ACCESS_END.finditer(piece.text):
        message = "it ends a role's access"
        yield Hazard(HazardKind.ACCESS_END, path, piece.line_of(match), message, home)
    if not piece.sql and _LOGIN_TEXT.search(piece.text):
        message = "it matches the text of a failed login"
        yield Hazard(HazardKind.LOGIN_TEXT, path, piece.line, message, home)


def _is_sentence(piece: Piece, match: re.Match[str]) -> bool:
    """`Set role to Bob`: no capitals, and a word goes on where SQL has a value."""
    word = match.group().lstrip("; \t\r\n")[:3]
    return word == "Set" and "=" not in match.group()


def _setting(path: str, piece: Piece, match: re.Match[str], home: str, *, local: bool) -> Hazard:
    name = _guc(match["name"])
    kind = HazardKind.LOCAL_GUC if local else HazardKind.SESSION_GUC
    message = f"it sets `{name}` for {'a transaction' if local else 'its session'}"
    return Hazard(kind, path, piece.line_of(match), message, home, name)


def _guc(name: str) -> str:
    return "timezone" if name.lower().startswith("time") and " " in name else name.lower()
