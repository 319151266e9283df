"""What is marked while git looks at a repository, so that the next run need not ask it.

Git's listing is decided by the files that it tracks or lists, the names in every folder that it
enters, the ignore files there and elsewhere, the index, and its settings. Each is marked before
git looks at it: what changes later looks different the next time.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from repoint.adapters import gitrepo
from repoint.adapters.git_settings import Asked
from repoint.adapters.kept.layout import checksum, store
from repoint.adapters.kept.marks import are_settled, marks_of
from repoint.adapters.kept.stamps import FOLDER, Stamp, place_of, stamp_name

_OWN = b".repoint/"
_GIT = b".git"
_IGNORES = b".gitignore"
_GITLINK = b"160000"


class Watch:
    """What was marked on the way; `make` gives the stamp where that was all."""

    def __init__(self, root: Path) -> None:
        self._root = str(root)
        self._prefix = os.fsencode(f"{root}/")
        self._since = time.time_ns()
        self._settings = Asked(self._root).told()
        self._paths: list[bytes] = []
        self._marks: list[bytes] = []
        self._links: list[bytes] = []
        self._absent: list[bytes] = []
        self._targets: bytes | None = None
        self._began = self._complete = False
        self._sound = self._settings is not None and bool(place_of(self._root))
        self._sound = self._sound and self._outside() and self._sound

    def tracked(self, entries: bytes) -> None:
        """Mark the files of git's index, and all that stands beside them."""
        if not self._sound:
            return
        self._began = True
        modes: dict[bytes, bytes] = {}
        for entry in entries.split(b"\0")[:-1]:
            head, _, name = entry.partition(b"\t")
            if not name.startswith(_OWN):
                modes[name] = head[2:8]
        self._links += [self._prefix + name for name, mode in modes.items() if mode == b"120000"]
        self._mark_those_there([self._prefix + name for name in modes])
        self._sound = self._walk(modes) and self._sound

    def others(self, listing: gitrepo.Listing) -> None:
        """Mark the files that git lists beside its index; none of them may have been read yet."""
        names = [os.fsencode(name) for name in listing.untracked]
        paths = [self._prefix + name for name in names if not name.startswith(_OWN)]
        self._links += [path for path in paths if os.path.islink(path)]
        self._mark_those_there([path.rstrip(b"/") for path in paths])
        self._targets = marks_of(self._links, followed=True)
        self._complete = self._began and listing.is_plain

    def make(self, seal: bytes) -> Stamp | None:
        """The stamp of an answer that stands; None where something is too young, or was missed."""
        marks = b"".join(self._marks)
        if not (self._sound and self._complete and self._settings is not None):
            return None
        if self._targets is None or not are_settled(marks + self._targets, self._since):
            return None
        return Stamp(
            settings=checksum(self._settings),
            paths=b"\0".join(self._paths),
            marks=marks,
            links=b"\0".join(self._links),
            targets=self._targets,
            absent=b"\0".join(self._absent),
            seal=seal,
        )

    def _mark(self, paths: list[bytes]) -> None:
        marks = marks_of(paths)
        self._sound = self._sound and marks is not None
        self._paths += paths
        self._marks.append(marks or b"")

    def _mark_those_there(self, paths: list[bytes]) -> None:
        """Mark files; a folder's own mark tells when one appears that is not there."""
        marks = marks_of(paths)
        if marks is None:
            paths = [path for path in paths if os.path.lexists(path)]
        self._mark(paths)

    def _mark_or_miss(self, path: bytes) -> None:
        """Mark a file that git looks for, whether it is there or not."""
        if not os.path.lexists(path):
            self._absent.append(path)
            return
        self._mark([path])
        if os.path.islink(path):
            self._links.append(path)

    def _outside(self) -> bool:
        """Mark git's own files, and the ignore files that are not below the root."""
        places = gitrepo.places(Path(self._root))
        excludes = _excludes_file(self._settings or b"")
        if places is None or excludes is None:
            return False
        for path in (places.entries, places.ignores):
            self._mark_or_miss(os.path.normpath(os.path.join(self._prefix, os.fsencode(path))))
        if excludes:
            self._mark_or_miss(excludes)
        folder = Path(self._root)
        for _ in range(places.top.count("../")):
            self._mark_or_miss(os.fsencode(folder / ".git"))
            folder = folder.parent
            self._mark_or_miss(os.fsencode(folder / ".gitignore"))
        top = folder / ".git"
        if top.is_file():  # It names the folder of a linked work tree.
            self._mark([os.fsencode(top)])
        return not top.is_symlink() and not places.top.replace("../", "")

    def _walk(self, tracked: dict[bytes, bytes]) -> bool:
        """Mark every folder that git enters, and the ignore files there that it does not track."""
        holding = _folders_of(tracked)
        level = [b""]
        while level:
            self._mark([(self._prefix + folder).rstrip(b"/") for folder in level])
            entered: list[bytes] = []
            asked: list[bytes] = []
            for folder in level:
                for name, is_folder in _names_in(self._prefix + folder):
                    path = folder + name
                    if name == _GIT:
                        if folder:  # What is in it makes the folder a repository of its own.
                            self._mark([self._prefix + path])
                    elif not is_folder:
                        if name == _IGNORES and path not in tracked:
                            self._mark_or_miss(self._prefix + path)
                    elif path + b"/" != _OWN and tracked.get(path) != _GITLINK:
                        (entered if path in holding else asked).append(path)
            ignored = gitrepo.ignored(Path(self._root), [*map(os.fsdecode, asked)]) if asked else ()
            if ignored is None:
                return False
            entered += [one for one in asked if os.fsdecode(one) not in ignored]
            level = [path + b"/" for path in entered]
        return True


def keep(folder: Path, request: tuple[str, ...], root: Path, stamp: Stamp | None) -> None:
    """Keep a stamp; without one a note that it was asked for, so that the next run makes one.

    Raises:
        OSError: it cannot be written.
    """
    pieces = stamp.pieces(str(root)) if stamp is not None else ()
    store(folder / FOLDER, stamp_name(request, str(root)), pieces)


def is_due(folder: Path, request: tuple[str, ...], root: Path) -> bool:
    """Whether a stamp is worth its time: the answer was asked for at this very place before."""
    return (folder / FOLDER / stamp_name(request, str(root))).exists()


def _excludes_file(settings: bytes) -> bytes | None:
    """The user's own ignore file, empty for none; None where it is not certain."""
    home = os.environ.get("HOME", "")
    named = [one.partition(b"\n") for one in settings.split(b"\0")]
    given = [os.fsdecode(value) for key, _, value in named if key == b"core.excludesfile"]
    config = os.environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else "")
    if not given and not config:
        return b""
    path = given[-1] if given else f"{config}/git/ignore"
    path = f"{home}/{path[2:]}" if home and path.startswith("~/") else path
    # Git looks for any other one from where it stands.
    return os.fsencode(path) if path.startswith("/") else None


def _folders_of(paths: Iterable[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for path in paths:
        folder = path.rpartition(b"/")[0]
        while folder and folder not in found:
            found.add(folder)
            folder = folder.rpartition(b"/")[0]
    return found


def _names_in(folder: bytes) -> Iterator[tuple[bytes, bool]]:
    """Each name in a folder, and whether it is a folder's; none where it cannot be read."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for one in entries:
            yield one.name, one.is_dir(follow_symlinks=False)
