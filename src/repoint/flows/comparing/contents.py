"""Compares the rows of one table at a time, by checksums that the servers make."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from repoint.comparison.model import Stretch, TableContent
from repoint.comparison.rows import Digest, Reader, Table
from repoint.flows.comparing.reading import why
from repoint.flows.comparing.sessions import Session
from repoint.model.rehearsal import Verdict
from repoint.wire.refusals import ServerRefusal

_MOST_STRETCHES = 5
_PARTS = 16
_FINE = 100


@dataclass(frozen=True, slots=True)
class Pair:
    """A session on each side."""

    source: Session
    target: Session


@dataclass(frozen=True, slots=True)
class _Step:
    """A stretch of rows: keys `after` it and `upto` its end, counts on both sides."""

    after: Sequence[str]
    upto: Sequence[str]
    first: int
    source_rows: int
    target_rows: int
    alike: bool


class TableReader:
    """Reads one table on both sides; `chunk` is the number of rows asked for at a time."""

    def __init__(
        self, pair: Pair, source: Table, target: Table, digest: Digest, chunk: int
    ) -> None:
        common = tuple(name for name in source.columns if name in target.columns)
        types = {name: source.columns[name].type == target.columns[name].type for name in common}
        alike = source.key == target.key and all(types.get(one, False) for one in source.key)
        key = source.key if alike else ()
        self._pair = pair
        self._source = Reader(source, common, key, digest)
        self._target = Reader(target, common, key, digest)
        self._chunk = chunk
        self._left_out = sorted({*source.columns} ^ {*target.columns})

    def compare(self, at: datetime) -> TableContent:
        """Both sides' rows held against each other.

        Raises:
            DatabaseLost: a connection is gone.
        """
        name = self._source.table.name
        order = "key" if self._source.key else "hash"
        try:
            found = self._by_key() if self._source.key else self._as_a_whole()
        except ServerRefusal as refusal:
            return TableContent(name, Verdict.UNKNOWN, why=why(refusal), order=order, read_at=at)
        if self._left_out:
            found = replace(found, why=f"without the columns of one side: {len(self._left_out)}")
        return replace(found, name=name, order=order, read_at=at)

    def _by_key(self) -> TableContent:
        ours = theirs = 0
        stretches: list[Stretch] = []
        alike = True
        for step in self._walk((), (), 1, self._chunk):
            ours += step.source_rows
            theirs += step.target_rows
            alike = alike and step.alike
            if not step.alike and len(stretches) < _MOST_STRETCHES:
                stretches += self._narrowed(step, _MOST_STRETCHES - len(stretches))
        verdict = Verdict.PASS if alike else Verdict.FAIL
        return TableContent("", verdict, ours, theirs, stretches=tuple(stretches))

    def _walk(
        self, after: Sequence[str], upto: Sequence[str], first: int, size: int
    ) -> Iterator[_Step]:
        """The rows after one key up to another, `size` of the source's rows at a time."""
        while True:
            count, total, *last = self._pair.source.ask(self._source.stretch(after, upto, size))[0]
            rows = int(count or 0)
            over = rows < size
            end = upto if over else [str(one) for one in last]
            theirs = self._pair.target.ask(self._target.between(after, end))[0]
            yield _Step(after, end, first, rows, int(theirs[0] or 0), (count, total) == theirs)
            if over:
                return
            after, first = end, first + rows

    def _narrowed(self, step: _Step, most: int) -> list[Stretch]:
        """Where within a stretch the rows differ: to a hundred rows, the first few places."""
        size = max(step.source_rows, step.target_rows) // _PARTS
        if size < _FINE:
            return [Stretch(step.first, step.source_rows, step.target_rows)]
        found: list[Stretch] = []
        for part in self._walk(step.after, step.upto, step.first, size):
            if not part.alike and len(found) < most:
                found += self._narrowed(part, most - len(found))
            if len(found) >= most:
                break
        return found

    def _as_a_whole(self) -> TableContent:
        one = self._pair.source.ask(self._source.whole())
        other = self._pair.target.ask(self._target.whole())
        ours, theirs = (sum(int(row[1] or 0) for row in side) for side in (one, other))
        return TableContent("", Verdict.PASS if one == other else Verdict.FAIL, ours, theirs)


def total(session: Session, table: Table, digest: Digest, chunk: int) -> tuple[int, int]:
    """Count and sum of all rows of one side's table, in stretches where it has an order.

    Raises:
        ServerRefusal: it cannot be read.
    """
    reader = Reader(table, tuple(table.columns), table.key, digest)
    if not table.key:
        rows = session.ask(reader.whole())
        return sum(int(row[1] or 0) for row in rows), sum(int(row[2] or 0) for row in rows)
    count = summed = 0
    after: Sequence[str] = ()
    while True:
        given, text, *last = session.ask(reader.stretch(after, (), chunk))[0]
        count, summed = count + int(given or 0), summed + int(text or 0)
        if int(given or 0) < chunk:
            return count, summed
        after = [str(one) for one in last]
