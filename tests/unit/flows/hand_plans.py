"""Plans made by hand on real files, and real sops files to go with them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pyrage

from repoint.adapters.filetree import FileTree
from repoint.adapters.runner import find_tool
from repoint.adapters.sops import Sops
from repoint.model.plan import Applicability, Edit, FileChange, InputDigest, Op, PartEdit, Plan
from repoint.planning.splice import apply_edits

OLD = "postgres.shop.svc.cluster.local"
POOLED = "db-pooler-rw.shop.svc.cluster.local"
DIRECT = "db-rw.shop.svc.cluster.local"


def edit(op: Op, pointer: str, key: str, **fields: object) -> Edit:
    """An edit with the fields that no test here looks at filled in."""
    base = Edit(op, pointer, 1, key, "RP000", "by hand", Applicability.SAFE)
    return replace(base, **fields)  # type: ignore[arg-type]


def swap(raw: bytes, before: str, after: str, *, pointer: str = "", nth: int = 0) -> Edit:
    """A SPLICE of the nth occurrence of `before`."""
    start = -1
    for _ in range(nth + 1):
        start = raw.index(before.encode(), start + 1)
    end = start + len(before.encode())
    return edit(
        Op.SPLICE, pointer, "URL", start=start, end=end, before=before, after=after,
    )  # fmt: skip


def copy_of(raw: bytes, entry: str, parts: Iterable[PartEdit], *, before: str = "") -> Edit:
    """A DUPLICATE of the first `entry`."""
    start = raw.index(entry.encode())
    end = start + len(entry.encode())
    return edit(
        Op.DUPLICATE, "", "URL", start=start, end=end, parts=tuple(parts), before=before,
    )  # fmt: skip


def host(before: str = OLD, after: str = POOLED) -> PartEdit:
    """The host moves."""
    return PartEdit("host", before, after)


def sha(content: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return sha256(content).hexdigest()


def change(root: Path, path: str, edits: Sequence[Edit], environment: str = "local") -> FileChange:
    """A FileChange on the file as it is now."""
    target = root / path
    raw = target.read_bytes() if target.exists() else None
    sealed = any(one.op in (Op.SEALED, Op.SEALED_ADD) for one in edits)
    after = "" if sealed else sha(apply_edits(path, raw, edits))
    return FileChange(path, environment, "" if raw is None else sha(raw), after, tuple(edits))


def plan_of(root: Path, changes: Sequence[FileChange], fingerprint: str = "f1") -> Plan:
    """An applicable plan of `changes`; every file that is there is an input."""
    paths = sorted({one.path for one in changes if one.before_sha256})
    inputs = tuple(InputDigest(path, sha((root / path).read_bytes())) for path in paths)
    environments = tuple(dict.fromkeys(one.environment for one in changes))
    nothing = ((), tuple(changes), (), (), (), ())
    return Plan(1, "0.1.0", environments, *nothing, inputs, fingerprint)


def snapshot(root: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, and every folder, of a tree; repoint's lock left out."""
    kept = (".repoint/lock", ".repoint/.gitignore", ".repoint")
    found = {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in sorted(root.rglob("*"))
        if ".git" not in path.relative_to(root).parts
    }
    return {name: content for name, content in found.items() if name not in kept}


@dataclass(frozen=True)
class Repository:
    """A folder with a sops key of its own."""

    root: Path
    recipient: str

    @property
    def tree(self) -> FileTree:
        """A fresh reader, as a new process has it."""
        return FileTree(self.root)

    @property
    def store(self) -> Sops:
        """sops on a fresh reader."""
        return Sops(self.tree)

    def write(self, path: str, content: str | bytes) -> bytes:
        """Put a file; returns its bytes."""
        data = content.encode() if isinstance(content, str) else content
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(data)
        return data

    def seal(self, path: str, clear: str, *flags: str) -> bytes:
        """Put a sealed file, made by sops from `clear`."""
        kind = {"yaml": "yaml", "json": "json", "env": "dotenv"}[path.rpartition(".")[2]]
        argv = [find_tool("sops"), *flags, "--age", self.recipient, "--input-type", kind]
        argv += ["--output-type", kind, "-e", "/dev/stdin"]
        done = subprocess.run(argv, input=clear.encode(), capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return self.write(path, done.stdout)


def new_repository(folder: Path) -> Repository:
    """A repository below `folder`, its key beside it; the process' sops is told of the key."""
    identity = pyrage.x25519.Identity.generate()
    key = folder / "key.txt"
    key.write_text(f"{identity}\n")
    os.environ["SOPS_AGE_KEY_FILE"] = str(key)
    root = folder / "repository"
    root.mkdir()
    return Repository(root, str(identity.to_public()))
