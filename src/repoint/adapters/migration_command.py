"""Runs a repository's own migration command against a rehearsal's PostgreSQL."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from repoint.adapters.environment import child_environment
from repoint.dsn.mask import mask
from repoint.errors import LabFailed
from repoint.model.sensitive import Sensitive
from repoint.ports.servers import RunningLab
from repoint.rehearsal.lab import Attended

TIMEOUT_S = 300.0
"""How long a command may take, in seconds."""
_LONGEST_NOTE = 400


class MigrationCommand:
    """Runs commands in the repository's folder, with a bare environment and one variable.

    They run beside the servers, so that they and all they start end with them.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def __call__(
        self, lab: RunningLab, command: Sequence[str], variable: str, url: Sensitive
    ) -> Attended:
        """Give `command` the URL in `variable`; `said` is masked and cut short."""
        environment = {**child_environment("", os.environ), variable: url.reveal()}
        try:
            done = lab.attend(command, cwd=self._root, env=environment, timeout_s=TIMEOUT_S)
        except LabFailed as failed:
            lab.check()
            return Attended(127, failed.message)
        return Attended(done.status, _note(done.said, url))


def _note(said: str, url: Sensitive) -> str:
    """The end of what a command printed in one line, without the password of its URL."""
    secret = url.reveal().partition("://")[2].rpartition("@")[0].partition(":")[2]
    for spelling in {secret, unquote(secret)} - {""}:
        said = said.replace(spelling, "***")
    text = " ".join(mask(said).split())
    return text if len(text) <= _LONGEST_NOTE else "..." + text[3 - _LONGEST_NOTE :]
