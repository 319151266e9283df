#!/usr/bin/env python3
"""Write examples/naytife-migrated: examples/naytife after repoint moved all its environments.

The example is copied, planned and applied by repoint itself. A sealed file is written anew
only when what it decrypts to differs, since the same text never encrypts to the same bytes.
With `--check` nothing is written; the exit status is 1 when a file is missing, stale or surplus.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))

from repoint.adapters.runner import find_tool  # noqa: E402
from repoint.dsn.mask import mask  # noqa: E402
from repoint.model.plan import FileChange, Op, Plan  # noqa: E402
from repoint.planning.codec import decode_plan  # noqa: E402

SOURCE = ROOT / "examples" / "naytife"
TARGET = ROOT / "examples" / "naytife-migrated"
SEALED = "deploy/secrets/"
NOTES = "MIGRATED.md"
HEAD = """\
# What moved

`../naytife` after all three environments moved. Made by `scripts/migrate_example.py`, which runs
`repoint init`, `repoint plan` and `repoint apply` on a copy; nothing here is written by hand, this
page neither. Rows are those of the [conformance table](../../docs/explanation/conformance.md);
codes are explained by `repoint explain CODE`. To see every line:

    git diff --no-index examples/naytife examples/naytife-migrated

"""
Row = tuple[str, str, tuple[str, ...]]
ROWS: tuple[Row, ...] = (
    ("1.1", "backend's Secret: pooled, TLS", ("deploy/secrets/*/backend-secret.yaml",)),
    ("1.2", "hydra's Secret: pooled, TLS", ("deploy/secrets/*/hydra-secret.yaml",)),
    ("2.1", "backend-migrate: direct", ("deploy/overlays/*/backend-migrate-*-patch.yaml",)),
    ("2.2", "hydra-migrate: direct", ("deploy/overlays/*/hydra-migrate-*-patch.yaml",)),
    (
        "3.1",
        "the Deployments' wait loops: pooled",
        (
            "deploy/overlays/*/backend-[lsp][!-]*-patch.yaml",
            "deploy/overlays/*/hydra-[lsp][!-]*-patch.yaml",
        ),
    ),
    ("4.1", "Atlas: environment `local_cnpg` added", ("backend/atlas.hcl",)),
    ("4.2", "Makefile: targets for `local_cnpg` added", ("backend/Makefile",)),
)


def main(argv: list[str]) -> int:
    """Write or check the migrated tree; print what differs."""
    with tempfile.TemporaryDirectory(prefix="repoint-example-") as scratch:
        keys = Path(scratch) / "keys.txt"
        keys.write_text("".join(one.read_text() for one in sorted(SOURCE.glob("keys/*.txt"))))
        os.environ["SOPS_AGE_KEY_FILE"] = str(keys)
        wanted = migrate(Path(scratch))
        stale, surplus = compare(wanted)
        for path in (*stale, *surplus):
            print(f"{TARGET.relative_to(ROOT)}/{path}", file=sys.stderr)
        if "--check" in argv:
            return 1 if stale or surplus else 0
        for path in stale:
            (TARGET / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(wanted / path, TARGET / path)
        for path in surplus:
            (TARGET / path).unlink()
    return 0


def migrate(scratch: Path) -> Path:
    """Copy the example below `scratch` and move every environment there; its root."""
    root = scratch / "naytife"
    tracked = _output(["git", "ls-files", "-z"], SOURCE).split("\0")
    for path in filter(None, tracked):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(SOURCE / path, root / path)
    git = ["git", "-c", "user.name=example", "-c", "user.email=example@example.org"]
    _output(["git", "init", "--quiet"], root)
    _output(["git", "add", "--all"], root)
    _output([*git, "commit", "--quiet", "--message", "before"], root)
    plan = scratch / "plan.json"
    _repoint(root, "init")
    _repoint(root, "plan", "--output", str(plan))
    _repoint(root, "apply", str(plan))
    (root / NOTES).write_text(notes(decode_plan(plan.read_bytes()), root), encoding="utf-8")
    return root


def compare(wanted: Path) -> tuple[list[str], list[str]]:
    """The files that are missing or differ, and those that do not belong."""
    present, there = set(_files(TARGET)), set(_files(wanted))
    stale = [path for path in sorted(there) if path not in present or not _same(wanted, path)]
    return stale, sorted(present - there)


def notes(plan: Plan, root: Path) -> str:
    """MIGRATED.md: which file shows which row of the migration plan, and how it was made."""
    lines = [*HEAD.splitlines(), "| row | what | file | how |", "|---|---|---|---|"]
    changes: dict[str, list[FileChange]] = {}
    for change in plan.changes:
        changes.setdefault(change.path, []).append(change)
    told: set[str] = set()
    for row, what, patterns in ROWS:
        for path, several in changes.items():
            if any(Path(path).match(pattern) for pattern in patterns):
                lines.append(_line(row, what, path, several))
                told.add(path)
    for path, several in changes.items():
        if path not in told:
            lines.append(_line("", _rules(several), path, several))
    lines += [
        "",
        "Rows without a number follow from the others, or were forgotten in the plan.",
    ]
    lines += [
        "",
        "## E: the six connection strings, passwords masked",
        "",
        "| file | key | value |",
    ]
    lines += ["|---|---|---|", *_strings(root)]
    return "\n".join([*lines, ""])


def _strings(root: Path) -> Iterator[str]:
    for environment in ("local", "staging", "production"):
        for app, key in (("backend", "DATABASE_URL"), ("hydra", "dsn")):
            path = f"{SEALED}{environment}/{app}-secret.yaml"
            pointer = f'["stringData"]["{key}"]'
            argv = [find_tool("sops"), "decrypt", "--extract", pointer, str(root / path)]
            yield f"| [{path}]({path}) | `{key}` | `{mask(_output(argv, ROOT))}` |"


def _line(row: str, what: str, path: str, changes: list[FileChange]) -> str:
    edits = [edit for change in changes for edit in change.edits]
    how = {
        Op.CREATE: "new file",
        Op.SEALED: "`{}` through sops",
        Op.SEALED_ADD: "`{}` added through sops",
    }
    words = [how.get(edit.op, "line {1}: `{0}`").format(edit.key, edit.line) for edit in edits]
    return f"| {row} | {what} | [{path}]({path}) | {'; '.join(dict.fromkeys(words))} |"


def _rules(changes: list[FileChange]) -> str:
    codes = sorted({edit.rule for change in changes for edit in change.edits})
    return ", ".join(f"[{code}](../../docs/reference/rules/{code}.md)" for code in codes)


def _same(wanted: Path, path: str) -> bool:
    ours, theirs = wanted / path, TARGET / path
    if ours.stat().st_mode & 0o111 != theirs.stat().st_mode & 0o111:
        return False
    if not path.startswith(SEALED):
        return ours.read_bytes() == theirs.read_bytes()
    sops = find_tool("sops")
    return _output([sops, "decrypt", str(ours)], ROOT) == _output(
        [sops, "decrypt", str(theirs)], ROOT
    )


def _files(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        relative = path.relative_to(root)
        if path.is_file() and relative.parts[0] not in (".git", ".repoint"):
            yield relative.as_posix()


def _repoint(root: Path, *arguments: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    argv = [sys.executable, "-m", "repoint", "-C", str(root), "-q", *arguments]
    subprocess.run(argv, check=True, env=environment, stdout=subprocess.DEVNULL)


def _output(argv: list[str], folder: Path) -> str:
    done = subprocess.run(argv, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
