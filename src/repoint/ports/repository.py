"""The repository: its files, what is sealed in them, and what an overlay of it builds."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from repoint.model.receipt import FileWrite


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

    def glance(self, path: str) -> bytes:
        """The bytes of a file, not kept in memory for a second look; errors as for `read`."""
        ...

    def keep(self, path: str, raw: bytes) -> None:
        """Keep what `glance` gave, here or in a copy of this process: `read` gives it again."""
        ...

    def exists(self, path: str) -> bool:
        """Whether `path` is a regular file of the repository."""
        ...


class WritableTree(Tree, Protocol):
    """A tree that the writing verbs change, all or nothing."""

    def read_again(self, path: str) -> bytes:
        """The bytes of a file as they are on disk now; errors as for `read`."""
        ...

    def is_there(self, path: str) -> bool:
        """Whether anything stands at `path`, be it no regular file.

        Raises:
            FileRefused: the path leads out of the repository.
        """
        ...

    def locked(self, verb: str) -> AbstractContextManager[None]:
        """Hold the repository's lock while the block runs.

        Raises:
            LockHeld: another run holds it.
        """
        ...

    def recover(self) -> str:
        """Finish or undo what a killed run left: `finished`, `undone`, or empty.

        Raises:
            HalfDone: neither can be done.
        """
        ...

    def commit(self, verb: str, writes: Sequence[FileWrite]) -> None:
        """Make every write come true, or none, whatever happens.

        Raises:
            StalePlan: a file is not what its `before` says.
            FileRefused: a file cannot be replaced.
        """
        ...

    def dirty(self, paths: Sequence[str]) -> tuple[str, ...]:
        """Those of `paths` with changes that are not committed."""
        ...

    def files_in(self, folder: str) -> tuple[str, ...]:
        """The regular files of a folder, repoint's own included, sorted; none without it."""
        ...

    def folders_to_make(self, path: str) -> tuple[str, ...]:
        """Folders that are missing above `path`, outermost first."""
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

    def prefetch(self, paths: Sequence[str]) -> None:
        """Open files that `decrypt` will be asked for, faster than one after another.

        Raises nothing: `decrypt` raises what went wrong with its file.
        """
        ...


class SealedEditor(SecretStore, Protocol):
    """Changes sealed values; nothing is written, ciphertext comes back."""

    def open(self, path: str, raw: bytes) -> bytes:
        """The decrypted document of sealed bytes; errors as for `decrypt`.

        `path` tells the format.
        """
        ...

    def open_ahead(self, raws: Mapping[str, bytes]) -> None:
        """Open sealed bytes, by path, that `open` will be asked for; as `prefetch`."""
        ...

    def set_value(self, path: str, raw: bytes, pointer: str, value: str) -> bytes:
        """`raw` with the value at `pointer` (as sops spells it) set, or added at the end.

        Every byte but that value, `mac` and `lastmodified` is kept.

        Raises:
            EditRefused: the result does not read back as that one change.
            SealedFile: no key at hand opens it.
        """
        ...

    def remove_value(self, path: str, raw: bytes, pointer: str) -> bytes:
        """`raw` without the entry at `pointer`; errors as for `set_value`."""
        ...


class Renderer(Protocol):
    """Builds an overlay as the cluster would get it."""

    @property
    def version(self) -> str:
        """The tool and its version, for the evidence."""
        ...

    @property
    def mark(self) -> str:
        """Differs where the tool, or what it sees of the environment, may render otherwise."""
        ...

    def within(self, reads: Mapping[str, Collection[str]]) -> Renderer:
        """The same renderer, each overlay with these files of the tree alone.

        Of changed files those that it reads, and new ones in its folders, are there. A build
        fails that lacks one.
        """
        ...

    def render(
        self, overlays: Iterable[str], changed: Mapping[str, bytes]
    ) -> Mapping[str, Rendered]:
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
