"""Runs a repository's own migration command against a rehearsal's PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from repoint.adapters.runner import child_environment, run
from repoint.errors import ToolFailed, ToolMissing
from repoint.model.sensitive import Sensitive

_TIMEOUT_S = 300.0


class MigrationCommand:
    """Runs commands in the repository's folder, with a bare environment and one variable."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(self, command: Sequence[str], variable: str, url: Sensitive) -> str:
        """Give `command` the URL in `variable`; what went wrong, empty when nothing did."""
        environment = {**child_environment("", os.environ), variable: url.reveal()}
        try:
            done = run(
                command, tool=command[0], cwd=self._root, env=environment, timeout=_TIMEOUT_S
            )
        except (ToolFailed, ToolMissing) as error:
            return error.message
        note = f": {done.note()}" if done.stderr else ""
        return f"`{command[0]}` ended with status {done.status}{note}" if done.status else ""
