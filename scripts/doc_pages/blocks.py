"""The code blocks of a page with their lines, and the commands in them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
COMMANDS = ("sh", "console")
_COMMENT = re.compile(r"<!--\s*(sandbox|exit|not run|file):\s*(.*?)\s*-->")
_PROGRAMS = re.compile(
    r"(?:[A-Z_]+=\S+ )*(?:export |repoint |repoint$|git |make |pip |uv |pipx |kubectl |brew |rm |"
    r"cp |cd |cat |mkdir |python |helm |flux |argocd |\. |scripts/)"
)
_SQL = re.compile(r"(?:ALTER|CREATE|GRANT|SELECT|SET|SHOW|DROP|REVOKE) ")
_YAML = re.compile(r"(?:- )?[\w.\"'-]+:(?: |$)|- \S|# yaml")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block; `line` is that of its first content line, counted from 1."""

    page: str
    line: int
    language: str
    text: str
    indent: int
    hints: dict[str, str] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """The page and line, as an editor takes them."""
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """A command line with the output that the page shows; None where it shows none."""

    block: Block
    line: int
    text: str
    shown: str | None
    status: int

    @property
    def where(self) -> str:
        """The page and line of the command."""
        return f"{self.block.page}:{self.line}"


def pages() -> list[str]:
    """Every page that people read, by its path in the repository."""
    found = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    return sorted(page.relative_to(ROOT).as_posix() for page in found)


def read_blocks(page: str, text: str) -> list[Block]:
    """The code blocks of a page in their order, with the comments that stand right above them."""
    blocks: list[Block] = []
    hints: dict[str, str] = {}
    lines = text.splitlines()
    for token in MarkdownIt("commonmark").parse(text):
        if token.type == "html_block":
            hints |= dict(_COMMENT.findall(token.content))
        elif token.type in ("fence", "code_block") and token.map:
            fenced = token.type == "fence"
            first = token.map[0] + fenced
            indent = len(lines[token.map[0]]) - len(lines[token.map[0]].lstrip())
            language = token.info.split()[0] if token.info.strip() else guessed(token.content)
            blocks.append(Block(page, first + 1, language, token.content, indent, hints))
            hints = {}
        elif token.type in ("heading_open", "paragraph_open"):
            hints = {}
    return blocks


def guessed(text: str) -> str:
    """The language of a block that names none; empty where nobody can tell."""
    first = next((line for line in text.splitlines() if line.strip()), "")
    for language, pattern in (("sh", _PROGRAMS), ("sql", _SQL), ("yaml", _YAML)):
        if pattern.match(first):
            return language
    return ""


def page_hint(text: str, name: str) -> str:
    """What a comment above the page's first block says; empty where there is none."""
    head = re.split(r"\n(?:## |```)", text, maxsplit=1)[0]
    return next((value for hint, value in _COMMENT.findall(head) if hint == name), "")


def read_commands(block: Block) -> list[Command]:
    """The command lines of a block; of a language other than sh and console it has none."""
    if block.language == "console":
        found = list(_session(block))
    elif block.language == "sh":
        found = [(line, text, None) for line, text in _joined(block)]
    else:
        return []
    last = len(found) - 1
    status = int(block.hints.get("exit", 0))
    return [
        Command(block, line, text, shown, status if index == last else 0)
        for index, (line, text, shown) in enumerate(found)
    ]


def _session(block: Block) -> Iterator[tuple[int, str, str | None]]:
    """Each `$ command`, its `> ` lines, and what follows up to the next one."""
    start, command, output = 0, "", list[str]()
    for number, line in enumerate(block.text.splitlines(keepends=True), block.line):
        if line.startswith("$ "):
            if command:
                yield start, command.rstrip("\n"), "".join(output)
            start, command, output = number, line[2:], []
        elif line.startswith("> ") and not output:
            command += line[2:]
        else:
            output.append(line)
    if command:
        yield start, command.rstrip("\n"), "".join(output)


def _joined(block: Block) -> Iterator[tuple[int, str]]:
    """The lines of a script, those of one command together: backslash, quotes, here-document."""
    start, text = block.line, ""
    for number, line in enumerate(block.text.splitlines(), block.line):
        start, text = (start, f"{text}\n{line}") if text else (number, line)
        if not text.strip() or text.lstrip().startswith("#"):
            text = ""
        elif _is_whole(text):
            yield start, text
            text = ""
    if text:
        yield start, text


def _is_whole(text: str) -> bool:
    if text.endswith("\\"):
        return False
    if (document := re.search(r"<<-?\s*['\"]?(\w+)", text)) and "<<<" not in text:
        return text.splitlines()[-1].strip() == document[1] and "\n" in text
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True
