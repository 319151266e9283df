"""Git's settings for a repository, asked of git while the files are looked at."""

from __future__ import annotations

import os

from repoint.adapters.environment import child_environment
from repoint.adapters.git_calls import QUIET, settings_cmd

_DEADLINE = 60.0


class Asked:
    """The question, which git works on until `told` is called; that has to be, once."""

    def __init__(self, root: str) -> None:
        self._child, self._pipe = 0, -1
        git, *arguments = settings_cmd()
        argv = [git, "-C", root, *arguments]
        environment = {**child_environment("git", os.environ), **QUIET}
        reading, writing = os.pipe()
        streams = [
            (os.POSIX_SPAWN_DUP2, writing, 1),
            *((os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 2)),
        ]
        try:
            self._child = os.posix_spawnp(git, argv, environment, file_actions=streams)
            self._pipe = reading
        except OSError:
            os.close(reading)
        finally:
            os.close(writing)

    def told(self) -> bytes | None:
        """The settings that change what git lists; None where there is no git, or it failed."""
        if not self._child:
            return None
        from select import select

        pieces = []
        while select([self._pipe], [], [], _DEADLINE)[0]:
            if not (piece := os.read(self._pipe, 65536)):
                break
            pieces.append(piece)
        else:
            os.kill(self._child, 9)
        os.close(self._pipe)
        _, status = os.waitpid(self._child, 0)
        return reading_settings(b"".join(pieces)) if status == 0 else None


def reading_settings(printed: bytes) -> bytes:
    """The settings that change what a file's bytes are, or which files are listed.

    Others may hold a password, and are not kept.
    """
    fields = printed.split(b"\0")
    told = zip(fields[::2], fields[1::2], strict=False)
    return b"\0".join(one for _, one in told if one.startswith((b"core.", b"filter.")))
