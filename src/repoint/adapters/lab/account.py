"""Who the servers run as, and where their folder may be."""

from __future__ import annotations

import os
import pwd
import re
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

from repoint.errors import LabFailed

_UNPRIVILEGED = ("postgres", "nobody")
# A Unix socket's path has at most 107 bytes: room for our folder and PostgreSQL's own name.
_LONGEST_BASE = 107 - len("/repoint-lab-12345678/b99/.s.PGSQL.65535")

# PostgreSQL's list of socket folders ends one at a comma, its messages and files at a line's end.
_PLAIN = re.compile(r"[^,\x00-\x1f\x7f]+")


@dataclass(frozen=True, slots=True)
class Account:
    """The servers' user: numbers are -1 for the one that repoint itself runs as."""

    uid: int
    gid: int

    def give(self, path: Path) -> None:
        """Make `path` the servers' own."""
        if self.uid >= 0:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def may_search(self, folder: Path) -> bool:
        """Whether the servers can reach things in `folder`, by its owner and mode."""
        return all(self._may_enter(one) for one in (folder, *folder.parents))

    def _may_enter(self, folder: Path) -> bool:
        if self.uid < 0:
            return os.access(folder, os.X_OK)
        found = folder.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)


def servers_account() -> Account:
    """An unprivileged user when repoint runs as root, since PostgreSQL refuses root.

    Raises:
        LabFailed: root has no such user to give the servers to, or repoint's has no name.
    """
    if os.geteuid() != 0:
        local_user()
        return Account(-1, -1)
    for name in _UNPRIVILEGED:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(found.pw_uid, found.pw_gid)
    raise LabFailed(
        "PostgreSQL does not run as root, and there is no user `postgres` or `nobody` here",
        hint="run repoint as another user, or make one: `useradd --system postgres`",
    )


def local_user() -> str:
    """The name of the user that repoint runs as.

    Raises:
        LabFailed: it has none, as in a container that runs as any number.
    """
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        raise LabFailed(
            f"user {os.geteuid()} has no name here, and PostgreSQL does not run as a number",
            hint="run repoint as a user of /etc/passwd, or add a line for this one",
        ) from None


def base_folder(account: Account) -> Path:
    """Where to make the private folder: TMPDIR, or /tmp when that will not do.

    Raises:
        LabFailed: the servers' user can reach none of them.
    """
    for name in (tempfile.gettempdir(), "/tmp", "/var/tmp"):
        folder = Path(name).resolve()
        fits = len(os.fsencode(folder)) <= _LONGEST_BASE and _PLAIN.fullmatch(str(folder))
        if fits and folder.is_dir() and os.access(folder, os.W_OK) and account.may_search(folder):
            return folder
    raise LabFailed(
        "there is no folder for the servers' files",
        hint="set TMPDIR to a short path that every user may enter",
    )
