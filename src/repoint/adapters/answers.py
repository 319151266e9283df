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

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from repoint.adapters.gitrepo import Listing
from repoint.errors import RepointError

_MAGIC = b"repoint scan 2\n"
_SUM = 16
_SIZE = 8
_HEAD = len(_MAGIC) + 2 * _SUM + _SIZE
_OWN = ".repoint/"
_FEW = 1000
"""So many entries are found sooner than all are read."""

_MOST_FILES = 32
_MOST_BYTES = 512 * 1024 * 1024


class Answers:
    """Kept answers in a folder of the user's own; `request` says to what, and by which program."""

    def __init__(self, folder: Path, request: Sequence[str]) -> None:
        self._folder = folder / "scans"
        name = hashlib.blake2b("\0".join(request).encode(errors="surrogateescape"), digest_size=16)
        self._file = self._folder / name.hexdigest()

    def recall(
        self, listing: Listing, read: Callable[[str], bytes], matters: Callable[[str, bytes], bool]
    ) -> memoryview | None:
        """The kept text, in UTF-8, if it stands; `matters` tells of a file that was changed."""
        kept = self._load(listing.entries)
        if kept is None or kept.settings != listing.settings:
            return None
        if kept.entries is not None and not listing.is_plain:
            return None
        touched = kept.touched(listing)
        if touched is None:
            return None
        then = kept.ids(listing, touched)
        for path in touched:
            try:
                raw = read(path)
            except RepointError:
                return None
            if blob_id(raw) != then.get(path):
                told_of = kept.told_of(path) or path.endswith(".gitattributes")
                if told_of or matters(path, raw):
                    return None
        return kept.text

    def keep(
        self,
        text: str,
        listing: Listing,
        contents: Mapping[str, bytes],
        refused: Iterable[str],
        read: Callable[[str], bytes],
    ) -> None:
        """Keep an answer that was made of `contents`, unless git shows other bytes for one.

        `refused` are files that could not be read: an answer may tell so.
        """
        if not listing.is_plain:
            return
        others = {}
        for path in {*listing.changed, *listing.untracked, *_links(listing.entries)}:
            try:
                others[path] = blob_id(contents[path] if path in contents else read(path))
            except RepointError:
                others[path] = ""
        ids = {**_ids(listing.entries, contents), **others}
        if all(ids.get(path) == blob_id(raw) for path, raw in contents.items()):
            told_of = sorted({*contents, *refused})
            with contextlib.suppress(OSError):
                self._store(listing.entries, _fields(text, listing, told_of, others))

    def _load(self, now: bytes) -> _Kept | None:
        """What is kept, undamaged; git's listing of then stays away where it is the one of now."""
        try:
            with self._file.open("rb") as file:
                head = file.read(_HEAD)
                size = int.from_bytes(head[_HEAD - _SIZE :], "big")
                # A damaged size may be anything.
                entries = file.read(min(size, os.fstat(file.fileno()).st_size))
                body = memoryview(file.read())
        except OSError:
            return None
        if len(head) < _HEAD or head[: len(_MAGIC) + _SUM] != _MAGIC + _sum(
            head[-_SUM - _SIZE :], body
        ):
            return None
        if entries == now:
            return _decoded(None, body)
        if _sum(entries) != head[-_SUM - _SIZE : -_SIZE]:
            return None
        return _decoded(entries, body)

    def _store(self, entries: bytes, fields: list[bytes]) -> None:
        from tempfile import mkstemp

        self._folder.mkdir(mode=0o700, exist_ok=True)
        fd, name = mkstemp(dir=self._folder, prefix="new-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.writelines(_laid_out(entries, fields))
            Path(name).replace(self._file)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._prune()

    def _prune(self) -> None:
        """Drop the oldest answers when they are many or large."""
        found = sorted(
            ((one.stat().st_mtime_ns, one.stat().st_size, one) for one in self._folder.iterdir()),
            reverse=True,
        )
        total = 0
        for number, (_, size, one) in enumerate(found):
            total += size
            if number >= _MOST_FILES or total > _MOST_BYTES:
                one.unlink(missing_ok=True)


class _Kept:
    """What was printed, and of which state of the files.

    `entries` are git's of that time, None where they are those of now. `read` are the paths that
    it was made of, and those that could not be read. `others` are the blob ids of files that were
    not in the index as they were: changed or untracked; empty for one that was gone.
    """

    __slots__ = ("_read", "entries", "others", "settings", "text", "untracked")

    def __init__(
        self, entries: bytes | None, fields: Sequence[memoryview], others: dict[str, str]
    ) -> None:
        settings, untracked, read, _, self.text = fields
        self._read: memoryview | frozenset[str] = read
        self.entries = entries
        self.settings = bytes(settings)
        self.untracked = _parted(untracked)
        self.others = others

    def told_of(self, path: str) -> bool:
        """Whether the answer was made of a file, or of its absence."""
        if not isinstance(self._read, frozenset):
            self._read = frozenset(_parted(self._read))
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


def program_mark(package: Path) -> str:
    """What this program is: it differs when its code, or a package beside it, does.

    An installed wheel is known by its list of digests; a work tree by its files' sizes and times.
    """
    made = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for record in sorted(package.parent.glob("repoint-*.dist-info/RECORD")):
        made.update(record.read_bytes())
        break
    else:
        for folder, _, names in os.walk(package):
            for name in names:
                if not name.endswith(".pyc"):
                    status = os.lstat(f"{folder}/{name}")
                    made.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    for place in sys.path:
        if place.endswith("site-packages"):
            with contextlib.suppress(OSError):
                names = sorted(one.name for one in os.scandir(place))
                made.update("\n".join(names).encode(errors="surrogateescape"))
    return made.hexdigest()


def _sum(*pieces: bytes | memoryview) -> bytes:
    made = hashlib.blake2b(digest_size=_SUM)
    for piece in pieces:
        made.update(piece)
    return made.digest()


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


def _fields(
    text: str, listing: Listing, told_of: Iterable[str], others: Mapping[str, str]
) -> list[bytes]:
    return [
        listing.settings,
        _joined(listing.untracked),
        _joined(told_of),
        _joined(part for pair in others.items() for part in pair),
        text.encode(errors="surrogateescape"),
    ]


def _laid_out(entries: bytes, fields: Sequence[bytes]) -> Iterator[bytes]:
    """The file: what it is, the sum of all but the entries, their own sum, and all by sizes."""
    body = [part for field in fields for part in (len(field).to_bytes(_SIZE, "big"), field)]
    head = _sum(entries) + len(entries).to_bytes(_SIZE, "big")
    yield _MAGIC + _sum(head, *body) + head
    yield entries
    yield from body


def _decoded(entries: bytes | None, body: memoryview) -> _Kept | None:
    fields = []
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at : at + _SIZE], "big")
        fields.append(body[at + _SIZE : at + _SIZE + size])
        at += _SIZE + size
    if len(fields) != 5 or at != len(body):
        return None
    pairs = _parted(fields[3])
    if len(pairs) % 2:
        return None
    return _Kept(entries, fields, dict(zip(pairs[::2], pairs[1::2], strict=True)))


def _joined(names: Iterable[str]) -> bytes:
    return "\0".join(names).encode(errors="surrogateescape")


def _parted(field: memoryview) -> tuple[str, ...]:
    return tuple(str(field, "utf-8", "surrogateescape").split("\0")) if len(field) else ()
