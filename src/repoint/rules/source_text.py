"""Source text without its comments: SQL as it stands, other languages by their strings.

A comment is no evidence (it may say what was removed), and prose that mentions `LISTEN` is
not SQL. So of a program only its string literals count, and calls outside strings that are
named on purpose. Reading is by characters in one pass, never by a compiler.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE_COMMENTS = {
    "sql": ("--",),
    "py": ("#",),
    "rb": ("#",),
    "php": ("//", "#"),
    "go": ("//",),
    "js": ("//",),
    "java": ("//",),
    "rs": ("//",),
    "cs": ("//",),
}
_BLOCK_COMMENTS = frozenset({"sql", "php", "go", "js", "java", "rs", "cs"})
_TRIPLE = {"py": ('"""', "'''"), "java": ('"""',), "cs": ('"""',)}
_QUOTES = {
    "sql": "",
    "py": "'\"",
    "rb": "'\"",
    "php": "'\"",
    "go": '"`',
    "js": "'\"`",
    "java": '"',
    "rs": '"',
    "cs": '"',
}
_LANGUAGE = {
    "sql": "sql",
    "py": "py",
    "rb": "rb",
    "php": "php",
    "go": "go",
    "js": "js",
    "mjs": "js",
    "cjs": "js",
    "jsx": "js",
    "ts": "js",
    "mts": "js",
    "tsx": "js",
    "java": "java",
    "kt": "java",
    "kts": "java",
    "scala": "java",
    "rs": "rs",
    "cs": "cs",
}
_PLAIN_SQL = re.compile(r"[^'\"/\-]+")
_SQL_QUOTED = re.compile(r"'(?:[^']++|'')*+'|\"[^\"\n]*+\"")
_PLAIN = re.compile(r"[^'\"`/#=\-\nr]+")
_CHAR_LITERAL = re.compile(r"'(?:\\.[^'\n]{0,8}|[^'\\\n])'")
_RUST_RAW = re.compile(r'r(#{1,5})"')


@dataclass(frozen=True, slots=True)
class Literal:
    """A string literal's inner text and the line it starts on."""

    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """A program read for evidence: its string literals, and its code without either."""

    literals: tuple[Literal, ...]
    code: str


def language_of(path: str) -> str:
    """The language of a path by its ending, empty when repoint does not read it."""
    return _LANGUAGE.get(path.rsplit(".", 1)[-1].lower(), "") if "." in path else ""


def read_source(text: str, language: str) -> Source:
    """Take a program apart; in `code` comments and strings are spaces, lines stay."""
    literals: list[Literal] = []
    code = list(text)
    position, line = 0, 1
    while position < len(text):
        plain = _PLAIN.match(text, position)
        if plain:
            position = plain.end()
            continue
        end, inner = _token(text, position, language)
        if end == position:
            line += text[position] == "\n"
            position += 1
            continue
        if inner is not None:
            literals.append(Literal(inner, line))
        for index in range(position, end):
            if code[index] != "\n":
                code[index] = " "
        line += text.count("\n", position, end)
        position = end
    return Source(tuple(literals), "".join(code))


def sql_without_comments(text: str) -> str:
    """SQL with comments replaced by spaces; lines and offsets stay."""
    out: list[str] = []
    position = 0
    while position < len(text):
        plain = _PLAIN_SQL.match(text, position)
        if plain:
            out.append(plain.group())
            position = plain.end()
            continue
        quoted = _SQL_QUOTED.match(text, position)
        if quoted:
            out.append(quoted.group())
            position = quoted.end()
            continue
        end = _comment(text, position, "sql")
        if end > position:
            out.append(re.sub(r"[^\n]", " ", text[position:end]))
            position = end
            continue
        out.append(text[position])
        position += 1
    return "".join(out)


def _token(text: str, position: int, language: str) -> tuple[int, str | None]:
    """End of the comment or string at `position`, and a string's inner text.

    `(position, None)` when neither starts here.
    """
    end = _comment(text, position, language)
    if end > position:
        return end, None
    for triple in _TRIPLE.get(language, ()):
        if text.startswith(triple, position):
            close = text.find(triple, position + 3)
            close = len(text) if close < 0 else close
            prose = language == "py" and _is_docstring(text, position)
            return min(close + 3, len(text)), None if prose else text[position + 3 : close]
    if language == "rs":
        raw = _RUST_RAW.match(text, position)
        if raw:
            close = text.find('"' + raw.group(1), raw.end())
            close = len(text) if close < 0 else close
            return min(close + 1 + len(raw.group(1)), len(text)), text[raw.end() : close]
    if text[position] == "'" and "'" not in _QUOTES[language]:
        char = _CHAR_LITERAL.match(text, position)
        return (char.end(), None) if char else (position, None)
    if text[position] in _QUOTES[language]:
        return _quoted(text, position, language)
    return position, None


def _quoted(text: str, position: int, language: str) -> tuple[int, str]:
    quote = text[position]
    raw = (quote == "`" and language == "go") or (
        language == "cs" and "@" in text[max(0, position - 2) : position]
    )
    multiline = raw or quote == "`" or language in ("rb", "php", "rs")
    index = position + 1
    while index < len(text):
        char = text[index]
        if char == quote:
            return index + 1, text[position + 1 : index]
        if char == "\n" and not multiline:
            break
        index += 2 if char == "\\" and not raw else 1
    end = min(index, len(text))
    return max(end, position + 1), text[position + 1 : end]


def _comment(text: str, position: int, language: str) -> int:
    """End of the comment that starts at `position`, or `position`."""
    if language in _BLOCK_COMMENTS and text.startswith("/*", position):
        return _block_end(text, position, nested=language in ("sql", "rs"))
    for mark in _LINE_COMMENTS[language]:
        if text.startswith(mark, position):
            end = text.find("\n", position)
            return len(text) if end < 0 else end
    if language == "rb" and text.startswith("=begin", position):
        end = text.find("\n=end", position)
        return len(text) if end < 0 else end + 5
    return position


def _block_end(text: str, position: int, *, nested: bool) -> int:
    depth, index = 1, position + 2
    while depth and index < len(text):
        opens = text.find("/*", index) if nested else -1
        closes = text.find("*/", index)
        if closes < 0:
            return len(text)
        if 0 <= opens < closes:
            depth, index = depth + 1, opens + 2
        else:
            depth, index = depth - 1, closes + 2
    return index


def _is_docstring(text: str, position: int) -> bool:
    """A triple-quoted string that stands alone on its line and is no argument or value."""
    before = text[:position].rstrip(" \t")
    if before and not before.endswith("\n"):
        return False
    code = before.rstrip()
    return not code or code[-1] not in "(,=[{+%\\"
