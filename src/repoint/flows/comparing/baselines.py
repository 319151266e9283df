"""Takes baselines, keeps them, and measures what was written on the target since."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

import msgspec

from repoint.comparison.baseline import (
    BASELINE_FORMAT,
    KEY_BYTES,
    Baseline,
    Counters,
    TableState,
    Written,
    digest_of,
    key_name,
    seed_of,
    settled,
    written_since,
)
from repoint.comparison.rows import Digest, Table
from repoint.comparison.selection import Selection
from repoint.errors import FileRefused, WouldLoseData
from repoint.flows.comparing.contents import total
from repoint.flows.comparing.flow import Clock, Wanted, compare
from repoint.flows.comparing.reading import read_sequences, read_tables, why
from repoint.flows.comparing.sessions import Database, Session, snapshot, texts
from repoint.flows.patience import locked_soon
from repoint.flows.receipts import read_now
from repoint.model.receipt import FileWrite
from repoint.model.rehearsal import Verdict
from repoint.ports.repository import WritableTree
from repoint.ports.user import LocalState
from repoint.ports.work import UNWATCHED, Progress
from repoint.wire.refusals import ServerRefusal

FOLDER = ".repoint/baselines"

# What changes when statistics are reset, or thrown away after a crash or on a new primary (DC7).
_EPOCH = """SELECT concat_ws(' ',
    (SELECT stats_reset FROM pg_stat_database WHERE datname = current_database()),
    (SELECT stats_reset FROM pg_stat_bgwriter), (SELECT stats_reset FROM pg_stat_archiver))"""
_COUNTERS = """SELECT format('%I.%I', s.schemaname, s.relname), s.n_tup_ins::text,
    s.n_tup_upd::text, s.n_tup_del::text, c.relfilenode::text
FROM pg_stat_all_tables s JOIN pg_class c ON c.oid = s.relid"""


def file_name(environment: str, part: str = "") -> str:
    """What files of an environment are called; `part` is one of its several databases."""
    safe = "".join(one if one.isalnum() or one in "-_" else "_" for one in part)
    return f"{environment}.{safe}" if part else environment


def baseline_path(environment: str, part: str = "") -> str:
    """Where an environment's baseline lies; `part` as for `file_name`."""
    return f"{FOLDER}/{file_name(environment, part)}.json"


def take_baseline(
    target: Database,
    environment: str,
    tree: WritableTree,
    local: LocalState,
    *,
    now: Clock,
    part: str = "",
    selection: Selection | None = None,
    parallel: int = 2,
    chunk_rows: int = 50_000,
    progress: Progress = UNWATCHED,
) -> Baseline:
    """Read the target just before the switch, and write its baseline into the repository.

    The key of its digests is new, and stays on this machine.

    Raises:
        DatabaseLost: the target cannot be reached.
        LockHeld, FileRefused: the baseline cannot be written.
    """
    key = secrets.token_bytes(KEY_BYTES)
    taken = read_state(
        target,
        environment,
        key,
        now=now,
        selection=selection or Selection(),
        parallel=parallel,
        chunk_rows=chunk_rows,
        progress=progress,
    )
    local.write(_key_file(taken.key), key)
    with locked_soon(tree, "data baseline"):
        path = baseline_path(environment, part)
        tree.commit("data baseline", [FileWrite(path, read_now(tree, path), _encoded(taken))])
    return taken


def no_baseline(environment: str) -> WouldLoseData:
    """The refusal of whoever asks what was written since nobody knows when."""
    return WouldLoseData(
        f"no baseline of `{environment}` was taken: nobody can tell what was written since",
        hint=f"take one before the switch: `repoint data baseline --env {environment}`",
    )


def load_baseline(tree: WritableTree, environment: str, part: str = "") -> Baseline | None:
    """The baseline of an environment; None where none was taken.

    Raises:
        FileRefused: it cannot be read.
    """
    path = baseline_path(environment, part)
    raw = read_now(tree, path)
    if raw is None:
        return None
    try:
        found = msgspec.json.decode(raw, type=Baseline)
    except (msgspec.DecodeError, ValueError):
        raise FileRefused(
            f"`{path}` is no baseline", hint="take it back from git's history"
        ) from None
    if found.format > BASELINE_FORMAT:
        raise FileRefused(f"`{path}` was written by a newer repoint", hint="upgrade repoint")
    return found


