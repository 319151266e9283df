"""Files without a tree: Makefiles, Dockerfiles, XML, templates, plain text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from repoint.formats.base import FileKind
from repoint.sites.arguments import argv_drafts, shell_script
from repoint.sites.clients import Setting
from repoint.sites.context import Scope
from repoint.sites.frame import Draft, Value
from repoint.sites.keys import looks_like_env
from repoint.sites.scripts import looks_like_script
from repoint.sites.split import Container, Entry, split_drafts, with_companions
from repoint.sites.urls import dsn_drafts, name_before

RunScript = Callable[[Value, Scope], Iterator[Draft]]

_LINE = re.compile(r"(?:[^\n\\]|\\\r?\n|\\)*")
_MAKE_VARIABLE = re.compile(
    r"^[ ]*(?:[\w.%/ -]+:[ \t]*)?(?:export[ \t]+|override[ \t]+|private[ \t]+)*"
    r"([A-Za-z_][\w.\-]*)[ \t]*(?:\?=|:{1,3}=|\+=|!=|=)[ \t]*"
)
_RECIPE = re.compile(r"^(?:\t| {2,})[ \t]*[@+\-]*")
_INSTRUCTION = re.compile(r"^\s*(ENV|ARG|RUN|CMD|ENTRYPOINT|HEALTHCHECK|LABEL)\s+", re.IGNORECASE)
_OLD_ENV = re.compile(r"^([A-Za-z_]\w*)[ \t]+([^=\s].*)$", re.DOTALL)
_KEY_LINE = re.compile(
    r"^\s*(?:-\s+)?[\"']?([A-Za-z_][\w.\-]*)[\"']?\s*(?:=>|:=|[:=])\s*+((?:.*[^\s,;])?+)[\s,;]*+$"
)
_JSON_WORD = re.compile(r"\"((?:[^\"\\]|\\.)*)\"")
_DEFINE = re.compile(r"\{\{-?\s*define\s+\"([^\"]+)\"")
_TEMPLATE_COMMENT = re.compile(r"\{\{-?\s*/\*.*?(?:\*/\s*-?\}\}|\Z)", re.DOTALL)
_COMMENT = re.compile(r"^\s*(?:#|//|--\s|;|\*\s|REM\s|<!--)", re.IGNORECASE)


def text_drafts(value: Value, kind: FileKind, scope: Scope, run: RunScript) -> Iterator[Draft]:
    """The drafts of a text that has no tree; `run` reads a shell script."""
    if kind is FileKind.MAKEFILE:
        yield from _makefile(value, scope, run)
    elif kind is FileKind.SHELL:
        yield from run(value, scope)
    elif kind is FileKind.DOCKERFILE:
        yield from _dockerfile(value, scope, run)
    elif kind is FileKind.XML:
        from repoint.sites.xml_text import xml_drafts

        yield from xml_drafts(value, scope)
    else:
        yield from _lines(value, scope, run)


def _logical_lines(text: str) -> Iterator[tuple[int, int]]:
    """Lines with their continuations, as offsets."""
    position = 0
    while position < len(text):
        match = _LINE.match(text, position)
        end = match.end() if match else len(text)
        yield position, end
        position = end + 1


def _makefile(value: Value, scope: Scope, run: RunScript) -> Iterator[Draft]:
    entries: list[Entry] = []
    for start, end in _logical_lines(value.text):
        line = value.text[start:end]
        recipe = _RECIPE.match(line)
        if recipe:
            yield from run(value.cut(start + recipe.end(), end), scope)
            continue
        found = _MAKE_VARIABLE.match(line)
        if found and not line.lstrip().startswith("#"):
            stop = _comment_start(line, found.end())
            text = line[found.end() : stop].rstrip()
            low = start + found.end()
            entries.append(Entry(found.group(1), value.cut(low, low + len(text))))
    yield from _settings(entries, scope)


def _comment_start(line: str, start: int) -> int:
    match = re.search(r"(?:^|\s)#", line[start:])
    return start + match.start() if match else len(line)


def _settings(entries: list[Entry], scope: Scope) -> Iterator[Draft]:
    entries = [_unquoted(entry) for entry in entries]
    container = Container(entries, scope.role, env=True, templates=scope.templates, bare=False)
    for entry in entries:
        for draft in dsn_drafts(entry.value, entry.name, scope.role):
            yield with_companions(draft, entry.name, container)
    yield from split_drafts(container)


def _unquoted(entry: Entry) -> Entry:
    text = entry.value.text
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return Entry(entry.name, entry.value.cut(1, len(text) - 1))
    return entry


def _dockerfile(value: Value, scope: Scope, run: RunScript) -> Iterator[Draft]:
    entries: list[Entry] = []
    for start, end in _logical_lines(value.text):
        line = value.text[start:end]
        found = _INSTRUCTION.match(line)
        if not found or line.lstrip().startswith("#"):
            continue
        rest = value.cut(start + found.end(), end)
        old = _OLD_ENV.match(rest.text) if found.group(1).upper() == "ENV" else None
        if old:
            entries.append(Entry(old.group(1), rest.cut(old.start(2), old.end(2))))
        elif found.group(1).upper() != "LABEL":
            yield from _instruction(rest, scope, run)
    yield from _settings(entries, scope)


def _instruction(rest: Value, scope: Scope, run: RunScript) -> Iterator[Draft]:
    """A command of a Dockerfile, in shell form or as a JSON list."""
    if not rest.text.startswith("["):
        yield from run(rest, scope)
        return
    words = [rest.cut(*match.span(1)) for match in _JSON_WORD.finditer(rest.text)]
    script = shell_script(words)
    if script is not None:
        yield from run(script, scope)
    else:
        yield from argv_drafts(words, Setting(scope.role))


def _lines(value: Value, scope: Scope, run: RunScript) -> Iterator[Draft]:
    """Line by line: keys with values, commands, connection strings; comments aside."""
    text = _TEMPLATE_COMMENT.sub(lambda match: _blank(match.group()), value.text)
    defined = pending = ""
    entries: list[Entry] = []
    for start, end in _logical_lines(text):
        line = text[start:end]
        if _COMMENT.match(line) or not line.strip():
            continue
        define = _DEFINE.search(line)
        defined = define.group(1) if define else defined
        found = _KEY_LINE.match(line)
        if found and found.group(1) == "name":
            pending = found.group(2).strip("\"'")
            continue
        if found and "://" not in found.group(1):
            name = pending if found.group(1) == "value" and pending else found.group(1)
            inner = value.cut(start + found.start(2), start + found.end(2))
            entries.append(_unquoted(Entry(name, inner)))
        elif looks_like_script(line):
            yield from run(value.cut(start, end), scope)
            continue
        if found is None or not dict.fromkeys(dsn_drafts(entries[-1].value, "", scope.role)):
            yield from _strings(value.cut(start, end), defined, scope)
        if "{{" in line and "end" in line and re.search(r"\{\{-?\s*end\b", line):
            defined = ""
    yield from _settings(entries, scope)


def _strings(line: Value, defined: str, scope: Scope) -> Iterator[Draft]:
    for draft in dsn_drafts(line, defined or "text", scope.role):
        name = name_before(line.text, draft.start)
        if name and (looks_like_env(name) or not defined):
            yield from dsn_drafts(line, name, scope.role)
            return
        yield draft


def _blank(text: str) -> str:
    return "".join("\n" if char == "\n" else " " for char in text)
