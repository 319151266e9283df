"""The repositories that the rounds run on, and the folders of kept results beside them."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from random import Random

from bench import generate
from bench.generate import SIZES, Truth

CHANGED = 100


@dataclass(frozen=True, slots=True)
class Tree:
    """A generated repository, its clone, and folders for what `repoint` keeps."""

    size: str
    folder: Path
    truth: Truth

    @property
    def root(self) -> Path:
        """The repository."""
        return self.folder / "repository"

    @property
    def clone(self) -> Path:
        """A clone of its only commit, elsewhere on the disk."""
        return self.folder / "clone"

    def output(self, name: str) -> Path:
        """Where the output of a command of the current round goes."""
        return self.folder / f"{name}.out"

    def cache(self, name: str) -> Path:
        """A folder of kept results of its own."""
        return self.folder / "kept" / name

    def empty_cache(self, name: str) -> Path:
        """The same, with nothing in it, and closed to others as `repoint` wants it."""
        folder = self.cache(name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def restore_cache(self, name: str, saved: str) -> Path:
        """The same, as CI restores one: a copy of `saved`, made on another checkout."""
        folder = self.cache(name)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.cache(saved), folder)
        return folder

    def change(self) -> None:
        """Append a line end to the same few files of any kind: it says nothing about a site."""
        names = subprocess.run(
            ["git", "-C", str(self.root), "ls-files", "-z"], check=True, capture_output=True
        )
        paths = names.stdout.decode().split("\0")[:-1]
        for path in Random(CHANGED).sample(paths, CHANGED):
            with (self.root / path).open("ab") as file:
                file.write(b"\n")


def prepare(size: str, folder: Path) -> Tree:
    """Write and clone the repository of a size, and let git settle on what it saw."""
    tree = Tree(size, folder, generate.write(folder / "repository", SIZES[size]))
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull}
    clone = ["git", "clone", "--quiet", "--local", str(tree.root), str(tree.clone)]
    subprocess.run(clone, check=True, env=quiet)
    for root in (tree.root, tree.clone):
        # Files as old as the index are read again at every status until it is written anew.
        subprocess.run(["git", "-C", str(root), "update-index", "--refresh"], check=True, env=quiet)
        subprocess.run(
            ["git", "-C", str(root), "status", "--porcelain"],
            check=True,
            env=quiet,
            stdout=subprocess.DEVNULL,
        )
    return tree
