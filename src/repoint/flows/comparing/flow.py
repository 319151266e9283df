"""`repoint data compare`: is everything of the source on the target, and alike?"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field, replace
from datetime import datetime
from queue import SimpleQueue

from repoint.comparison.differences import compare as compare_states
from repoint.comparison.differences import compare_sequences
from repoint.comparison.model import (
    COMPARISON_FORMAT,
    Comparison,
    Revision,
    Server,
    Side,
    TableContent,
    Unseen,
)
from repoint.comparison.rows import Digest, Table
from repoint.comparison.selection import Selection
from repoint.errors import UsageError
from repoint.flows.comparing import activity
from repoint.flows.comparing.contents import Pair, TableReader
from repoint.flows.comparing.memory import Memory, key_of
from repoint.flows.comparing.reading import Reading, read_side
from repoint.flows.comparing.sessions import Database, session, snapshot
from repoint.model.rehearsal import Verdict
from repoint.ports.work import UNWATCHED, Progress

Clock = Callable[[], datetime]


_ALL = Selection()


@dataclass(frozen=True, slots=True)
class Wanted:
    """How to compare: `parallel` connections a side, `chunk_rows` rows at a time.

    With `resume` what an earlier run found alike within `max_age_s` seconds is not read again.
    """

    environment: str
    selection: Selection = _ALL
    parallel: int = 2
    chunk_rows: int = 50_000
    schema_only: bool = False
    resume: bool = False
    max_age_s: float = 4 * 3600.0


@dataclass(slots=True)
class _Work:
    """One comparison on its way."""

    wanted: Wanted
    source: Reading
    target: Reading
    pairs: SimpleQueue[Pair]
    digest: Digest
    now: Clock
    memory: Memory | None
    progress: Progress
    threads: ThreadPoolExecutor
    found: list[TableContent] = field(default_factory=list)


def compare(
    source: Database,
    target: Database,
    wanted: Wanted,
    *,
    now: Clock,
    progress: Progress = UNWATCHED,
    memory: Memory | None = None,
) -> Comparison:
    """Hold the source against the target; nothing is written on either.

    Each side is read in one snapshot through at most `wanted.parallel` connections.

    Raises:
        DatabaseLost: a side cannot be reached, or a connection is gone.
        UsageError: no table has a name that was asked for.
    """
    at = now()
    before = activity.counters(source)
    with (
        snapshot(source, wanted.parallel) as ours,
        snapshot(target, wanted.parallel) as theirs,
        ThreadPoolExecutor(wanted.parallel + 1) as threads,
    ):
        progress.step("reading both schemas", 2)
        sides = [threads.submit(read_side, one[0]) for one in (ours, theirs)]
        source_read, target_read = (one.result() for one in sides)
        pairs: SimpleQueue[Pair] = SimpleQueue()
        for one, other in zip(ours, theirs, strict=True):
            pairs.put(Pair(one, other))
        digest = _digest(source_read, target_read)
        work = _Work(
            *(wanted, source_read, target_read, pairs, digest),
            now=now,
            memory=memory,
            progress=progress,
            threads=threads,
        )
        try:
            _read_tables(work)
        except BaseException:
            threads.shutdown(wait=False, cancel_futures=True)
            for one in (*ours, *theirs):
                one.close()
            raise
    after = activity.counters(source)
    return _told(work, at, before, after, tuple(_notes(source, target, work)))


def _digest(source: Reading, target: Reading) -> Digest:
    """The faster digest where both servers agree on it; its seed is thrown away."""
    return Digest(secrets.randbits(62), portable=source.probe != target.probe)


def _read_tables(work: _Work) -> None:
    """Read the rows of every table that is asked for, several at a time, the big ones first."""
    source, wanted = work.source, work.wanted
    unknown = wanted.selection.unknown((*source.tables, *work.target.tables))
    if unknown:
        raise UsageError(
            f"no table is called `{unknown[0]}`", hint="name it as `schema.table`; `*` is any text"
        )
    taken = [one for name, one in source.tables.items() if wanted.selection.takes(name)]
    if wanted.schema_only:
        return
    if work.memory is not None and not wanted.resume:
        work.memory.forget()
    work.progress.step("comparing tables", len(taken))
    jobs: list[Future[TableContent]] = []
    for one in sorted(taken, key=lambda table: (-table.estimate, table.name)):
        known = _settled(work, one)
        if known is not None:
            work.found.append(known)
            work.progress.advance()
        else:
            jobs.append(work.threads.submit(_table, work, one, work.target.tables[one.name]))
    for done in as_completed(jobs):
        work.found.append(done.result())
        work.progress.advance()
        work.progress.at(work.found[-1].name)


def _settled(work: _Work, one: Table) -> TableContent | None:
    """A table whose rows need not be read, or cannot be."""
    other = work.target.tables.get(one.name)
    at = work.now()
    if one.kind == "f":
        why = "a foreign table: its rows are elsewhere"
        return TableContent(one.name, Verdict.SKIPPED, why=why, read_at=at)
    if other is None:
        return TableContent(one.name, Verdict.FAIL, why="not on the target", read_at=at)
    for side, table in ((Side.SOURCE, one), (Side.TARGET, other)):
        if table.why:
            why = f"on the {side}: {table.why}"
            return TableContent(one.name, Verdict.UNKNOWN, why=why, read_at=at)
    if work.memory is None or not work.wanted.resume:
        return None
    found = work.memory.find(key_of(*_servers(work), one, other))
    if found is None or found.read_at is None:
        return None
    old = (at - found.read_at).total_seconds() > work.wanted.max_age_s
    return None if old else replace(found, resumed=True)


def _table(work: _Work, one: Table, other: Table) -> TableContent:
    pair = work.pairs.get()
    try:
        reader = TableReader(pair, one, other, work.digest, work.wanted.chunk_rows)
        found = reader.compare(work.now())
    finally:
        work.pairs.put(pair)
    if work.memory is not None:
        work.memory.keep(key_of(*_servers(work), one, other), found)
    return found


def _servers(work: _Work) -> tuple[Server, Server]:
    return work.source.state.server, work.target.state.server


def _told(
    work: _Work,
    at: datetime,
    before: Mapping[str, int],
    after: Mapping[str, int],
    notes: tuple[str, ...],
) -> Comparison:
    source, target = work.source, work.target
    differences, unseen = compare_states(source.state, target.state)
    differences += tuple(compare_sequences(source.sequences, target.sequences))
    indexes = {
        name: aspects.get("table", "")
        for side in (target, source)
        for name, aspects in side.state.objects.get("indexes", {}).items()
    }
    tables = tuple(
        replace(one, changes=max(0, after.get(one.name, 0) - before.get(one.name, 0)))
        for one in sorted(work.found, key=lambda one: one.name)
    )
    return Comparison(
        format=COMPARISON_FORMAT,
        environment=work.wanted.environment,
        at=at,
        source=source.state.server,
        target=target.state.server,
        differences=work.wanted.selection.of(differences, indexes),
        unseen=(
            *unseen,
            *_doubts(source, target),
            *_blind(source, Side.SOURCE),
            *_blind(target, Side.TARGET),
        ),
        tables=tables,
        revisions=tuple(_revisions(source, target)),
        notes=notes,
        partial=_partial(work.wanted),
    )


def _doubts(source: Reading, target: Reading) -> Iterator[Unseen]:
    """Why the two may not be what they are taken for."""
    ours, theirs = source.state.server, target.state.server
    if ours.system and (ours.system, ours.database) == (theirs.system, theirs.database):
        why = "source and target are one and the same database"
        yield Unseen(Side.TARGET, "a database of its own", why)
    elif not source.tables:
        why = f"the source is empty: database `{ours.database}` has no table"
        yield Unseen(Side.SOURCE, "any table", why)


def _blind(side: Reading, which: Side) -> Iterator[Unseen]:
    for name, why in side.blind.items():
        yield Unseen(which, f"sequence {name}", why)


def _revisions(source: Reading, target: Reading) -> Iterator[Revision]:
    for name in sorted({*source.revisions, *target.revisions}):
        tool, ours = source.revisions.get(name, ("", ""))
        other, theirs = target.revisions.get(name, ("", ""))
        yield Revision(tool or other, name, ours, theirs)


def _partial(wanted: Wanted) -> str:
    parts = ["rows were not compared"] if wanted.schema_only else []
    if wanted.selection.only:
        parts.append(f"only {', '.join(wanted.selection.only)}")
    return "; ".join(parts)


def _notes(source: Database, target: Database, work: _Work) -> Iterator[str]:
    ours, theirs = _servers(work)
    if not work.target.tables:
        yield f"the target is empty: database `{theirs.database}` has no table"
    if ours.replica:
        yield "the source is a replica: it may be behind its primary"
    for name, table in work.source.tables.items():
        if table.kind == "f":
            yield f"`{name}` is a foreign table: its rows were not compared"
    with session(source) as made:
        yield from activity.source_notes(made)
    with session(target) as made:
        yield from activity.target_notes(made)
