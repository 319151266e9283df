"""Runs a page from its first command to its last, and compares what it shows."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from scripts.doc_pages import kinds
from scripts.doc_pages.blocks import (
    COMMANDS,
    ROOT,
    Block,
    Command,
    page_hint,
    read_blocks,
    read_commands,
)
from scripts.doc_pages.sandbox import EXAMPLE, Done, Sandbox, sandbox
from scripts.doc_pages.shown import lines as lines_of
from scripts.doc_pages.shown import matches, renewed

FIXTURES = "tests/howto"
"""Repositories of single pages: `tests/howto/helm` is the sandbox of a page `helm.md`."""

FRESH = "fresh"
"""A sandbox like the first of the page, from a block on."""

BRIEFLY = "bench --rounds 2 --seconds 1"
"""The shortest measurement that repoint makes."""

ANY_LINES = "...\n"
"""A line of shown output that stands for any lines, none too."""


@dataclass(frozen=True, slots=True)
class Ran:
    """A command of a page and how it really ended."""

    command: Command
    done: Done

    @property
    def fault(self) -> str:
        """What the page gets wrong about it; empty when it is right."""
        command, done = self.command, self.done
        if done.status != command.status:
            said = f"ended with {done.status}, not {command.status}\n{done.output}"
            return f"{command.where}: `{command.text}` {said}"
        if command.shown is not None and not matches(command.shown, done.output):
            return f"{command.where}: `{command.text}` prints\n{_compared(command.shown, done)}"
        return ""


def load(page: str) -> str:
    """A page's text."""
    return (ROOT / page).read_text(encoding="utf-8")


def commands_of(page: str) -> list[Command]:
    """Every command of a page."""
    return [one for block in read_blocks(page, load(page)) for one in read_commands(block)]


def kind_of(command: Command) -> str:
    """The class of a command; a page's own word counts most."""
    return kinds.TOLD if "not run" in command.block.hints else kinds.kind_of(command.text)


def needs_servers(page: str) -> bool:
    """Whether one of its commands starts PostgreSQL."""
    return any(kind_of(command) == kinds.SERVERS for command in commands_of(page))


def run_page(
    page: str, folder: Path, *, servers: bool = True, briefly: bool = False
) -> Iterator[Ran]:
    """Run what can run of a page, in its order, in sandboxes of its own in this folder.

    Without servers a part ends before the first command that starts some: what follows builds
    on it. `briefly` measures for as short a time as may be asked for.
    """
    text = load(page)
    own = f"{FIXTURES}/{Path(page).stem}"
    source = page_hint(text, "sandbox") or (own if (ROOT / own).is_dir() else EXAMPLE)
    parts: list[tuple[str, list[Block]]] = [(source, [])]
    for block in read_blocks(page, text):
        if parts[-1][1] and (other := block.hints.get("sandbox")):
            parts.append((source if other == FRESH else other, []))
        if block.language in COMMANDS or "file" in block.hints:
            parts[-1][1].append(block)
    for number, (where, blocks) in enumerate(parts):
        for command, made in _steps(blocks, where, folder / str(number)):
            if kind_of(command) == kinds.SERVERS and not servers:
                break
            yield Ran(command, made.run(brief(command.text) if briefly else command.text))


def brief(text: str) -> str:
    """A command line whose `repoint bench` measures for seconds, not for minutes."""
    if not text.startswith("repoint bench"):
        return text
    return re.sub(r" --(?:rounds|seconds) [0-9.]+", "", text).replace("bench", BRIEFLY, 1)


def _steps(blocks: Sequence[Block], source: str, folder: Path) -> Iterator[tuple[Command, Sandbox]]:
    """The commands that can run of blocks that build on each other; files are written between."""
    made = sandbox(folder, source, configured=not _begins_with_init(blocks))
    for block in blocks:
        if "file" in block.hints:
            made.write(block.hints["file"], block.text)
            continue
        for command in read_commands(block):
            if kind_of(command) in (kinds.RUN, kinds.SERVERS):
                yield command, made


def _begins_with_init(blocks: Sequence[Block]) -> bool:
    """Whether the page itself makes repoint.yaml."""
    lines = [command.text for block in blocks for command in read_commands(block)]
    first = next((line for line in lines if line.startswith("repoint ")), "")
    return first.startswith("repoint init") or any(
        block.hints.get("file") == "repoint.yaml" for block in blocks
    )


def rewritten(page: str, ran: Sequence[Ran]) -> str:
    """The page with the output of its sessions; what matches and what is left out stays so."""
    outputs = {
        one.command.line: one.done.output
        for one in ran
        if one.command.shown is not None and one.fault and not _ended_wrongly(one)
    }
    lines = load(page).splitlines(keepends=True)
    for command in reversed(commands_of(page)):
        if command.line not in outputs or command.shown is None:
            continue
        margin = " " * command.block.indent
        first = command.line - 1 + len(command.text.splitlines())
        new = renewed(command.shown, outputs[command.line])
        body = [f"{margin}{line}".rstrip() + "\n" for line in new]
        apart = ["\n"] if command.shown.endswith("\n\n") or command.shown == "\n" else []
        lines[first : first + len(command.shown.splitlines())] = [*body, *apart]
    return "".join(lines)


def _compared(shown: str, done: Done) -> str:
    """What is shown and not printed, or printed and not shown, line by line."""
    both = difflib.ndiff(lines_of(shown), lines_of(done.output))
    return "\n".join(line for line in both if line[0] in "+-")


def _ended_wrongly(ran: Ran) -> bool:
    return ran.done.status != ran.command.status
