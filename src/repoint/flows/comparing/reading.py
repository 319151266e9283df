"""Reads one side: its objects by family, its tables, sequences and revision tables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from repoint.comparison.catalog import FAMILIES
from repoint.comparison.model import Objects, SequenceValue, Server, State
from repoint.comparison.revisions import RevisionTable, revision_table
from repoint.comparison.rows import (
    PROBE,
    SEQUENCE_NAMES,
    TABLES,
    Column,
    Table,
    sequence_values,
)
from repoint.dsn.mask import mask
from repoint.flows.comparing.sessions import Session
from repoint.wire.refusals import ServerRefusal

_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything of one side but its rows. `blind` says by sequence why it has no value."""

    state: State
    tables: Mapping[str, Table]
    sequences: Mapping[str, SequenceValue]
    blind: Mapping[str, str]
    revisions: Mapping[str, tuple[str, str]]
    probe: str = ""
    stalled: Mapping[str, str] = field(default_factory=dict)


def read_side(session: Session) -> Reading:
    """Read a side in its snapshot.

    Raises:
        DatabaseLost: the connection is gone.
    """
    server = session.server()
    tables = read_tables(session)
    values, blind = read_sequences(session)
    return Reading(
        state=_state(session, server),
        tables=tables,
        sequences=values,
        blind=blind,
        revisions=_revisions(session, tables),
        probe=str(session.ask(PROBE)[0][0]),
    )


def _state(session: Session, server: Server) -> State:
    objects: dict[str, Objects] = {}
    unread: dict[str, str] = {}
    for family in FAMILIES:
        try:
            rows = session.ask(family.sql)
        except ServerRefusal as refusal:
            unread[family.name] = why(refusal)
            continue
        objects[family.name] = {
            str(name): dict(zip(family.aspects, (text or "" for text in rest), strict=True))
            for name, *rest in rows
        }
    return State(server, objects, unread)


def read_tables(session: Session) -> dict[str, Table]:
    """Every table that holds rows, by its name."""
    found = {}
    for row in session.ask(TABLES):
        name, sql, kind, columns, key, condition, stamp, blind, changes, estimate = (
            text or "" for text in row
        )
        found[name] = Table(
            name=name,
            sql=sql,
            columns={own: Column(quoted, of) for own, quoted, of in json.loads(columns or "[]")},
            key=tuple(json.loads(key or "[]")),
            condition=condition,
            stamp=stamp,
            why=blind,
            changes=int(changes),
            estimate=int(estimate),
            kind=kind,
        )
    return found


def read_sequences(session: Session) -> tuple[dict[str, SequenceValue], dict[str, str]]:
    """The sequences' values by name, and by name why there is none."""
    blind: dict[str, str] = {}
    readable: list[tuple[str, str]] = []
    increments: dict[str, int] = {}
    for name, sql, increment, may in session.ask(SEQUENCE_NAMES):
        increments[str(name)] = int(increment or 1)
        if may == "t":
            readable.append((str(name), str(sql)))
        else:
            blind[str(name)] = "no right to read its value"
    values: dict[str, SequenceValue] = {}
    for start in range(0, len(readable), _AT_ONCE):
        some = readable[start : start + _AT_ONCE]
        try:
            rows = session.ask(sequence_values(some))
        except ServerRefusal as refusal:
            blind |= dict.fromkeys((name for name, _ in some), why(refusal))
            continue
        for name, last, called in rows:
            step = increments[str(name)]
            following = int(last or 0) + (step if called == "t" else 0)
            values[str(name)] = SequenceValue(following, step)
    return values, blind


def _revisions(session: Session, tables: Mapping[str, Table]) -> dict[str, tuple[str, str]]:
    """The tool and its newest revision by table; a table that cannot be read has none."""
    found = {}
    for name, table in tables.items():
        known = revision_table(_own_name(name), tuple(table.columns))
        if known is not None and not table.why:
            found[name] = (known.tool, _newest(session, known, table))
    return found


def _newest(session: Session, known: RevisionTable, table: Table) -> str:
    try:
        rows: Sequence[Sequence[str | None]] = session.ask(known.newest.format(table.sql))
    except ServerRefusal:
        return ""
    return str(rows[0][0] or "") if rows else ""


def _own_name(name: str) -> str:
    return name.rpartition(".")[2].strip('"')


def why(refusal: ServerRefusal) -> str:
    """What a refusal means for whoever wanted to see something."""
    return f"{mask(refusal.text)} ({refusal.sqlstate})"
