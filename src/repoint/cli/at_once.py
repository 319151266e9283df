"""What was told of a repository that is as it was, before anything that takes time is loaded."""

from __future__ import annotations

import os

from repoint.adapters.cache_folder import private_folder
from repoint.adapters.kept.layout import checksum, read_whole
from repoint.adapters.kept.program import program_mark
from repoint.adapters.kept.stamps import still_told
from repoint.adapters.plugins import any_installed
from repoint.cli.place import CONFIG_FILE, JOURNAL, RECEIPTS


def told_at_once(root: str, request: tuple[str, ...]) -> memoryview | None:
    """The kept text, in UTF-8; None says nothing but that it has to be asked for."""
    folder = private_folder()
    place = f"{root}/{CONFIG_FILE}"
    config = read_whole(place) if os.path.lexists(place) else b""
    if folder is None or config is None or may_know_more(config):
        return None
    if os.path.lexists(f"{root}/{JOURNAL}"):
        return None
    return still_told(folder, whole_request(root, config, request), root)


def whole_request(root: str, config: bytes, request: tuple[str, ...]) -> tuple[str, ...]:
    """A request with all that decides an answer beside the repository's other files."""
    program = program_mark(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return (program, config.decode(errors="replace"), _receipts(root), *request)


def _receipts(root: str) -> str:
    """What was applied, which git may be told to ignore: a check asks whether it still stands."""
    told = []
    try:
        with os.scandir(f"{root}/{RECEIPTS}") as entries:
            for one in sorted(entries, key=lambda one: one.name):
                told.append(one.name.encode(errors="surrogateescape") + b"\0")
                told.append(checksum(read_whole(one.path) or b""))
    except OSError:
        return ""
    return checksum(*told).hex()


def may_know_more(config: bytes) -> bool:
    """Whether anything may be known here beside the built-in tables, told without a look at it."""
    # An escape in a key could spell the word, too.
    return b"knowledge" in config or b"\\" in config or any_installed()
