"""Renders overlays with `kubectl kustomize`, in a private copy of the repository.

The copy lies in a folder that only its owner can enter. It goes when the block ends, also when
the process is killed in it.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.runner import Result, find_tool, run, scratch_folder
from repoint.errors import FileRefused, ToolFailed
from repoint.ports import Tree

BIGGEST = 4 * 1024 * 1024
PARALLEL = 2
_PREFIX = "repoint-render-"
# Two children at a time, one thread each and fewer collections: 0.6 of the time one by one.
_GO = {"GOMAXPROCS": "1", "GOGC": "400"}


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
    """Build `overlay`, a folder relative to the working directory."""
    argv = [kubectl, "kustomize", overlay]
    return argv if restricted else [*argv, "--load-restrictor=LoadRestrictionsNone"]


class Kustomize:
    """Builds overlays; implements `ports.Renderer`.

    `only` limits the copy to the files that the overlays read, where the caller knows them.
    """

    def __init__(
        self, tree: Tree, *, only: Iterable[str] | None = None, timeout: float = 120.0
    ) -> None:
        self._tree = tree
        self._only = tuple(only) if only is not None else None
        self._timeout = timeout
        self._version = ""

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

    def render(self, overlays: Iterable[str], changed: Mapping[str, bytes]) -> Mapping[str, Build]:
        """Each overlay's build with `changed` laid over the tree, which is never written."""
        wanted = tuple(dict.fromkeys(overlays))
        if not wanted:
            return {}
        kubectl = find_tool("kubectl")
        with (
            private_copy(self._tree, self._only, changed) as copy,
            ThreadPoolExecutor(PARALLEL) as pool,
        ):
            builds = pool.map(lambda overlay: self._build(kubectl, copy, overlay), wanted)
            return dict(zip(wanted, builds, strict=True))

    def _build(self, kubectl: str, copy: Path, overlay: str) -> Build:
        if not (copy / overlay).is_dir():
            return Build(None, f"`{overlay}` is not a folder of this repository")
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
        return run(argv, tool="kubectl", cwd=copy, env=_GO, timeout=self._timeout)


@contextlib.contextmanager
def private_copy(
    tree: Tree, only: tuple[str, ...] | None, changed: Mapping[str, bytes]
) -> Iterator[Path]:
    """A folder with the tree's files (big ones left out) and `changed` over them.

    Contents are written anew, never linked: a build that writes could reach the original.
    """
    with scratch_folder(_PREFIX) as folder:
        for path in tree.paths() if only is None else only:
            if path not in changed:
                _copy(tree, path, folder)
        for path, content in changed.items():
            _write(folder / path, content)
        yield folder


def _copy(tree: Tree, path: str, folder: Path) -> None:
    try:
        content = tree.read(path)
    except FileRefused:
        return
    if len(content) <= BIGGEST:
        _write(folder / path, content)


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _reason(result: Result, copy: Path) -> str:
    return result.note().replace(f"{copy}/", "").replace(str(copy), ".") or "the build failed"
