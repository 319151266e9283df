"""Where a page's commands run: a repository of its own under git, a home, and the public keys."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from scripts.doc_pages.blocks import ROOT

EXAMPLE = "examples/naytife"
CLONE = "clone"
"""The sandbox that is a clone of repoint itself, as a newcomer has it."""

KEYS = "keys.txt"
COLUMNS = "100"
SECONDS = 240
_RECIPIENT = re.compile(r"\bAGE_([A-Z]+)\b")
ANSWERS = b"y\ny\n\x04"
"""What is typed: commands ask before they write only where somebody can answer."""

_STATE = """cd "$(cat {state}/folder)" && . {state}/variables
{command}
status=$?
declare -px > {state}/variables; pwd > {state}/folder
exit $status
"""


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended, and what it printed on either stream, in its order."""

    status: int
    output: str


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A folder whose commands see one shell: variables and the current folder stay."""

    home: Path
    root: Path

    def run(self, command: str) -> Done:
        """Run a command line in bash, for a reader who says yes; output has `~` for the home."""
        leader, follower = pty.openpty()
        os.write(leader, ANSWERS)
        try:
            return self._run(command, follower)
        finally:
            os.close(leader)
            os.close(follower)

    def _run(self, command: str, stdin: int) -> Done:
        script = _STATE.format(state=self.home / ".shell", command=command)
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", script],
            env=_variables(self.home),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Done(done.returncode, done.stdout.replace(str(self.home), "~"))

    def write(self, path: str, text: str) -> None:
        """Write a file, below the home where the path begins with `~/`."""
        place = self.home / path[2:] if path.startswith("~/") else self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")


def sandbox(folder: Path, source: str, *, configured: bool) -> Sandbox:
    """A new sandbox in an empty folder; `configured` wants a committed repoint.yaml in it."""
    home = folder / "home"
    (home / ".shell").mkdir(parents=True)
    root = home / (Path(source).name if source != CLONE else "repoint")
    made = Sandbox(home, root)
    (home / ".shell" / "folder").write_text(str(home))
    (home / ".shell" / "variables").write_text("")
    if source == CLONE:
        # What a newcomer has after `git clone` and `make install`.
        _demand(made, f"git clone --quiet --no-local {ROOT} {root}")
        (root / ".venv").symlink_to(ROOT / ".venv")
    else:
        shutil.copytree(ROOT / source, root, symlinks=True)
        _seal(made)
        _demand(made, f"cd {root} && git init --quiet && git add -A && git commit -qm before")
    (home / ".shell" / "folder").write_text(str(root))
    if configured and source != CLONE and not (root / "repoint.yaml").exists():
        _demand(made, "repoint init && git add -A && git commit -qm 'repoint init'")
    return made


def _seal(made: Sandbox) -> None:
    """Seal what a fixture holds in clear: `*.enc.yaml`, by a `.sops.yaml` with `AGE_NAME` in it.

    Each name gets a new key. Its private half is `../keys/name.txt`, as the reader's own would
    lie outside of the repository, and in the file that `SOPS_AGE_KEY_FILE` names.
    """
    rules = made.root / ".sops.yaml"
    text = rules.read_text(encoding="utf-8") if rules.exists() else ""
    if not (names := sorted(set(_RECIPIENT.findall(text)))):
        return
    from pyrage import x25519

    _variables(made.home)
    for name in names:
        key = x25519.Identity.generate()
        text = text.replace(f"AGE_{name}", str(key.to_public()))
        made.write(f"~/keys/{name.lower()}.txt", f"{key}\n")
        with (made.home / KEYS).open("a", encoding="utf-8") as keys:
            keys.write(f"{key}\n")
    rules.write_text(text, encoding="utf-8")
    for path in sorted(made.root.rglob("*.enc.*")):
        _demand(made, f"cd {made.root} && sops encrypt --in-place {path.relative_to(made.root)}")


def _demand(made: Sandbox, command: str) -> None:
    done = made.run(command)
    if done.status:
        raise RuntimeError(f"{command}: {done.output}")


def _variables(home: Path) -> dict[str, str]:
    """What a reader's shell has: this checkout's programs, the example's keys, nothing secret."""
    keys = home / KEYS
    if not keys.exists():
        found = sorted((ROOT / EXAMPLE / "keys").glob("*.txt"))
        keys.write_text("".join(one.read_text(encoding="utf-8") for one in found))
    kept = ("LANG", "TMPDIR", "REPOINT_POSTGRES", "REPOINT_PGBOUNCER", "COVERAGE_PROCESS_CONFIG")
    variables = {name: os.environ[name] for name in kept if name in os.environ}
    programs = ROOT / ".venv" / "bin"
    if not programs.is_dir():
        programs = Path(sys.executable).parent
    variables |= {
        "HOME": str(home),
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "SOPS_AGE_KEY_FILE": str(keys),
        "COLUMNS": COLUMNS,
        "NO_COLOR": "1",
        "TERM": "dumb",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        # Fetched servers are found where they are; answers are kept nowhere.
        "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache")),
        "REPOINT_CACHE": os.environ.get("REPOINT_CACHE", "off"),
    }
    for who in ("AUTHOR", "COMMITTER"):
        variables |= {f"GIT_{who}_NAME": "you", f"GIT_{who}_EMAIL": "you@example.org"}
    return variables
