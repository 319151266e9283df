"""The folder where this user's runs keep what they worked out, so that the next need not.

It is apart from the fetched programs, which every user may read, and is this user's alone:
what is kept there tells of repositories, if not what they hold. Without such a folder nothing
is kept and nothing fails.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

_OFF = "off"


def cache_folder() -> Path | None:
    """A private folder (0700, made on need) for kept results; None where there is none.

    It lies below `$REPOINT_CACHE`, else `$XDG_CACHE_HOME/repoint`, else `~/.cache/repoint`.
    `REPOINT_CACHE=off` means none. One of another user, one that others may enter, a link,
    or one that cannot be made is not used either.
    """
    base = _base()
    if base is None:
        return None
    folder = base / f"private-{os.geteuid()}"
    try:
        # Fetched programs lie beside it, and other users run them.
        base.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder if _is_private(folder) else None
    except OSError:
        return None


def _base() -> Path | None:
    given = os.environ.get("REPOINT_CACHE")
    if given == _OFF:
        return None
    try:
        if given:
            return Path(given).expanduser().absolute()
        if home := os.environ.get("XDG_CACHE_HOME"):
            return Path(home).absolute() / "repoint"
        return Path.home() / ".cache" / "repoint"
    except RuntimeError:
        return None


def _is_private(folder: Path) -> bool:
    """Whether it is a folder, no link to one, that its owner alone can enter, and we own it."""
    found = folder.lstat()
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and stat.S_IMODE(found.st_mode) == 0o700
        and os.access(folder, os.W_OK)
    )
