"""What a scan printed, kept for the next time, when nothing has changed that it told of.

An answer stands as long as git shows the same files with the same bytes. Of files that could not
matter the bytes may differ, as long as they still cannot. It is bound to the request, to the
configuration and to the program that gave it; one that is damaged or of another program is none.
Nothing is kept where a sealed file was opened: what it holds stays in memory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from repoint.adapters.gitrepo import Listing
from repoint.errors import RepointError

_MAGIC = b"repoint scan 1\n"
_SUM = 16
_OWN = ".repoint/"
_MOST_FILES = 32
_MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """What was printed, and of which state of the files.

    `read` are the paths that it was made of, and those that could not be read. `others` are the
    blob ids of files that are not in the index as they were: changed or untracked; empty for one
    that was gone.
    """

    text: str
    listing: Listing
    read: frozenset[str]
    others: Mapping[str, str]


class Answers:
    """Kept answers in a folder of the user's own; `request` says to what, and by which program."""

    def __init__(self, folder: Path, request: Sequence[str]) -> None:
        self._folder = folder / "scans"
        name = hashlib.blake2b("\0".join(request).encode(errors="surrogateescape"), digest_size=16)
        self._file = self._folder / name.hexdigest()

    def recall(
        self, listing: Listing, read: Callable[[str], bytes], matters: Callable[[str, bytes], bool]
    ) -> str | None:
        """The kept answer if it stands; `matters` tells of a file that was changed."""
        kept = self._load()
        if kept is None or kept.listing.settings != listing.settings:
            return None
        if kept.listing.entries != listing.entries and not listing.is_plain:
            return None
        touched = _touched(kept, listing)
        if touched is None:
            return None
        then = {**_ids(kept.listing.entries), **kept.others} if touched else {}
        for path in touched:
            try:
                raw = read(path)
            except RepointError:
                return None
            if blob_id(raw) != then.get(path):
                told_of = path in kept.read or path.endswith(".gitattributes")
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
        ids = {**_ids(listing.entries), **others}
        if all(ids.get(path) == blob_id(raw) for path, raw in contents.items()):
            answer = Answer(text, listing, frozenset((*contents, *refused)), others)
            with contextlib.suppress(OSError):
                self._store(_encoded(answer))

    def _load(self) -> Answer | None:
        try:
            raw = self._file.read_bytes()
        except OSError:
            return None
        # Views, not copies: the answer for a large repository has tens of megabytes.
        body = memoryview(raw)[len(_MAGIC) + _SUM :]
        if raw[: len(_MAGIC) + _SUM] != _MAGIC + _sum(body):
            return None
        return _decoded(body)

    def _store(self, body: bytes) -> None:
        from tempfile import mkstemp

        self._folder.mkdir(mode=0o700, exist_ok=True)
        fd, name = mkstemp(dir=self._folder, prefix="new-")
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(_MAGIC + _sum(body) + body)
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


def _sum(body: bytes | memoryview) -> bytes:
    return hashlib.blake2b(body, digest_size=_SUM).digest()


def _touched(kept: Answer, now: Listing) -> set[str] | None:
    """The files that may have other bytes than at that time; None when other files are there."""
    if _own_left_out(kept.listing.untracked) != _own_left_out(now.untracked):
        return None
    touched = {*kept.others, *now.changed, *now.untracked}
    if kept.listing.entries != now.entries:
        then, later = _entries(kept.listing.entries), _entries(now.entries)
        gone = {entry.partition("\t")[2] for entry in then - later}
        come = {entry.partition("\t")[2] for entry in later - then}
        if _own_left_out(gone) != _own_left_out(come):
            return None
        touched |= gone
    touched |= _links(now.entries)
    return _own_left_out(touched)


def _own_left_out(paths: Iterable[str]) -> set[str]:
    return {path for path in paths if not path.startswith(_OWN)}


def _entries(printed: bytes) -> set[str]:
    return set(printed.decode(errors="surrogateescape").split("\0"))


def _links(entries: bytes) -> set[str]:
    """The symbolic links among the entries: git knows where they lead, not what is there."""
    if b"H 120000 " not in entries:
        return set()
    return {one.partition("\t")[2] for one in _entries(entries) if one.startswith("H 120000 ")}


def _ids(entries: bytes) -> dict[str, str]:
    """The blob id of each tracked file."""
    found = {}
    for entry in entries.decode(errors="surrogateescape").split("\0"):
        head, _, path = entry.partition("\t")
        words = head.split(" ")
        if len(words) > 2:
            found[path] = words[2]
    return found


def _encoded(answer: Answer) -> bytes:
    listing = answer.listing
    fields = [
        listing.entries,
        listing.settings,
        _joined(listing.changed),
        _joined(listing.untracked),
        _joined(sorted(answer.read)),
        _joined(part for pair in answer.others.items() for part in pair),
        answer.text.encode(errors="surrogateescape"),
    ]
    return b"".join(len(field).to_bytes(8, "big") + field for field in fields)


def _decoded(body: bytes | memoryview) -> Answer | None:
    fields = []
    at = 0
    while at < len(body):
        size = int.from_bytes(body[at : at + 8], "big")
        fields.append(body[at + 8 : at + 8 + size])
        at += 8 + size
    if len(fields) != 7 or at != len(body):
        return None
    entries, settings, changed, untracked, read, others, text = fields
    pairs = _parted(others)
    if len(pairs) % 2:
        return None
    return Answer(
        text=str(text, "utf-8", "surrogateescape"),
        listing=Listing(bytes(entries), _parted(changed), _parted(untracked), bytes(settings)),
        read=frozenset(_parted(read)),
        others=dict(zip(pairs[::2], pairs[1::2], strict=True)),
    )


def _joined(names: Iterable[str]) -> bytes:
    return "\0".join(names).encode(errors="surrogateescape")


def _parted(field: bytes | memoryview) -> tuple[str, ...]:
    return tuple(str(field, "utf-8", "surrogateescape").split("\0")) if len(field) else ()
