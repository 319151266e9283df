"""Properties of a whole scan and plan: any set of files is taken stock of, or refused."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from repoint.errors import FileRefused, RepointError, SealedFile
from repoint.flows.planning import make_plan
from repoint.flows.scanning import scan
from repoint.flows.workspace import Workspace
from repoint.planning.assemble import contents_after
from repoint.planning.codec import decode_plan, encode_plan
from repoint.planning.config import CONFIG_NAME, Config, load_config
from repoint.ports.work import UNWATCHED

_HEADER = re.compile(rb"(?m)^-- ([^\n]{1,200}) --\n")
DEFAULT_CONFIG = """\
source: {hosts: [pg, postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop, overlay: overlays/dev, manifests: ., secrets: secrets}
"""


def inventory(raw: bytes) -> None:
    """Files of any bytes are taken stock of; `-- path --` begins each."""
    files = split(raw)
    config = _config(files)
    try:
        first = scan(_workspace(files, config))
    except RepointError as error:
        assert "\n" not in error.message
        return
    assert first == scan(_workspace(files, config)), "scanned twice, it differs"


def planned(raw: bytes) -> None:
    """A plan for files of any bytes is refused, or applies and reads back as made."""
    files = split(raw)
    config = _config(files)
    try:
        plan = make_plan(_workspace(files, config))
    except RepointError as error:
        assert "\n" not in error.message
        return
    written = encode_plan(plan)
    assert decode_plan(written) == plan
    after = contents_after(plan.changes, lambda path: files[path])
    for path, content in after.items():
        assert content != files.get(path), f"`{path}` is said to change, and does not"


def split(raw: bytes) -> dict[str, bytes]:
    """The files of a text with a line `-- path --` before each; paths stay inside."""
    pieces = _HEADER.split(raw)
    found: dict[str, bytes] = {}
    for name, content in zip(pieces[1::2], pieces[2::2], strict=True):
        path = name.decode(errors="replace").strip("/")
        if path and ".." not in path.split("/"):
            found[path] = content
    return found


def _config(files: Mapping[str, bytes]) -> Config:
    try:
        return load_config(files.get(CONFIG_NAME, DEFAULT_CONFIG.encode()).decode())
    except (RepointError, UnicodeDecodeError):
        return load_config(DEFAULT_CONFIG)


def _workspace(files: dict[str, bytes], config: Config) -> Workspace:
    return Workspace("/r", _Files(files), config, "", _Locked(), _NoRenderer(), UNWATCHED)


@dataclass(frozen=True)
class _Files:
    """A tree in memory; implements `ports.Tree`."""

    files: Mapping[str, bytes]

    def paths(self) -> tuple[str, ...]:
        """Every file, sorted."""
        return tuple(sorted(self.files))

    def read(self, path: str) -> bytes:
        """A file's bytes."""
        if path not in self.files:
            raise FileRefused(f"`{path}` cannot be read: it is not there")
        return self.files[path]

    def glance(self, path: str) -> bytes:
        """A file's bytes."""
        return self.read(path)

    def keep(self, path: str, raw: bytes) -> None:
        """Nothing to do: all are in memory."""

    def exists(self, path: str) -> bool:
        """Whether the file is there."""
        return path in self.files


class _Locked:
    """A machine without keys; implements `ports.SecretStore`."""

    def decrypt(self, path: str) -> bytes:
        """Refuse."""
        raise SealedFile(f"`{path}` cannot be opened: no key at hand fits")

    def prefetch(self, paths: Sequence[str]) -> None:
        """Nothing to open."""


@dataclass(frozen=True)
class _NotBuilt:
    text: str | None = None
    error: str = "it does not build"
    note: str = ""


class _NoRenderer:
    """A renderer that builds nothing, so that proofs are made from the sources."""

    version = mark = "none"

    def within(self, reads: Mapping[str, Collection[str]]) -> _NoRenderer:
        """As without them."""
        return self

    def render(
        self, overlays: Iterable[str], changed: Mapping[str, bytes]
    ) -> Mapping[str, _NotBuilt]:
        """No overlay builds."""
        return {overlay: _NotBuilt() for overlay in overlays}
