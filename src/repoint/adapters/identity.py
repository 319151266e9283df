"""Who and when, for records."""

from __future__ import annotations

import getpass
from datetime import UTC, datetime
from pathlib import Path

from repoint.adapters.runner import run
from repoint.errors import ToolFailed, ToolMissing


class GitIdentity:
    """The user as git knows them in a repository; implements `ports.Identity`."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def who(self) -> str:
        """`Name <mail>` as git knows the user, else the user's name on this machine."""
        name, mail = self._setting("user.name"), self._setting("user.email")
        if name and mail:
            return f"{name} <{mail}>"
        return name or mail or _user()

    def now(self) -> datetime:
        """The time, in UTC, to the second."""
        return datetime.now(UTC).replace(microsecond=0)

    def _setting(self, name: str) -> str:
        try:
            result = run(["git", "config", "--get", name], tool="git", cwd=self._root)
        except (ToolMissing, ToolFailed):
            return ""
        return " ".join(result.stdout.decode(errors="replace").split())


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"  # A user without a name, as in some containers.
