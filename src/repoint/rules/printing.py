"""RP131: commands that print a connection string, and the password in it.

Read line by line in shell scripts, Makefiles and pipelines, since the commands are few
and short. What goes into a pipe, a file or a substitution is not printed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.model.plan import Finding
from repoint.model.source import Location
from repoint.rules.routing import PRINTS_DSN

_NAME = r"\w*(?:DATABASE_URL|DATABASE_URI|DB_URL|DB_URI|POSTGRES_URL|PG_URL|DSN|PGPASSWORD)\w*"
_EXPANSION = rf"\$\$?(?:\{{{_NAME}\}}|{_NAME}\b|\({_NAME}\))"
_ECHO = re.compile(
    rf"\b(?:echo|printf|print|cat\s*<<<)\b[^|>&;#]{{0,300}}?{_EXPANSION}", re.IGNORECASE
)
_PRINTENV = re.compile(rf"\bprintenv\s+{_NAME}\b", re.IGNORECASE)
# Repeats are bounded, so that a long line is read in linear time.
_SECRET = re.compile(
    r"\b(?:kubectl|oc)\b[^#;|]{0,200}\bget\s+secrets?\b(?P<how>[^#;]{0,300})"
    r"\|\s*base64\s+(?:-d|-D|--decode)\b",
    re.IGNORECASE,
)
_KEY = re.compile(r"url|uri|dsn|pass|connection|\.data\}|-o\s*=?\s*(?:yaml|json)\b", re.IGNORECASE)
_LITERAL = re.compile(
    r"\b(?:echo|printf)\b[^|>&;#]{0,300}?postgres(?:ql)?(?:\+\w+)?://[^\s:@/]{0,100}:"
    r"(?P<password>[^@\s\"']+)@",
    re.IGNORECASE,
)
_MASKED = re.compile(r"^(?:\*+|x{3,}|<[^>]*>|\.\.\.|redacted|masked)$", re.IGNORECASE)
_KEPT = re.compile(r"\$\(\s*$|`\s*$|\$\([^)]*$|=\s*\"?\$\([^)]*$")
_TAKEN = re.compile(r"^[^#;]*?(?:\||>(?!\s*&?\s*(?:2|/dev/(?:stderr|tty))))")


def prints_dsn(path: str, text: str) -> tuple[Finding, ...]:
    """RP131 for every line of a script that prints a connection string."""
    return tuple(
        PRINTS_DSN.finding(
            f"`{path}` line {number}: a connection string is printed",
            location=Location(path, number, 1, f"line/{number}"),
        )
        for number, line in _commands(text)
        if _prints(line)
    )


def _commands(text: str) -> Iterator[tuple[int, str]]:
    """Lines with continuations joined, and the number of their first line; no comments."""
    start, joined = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        start = start if joined else number
        if line.rstrip().endswith("\\"):
            joined += line.rstrip()[:-1] + " "
            continue
        whole, joined = joined + line, ""
        if not whole.lstrip().startswith("#"):
            yield start, whole
    if joined:
        yield start, joined


def _prints(line: str) -> bool:
    for pattern in (_ECHO, _PRINTENV, _SECRET, _LITERAL):
        match = pattern.search(line)
        if match is None or _KEPT.search(line[: match.start()]):
            continue
        if _TAKEN.search(line[match.end() :]):
            continue
        if pattern is _LITERAL and _MASKED.match(match["password"]):
            continue
        if pattern is _SECRET and not _KEY.search(match["how"]):
            continue
        return True
    return False
