"""What the flows need of the world, as protocols; adapters implement them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class Tree(Protocol):
    """The repository's files, read once each."""

    def paths(self) -> tuple[str, ...]:
        """Every file that git tracks or does not ignore, sorted; all files without git."""
        ...

    def read(self, path: str) -> bytes:
        """The bytes of a file.

        Raises:
            FileRefused: it is missing, not a regular file, or leaves the repository.
        """
        ...

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file of the repository."""
        ...


class SecretStore(Protocol):
    """Opens sealed values; plain text stays in memory."""

    def decrypt(self, path: str) -> bytes:
        """The decrypted document of a sops file, for reading only.

        Raises:
            SealedFile: no key at hand opens it, or it is damaged.
            ToolMissing: sops is not installed.
        """
        ...


class Renderer(Protocol):
    """Builds an overlay as the cluster would get it."""

    @property
    def version(self) -> str:
        """The tool and its version, for the evidence."""
        ...

    def render(self, overlays: Iterable[str], changed: Mapping[str, bytes]) -> Mapping[str, Rendered]:
        """Each overlay's render with `changed` files laid over the tree.

        `changed` maps paths to new contents (new files included). Works in a
        private copy that is removed afterwards; the tree itself is never written.
        """
        ...


class Rendered(Protocol):
    """The outcome of one build: the YAML stream, or why there is none."""

    @property
    def text(self) -> str | None:
        """The rendered multi-document YAML, None when the build failed."""
        ...

    @property
    def error(self) -> str:
        """Why the build failed, one line, secrets masked; empty on success."""
        ...


class Progress(Protocol):
    """Tells a person how far a long step is; silent when nobody looks."""

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step of `total` units (unknown when None)."""
        ...

    def advance(self, count: int = 1) -> None:
        """`count` more units are done."""
        ...
