"""`KEY=value` files: .env of compose and direnv, env files of kustomize generators."""

from __future__ import annotations

import re

from repoint.formats.lines import Sections, each_line, trim, value_scalar
from repoint.formats.source import Source

_PAIR = re.compile(r"[ \t]*(?:export[ \t]+)?(?P<key>[^\s=#:]+)[ \t]*[=:]")
_COMMENT = re.compile(r"[ \t]#")
_QUOTED = {
    '"': re.compile(r'"(?:\\.|[^"\\])*+"', re.DOTALL),
    "'": re.compile(r"'[^']*+'"),
}


def read_dotenv(source: Source) -> Sections:
    """Read every pair; a quoted value may run over several lines.

    Lines that are no pair are left alone: a name alone asks for the caller's environment.
    """
    found = Sections(source)
    text = source.text
    done = 0
    for start, end, _ in each_line(text):
        if start < done:
            continue
        low, high = trim(text, start, end)
        if text.startswith("#", low):
            found.comment(low, high)
            continue
        match = _PAIR.match(text, start, end)
        if match is None:
            continue
        key = source.verbatim(*match.span("key"))
        found.sealed = found.sealed or key.text == "sops_mac"
        begin, stop = _value(found, match.end(), end)
        found.add(key, value_scalar(source, begin, stop))
        done = stop
    return found


def _value(found: Sections, start: int, end: int) -> tuple[int, int]:
    """Where the value stands: quoted to its closing quote, else up to ` #`."""
    text = found.source.text
    low, high = trim(text, start, end)
    quoted = _QUOTED.get(text[low : low + 1])
    match = quoted.match(text, low) if quoted else None
    if match is not None and _ends_line(text, match.end()):
        return match.span()
    comment = _COMMENT.search(text, start, high)
    if comment is not None:
        found.comment(comment.end() - 1, high)
        return trim(text, start, comment.start()) if comment.start() > start else (start, start)
    return low, high


def _ends_line(text: str, at: int) -> bool:
    """Whether only blanks or a comment follow on the line."""
    newline = text.find("\n", at)
    rest = text[at : newline if newline >= 0 else len(text)].strip()
    return not rest or rest.startswith("#")
