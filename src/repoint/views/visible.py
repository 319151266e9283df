"""Text of others, shown without doing anything to the terminal that shows it."""

from __future__ import annotations

import re

# Control characters but tab and newline (C1 too: some terminals obey them in UTF-8), line and
# paragraph separators, marks that turn the direction of writing, and halves of pairs, which no
# stream can encode.
_ACTS = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_ACTING = re.compile(f"[{_ACTS}]")
# What GitHub's runner obeys at the start of a line of any log, indented or not.
_COMMAND = re.compile(r"^(\s*):(?=:)", re.MULTILINE)
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_OWN_COLOR = re.compile(rf"\x1b\[(?:[0-3]|1;3[0-7]|1;2|3[0-7])m|[{_ACTS}]")


def visible(text: str) -> str:
    """`text` with every character that a terminal would obey as `\\u001b`, which JSON reads."""
    return _ACTING.sub(_shown, text)


def spoken(text: str) -> str:
    """The same for a log: a line that a CI's runner would obey (`::`) is shown likewise."""
    return _COMMAND.sub(r"\1\\u003a", visible(text))


def on_one_line(text: str) -> str:
    """The same for what has one line to itself: a name of others may hold a line's end."""
    return visible(text).replace("\n", r"\u000a")


def within(text: str, encoding: str) -> str:
    """`text` with what an encoding has no sign for as `\\u2192`, which JSON reads."""

    def known_or_spelled(found: re.Match[str]) -> str:
        try:
            found[0].encode(encoding)
        except UnicodeEncodeError:
            units = found[0].encode("utf-16-be", "surrogatepass").hex()
            return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))
        return found[0]

    return _BEYOND_ASCII.sub(known_or_spelled, text)


def harmless(text: str) -> str:
    """The same for what repoint made: its colors stay."""
    return _OWN_COLOR.sub(lambda found: found[0] if len(found[0]) > 1 else _shown(found), text)


def _shown(found: re.Match[str]) -> str:
    return f"\\u{ord(found[0]):04x}"
