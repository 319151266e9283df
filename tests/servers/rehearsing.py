"""Repositories to rehearse, and what a rehearsal of them says."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.acceptance.example import EXAMPLE, VARIANTS, Checkout, checkout

OVERLAY = "deploy/overlays/local"
BACKEND = "Deployment/naytife/backend/backend"
HYDRA = "Deployment/naytife-auth/hydra/hydra"


@dataclass(frozen=True)
class Told:
    """The JSON of a rehearsal."""

    document: Any

    @property
    def verdict(self) -> str:
        return str(self.document["verdict"])

    def check(self, consumer: str, name: str) -> tuple[str, str]:
        """A check's verdict and what was observed."""
        row = next(one for one in self.document["consumers"] if one["id"] == consumer)
        found = next(one for one in row["checks"] if one["id"] == name)
        return found["verdict"], found["observed"]

    def verdicts(self, consumer: str) -> dict[str, str]:
        row = next(one for one in self.document["consumers"] if one["id"] == consumer)
        return {one["id"]: one["verdict"] for one in row["checks"]}

    def consumer(self, name: str) -> Any:
        return next(one for one in self.document["consumers"] if one["id"] == name)

    def controls(self, name: str) -> list[Any]:
        return [one for one in self.document["controls"] if one["id"] == name]

    def bad(self) -> dict[tuple[str, str], str]:
        """Every check that neither passed nor was skipped."""
        return {
            (row["id"], one["id"]): one["observed"]
            for row in self.document["consumers"]
            for one in row["checks"]
            if one["verdict"] in ("fail", "unknown")
        }


def keys_in(folder: Path) -> Path:
    """The example's keys in one file."""
    path = folder / "keys.txt"
    path.write_text("".join(one.read_text() for one in sorted(EXAMPLE.glob("keys/*.txt"))))
    return path


def example(folder: Path) -> Checkout:
    """The worked example with a repoint.yaml."""
    return _started(checkout(EXAMPLE, folder / "naytife", keys_in(folder)))


def variant(folder: Path, name: str) -> Checkout:
    """A variant with a repoint.yaml."""
    return _started(checkout(VARIANTS / name, folder / "shop", keys_in(folder)))


def _started(made: Checkout) -> Checkout:
    if not (made.root / "repoint.yaml").exists():
        made.run("init")
    made.commit("repoint init")
    return made


def change(made: Checkout, path: str, before: str, after: str) -> None:
    """Replace a text that is there, and commit."""
    text = made.text(path)
    assert before in text, f"{path} has no {before!r}"
    (made.root / path).write_text(text.replace(before, after))
    made.commit("change")


def add(made: Checkout, path: str, text: str) -> None:
    """Write or lengthen a file, and commit."""
    place = made.root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    old = place.read_text() if place.exists() else ""
    place.write_text(old + text)
    made.commit("add")


def rehearse(made: Checkout, *arguments: str, status: int | None = None) -> Told:
    """Rehearse without a record and read what is said."""
    given = ("rehearse", "--no-record", *arguments)
    return Told(made.json(*given, status=status))


def apply(made: Checkout, *arguments: str) -> None:
    """Apply and commit."""
    made.run("apply", "--yes", *arguments)
    made.commit("apply")


def everything() -> list[str]:
    """`pid ppid command line` of every process."""
    argv = ["ps", "-eo", "pid=,ppid=,args="]
    done = subprocess.run(argv, check=True, capture_output=True, text=True)
    return [line.strip() for line in done.stdout.splitlines()]


def below(pid: int) -> set[str]:
    """Those of `everything` that descend from a process."""
    listed = everything()
    found: set[str] = set()
    parents = {str(pid)}
    while True:
        more = {line for line in listed if line.split()[1] in parents} - found
        if not more:
            return found
        found |= more
        parents |= {line.split()[0] for line in more}
