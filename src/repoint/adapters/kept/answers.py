"""What a scan or a check printed, kept for the next time, when nothing has changed that it told of.

An answer stands as long as git shows the same files with the same bytes. Of files that could not
matter the bytes may differ, as long as they still cannot. It is bound to the request, to the
configuration and to the program that gave it; one that is damaged or of another program is none.
A scan keeps nothing where a sealed file was opened: what it holds stays in memory. What a check
prints holds no value, so it is kept all the same (decision 43).

The answer for a large repository has tens of megabytes, so none of them is copied or decoded
before it is needed: mostly git's listing is compared, and the text is printed as it was.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

from repoint.adapters.gitrepo import Listing
from repoint.adapters.kept.answer_file import FOLDER, Loaded, load, sealed
from repoint.adapters.kept.layout import checksum, file_name, joined, parted, store
from repoint.errors import RepointError

_OWN = ".repoint/"
_FEW = 1000
"""So many entries are found sooner than all are read."""


class Answers:
    """Kept answers in a folder of the user's own; `request` says to what, and by which program."""

    def __init__(self, folder: Path, request: Sequence[str]) -> None:
        self._file = folder / FOLDER / file_name(request)

    def recall(
        self, listing: Listing, read: Callable[[str], bytes], matters: Callable[[str, bytes], bool]
    ) -> Kept | None:
        """What is kept, if it stands; `matters` tells of a file that was changed."""
        kept = self._load(listing.entries)
        if kept is None or kept.settings != checksum(listing.settings):
            return None
        if kept.entries is not None and not listing.is_plain:
            return None
        touched = kept.touched(listing)
        if touched is None:
            return None
        then = kept.ids(listing, touched)
        return kept if _still(touched, then, kept.told_of, read, matters) else None

    def keep(
        self,
        text: str,
        listing: Listing,
        contents: Mapping[str, bytes],
        refused: Iterable[str],
        read: Callable[[str], bytes],
    ) -> Made | None:
        """Keep an answer that was made of `contents`, unless git shows other bytes for one.

        `refused` are files that could not be read: an answer may tell so. None where it is not
        kept.
        """
        if not listing.is_plain:
            return None
        others = {}
        for path in {*listing.changed, *listing.untracked, *_links(listing.entries)}:
            try:
                others[path] = blob_id(contents[path] if path in contents else read(path))
            except RepointError:
                others[path] = ""
        ids = {**_ids(listing.entries, contents), **others}
        if any(ids.get(path) != blob_id(raw) for path, raw in contents.items()):
            return None
        told_of = frozenset((*contents, *refused))
        seal, pieces = sealed(listing.entries, _fields(listing, sorted(told_of), others), text)
        try:
            store(self._file.parent, self._file.name, pieces)
        except OSError:
            return None
        return Made(seal, told_of, others)

    def _load(self, now: bytes) -> Kept | None:
        """What is kept, undamaged; git's listing of then stays away where it is the one of now."""
        loaded = load(str(self._file), now)
        if loaded is None:
            return None
        pairs = parted(loaded.fields[3])
        return None if len(pairs) % 2 else Kept(loaded, pairs)


class Made:
    """An answer that was kept just now; its text, which may be large, is not read again."""

    __slots__ = ("_others", "_told_of", "seal")

    def __init__(self, seal: bytes, told_of: frozenset[str], others: Mapping[str, str]) -> None:
        self.seal, self._told_of, self._others = seal, told_of, others

    def stands(self, read: Callable[[str], bytes]) -> bool:
        """Whether the files that git lists without an id have the same bytes on disk as then."""
        told_of = self._told_of.__contains__
        return _still(_own_left_out(self._others), self._others, told_of, read, lambda *_: True)


