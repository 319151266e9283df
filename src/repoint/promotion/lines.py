"""The ledger as text: an entry is a line of JSON, so that git merges it by keeping all lines.

Reading takes lines in any order and a line twice, as `merge=union` leaves them. What cannot be
read is an error that names the line: a gate must not open on half of a ledger.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, timedelta

import msgspec

from repoint.dsn.mask import mask
from repoint.errors import FileRefused
from repoint.model.ledger import LEDGER_FORMAT, Entry
from repoint.model.told import printable

LEDGER_PATH = ".repoint/ledger.jsonl"
MERGE_LINE = f"{LEDGER_PATH} merge=union"
"""The line of `.gitattributes` that lets git merge two ledgers by itself."""

_MARKERS = (b"<<<<<<<", b"=======", b">>>>>>>", b"|||||||")
_NEWER = "use the version of repoint that wrote it, or a newer one"
_RESTORE = f"lines are only ever added: restore it from git (`git log -p {LEDGER_PATH}`)"
_MERGE = (
    "keep the lines of both sides and delete the markers",
    f"`{MERGE_LINE}` in .gitattributes makes git do so by itself",
)
_TICK = timedelta(seconds=1)


def decode_ledger(raw: bytes) -> tuple[Entry, ...]:
    """Every entry of a ledger once, by its time.

    Fields that this version does not know are left aside.

    Raises:
        FileRefused: a line is none of a ledger; the message names it.
    """
    found: dict[str, tuple[int, Entry]] = {}
    for number, line in enumerate(raw.removeprefix(b"\xef\xbb\xbf").split(b"\n"), 1):
        text = line.strip()
        if not text:
            continue
        entry = _decode(text, number)
        first, known = found.setdefault(entry.id, (number, entry))
        if known != entry:
            raise _refused(number, f"has the id of line {first} and tells something else", _RESTORE)
    return in_order(entry for _, entry in found.values())


def in_order(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Entries by time; ids settle what two people did in the same second."""
    return tuple(sorted(entries, key=lambda entry: (entry.at, entry.id)))


def appended(raw: bytes | None, entries: Sequence[Entry]) -> bytes:
    """The ledger with `entries` after what stands there, which is kept byte for byte.

    An entry is later than all that its environment's ledger holds: where a clock lags behind a
    colleague's, or stood still, the entry's time is moved on, so that the order by time is the
    order in which things were done.

    Raises:
        FileRefused: a line that stands there is none of a ledger.
    """
    kept = raw or b""
    end = b"\r\n" if kept.endswith(b"\r\n") else b"\n"
    newest = {entry.environment: entry.at for entry in decode_ledger(kept)}
    lines = [kept, end if kept and not kept.endswith(b"\n") else b""]
    for entry in entries:
        last = newest.get(entry.environment)
        at = entry.at.astimezone(UTC).replace(microsecond=0)
        at = at if last is None or at > last else last + _TICK
        newest[entry.environment] = at
        lines += [msgspec.json.encode(_harmless(replace(entry, at=at))), end]
    return b"".join(lines)


def _harmless(entry: Entry) -> Entry:
    """Free text passes the mask: what people type as a reason may quote a connection string."""
    return replace(
        entry,
        who=mask(entry.who),
        detail=mask(entry.detail),
        overrides=tuple(mask(text) for text in entry.overrides),
    )


def _decode(text: bytes, number: int) -> Entry:
    if text.startswith(_MARKERS):
        raise _refused(number, "is a marker of a merge conflict", *_MERGE)
    try:
        document = msgspec.json.decode(text)
        if not isinstance(document, dict):
            raise _refused(number, "is no JSON object", _RESTORE)
        written = document.get("format")
        if isinstance(written, int) and written > LEDGER_FORMAT:
            raise _refused(
                number, f"has format {written}, and {LEDGER_FORMAT} is the newest known", _NEWER
            )
        entry = msgspec.convert(document, Entry)
    except msgspec.ValidationError as error:
        # msgspec's message may quote the value that it does not know.
        where = str(error).rpartition("`")[0].rpartition("`")[2] or "$"
        raise _refused(number, f"cannot be read at `{where}`", _RESTORE, _NEWER) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _refused(number, "is no JSON, or was cut short", _RESTORE) from None
    if entry.at.tzinfo is None:
        raise _refused(number, "has a time without a zone", _RESTORE)
    return replace(
        entry,
        at=entry.at.astimezone(UTC),
        who=printable(entry.who),
        tool=printable(entry.tool),
        environment=printable(entry.environment),
        detail=printable(entry.detail),
        overrides=tuple(map(printable, entry.overrides)),
    )


def _refused(number: int, what: str, *hints: str) -> FileRefused:
    return FileRefused(f"`{LEDGER_PATH}` line {number} {what}", hint=hints)
