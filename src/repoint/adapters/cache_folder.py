"""The folder where this user's runs keep what they worked out, so that the next need not.

It is apart from the fetched programs, which every user may read, and is this user's alone:
what is kept there tells of repositories, if not what they hold. Without such a folder nothing
is kept and nothing fails.
"""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:  # Asked at the door, where each import counts.
    from pathlib import Path

_OFF = "off"


def cache_folder() -> Path | None:
    """A private folder (0700, made on need) for kept results; None where there is none.

    It lies below `$REPOINT_CACHE`, else `$XDG_CACHE_HOME/repoint`, else `~/.cache/repoint`.
    `REPOINT_CACHE=off` means none. One of another user, one that others may enter, a link,
    or one that cannot be made is not used either.
    """
    from pathlib import Path

    base = _base()
    if base is None:
        return None
    try:
        # Fetched programs lie beside it, and other users run them.
        Path(base).mkdir(mode=0o755, parents=True, exist_ok=True)
        Path(_private(base)).mkdir(mode=0o700, exist_ok=True)
    except OSError:
        return None
    folder = private_folder()
    return None if folder is None else Path(folder)


def private_folder() -> str | None:
    """The same folder where it is there already."""
    base = _base()
    if base is None:
        return None
    folder = _private(base)
    try:
        return folder if _is_private(folder) else None
    except OSError:
        return None


def _private(base: str) -> str:
    return f"{base}/private-{os.geteuid()}"


def _base() -> str | None:
    given = os.environ.get("REPOINT_CACHE")
    if given == _OFF:
        return None
    if given:
        return _expanded(given)
    home = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(home):  # The specification has a relative one ignored.
        return f"{os.path.abspath(home)}/repoint"
    return _expanded("~/.cache/repoint")


def _expanded(place: str) -> str | None:
    """With the user's folder for `~`; None for a user without one."""
    place = os.path.expanduser(place)
    return None if place.startswith("~") else os.path.abspath(place)


def _is_private(folder: str) -> bool:
    """Whether it is a folder, no link to one, that its owner alone can enter, and we own it."""
    found = os.lstat(folder)
    return (
        stat.S_ISDIR(found.st_mode)
        and found.st_uid == os.geteuid()
        and stat.S_IMODE(found.st_mode) == 0o700
        and os.access(folder, os.W_OK)
    )
