"""The help: every command has it, with examples; test_dependencies.py tells what it loads."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from repoint import __version__
from repoint.cli import main


def _with_subcommands(group: click.Group) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", one) for sub, one in command.commands.items())


ALL = dict(_with_subcommands(main))
COMMANDS = sorted(ALL)
ROOT = Path(__file__).parents[2]


def test_the_group_lists_every_command_in_the_order_of_the_story() -> None:
    text = CliRunner().invoke(main, ["--help"]).output
    below = text.partition("Look and plan:")[2].partition("Examples:")[0]
    assert re.findall(r"^  ([a-z]+)  ", below, re.MULTILINE) == (listed := list(main.commands))
    assert "\nTry it here:\n  rehearse " in text and "\nChange files:\n  apply " in text
    assert listed[:3] == ["init", "scan", "plan"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_a_short_help_and_examples(name: str) -> None:
    command = ALL[name]
    result = CliRunner().invoke(main, [*name.split(), "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.output
    assert command.help
    assert command.get_short_help_str(80).endswith((".", "?"))
    assert "..." not in command.get_short_help_str(64)


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_help_fits_80_columns(name: str) -> None:
    result = CliRunner().invoke(main, [*name.split(), "--help"], terminal_width=80)
    assert [line for line in result.output.splitlines() if len(line) > 80] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_help(name: str) -> None:
    for parameter in ALL[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_name_options_that_exist(name: str) -> None:
    command = ALL[name]
    shown = [one for path, one in ALL.items() if path.split()[0] == name.split()[0]]
    known = {option for one in shown for parameter in one.params for option in parameter.opts}
    examples = [line for line in (command.epilog or "").splitlines() if f"repoint {name}" in line]
    assert examples
    for line in examples:
        for part in line.partition("#")[0].split("&&"):
            if f"repoint {name}" in part:
                assert set(re.findall(r"--[a-z-]+", part)) <= known, line


def test_the_version_is_one_line_of_data() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "repoint", "--version"], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"repoint {__version__}\n", "")


def test_the_reference_page_is_what_the_commands_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