def measure_written(
    baseline: Baseline,
    target: Database,
    local: LocalState,
    *,
    now: Clock,
    source: Database | None = None,
    selection: Selection | None = None,
    parallel: int = 2,
    chunk_rows: int = 50_000,
    progress: Progress = UNWATCHED,
) -> Written:
    """What was written on the target since its baseline; all of its tables are read.

    With `source` the tables that are unknown otherwise are held against it: what is there,
    too, is not lost on the way back.

    Raises:
        DatabaseLost: a side cannot be reached.
    """
    key = local.read(_key_file(baseline.key))
    after = read_state(
        target,
        baseline.environment,
        key,
        now=now,
        selection=selection or Selection(),
        parallel=parallel,
        chunk_rows=chunk_rows,
        progress=progress,
    )
    found = written_since(baseline, after)
    names = tuple(one.name for one in found.unknown)
    if source is None or not names:
        return found
    wanted = Wanted(
        baseline.environment,
        Selection(only=tuple(re.sub(r"([*?[])", r"[\1]", one) for one in names)),
        parallel=parallel,
        chunk_rows=chunk_rows,
    )
    held = compare(source, target, wanted, now=now, progress=progress).tables
    known = (Verdict.PASS, Verdict.FAIL)
    return settled(found, {x.name: x.verdict is Verdict.PASS for x in held if x.verdict in known})


def read_state(
    database: Database,
    environment: str,
    key: bytes | None,
    *,
    now: Clock,
    selection: Selection,
    parallel: int,
    chunk_rows: int,
    progress: Progress,
) -> Baseline:
    """A database as it is now, in one snapshot; without a key its rows are counted only."""
    at = now()
    with snapshot(database, parallel) as sessions:
        first = sessions[0]
        server = first.server()
        epoch = str(first.ask(_EPOCH)[0][0])
        tables = _tables(first, selection)
        counters = _counters(first)
        values, _ = read_sequences(first)
        digest = Digest(seed_of(key) if key else 0)

        def read(session: Session, table: Table) -> TableState:
            return _state(session, table, key, digest, counters, chunk_rows)

        states = _each(tables, sessions, read, progress)
    return Baseline(
        format=BASELINE_FORMAT,
        environment=environment,
        at=at,
        server=server,
        epoch=epoch,
        key=key_name(key) if key else "",
        tables=states,
        sequences=values,
    )


def _each(
    tables: Mapping[str, Table],
    sessions: Sequence[Session],
    read: Callable[[Session, Table], TableState],
    progress: Progress,
) -> dict[str, TableState]:
    """What is read of every table, as many at a time as there are sessions."""
    free: SimpleQueue[Session] = SimpleQueue()
    for one in sessions:
        free.put(one)

    def with_a_free_one(table: Table) -> TableState:
        session = free.get()
        try:
            return read(session, table)
        finally:
            free.put(session)
            progress.advance()

    progress.step("reading tables", len(tables))
    with ThreadPoolExecutor(len(sessions)) as threads:
        found = threads.map(with_a_free_one, tables.values())
        return dict(zip(tables, found, strict=True))


def _tables(session: Session, selection: Selection) -> dict[str, Table]:
    """Those that were asked for; the rows of a foreign table are elsewhere."""
    found = read_tables(session)
    return {n: one for n, one in found.items() if one.kind != "f" and selection.takes(n)}


def _state(
    session: Session,
    table: Table,
    key: bytes | None,
    digest: Digest,
    counters: Mapping[str, Counters],
    chunk_rows: int,
) -> TableState:
    counted = counters.get(table.sql, Counters())
    if table.why:
        return TableState(None, "", counted, table.why)
    try:
        rows, summed = total(session, table, digest, chunk_rows)
    except ServerRefusal as refusal:
        return TableState(None, "", counted, why(refusal))
    return TableState(rows, digest_of(key, table.name, rows, summed) if key else "", counted)


def _counters(session: Session) -> dict[str, Counters]:
    return {
        name: Counters(int(row[0]), int(row[1]), int(row[2]), row[3])
        for name, row in texts(session.ask(_COUNTERS)).items()
    }


def _encoded(taken: Baseline) -> bytes:
    return msgspec.json.format(msgspec.json.encode(taken), indent=2) + b"\n"


def _key_file(name: str) -> str:
    return f"baseline-{name}.key"
