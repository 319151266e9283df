"""Writes a repository of a given number of files, and the truth about its sites.

    python -m bench.generate 10000 DIRECTORY

The same arguments give the same bytes, and the same git commit, on every machine. The truth is
written beside the directory as `DIRECTORY.truth.json`: sites and look-alikes by their bytes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import manifests
from bench.marks import Decoy, Planted, planted
from bench.noise import noise

FILES_PER_APP = 333
SIZES = {"1k": 1_000, "10k": 10_000, "100k": 100_000}
_WHEN = "2026-11-01T12:00:00+00:00"


@dataclass(frozen=True, slots=True)
class Truth:
    """What is right to say about a generated repository."""

    files: int
    sites: list[Planted]
    decoys: list[Decoy]


@dataclass(frozen=True, slots=True)
class File:
    """One generated file, and what stands in it."""

    path: str
    raw: bytes
    sites: list[Planted]
    decoys: list[Decoy]


def contents(total: int) -> Iterator[File]:
    """`total` files in a fixed order, fewer than 11 of them outside of every application."""
    apps = [f"app{number:04}" for number in range(max(1, total // FILES_PER_APP))]
    marked = manifests.platform() | {"repoint.yaml": manifests.configuration(apps)}
    yield from (_file(path, text) for path, text in marked.items())
    written = len(marked)
    for number, app in enumerate(apps):
        files = manifests.application(app, number)
        yield from (_file(path, text) for path, text in files.items())
        written += len(files)
    for number in range(total - written):
        app = apps[number % len(apps)]
        path, text = noise(app, number // len(apps))
        yield _file(f"apps/{app}/{path}", text)


def write(directory: Path, total: int) -> Truth:
    """Write the repository, commit it with git, and write its truth file."""
    truth = Truth(total, [], [])
    folders: set[Path] = set()
    for file in contents(total):
        target = directory / file.path
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.add(target.parent)
        target.write_bytes(file.raw)
        truth.sites.extend(file.sites)
        truth.decoys.extend(file.decoys)
    _commit(directory, f"{total} files")
    truth_file(directory).write_bytes(msgspec.json.format(msgspec.json.encode(truth), indent=1))
    return truth


def truth_file(directory: Path) -> Path:
    """Where the truth about `directory` lies."""
    return directory.with_name(directory.name + ".truth.json")


def read_truth(directory: Path) -> Truth:
    """The truth about a repository that was written before."""
    return msgspec.json.decode(truth_file(directory).read_bytes(), type=Truth)


def _file(path: str, text: str | bytes) -> File:
    if isinstance(text, bytes):
        return File(path, text, [], [])
    return File(path, *planted(path, text))


def _commit(directory: Path, message: str) -> None:
    person = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in _WHO}
    settings = ["core.autocrlf=false", "core.fsync=none", "core.compression=1", "gc.auto=0"]
    git = ["git", "-C", str(directory), *(word for one in settings for word in ("-c", one))]
    environment = {**os.environ, **person, "GIT_CONFIG_GLOBAL": os.devnull}
    for words in (
        ["init", "--quiet", "--initial-branch=main", "--template="],
        ["add", "--all", "--force"],
        ["commit", "--quiet", "--no-gpg-sign", "--message", message],
    ):
        subprocess.run([*git, *words], check=True, env=environment)


_WHO = (("NAME", "bench"), ("EMAIL", "bench@example.org"), ("DATE", _WHEN))


def main() -> None:
    """Write one repository."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("files", help="a number, or one of 1k, 10k, 100k")
    parser.add_argument("directory", type=Path)
    given = parser.parse_args()
    total = SIZES.get(given.files) or int(given.files)
    truth = write(given.directory, total)
    print(f"{total} files with {len(truth.sites)} sites in {given.directory}")


if __name__ == "__main__":
    main()
