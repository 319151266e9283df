#!/usr/bin/env python3
"""Writes cli.md and the schemas in docs/reference from the code; --check only compares."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from repoint.cli import main as group
from repoint.planning import knowledge
from repoint.planning.config import schema
from repoint.views import shapes

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
HEAD = """# Commands

Written by `make docs` from the commands' own help; do not edit by hand. What the exit
statuses mean is in [exit-status.md](exit-status.md).
"""


def generated() -> dict[str, str]:
    """Every generated file by its path in docs/reference."""
    return {
        "repoint.schema.json": json.dumps(schema(), indent=2) + "\n",
        "knowledge.schema.json": json.dumps(knowledge.schema(), indent=2) + "\n",
        "cli.md": cli_page(),
        **{f"schemas/{name}.json": _json(shapes.schema(name)) for name in shapes.DOCUMENTS},
    }


def _json(document: object) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def cli_page() -> str:
    """The commands: the group first, then the others in their order."""
    sections = [HEAD]
    for path, command, context in _commands():
        body = command.get_help(context).rstrip()
        sections.append(f"## {path}\n\n```text\n{body}\n```\n")
    return "\n".join(sections)


def _commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    top = _context(group, None, "repoint")
    yield "repoint", group, top
    for name in group.list_commands(top):
        command = group.get_command(top, name)
        if command is None:
            continue
        context = _context(command, top, name)
        yield f"repoint {name}", command, context
        for own, inner in getattr(command, "commands", {}).items():
            yield f"repoint {name} {own}", inner, _context(inner, context, own)


def _context(command: click.Command, parent: click.Context | None, name: str) -> click.Context:
    return click.Context(
        command,
        parent,
        name,
        terminal_width=90,
        max_content_width=90,
        help_option_names=["-h", "--help"],
    )


def stale(files: dict[str, str]) -> list[str]:
    """Files that are missing or differ."""
    paths = {name: FOLDER / name for name in files}
    return [
        name
        for name, path in paths.items()
        if not path.is_file() or path.read_text(encoding="utf-8") != files[name]
    ]


def run() -> int:
    """Write or check the files; 1 when they are not what the code says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    given = parser.parse_args()
    files = generated()
    if given.check:
        found = stale(files)
        for name in found:
            print(f"error: docs/reference/{name} is not what the code says", file=sys.stderr)
        if found:
            print("hint: run `make docs` and commit docs/reference", file=sys.stderr)
        return 1 if found else 0
    (FOLDER / "schemas").mkdir(exist_ok=True)
    for name in stale(files):
        (FOLDER / name).write_text(files[name], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(run())
