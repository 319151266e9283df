"""Source text without its comments: SQL as it stands, other languages by their strings.

A comment is no evidence (it may say what was removed), and prose that mentions `LISTEN` is
not SQL. So of a program only its string literals count, and calls outside strings that are
named on purpose. Reading is by characters in one pass, never by a compiler.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
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
_PLAIN = re.compile(r"[^'\"`/#=\-\nr%<]+")
_CHAR_LITERAL = re.compile(r"'(?:\\.[^'\n]{0,8}|[^'\\\n])'")
_RUST_RAW = re.compile(r'r(#{1,5})"')
_HEREDOC = {
    "rb": re.compile(r"<<[~-]?(?P<quote>['\"`]?)(?P<mark>[A-Z_]\w*)(?P=quote)(?=[\s.),;]|$)"),
    "php": re.compile(r"<<<[ \t]*(?P<quote>['\"]?)(?P<mark>[A-Za-z_]\w*)(?P=quote)[ \t]*(?=\r?\n)"),
}
_PERCENT = re.compile(r"%[qQ]?(?P<open>[({\[|])")
_CLOSES = {"(": ")", "{": "}", "[": "]", "|": "|"}
_JS_REGEX = re.compile(r"/(?![*/])(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/")
_BEFORE_REGEX = re.compile(r"(?:[(=,:\[!&|?{};]|\breturn)\s*$")
# What may stand between two literals that are one text: nothing, `+`, PHP's `.`, Ruby's `\`.
_JOINS = {
    "py": re.compile(r"\s*\+?\s*[fFrRbBuU]{0,2}"),
    "rb": re.compile(r"\s*(?:\\|\+)?\s*"),
    "php": re.compile(r"\s*\.\s*"),
    "cs": re.compile(r"\s*\+\s*[$@]{0,2}"),
}
_JOIN = re.compile(r"\s*\+\s*")
_LEFT = 100


_SKIPPED = re.compile(
    r"(^|/)(tests?|[^/]*[._-]tests?|__tests__|specs?|testdata|fixtures?|vendor|node_modules"
    r"|third_party|dist|build|target|\.[^/]+)/|(_test\.go|[._-](test|spec)\.[a-z]+|(^|/)test_[^/]*\.py|\.min\.js)$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Literal:
    """A string literal's inner text, and the line it starts on.

    Literals that the program joins (`"SET " + "x"`) are one. `before` is the code on its
    left, strings and comments blank, enough to see what it is given to.
    """

    text: str
    line: int
    before: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A program read for evidence: its string literals, and its code without either.

    `uncommented` is the text with its strings and without its comments, in the same length.
    """

    literals: tuple[Literal, ...]
    code: str
    uncommented: str


def is_skipped(path: str) -> bool:
    """Whether a file is a test, vendored or generated: no evidence of what runs."""
    return bool(_SKIPPED.search(path))


def language_of(path: str) -> str:
    """The language of a path by its ending, empty when repoint does not read it."""
    return _LANGUAGE.get(path.rsplit(".", 1)[-1].lower(), "") if "." in path else ""


def read_source(text: str, language: str) -> Source:
    """Take a program apart; in `code` comments and strings are spaces, lines stay."""
    pieces: list[tuple[int, int, str]] = []
    code, uncommented = list(text), list(text)
    position = 0
    while position < len(text):
        plain = _PLAIN.match(text, position)
        if plain:
            position = plain.end()
            continue
        end, inner = _token(text, position, language)
        if end == position:
            position += 1
            continue
        if inner is not None:
            pieces.append((position, end, inner))
        for kept in (code,) if inner is not None else (code, uncommented):
            kept[position:end] = re.sub(r"[^\n]", " ", text[position:end])
        position = end
    blank = "".join(code)
    return Source(tuple(_joined(pieces, blank, language)), blank, "".join(uncommented))


def _joined(pieces: list[tuple[int, int, str]], code: str, language: str) -> Iterator[Literal]:
    """Literals with those that follow them in the same text, line by line as they stand."""
    join = _JOINS.get(language, _JOIN)
    line, seen, index = 1, 0, 0
    while index < len(pieces):
        start, end, text = pieces[index]
        index += 1
        while index < len(pieces) and join.fullmatch(code, end, pieces[index][0]):
            between = code.count("\n", end, pieces[index][0])
            text += "\n" * between + pieces[index][2]
            end = pieces[index][1]
            index += 1
        line += code.count("\n", seen, start)
        seen = start
        yield Literal(text, line, code[max(0, start - _LEFT) : start])


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
    other = _other(text, position, language)
    if other[0] > position:
        return other
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


def _other(text: str, position: int, language: str) -> tuple[int, str | None]:
    """Here documents, Ruby's `%q(..)` and JavaScript's regular expressions."""
    char = text[position]
    if char == "<" and language in _HEREDOC:
        return _heredoc(text, position, _HEREDOC[language])
    if char == "%" and language == "rb":
        percent = _PERCENT.match(text, position)
        close = text.find(_CLOSES[percent["open"]], percent.end()) if percent else -1
        if percent and close > 0 and not text[max(0, position - 1) : position].isalnum():
            return close + 1, text[percent.end() : close]
    if char == "/" and language == "js":
        regex = _JS_REGEX.match(text, position)
        if regex and _BEFORE_REGEX.search(text[max(0, position - 12) : position]):
            return regex.end(), None
    return position, None


def _heredoc(text: str, position: int, pattern: re.Pattern[str]) -> tuple[int, str | None]:
    """A here document: its token to the closing mark; what follows on its first line is lost."""
    opens = pattern.match(text, position)
    if not opens:
        return position, None
    body = text.find("\n", opens.end())
    close = re.compile(rf"^[ \t]*{opens['mark']}\b", re.MULTILINE).search(text, max(body, 0))
    if body < 0 or close is None:
        return position, None
    return close.end(), "\n" + text[body + 1 : close.start()]


def _quoted(text: str, position: int, language: str) -> tuple[int, str]:
    quote = text[position]
    raw = (quote == "`" and language == "go") or (
        language == "cs" and "@" in text[max(0, position - 2) : position]
    )
    multiline = raw or quote == "`" or language in ("rb", "php", "rs")
    index = position + 1
    while index < len(text):
        char = text[index]
        if char == quote and raw and language == "cs" and text[index + 1 : index + 2] == quote:
            index += 2
            continue
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
