"""Options that several commands share, and the group that carries the error edge."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

import click

from repoint.cli.edge import guarded, leave_no_core, open_streams
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress
from repoint.errors import RepointError, UsageError

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class Decorator(Protocol):
    """Takes a command's function and gives it back with an option or argument."""

    def __call__(self, function: Decorated, /) -> Decorated:
        """Decorate `function`."""
        ...


ASKS = "_REPOINT_COMPLETE"
"""A variable that a shell sets when it asks what could follow on a line."""


_WRITING = ("apply", "init", "rollback", "scaffold")


@dataclass(frozen=True, slots=True)
class Session:
    """What the group's options decided, handed to every command."""

    directory: Path | None
    terminal: Terminal
    progress: StderrProgress


class Later(NamedTuple):
    """A command that is imported when it is called: its module in this package, a line of help.

    `part` is the heading above it in the list of commands, where it is the first below it.
    """

    module: str
    help: str
    part: str = ""


class Commands(MutableMapping[str, click.Command]):
    """Commands by name, each imported when it is asked for: most of a short run is imports."""

    def __init__(self, later: Mapping[str, Later]) -> None:
        self.later = dict(later)
        self._here: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._here:
            later = self.later[name]
            module = import_module(f"repoint.cli.{later.module}")
            self._here[name] = next(one for one in module.COMMANDS if one.name == name)
            self._here[name].short_help = later.help
        return self._here[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._here[name] = command

    def __delitem__(self, name: str) -> None:
        del self._here[name]

    def __iter__(self) -> Iterator[str]:
        return iter({**self.later, **self._here})

    def __len__(self) -> int:
        return len({**self.later, **self._here})


class EdgeGroup(click.Group):
    """A group whose every failure passes the error edge, under any runner."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run a command; in standalone mode exit with its status."""

        def run() -> object:
            return super(EdgeGroup, self).main(
                args, prog_name or "repoint", complete_var, standalone_mode=False, **extra
            )

        if not standalone_mode:
            return run()
        open_streams()
        leave_no_core()
        if ASKS in os.environ:
            from repoint.cli.completing import answer

            sys.exit(answer(self))
        typed = sys.argv[1:] if args is None else args
        writes = any(word in _WRITING for word in typed)
        sys.exit(int(guarded(run, color=False if "--no-color" in typed else None, writes=writes)))

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The commands in the order of the story, not of the alphabet."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing them."""
        if isinstance(self.commands, Commands):
            longest = max(map(len, self.commands.later))
            parts: list[tuple[str, list[tuple[str, str]]]] = []
            for name, it in self.commands.later.items():
                if it.part or not parts:
                    parts.append((it.part, []))
                parts[-1][1].append((name.ljust(longest), it.help))
            for part, rows in parts:
                with formatter.section(part):
                    formatter.write_dl(rows)


def examples(*lines: str) -> str:
    """An epilog that shows `lines` as they would be typed."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def format_option(*choices: str) -> Decorator:
    """`--format`, with `human` as the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["human", *choices]),
        metavar="FORMAT",
        default="human",
        show_default=True,
        help=f"How to print the result: human, {', '.join(choices)}.",
    )


def env_option(verb: str) -> Decorator:
    """`--env`, repeatable."""
    return click.option(
        "--env",
        "environments",
        multiple=True,
        metavar="NAME",
        shell_complete=_environment_names,
        help=f"{verb} this environment only (repeatable; default: all).",
    )


def one_env_option() -> Decorator:
    """`--env`, for verbs that work on one environment at a time."""
    return click.option(
        "--env",
        "environment",
        metavar="NAME",
        default="",
        shell_complete=_environment_names,
        help="The environment; may be left out when repoint.yaml has only one.",
    )


def yes_option() -> Decorator:
    """`--yes`."""
    return click.option("-y", "--yes", is_flag=True, help="Do not ask.")


def says_yes(session: Session, question: str, *before: str) -> bool:
    """Ask a person, who says yes or not, after showing the lines `before`.

    Raises:
        UsageError: nobody can be asked.
    """
    session.progress.close()
    if not sys.stdin.isatty():
        raise UsageError("nobody can be asked here", hint="pass `--yes` to go ahead")
    for line in before:
        session.terminal.say(line)
    return click.confirm(question, err=True)


def _environment_names(ctx: click.Context, param: click.Parameter, start: str) -> list[str]:
    """The environments of the nearest repoint.yaml that begin with `start`."""
    from repoint.cli.place import find_root
    from repoint.cli.wiring import config_at

    group = ctx.find_root()
    try:
        config = config_at(find_root(group.params.get("directory"), ctx.params.get("root")))
    except RepointError:
        return []
    return [name for name in config.environments if name.startswith(start)] if config else []


def root_argument() -> Decorator:
    """`[ROOT]`, the repository to work on."""
    return click.argument(
        "root",
        required=False,
        metavar="[ROOT]",
        type=click.Path(path_type=Path, exists=True, file_okay=False),
    )
