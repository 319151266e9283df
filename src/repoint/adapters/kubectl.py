"""Renders overlays with `kubectl kustomize`, in a private copy of the repository.

The copy lies in a folder that only its owner can enter. It goes when the block ends, also when
the process is killed in it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from repoint.adapters.environment import child_environment
from repoint.adapters.runner import (
    Result,
    capped,
    find_tool,
    is_binary,
    run,
    scratch_folder,
)
from repoint.errors import FileRefused, ToolFailed
from repoint.ports.repository import Tree
from repoint.ports.work import UNWATCHED, Progress

BIGGEST = 4 * 1024 * 1024
PARALLEL = max(2, min(4, os.cpu_count() or 1))
"""Builds at a time; each takes some 120 MB, or more for a large overlay."""
_PREFIX = "repoint-render-"
# Several children at a time, one thread each, and no collection before an overlay takes more than
# almost any does: 0.7 of the processor's time of one by one, and half of the clock's. Go before
# 1.19 (kubectl before 1.26) does not know this limit; there `_MOST_MEMORY` ends what grows on.
_GO = {"GOMAXPROCS": "1", "GOGC": "off", "GOMEMLIMIT": "512MiB"}


# What a build may not do: git speaks to nobody, and web servers are asked at a door that is shut.
_SHUT_DOOR = "http://127.0.0.1:0"
_OFFLINE = {
    "GIT_ALLOW_PROTOCOL": "",
    **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), _SHUT_DOOR),
    **dict.fromkeys(("NO_PROXY", "no_proxy"), ""),
}
_MOST_MEMORY = 4 << 30
# Go prints pointers in errors: `merging from generator &{0x32698dde3860 <nil>}`.
_ADDRESS = re.compile(rb"(?<=[&{( ])0x[0-9a-f]{6,16}\b")
_OUT_OF_MEMORY = re.compile(rb"out of memory|cannot allocate memory|failed to reserve")


@dataclass(frozen=True, slots=True)
class Build:
    """The outcome of one build; implements `ports.Rendered`.

    `note` tells that the build needed files from outside the overlay's folder.
    """

    text: str | None
    error: str = ""
    note: str = ""

    def __repr__(self) -> str:
        return f"Build(built={self.text is not None}, error={self.error!r})"


def kustomize_cmd(kubectl: str, overlay: str, *, restricted: bool = True) -> list[str]:
    """Build `overlay`, a folder relative to the working directory, whatever it is called."""
    argv = [kubectl, "kustomize", f"./{overlay}"]
    return argv if restricted else [*argv, "--load-restrictor=LoadRestrictionsNone"]


class Kustomize:
    """Builds overlays; implements `ports.Renderer`.

    `reads` gives each overlay a copy with these files alone, where the caller knows them. What an
    overlay includes from outside the repository is fetched with `remote` only; without, an
    overlay that includes such is not built. `progress` is told of each build.
    """

    def __init__(
        self,
        tree: Tree,
        *,
        reads: Mapping[str, Collection[str]] | None = None,
        remote: bool = False,
        timeout: float = 120.0,
        progress: Progress = UNWATCHED,
    ) -> None:
        self._tree = tree
        self._progress = progress
        self._remote = remote
        self._reads = reads
        self._timeout = timeout
        self._version = ""
        self.was_asked = False
        """Whether it built anything, so that a result does not hang on the repository alone."""

    @property
    def version(self) -> str:
        """`kubectl v1.37.1 (kustomize v5.8.1)`."""
        if not self._version:
            argv = [find_tool("kubectl"), "version", "--client", "--output=json"]
            result = run(argv, tool="kubectl", env=_GO, timeout=self._timeout)
            if result.status != 0:
                raise ToolFailed(f"`kubectl version` failed: {result.note()}")
            found = json.loads(result.stdout)
            client = found["clientVersion"]["gitVersion"]
            self._version = f"kubectl {client} (kustomize {found.get('kustomizeVersion', '?')})"
        return self._version

    @property
    def mark(self) -> str:
        """The program, by its bytes or (of a real binary) by size and time, and its environment.

        kustomize fills a line of an env file that has no value from the environment.
        """
        program = Path(find_tool("kubectl")).resolve()
        status = program.stat()
        made = hashlib.sha256(f"{program} {status.st_size}".encode())
        if is_binary(program):
            made.update(str(status.st_mtime_ns).encode())
        else:
            # What a script starts may change beneath it.
            made.update(program.read_bytes() + self.version.encode())
        seen = {**child_environment("kubectl", os.environ), **self._environment}
        for name, value in sorted(seen.items()):
            made.update(f"\0{name}={value}".encode(errors="surrogateescape"))
        return made.hexdigest()

    def within(self, reads: Mapping[str, Collection[str]]) -> Kustomize:
        """The same, each overlay with a copy of its own files alone."""
        return Kustomize(
            self._tree,
            reads=reads,
            remote=self._remote,
            timeout=self._timeout,
            progress=self._progress,
        )

    def render(self, overlays: Iterable[str], changed: Mapping[str, bytes]) -> Mapping[str, Build]:
        """Each overlay's build with `changed` laid over the tree, which is never written."""
        wanted = tuple(dict.fromkeys(overlays))
        if not wanted:
            return {}
        from concurrent.futures import ThreadPoolExecutor

        self.was_asked = True
        kubectl = find_tool("kubectl")
        # What reads most takes longest: begun last, it would be waited for alone.
        order = sorted(wanted, key=lambda one: -len((self._reads or {}).get(one, ())))
        with (
            self._copies(wanted, changed) as copy_of,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            builds = pool.map(lambda one: self._build(kubectl, copy_of(one), one), order)
            built = dict(self._counted(zip(order, builds, strict=True)))
        return {one: built[one] for one in wanted}

    def _counted(self, built: Iterable[tuple[str, Build]]) -> Iterator[tuple[str, Build]]:
        for overlay, build in built:
            self._progress.advance()
            yield overlay, build

    @contextlib.contextmanager
    def _copies(
        self, overlays: Sequence[str], changed: Mapping[str, bytes]
    ) -> Iterator[Callable[[str], Path]]:
        """A function that gives the folder in which to build each overlay, ready for it."""
        reads = self._reads
        if reads is None:
            with private_copy(self._tree, changed) as copy:
                yield lambda _: copy
            return
        with scratch_folder(_PREFIX) as folder:
            copies = {one: folder / str(number) for number, one in enumerate(overlays)}

            def filled(overlay: str) -> Path:
                own = _near(changed, overlay, reads[overlay])
                fill(copies[overlay], self._tree, reads[overlay], own)
                return copies[overlay]

            yield filled

    def _build(self, kubectl: str, copy: Path, overlay: str) -> Build:
        from repoint.kube.outside import first_outside

        self._progress.at(overlay)
        if not (copy / overlay).is_dir():
            return Build(None, f"`{overlay}` is not a folder of this repository")
        outside = None if self._remote else first_outside(overlay, partial(_bytes_of, copy))
        if outside is not None:
            path, address = outside
            return Build(
                None,
                f"`{path}` includes `{address}` from outside the repository, which is not read "
                "without `render: {remote: true}` in repoint.yaml",
            )
        try:
            result = self._run(kustomize_cmd(kubectl, overlay), copy)
            if result.status == 0:
                return Build(result.stdout.decode(errors="replace"))
            # Folders beside the overlay are fine for kustomize, single files are not.
            if b"security;" not in result.stderr:
                return Build(None, _reason(result, copy))
            again = self._run(kustomize_cmd(kubectl, overlay, restricted=False), copy)
        except ToolFailed as error:
            return Build(None, error.message)
        if again.status != 0:
            return Build(None, _reason(again, copy))
        note = (
            "built with --load-restrictor=LoadRestrictionsNone: it reads files outside its folder"
        )
        return Build(again.stdout.decode(errors="replace"), note=note)

    def _run(self, argv: list[str], copy: Path) -> Result:
        limited = capped(argv, _MOST_MEMORY)
        env = self._environment
        result = run(limited, tool="kubectl", cwd=copy, env=env, timeout=self._timeout)
        if result.status != 0 and _OUT_OF_MEMORY.search(result.stderr):
            raise ToolFailed(f"its build takes more than {_MOST_MEMORY >> 30} GiB of memory")
        return result

    @property
    def _environment(self) -> dict[str, str]:
        return _GO if self._remote else {**_GO, **_OFFLINE}


@contextlib.contextmanager
def private_copy(tree: Tree, changed: Mapping[str, bytes]) -> Iterator[Path]:
    """A folder with the tree's files (big ones left out) and `changed` over them."""
    with scratch_folder(_PREFIX) as folder:
        fill(folder, tree, tree.paths(), changed)
        yield folder


def fill(folder: Path, tree: Tree, paths: Iterable[str], changed: Mapping[str, bytes]) -> None:
    """Write files of the tree (big ones left out) below `folder`, and `changed` over them.

    Contents are written anew, never linked: a build that writes could reach the original.
    """
    made: set[Path] = set()
    for path in paths:
        if path not in changed:
            _copy(tree, path, folder / path, made)
    for path, content in changed.items():
        _write(folder / path, content, made)


def _near(changed: Mapping[str, bytes], overlay: str, reads: Collection[str]) -> dict[str, bytes]:
    """Those of `changed` that an overlay reads, or may look for beside what it reads."""
    beside = {path.rpartition("/")[0] for path in reads}
    return {
        path: content
        for path, content in changed.items()
        if path in reads or path.rpartition("/")[0] in beside or path.startswith(f"{overlay}/")
    }


def _copy(tree: Tree, path: str, target: Path, made: set[Path]) -> None:
    try:
        content = tree.glance(path)
    except FileRefused:
        return
    if len(content) <= BIGGEST:
        _write(target, content, made)


def _write(target: Path, content: bytes, made: set[Path]) -> None:
    """`made` holds the folders that are there."""
    if target.parent not in made:
        target.parent.mkdir(parents=True, exist_ok=True)
        made.add(target.parent)
    target.write_bytes(content)


def _bytes_of(folder: Path, path: str) -> bytes | None:
    """A file's bytes; None where none is."""
    try:
        return (folder / path).read_bytes()
    except (OSError, ValueError):
        return None


def _reason(result: Result, copy: Path) -> str:
    """What kubectl said, the same for every run: without the copy's name, nor what lies where."""
    said = result.stderr.replace(f"{copy}/".encode(), b"").replace(str(copy).encode(), b".")
    said = _ADDRESS.sub(b"0x0", said)
    return result._replace(stderr=said).note() or "the build failed"
