"""The one error edge: whatever a command raises becomes lines on stderr and a status.

An expected error is `error: ...` with `hint: ...` lines and no traceback. A bug ends
with status 3 and names a log file, which holds the versions, the arguments and the
frames of the traceback, but neither local values nor the exception's message: either
may be a secret.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from repoint import __version__
from repoint.cli.progress import ended
from repoint.cli.stdout import close_stdout
from repoint.errors import ExitCode, RepointError
from repoint.views.visible import on_one_line, spoken

DEBUG_VARIABLE = "REPOINT_DEBUG"
_IN_UTF_8 = "run it with `PYTHONUTF8=1`, or in a locale of UTF-8 such as `LC_ALL=C.UTF-8`"
_RESUME = ("`repoint apply --resume` finishes or undoes a run that was writing",)


def guarded(run: Callable[[], object], *, color: bool | None = None, writes: bool = False) -> int:
    """Call `run` and return the exit status; an integer result is the status.

    `color` is False for errors without color, None to let the terminal decide. `writes` tells
    whether an interrupt may have come while files of the repository were written.
    """
    tell = partial(_tell, color=False if os.environ.get("NO_COLOR") else color)
    try:
        result = run()
        sys.stdout.flush()
        return result if isinstance(result, int) else ExitCode.OK
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return ExitCode.USAGE
    except click.ClickException as error:
        tell(_sentence(error), *_usage_hints(error))
        return ExitCode.USAGE
    except RepointError as error:
        tell(error.message, *error.hints)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        tell("interrupted", *(_RESUME if writes else ()))
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        close_stdout()
        return ExitCode.OK
    except UnicodeEncodeError as error:
        encoding = sys.getfilesystemencoding()
        if encoding == "utf-8":
            return _report_bug(error, tell)
        tell(f"the locale's encoding, `{encoding}`, cannot spell the name of a file", _IN_UTF_8)
        return ExitCode.REFUSED
    except Exception as error:
        return _report_bug(error, tell)


def open_streams() -> None:
    """Let standard streams that were closed lead nowhere.

    Else the next file that is opened gets the number of one, and what is printed goes into it.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != number:
                os.dup2(null, number)
                os.close(null)
            setattr(sys, name, os.fdopen(number, "w" if number else "r", encoding="utf-8"))


def leave_no_core() -> None:
    """Let a crash leave no image of memory, which may hold passwords; children inherit it.

    One byte, not none: the kernel gives a handler behind a pipe (systemd-coredump) the image in
    spite of a limit of 0, and never with one of 1.

    Source:
        Linux, `fs/coredump.c`: "we use cprm.limit of 1 here as a special value".
    """
    import resource

    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0 if most == 0 else 1, most))


def _tell(message: str, *hints: str, color: bool | None) -> None:
    """Print an error and its distinct hints on stderr; names of others are only shown."""
    ended()
    lead = click.style("error:", fg="red", bold=True)
    click.echo(f"{lead} {on_one_line(spoken(message))}", err=True, color=color)
    for hint in dict.fromkeys(hints):
        click.echo(
            f"{click.style('hint:', fg='cyan')} {on_one_line(spoken(hint))}", err=True, color=color
        )


def _sentence(error: click.ClickException) -> str:
    """Click's message in this program's form: small first letter, backticks, no period."""
    message = getattr(error, "message", "") if _possibilities(error) else error.format_message()
    message = " ".join(message.split()).rstrip(".").replace("'", "`")
    message = message.replace(": Directory `", ": folder `").replace(": File `", ": file `")
    return message[:1].lower() + message[1:]


def _possibilities(error: click.ClickException) -> list[str]:
    return list(getattr(error, "possibilities", None) or ())


def _usage_hints(error: click.ClickException) -> list[str]:
    near = _possibilities(error)
    hints = [f"did you mean {' or '.join(f'`{name}`' for name in near)}?"] if near else []
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "repoint"
    if isinstance(error, click.BadParameter) and error.param and error.param.name == "root":
        hints.append("an environment is named with `--env`; ROOT is a folder")
    return [*hints, *_misplaced(error), f"run `{path} --help`"]


def _misplaced(error: click.ClickException) -> list[str]:
    """Where an option belongs that was written on the other side of the command."""
    if not isinstance(error, click.NoSuchOption) or error.ctx is None:
        return []
    group, above = error.ctx.command, error.ctx.find_root()
    options = [one for one in above.command.params if error.option_name in one.opts]
    if above is not error.ctx and options:
        verb = error.ctx.command_path.removeprefix(above.command_path).strip()
        words = " ".join(filter(None, (error.option_name, options[0].metavar, verb)))
        return [f"it belongs before the command: `repoint {words}`"]
    commands = group.commands if isinstance(group, click.Group) else {}
    for name in (word for word in sys.argv[1:] if word in commands):
        known = {option for one in commands[name].params for option in one.opts}
        if error.option_name in known:
            return [f"it belongs behind the command: `repoint {name} {error.option_name}`"]
    return []


def _report_bug(error: Exception, tell: Callable[..., None]) -> int:
    import traceback

    if os.environ.get(DEBUG_VARIABLE):
        traceback.print_exception(error)
    frame = traceback.extract_tb(error.__traceback__)[-1]
    kind = type(error).__name__
    where = f"{Path(frame.filename).name} line {frame.lineno}"
    try:
        log = _write_log(error)
        hint = f"please report it with the log file `{log}`"
    except OSError:
        hint = "no log file could be written; please report it with the command you ran"
    tell(
        f"repoint met a bug of its own: {kind} in {where}",
        hint,
        f"{DEBUG_VARIABLE}=1 shows the whole traceback; it may hold secrets",
    )
    return ExitCode.BUG


def _write_log(error: Exception) -> Path:
    """Write the log file, readable by its owner only, and return its path."""
    import tempfile
    from datetime import UTC, datetime

    directory = _log_directory()
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    handle, name = tempfile.mkstemp(prefix=f"bug-{stamp}-", suffix=".log", dir=directory)
    with os.fdopen(handle, "w", encoding="utf-8") as log:
        log.write(f"repoint {__version__}\n")
        log.write(f"python {sys.version.split()[0]} on {sys.platform}\n")
        log.write(f"command {' '.join(_options_only(sys.argv[1:]))}\n\n")
        log.writelines(_frames(error))
    return Path(name)


def _options_only(arguments: list[str]) -> list[str]:
    """The command and the names of its options; values are left out."""
    return [item.partition("=")[0] if item.startswith("-") else item for item in arguments[:1]] + [
        item.partition("=")[0] for item in arguments[1:] if item.startswith("-")
    ]


def _log_directory() -> Path | None:
    """The user's state directory, or None for the system's temporary one."""
    try:
        state = Path(os.environ.get("XDG_STATE_HOME", ""))
        if not state.is_absolute():
            state = Path("~/.local/state").expanduser()
        directory = state / "repoint"
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    except (OSError, RuntimeError):  # A user without a name has no home.
        return None
    return directory if os.access(directory, os.W_OK) else None


def _frames(error: BaseException) -> list[str]:
    """The traceback without messages, oldest cause first."""
    import traceback

    lines: list[str] = []
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = current.__cause__ or current.__context__
    for link in reversed(chain):
        lines += traceback.format_tb(link.__traceback__)
        lines.append(f"{type(link).__qualname__}: message withheld, it may hold a value\n\n")
    return lines
