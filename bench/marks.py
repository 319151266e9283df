"""How a generated text says where its sites and look-alikes are.

A text holds each host between control characters, with what a person knows of it; `planted`
takes the marks out and returns where the bytes stand. So no truth is ever searched for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import msgspec

_MARK = re.compile("\x01([^\x02]*)\x02([^\x03]*)\x03")


@dataclass(frozen=True, slots=True)
class Use:
    """A workload that reads a site, as `Kind/namespace/name/container`, in one environment."""

    consumer: str
    environment: str
    purpose: str


@dataclass(frozen=True, slots=True)
class Planted:
    """A site that scan has to find.

    `start` and `end` are bytes of the file: the host's, or those of the whole encoded value
    where `encoded` names an encoding. `line` and `column` count from 1, columns in characters.
    `pointer` is the path of the scalar that holds the host, with the document's index first,
    and `line/<n>` where a file has no tree. `purposes` is what a careful person could call the
    site, the best word first; `uses` is empty where nobody in a cluster reads it.
    """

    path: str
    line: int
    column: int
    start: int
    end: int
    host: str
    key: str
    pointer: str
    style: str
    purposes: tuple[str, ...]
    encoded: str = ""
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class Decoy:
    """Bytes that look like a site and are none; `why` says what they are.

    `neutral` is set for a bare reference to a host that is given elsewhere: two careful people
    could differ about it, so that it counts neither way.
    """

    path: str
    line: int
    start: int
    end: int
    why: str
    neutral: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the shape of a file knows of a site: all but its place in the bytes."""

    key: str
    pointer: str
    style: str
    purposes: tuple[str, ...]
    uses: tuple[Use, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mark:
    """What stands beside a marked text: `why` for a look-alike, else a host and the rest."""

    why: str = ""
    neutral: bool = False
    host: str = ""
    encoded: str = ""
    wanted: Wanted | None = None


def site(host: str, wanted: Wanted) -> str:
    """`host`, marked as a site."""
    return _marked(host, _Mark(host=host, wanted=wanted))


def encoded_site(text: str, host: str, wanted: Wanted) -> str:
    """`text`, the base64 of a connection string that names `host`, marked as a site."""
    return _marked(text, _Mark(host=host, encoded="base64", wanted=wanted))


def decoy(text: str, why: str) -> str:
    """`text`, marked as a look-alike."""
    return _marked(text, _Mark(why=why))


def reference(text: str) -> str:
    """`text`, marked as a reference to a host that is given elsewhere."""
    return _marked(text, _Mark(why="a reference", neutral=True))


def planted(path: str, marked: str) -> tuple[bytes, list[Planted], list[Decoy]]:
    """The file's bytes without marks, and what the marks told of."""
    pieces: list[str] = []
    sites: list[Planted] = []
    decoys: list[Decoy] = []
    cursor, end, line, column = 0, 0, 1, 1
    for found in _MARK.finditer(marked):
        before, text = marked[cursor : found.start()], found[2]
        pieces += [before, text]
        line += before.count("\n")
        start = end + len(before.encode())
        end = start + len(text.encode())
        tail = before.rpartition("\n")[2]
        column = len(tail) + (1 if "\n" in before else column)
        mark = msgspec.json.decode(found[1], type=_Mark)
        if mark.wanted is None:
            decoys.append(Decoy(path, line, start, end, mark.why, mark.neutral))
        else:
            sites.append(_planted(path, (line, column), (start, end), mark, mark.wanted))
        column, cursor = column + len(text), found.end()
    pieces.append(marked[cursor:])
    return "".join(pieces).encode(), sites, decoys


def _planted(
    path: str, place: tuple[int, int], span: tuple[int, int], mark: _Mark, wanted: Wanted
) -> Planted:
    return Planted(
        path,
        *place,
        *span,
        host=mark.host,
        key=wanted.key,
        pointer=wanted.pointer or f"line/{place[0]}",
        style=wanted.style,
        purposes=wanted.purposes,
        encoded=mark.encoded,
        uses=wanted.uses,
    )


def _marked(text: str, mark: _Mark) -> str:
    return f"\x01{msgspec.json.encode(mark).decode()}\x02{text}\x03"
