"""Writes the README's terminal session by running it on a copy of examples/naytife.

python scripts/readme_session.py            write it
python scripts/readme_session.py --check    fail when the README shows something else

Without servers for a rehearsal nothing is written or checked, and it says so.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BEGIN, END = "<!-- session: make docs -->\n", "<!-- session ends -->\n"
COMMANDS = (
    "repoint init",
    "repoint scan --env local",
    "repoint plan --env local --output plan.json | sed -n '/PROOF/,/^$/p; /^plan:/p'",
    "repoint rehearse plan.json 2> /dev/null | sed -n '1,/restart/p; /CONTROLS/,/^$/p'",
    "repoint apply plan.json",
    "git diff --stat -- deploy/secrets",
    "repoint rollback --yes > /dev/null",
    "git status --short",
)


def session() -> str:
    """The commands with what they print, as a person sees them at 100 columns."""
    with tempfile.TemporaryDirectory(prefix="repoint-readme-") as folder:
        copy = Path(folder, "naytife")
        shutil.copytree(TOP / "examples" / "naytife", copy)
        keys = Path(folder, "keys.txt")
        keys.write_text("".join(p.read_text() for p in sorted((copy / "keys").glob("*.txt"))))
        env = {
            **{name: value for name, value in os.environ.items() if name != "SOPS_AGE_KEY"},
            "SOPS_AGE_KEY_FILE": str(keys),
            "PATH": _with_tools()["PATH"],
            "COLUMNS": "100",
            "NO_COLOR": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
        }
        for command in ("git init -q", "git add -A", "git commit -qm before"):
            name = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
            argv = command.split()
            subprocess.run([argv[0], *name, *argv[1:]], cwd=copy, env=env, check=True)
        return "\n".join(_shown(command, copy, env) for command in COMMANDS)


def _with_tools() -> dict[str, str]:
    """The environment, with this Python's own programs first."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}


def _shown(command: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
    )
    return f"$ {command}\n{done.stdout}"


def main() -> int:
    """Write or check the README."""
    if subprocess.run(["repoint", "doctor"], env=_with_tools(), capture_output=True).returncode:
        print("note: README.md is not looked at: `repoint doctor` misses servers", file=sys.stderr)
        return 0
    readme = TOP / "README.md"
    before = readme.read_text()
    head, _, rest = before.partition(BEGIN)
    _, _, tail = rest.partition(END)
    after = f"{head}{BEGIN}```console\n{session()}```\n{END}{tail}"
    if "--check" in sys.argv[1:]:
        if before != after:
            print("error: README.md shows an old session", file=sys.stderr)
            print("hint: run `make docs`", file=sys.stderr)
            return 1
        return 0
    readme.write_text(after)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