class Kept:
    """What was printed, and of which state of the files.

    `text` is in UTF-8, `seal` tells this answer from any other. `entries` are git's of that time,
    None where they are those of now. `read` are the paths that it was made of, and those that
    could not be read. `settings` is a checksum of git's: they may hold a password. `others` are
    the blob ids of files that were not in the index as they were: changed or untracked; empty for
    one that was gone.
    """

    __slots__ = ("_read", "entries", "others", "seal", "settings", "text", "untracked")

    def __init__(self, loaded: Loaded, others: Sequence[str]) -> None:
        settings, untracked, read, _, self.text = loaded.fields
        self._read: memoryview | frozenset[str] = read
        self.seal = loaded.seal
        self.entries = loaded.entries
        self.settings = bytes(settings)
        self.untracked = parted(untracked)
        self.others = dict(zip(others[::2], others[1::2], strict=True))

    def told_of(self, path: str) -> bool:
        """Whether the answer was made of a file, or of its absence."""
        if not isinstance(self._read, frozenset):
            self._read = frozenset(parted(self._read))
        return path in self._read

    def touched(self, now: Listing) -> set[str] | None:
        """The files that may have other bytes than then; None when other files are there."""
        if _own_left_out(self.untracked) != _own_left_out(now.untracked):
            return None
        touched = {*self.others, *now.changed, *now.untracked}
        if self.entries is not None:
            then, later = _entries(self.entries), _entries(now.entries)
            gone = {entry.partition("\t")[2] for entry in then - later}
            come = {entry.partition("\t")[2] for entry in later - then}
            if _own_left_out(gone) != _own_left_out(come):
                return None
            touched |= gone
        touched |= _links(now.entries)
        return _own_left_out(touched)

    def ids(self, now: Listing, touched: Collection[str]) -> dict[str, str]:
        """The blob ids of the time of those of `touched` that were there."""
        if not touched:
            return {}
        entries = now.entries if self.entries is None else self.entries
        return {**_ids(entries, touched), **self.others}


def blob_id(raw: bytes) -> str:
    """The id that git gives a file's bytes (SHA-1, 40 hex digits)."""
    made = hashlib.sha1(b"blob %d\0" % len(raw), usedforsecurity=False)
    made.update(raw)
    return made.hexdigest()


def _still(
    touched: Iterable[str],
    then: Mapping[str, str],
    told_of: Callable[[str], bool],
    read: Callable[[str], bytes],
    matters: Callable[[str, bytes], bool],
) -> bool:
    """Whether files have the same bytes as then, or others that do not matter."""
    for path in touched:
        try:
            raw = read(path)
        except RepointError:
            if then.get(path) == "" and not told_of(path):
                continue  # Such as a link to a folder: it was no file then, either.
            return False
        if blob_id(raw) != then.get(path) and (
            told_of(path) or path.endswith(".gitattributes") or matters(path, raw)
        ):
            return False
    return True


def _own_left_out(paths: Iterable[str]) -> set[str]:
    return {path for path in paths if not path.startswith(_OWN)}


def _entries(printed: bytes) -> set[str]:
    return set(printed.decode(errors="surrogateescape").split("\0"))


def _links(entries: bytes) -> set[str]:
    """The symbolic links among the entries: git knows where they lead, not what is there."""
    if b"H 120000 " not in entries:
        return set()
    return {one.partition("\t")[2] for one in _entries(entries) if one.startswith("H 120000 ")}


def _ids(entries: bytes, wanted: Collection[str]) -> dict[str, str]:
    """The blob id of each tracked file of `wanted`."""
    if len(wanted) < _FEW:
        heads = ((path, _head_of(entries, path)) for path in wanted)
    else:
        lines = entries.decode(errors="surrogateescape").split("\0")
        parts = (line.partition("\t") for line in lines)
        heads = ((path, head) for head, _, path in parts if path in wanted)
    found = {}
    for path, head in heads:
        words = head.split(" ")
        if len(words) > 2:
            found[path] = words[2]
    return found


def _head_of(entries: bytes, path: str) -> str:
    """What stands before the path in its entry; git lists the paths by their bytes."""
    wanted = path.encode(errors="surrogateescape")
    low, high = 0, len(entries)
    while low < high:
        start = entries.rfind(b"\0", low, (low + high) // 2) + 1 or low
        end = entries.find(b"\0", start, high)
        end = high if end < 0 else end
        head, _, name = entries[start:end].partition(b"\t")
        if name == wanted:
            return head.decode(errors="replace")
        if name < wanted:
            low = end + 1
        else:
            high = start
    return ""


def _fields(listing: Listing, told_of: Iterable[str], others: Mapping[str, str]) -> list[bytes]:
    return [
        checksum(listing.settings),
        joined(listing.untracked),
        joined(told_of),
        joined(part for pair in others.items() for part in pair),
    ]
