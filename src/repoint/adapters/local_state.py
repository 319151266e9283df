"""Small files of a repository that stay on this machine; implements `ports.LocalState`."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from repoint.errors import FileRefused


class UserState:
    """Files below `$XDG_STATE_HOME/repoint`, in a folder of the repository's own.

    Folders are 0700 and files 0600: one of them is a key.
    """

    def __init__(self, root: Path) -> None:
        home = Path(os.environ.get("XDG_STATE_HOME", ""))
        if not home.is_absolute():  # As the specification has it: no key lands in a work tree.
            home = Path("~/.local/state").expanduser()
        place = hashlib.sha256(str(root.resolve()).encode()).hexdigest()[:16]
        self._folder = home / "repoint" / f"{root.resolve().name}-{place}"

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None where there is none that can be read."""
        try:
            return (self._folder / name).read_bytes()
        except OSError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Replace a file whole, by a new one of which nobody sees a part."""
        path = self._folder / name
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle, fresh = tempfile.mkstemp(dir=self._folder, prefix=".new-")
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(fresh).replace(path)
        except OSError as error:
            raise FileRefused.by(f"`{path}` cannot be written", error) from None
