"""Builds the example's own backend, once for each state of its sources."""

from __future__ import annotations

import hashlib
import os
import subprocess
from pathlib import Path

from repoint.adapters.servers.cache import cache_folder, fetching, filling
from scripts.cluster import find_go

_SOURCES = ("*.go", "go.mod", "go.sum")


def backend_program(source: Path) -> Path:
    """The program of the Go module in `source`, built into the cache folder where it is new.

    Raises:
        RepointError: there is no Go to be had.
        subprocess.CalledProcessError: it does not compile.
    """
    digest = hashlib.sha256()
    for file in sorted(file for pattern in _SOURCES for file in source.rglob(pattern)):
        digest.update(file.relative_to(source).as_posix().encode() + file.read_bytes())
    cache = cache_folder() / "cluster"
    place = cache / f"backend-{digest.hexdigest()[:16]}"
    if not place.is_dir():
        with fetching(cache, _silent):
            if not place.is_dir():
                _build(source, cache, place.name)
    return place / "api"


def _build(source: Path, cache: Path, name: str) -> None:
    own = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local"}
    with filling(cache, name) as folder:
        argv = [find_go(cache, _silent), "build", "-mod=readonly", "-trimpath"]
        subprocess.run(
            ["nice", *argv, "-o", str(folder / "api"), "./cmd/api"],
            cwd=source,
            env={**os.environ, **own},
            check=True,
            capture_output=True,
        )


def _silent(_text: str) -> None:
    """Tell nobody."""
