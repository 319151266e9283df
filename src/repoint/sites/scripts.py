"""Shell scripts, wherever they stand: their commands, and what they assign."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from repoint.formats.shell import Assignment, Word, commands
from repoint.model.knowledge import remembered
from repoint.sites.arguments import argv_drafts
from repoint.sites.clients import Setting
from repoint.sites.commands import CONNECTORS, RESOLVERS, clients, waiters
from repoint.sites.frame import Draft, Value
from repoint.sites.split import Container, Entry, split_drafts, with_companions
from repoint.sites.urls import dsn_drafts
from repoint.sites.waits import dev_tcp_drafts

MAX_SCRIPT = 200_000
_EXPORTS = frozenset({"export", "readonly", "local", "declare", "typeset"})


@remembered(maxsize=8)
def _hint() -> re.Pattern[str]:
    names = (*clients(), *CONNECTORS, *waiters(), *RESOLVERS, "dockerize")
    named = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.compile(
        rf"(?:^|[\s;|&(`\"'/!]|\bthen |\bdo )(?:{named})(?:\.sh)?\s+\S|/dev/tcp/|^#!", re.MULTILINE
    )


def looks_like_script(text: str) -> bool:
    """Whether a text calls a program that names a database server, or says it is a script."""
    return len(text) <= MAX_SCRIPT and bool(_hint().search(text))


def read_script(script: Value, setting: Setting) -> tuple[list[Draft], list[Value]]:
    """The drafts of a shell script, comments aside, and its here-documents as texts."""
    drafts: list[Draft] = []
    documents: list[Value] = []
    if len(script.text) > MAX_SCRIPT or not _worth_reading(script.text):
        return drafts, documents
    assigned: list[Entry] = []
    for command in commands(script.text):
        own = [_entry(script, assignment) for assignment in command.assignments]
        documents += [_word(script, word) for word in command.words if word.heredoc]
        arguments = [_word(script, word) for word in command.words if not word.heredoc]
        documents += [word for word in arguments if word.text.startswith("{") and '"' in word.text]
        drafts += argv_drafts(arguments, setting)
        if arguments and own and arguments[0].text not in _EXPORTS:
            drafts += assignment_drafts(own, setting)
        else:
            assigned += own
    drafts += assignment_drafts(assigned, setting)
    drafts += dev_tcp_drafts(script, setting)
    return drafts, documents


def assignment_drafts(entries: Sequence[Entry], setting: Setting) -> Iterator[Draft]:
    """Drafts of variables that are set together."""
    container = Container(
        entries, setting.role, env=True, hint=setting.program, templates=setting.templates,
        bare=False,
    )  # fmt: skip
    for entry in entries:
        for draft in dsn_drafts(entry.value, entry.name, setting.role):
            yield with_companions(draft, entry.name, container)
    yield from split_drafts(container)


def _worth_reading(text: str) -> bool:
    return "=" in text or "://" in text or "432" in text or bool(_hint().search(text))


def _entry(script: Value, assignment: Assignment) -> Entry:
    return Entry(assignment.name, _word(script, assignment.value))


def _word(script: Value, word: Word) -> Value:
    """A word of the script as a value: with its bytes where it stands as written."""
    if word.verbatim:
        return script.cut(word.text_start, word.text_start + len(word.text))
    return script.joined(word.text, word.runs, word.start)
