"""Which program this is: what another one kept is not believed."""

from __future__ import annotations

import os
import sys

from repoint.adapters.kept.layout import checksum, read_whole


def program_mark(package: str | os.PathLike[str]) -> str:
    """What this program is: it differs when its code, or a package beside it, does.

    An installed wheel is known by its list of digests; a work tree by its files' sizes and times.
    """
    folder = os.fspath(package)
    record = _record_beside(folder)
    told = [sys.version.encode(), b"\0", _code(folder) if record is None else record]
    for place in sys.path:
        if place.endswith("site-packages"):
            told += [b"\0", "\n".join(_names(place)).encode(errors="surrogateescape")]
    return checksum(*told).hex()


def _record_beside(package: str) -> bytes | None:
    above = package.rpartition("/")[0]
    for name in _names(above):
        if name.startswith("repoint-") and name.endswith(".dist-info"):
            record = read_whole(f"{above}/{name}/RECORD")
            if record is not None:
                return record
    return None


def _names(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(one.name for one in entries)
    except OSError:
        return []


def _code(package: str) -> bytes:
    """Path, size and time of each file, and of each folder that holds some."""
    told = []
    folders = [package]
    for folder in folders:
        with os.scandir(folder) as entries:
            for one in entries:
                if one.is_dir(follow_symlinks=False):
                    folders.append(one.path)
                elif not one.name.endswith(".pyc"):
                    status = one.stat(follow_symlinks=False)
                    told.append(f"{one.path[len(package) :]} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(sorted(told)).encode(errors="surrogateescape")
