"""Connections in XML: attributes and elements, comments aside."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field

from repoint.sites.context import Scope
from repoint.sites.frame import Draft, Value
from repoint.sites.split import Container, Entry, split_drafts, with_companions
from repoint.sites.urls import dsn_drafts

MAX_DEPTH = 100
"""Elements nested deeper are read as if they were not there."""

_HIDDEN = re.compile(r"<!--.*?(?:-->|\Z)|<\?.*?(?:\?>|\Z)|<!DOCTYPE[^>]*(?:>|\Z)", re.DOTALL)
_TAG = re.compile(
    r"<(/?)([A-Za-z_][\w:.\-]*)((?:\s+[\w:.\-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)\s*(/?)>"
)
_ATTRIBUTE = re.compile(r"([\w:.\-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_ENTITY = re.compile(r"&(amp|lt|gt|quot|apos);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}


class _Element(Struct, eq=False):
    name: str
    entry_name: str
    text_start: int
    entries: list[Entry] = field(default_factory=list)
    leaf: bool = True


def xml_drafts(value: Value, scope: Scope) -> Iterator[Draft]:
    """The drafts of an XML text: each element's attributes and leaf children together."""
    text = _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), value.text)
    stack = [_Element("", "", 0, leaf=False)]
    for tag in _TAG.finditer(text):
        closing, name, attributes, empty = tag.groups()
        if closing:
            yield from _close(value, stack, name, tag.start(), scope)
            continue
        stack[-1].leaf = False
        given = list(_attributes(value, tag.start(3), attributes))
        names = {entry.name: entry.value.text for entry in given}
        label = names.get("name") or names.get("key") or name
        pair = next((e for e in given if e.name == "value"), None)
        if pair is not None and label != name:
            stack[-1].entries.append(Entry(label, pair.value))
        else:
            yield from _settings(given, (*_trail(stack), name), scope)
        if not empty and len(stack) < MAX_DEPTH:
            stack.append(_Element(name, label, tag.end()))
    while len(stack) > 1:
        yield from _finish(stack.pop(), stack, scope)
    yield from _finish(stack[0], [], scope)


def _trail(stack: list[_Element]) -> tuple[str, ...]:
    return tuple(element.name for element in stack[1:])


def _attributes(value: Value, start: int, text: str) -> Iterator[Entry]:
    for match in _ATTRIBUTE.finditer(text):
        group = 2 if match.group(2) is not None else 3
        low, high = start + match.start(group), start + match.end(group)
        yield Entry(match.group(1), _unescaped(value.cut(low, high)))


def _close(
    value: Value, stack: list[_Element], name: str, end: int, scope: Scope
) -> Iterator[Draft]:
    if not any(element.name == name for element in stack[1:]):
        return
    while len(stack) > 1:
        element = stack.pop()
        if element.leaf:
            inner = value.cut(element.text_start, end)
            stack[-1].entries.append(Entry(element.entry_name, _unescaped(inner)))
        else:
            yield from _finish(element, stack, scope)
        if element.name == name:
            return


def _finish(element: _Element, stack: list[_Element], scope: Scope) -> Iterator[Draft]:
    yield from _settings(element.entries, (*_trail(stack), element.name), scope)


def _settings(entries: list[Entry], trail: tuple[str, ...], scope: Scope) -> Iterator[Draft]:
    if not entries:
        return
    container = Container(entries, scope.role, trail=trail, templates=scope.templates)
    for entry in entries:
        for draft in dsn_drafts(entry.value, entry.name, scope.role):
            yield with_companions(draft, entry.name, container)
    yield from split_drafts(container)


def _unescaped(value: Value) -> Value:
    """The value with XML's entities read; the rest keeps its bytes."""
    if "&" not in value.text:
        return value
    built: list[str] = []
    runs: list[tuple[int, int, int]] = []
    length = cursor = 0
    for match in (*_ENTITY.finditer(value.text), None):
        stop = match.start() if match else len(value.text)
        runs.append((length, cursor, stop - cursor))
        built.append(value.text[cursor:stop])
        length += stop - cursor
        if match:
            built.append(_ENTITIES[match.group(1)])
            length += 1
            cursor = match.end()
    return value.joined("".join(built), runs, 0)
