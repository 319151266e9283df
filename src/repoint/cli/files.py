"""Writes new files through the journal: all of them or none."""

from __future__ import annotations

from collections.abc import Mapping

from repoint.errors import FileRefused
from repoint.model.receipt import FileWrite
from repoint.ports.repository import WritableTree


def write_new(
    tree: WritableTree, verb: str, files: Mapping[str, bytes], *, replace: bool = False
) -> None:
    """Create `files`; with `replace` those that exist get the new content.

    Raises:
        FileRefused: one exists and `replace` is off; nothing was written.
    """
    writes = []
    for path, content in files.items():
        before = tree.read(path) if tree.exists(path) else None
        if before is not None and not replace:
            raise FileRefused(
                f"`{path}` exists already",
                hint=("`--print` shows the proposal", "`--force` replaces the file"),
            )
        writes.append(FileWrite(path, before, content))
    if writes:
        with tree.locked(verb):
            tree.commit(verb, writes)
