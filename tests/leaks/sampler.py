"""Samples the processes below one, and the temporary folders of repoint, until stdin ends.

    python -I -S sampler.py SPOOL ROOT_PID TEMPORARY_FOLDER

It sees what the recorder cannot: programs that are started by programs, and files that they
write. A process of its own, so that the tests are not slowed by more than its share of a core.
Its records are `cmdline` and `environ` (`where` is `pid:start`, `by` is the parent's), and `file`.
"""

from __future__ import annotations

import os
import select
import sys
import time
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

_EVERY_S = 0.004
# A full folder is looked at less often: a look may take a tenth of the time.
_SHARE = 10
_YOUNG_S = 0.25
_AGAIN_S = 0.5
_MOST = 1 << 20
_PREFIX = "repoint-"
# PostgreSQL's own files: what the servers keep of a password is a SCRAM verifier.
_CLOSED = frozenset({"data", "pgdata", "base", "pg_wal", "global"})


def _recorder(spool: Path) -> Any:
    spec = spec_from_file_location("recorder", Path(__file__).with_name("recorder.py"))
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Recorder(spool, (), ())


class Sampler:
    """Reads `/proc` and the temporary folder, again and again."""

    def __init__(self, spool: Path, root: str, folder: Path) -> None:
        self._recorder = _recorder(spool)
        self._folder = folder
        self._ours = {root: "root"}
        self._others: set[str] = set()
        self._known: dict[str, tuple[str, str, float, float]] = {}
        self._words: dict[str, bytes] = {}
        self._told: set[tuple[str, str, int]] = set()
        self._files: dict[str, tuple[int, int]] = {}
        self._words["root"] = Path(f"/proc/{root}/cmdline").read_bytes()
        self._next_files = 0.0

    def look(self) -> None:
        """One round."""
        now = time.monotonic()
        here = {name for name in os.listdir("/proc") if name.isdigit()}  # noqa: PTH208
        self._others &= here
        for gone in self._known.keys() - here:
            del self._known[gone]
            self._ours.pop(gone, None)
        for pid in sorted(here - self._others - self._known.keys(), key=int):
            self._meet(pid, now)
        for pid, (key, parent, since, last) in list(self._known.items()):
            if now - since < _YOUNG_S or now - last > _AGAIN_S:
                self._known[pid] = (key, parent, since, now)
                self._read(pid, key, parent)
        if now >= self._next_files:
            self._look_at_files()
            took = time.monotonic() - now
            self._next_files = now + took * _SHARE

    def _meet(self, pid: str, now: float) -> None:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return
        if fields[1] not in self._ours or int(pid) == os.getpid():
            self._others.add(pid)
            return
        key = f"{pid}:{fields[19]}"
        self._known[pid] = (key, self._ours[fields[1]], now, now)
        self._ours[pid] = key

    def _read(self, pid: str, key: str, parent: str) -> None:
        try:
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
            # A fork that has not become another program yet is its parent still.
            if not words or words == self._words.get(parent):
                return
            self._words[key] = words
            seen = {"cmdline": words, "environ": Path(f"/proc/{pid}/environ").read_bytes()}
        except OSError:
            return
        for kind, data in seen.items():
            told = (key, kind, hash(data))
            if data and told not in self._told:
                self._told.add(told)
                self._recorder.add(kind, key, data, by=parent)

    def _look_at_files(self) -> None:
        try:
            with os.scandir(self._folder) as found:
                folders = [one.path for one in found if one.name.startswith(_PREFIX)]
        except OSError:
            return
        for folder in folders:
            for root, below, names in os.walk(folder):
                below[:] = [one for one in below if one not in _CLOSED]
                for name in names:
                    self._look_at(f"{root}/{name}")

    def _look_at(self, path: str) -> None:
        try:
            about = os.stat(path, follow_symlinks=False)  # noqa: PTH116
        except OSError:
            return
        now = (about.st_mtime_ns, about.st_size)
        if about.st_size <= _MOST and self._files.get(path) != now:
            self._files[path] = now
            self._recorder.look(path, "sampled")


def main(spool: str, root: str, folder: str) -> None:
    """Look until the one that asked for it closes stdin, or dies."""
    sampler = Sampler(Path(spool), root, Path(folder))
    while not select.select([sys.stdin], [], [], _EVERY_S)[0]:
        sampler.look()
    sampler.look()


if __name__ == "__main__":
    main(*sys.argv[1:])
