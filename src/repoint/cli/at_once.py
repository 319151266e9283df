"""What was told of a repository that is as it was, before anything that takes time is loaded."""

from __future__ import annotations

import os
import stat

from repoint.adapters.cache_folder import private_folder
from repoint.adapters.kept.layout import checksum, read_whole
from repoint.adapters.kept.program import program_mark
from repoint.adapters.kept.stamps import still_told
from repoint.adapters.plugins import any_installed
from repoint.cli.place import CONFIG_FILE, JOURNAL, RECEIPTS

_LARGEST = 64 * 1024 * 1024
"""Bytes of a file of ours; a stranger's repository may hold any."""


def told_at_once(root: str, request: tuple[str, ...]) -> memoryview | None:
    """The kept text, in UTF-8; None says nothing but that it has to be asked for."""
    folder = private_folder()
    place = f"{root}/{CONFIG_FILE}"
    config = read_whole(place, _LARGEST) if os.path.lexists(place) else b""
    if folder is None or config is None or may_know_more(config):
        return None
    if os.path.lexists(f"{root}/{JOURNAL}"):
        return None
    whole = whole_request(root, config, request)
    return None if whole is None else still_told(folder, whole, root)


def whole_request(root: str, config: bytes, request: tuple[str, ...]) -> tuple[str, ...] | None:
    """A request with all that decides an answer beside the repository's other files.

    None where that cannot be told: then nothing is kept.
    """
    receipts = _receipts(root)
    if receipts is None:
        return None
    program = program_mark(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    return (program, config.decode(errors="replace"), receipts, *request)


def _receipts(root: str) -> str | None:
    """What was applied, which git may be told to ignore: a check asks whether it still stands.

    None where a link or anything else takes the place of a file or folder of ours: what lies
    behind may be large, may be no file, and changes without being seen here.
    """
    told = []
    try:
        for folder in (os.path.dirname(RECEIPTS), RECEIPTS):
            if not stat.S_ISDIR(os.lstat(f"{root}/{folder}").st_mode):
                return None
        with os.scandir(f"{root}/{RECEIPTS}") as entries:
            for one in sorted(entries, key=lambda one: one.name):
                content = read_whole(one.path, _LARGEST)
                if content is None:
                    return None
                told.append(one.name.encode(errors="surrogateescape") + b"\0")
                told.append(checksum(content))
    except FileNotFoundError:
        return ""
    except OSError:
        return None
    return checksum(*told).hex()


def may_know_more(config: bytes) -> bool:
    """Whether anything may be known here beside the built-in tables, told without a look at it."""
    # An escape in a key could spell the word, too.
    return b"knowledge" in config or b"\\" in config or any_installed()
