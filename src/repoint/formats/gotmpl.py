"""Masks Go template actions so that what is left parses as YAML.

Every `{{ ... }}` is replaced by as many code points, so that offsets survive; readers
show the text as written. An action that stands alone on its line becomes a comment,
inside a block scalar it becomes content at the block's indentation; any other action
becomes a word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_ACTION = re.compile(
    r"\{\{(?:\"(?:\\.|[^\"\\\n])*+\"|`[^`]*+`|/\*(?:[^*]|\*(?!/))*+\*/|'(?:\\.|[^'\\\n])*+'"
    r"|[^}\"`']|\}(?!\})){0,8000}+\}\}"
)
_SIMPLE = re.compile(r"\{\{[^{}\n]*\}\}")
_MAX_FAILURES = 1000
_LONGEST_KEY = 1000
_CONTROL = re.compile(
    r"\{\{-?\s*(?:if|else|end|range|with|define|block|break|continue|/\*|\$\w+\s*:?=)(?![\w])"
    r"|\{\{-?\s*/\*"
)
_HEADER = re.compile(
    r"^(?P<lead> *+(?:- ++)*+)(?:(?P<key>[^\n#|>]*?):[ \t]++)?(?:[&!]\S*+[ \t]++){0,3}+"
    r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\r?$",
    re.MULTILINE,
)
_KEY_ONLY = re.compile(r"[ \t]*(?:- +)*[\w.\"'/-]+:\Z")
_CLOSED = re.compile(r"[\"'\])}][ \t]*\Z")


@dataclass(slots=True)
class _Group:
    """Actions that fill a line (or several) alone: `text[start:end]`, from column `indent`."""

    start: int
    end: int
    line_start: int
    control: bool

    @property
    def indent(self) -> int:
        return self.start - self.line_start


def has_actions(text: str) -> bool:
    """Tell whether `text` may hold template actions."""
    return "{{" in text


def mask(text: str) -> str:
    """Return `text` with its template actions replaced, code point for code point."""
    actions = _actions(text)
    if not actions:
        return text
    groups: list[_Group] = []
    pieces: list[str] = []
    cursor = at = 0
    while at < len(actions):
        group, after = _whole_line(text, actions, at)
        if group is not None:
            groups.append(group)
            start, end, filler = group.start, group.end, "#" + "x" * (group.end - group.start - 1)
        else:
            start, end = actions[at]
            filler = _word(text, start, end)
        pieces += text[cursor:start], filler
        cursor, at = end, after
    pieces.append(text[cursor:])
    return _inside_blocks("".join(pieces), groups)


def _actions(text: str) -> list[tuple[int, int]]:
    """Where the actions stand; gives up on a text that opens many and closes none."""
    found: list[tuple[int, int]] = []
    failures = 0
    at = text.find("{{")
    while at >= 0 and failures < _MAX_FAILURES and text.find("}}", at) >= 0:
        match = _ACTION.match(text, at) or _SIMPLE.match(text, at)
        if match is not None:
            found.append(match.span())
            at = match.end()
        else:
            failures += 1
            at += 2
        at = text.find("{{", at)
    return found


def _whole_line(text: str, actions: list[tuple[int, int]], at: int) -> tuple[_Group | None, int]:
    """The group that begins with action `at` when only actions stand on its line."""
    start, end = actions[at]
    # Looked for no further than the action before: a line may hold thousands of them.
    since = actions[at - 1][1] if at else 0
    line_start = text.rfind("\n", since, start) + 1
    if (since and not line_start) or text[line_start:start].strip(" \t"):
        return None, at + 1
    after = at + 1
    control = bool(_CONTROL.match(text, start))
    while after < len(actions) and not text[end : actions[after][0]].strip(" \t"):
        control = control and bool(_CONTROL.match(text, actions[after][0]))
        end = actions[after][1]
        after += 1
    newline = text.find("\n", end)
    rest = text[end : newline if newline >= 0 else len(text)].strip()
    if rest and not rest.startswith("#"):
        return None, at + 1
    return _Group(start, end, line_start, control), after


def _word(text: str, start: int, end: int) -> str:
    """A filler that is valid where the action stands within its line."""
    near = max(0, start - _LONGEST_KEY)
    line_start = text.rfind("\n", near, start) + 1
    length = end - start
    if (line_start or not near) and _KEY_ONLY.match(text, line_start, start):
        return " " + "x" * (length - 1)
    if _CLOSED.search(text, max(line_start, near), start) and _CONTROL.match(text, start):
        return " " * length
    return "x" * length


def _inside_blocks(text: str, groups: list[_Group]) -> str:
    """Turn the comments that stand inside block scalars into content of the block."""
    if not groups:
        return text
    by_line = {group.line_start: group for group in groups}
    changes: list[tuple[_Group, int]] = []
    done = 0
    for header in _HEADER.finditer(text):
        if header.start() < done:
            continue
        lead = header["lead"]
        column = len(lead) if header["key"] is not None else len(lead.rstrip()) - 1
        inside, indent, done = _block(text, header.end() + 1, column, by_line)
        changes += [(group, indent) for group in inside]
    pieces: list[str] = []
    cursor = 0
    for group, indent in changes:
        length = group.end - group.start
        pad = min(length, max(0, indent - group.indent))
        pieces += text[cursor : group.start], " " * pad + "x" * (length - pad)
        cursor = group.end
    return "".join((*pieces, text[cursor:]))


def _block(
    text: str, start: int, column: int, by_line: dict[int, _Group]
) -> tuple[list[_Group], int, int]:
    """The groups inside the block scalar after `start`, its indentation, its end."""
    inside: list[_Group] = []
    pending: list[_Group] = []
    indent = 0
    at = start
    while at < len(text):
        newline = text.find("\n", at)
        stop = newline if newline >= 0 else len(text)
        group = by_line.get(at)
        line = text[at:stop]
        depth = len(line) - len(line.lstrip(" "))
        if group is not None:
            pending.append(group)
            if depth > column or not group.control:
                inside += pending
                pending = []
                if depth > column and not indent:
                    indent = depth
        elif line.strip():
            if depth <= column:
                break
            indent = indent or depth
            inside += pending
            pending = []
        at = stop + 1
    return inside, indent or column + 2, min(at, len(text))
