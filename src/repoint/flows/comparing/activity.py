"""Who writes meanwhile, and whether replication is behind; told, as far as the role may see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from repoint.flows.comparing.reading import read_tables
from repoint.flows.comparing.sessions import Database, Session, session
from repoint.wire.refusals import ServerRefusal

# A role without rights sees neither the state nor the type of another's session.
_SESSIONS = """SELECT count(*) FILTER (WHERE state = 'active'), count(*)
FROM pg_stat_activity WHERE datname = current_database() AND usename IS NOT NULL
    AND coalesce(backend_type, 'client backend') = 'client backend'
    AND application_name IS DISTINCT FROM current_setting('application_name')"""
_SLOTS = """SELECT slot_name::text,
    CASE WHEN pg_is_in_recovery() THEN NULL
        ELSE (pg_current_wal_lsn() - confirmed_flush_lsn)::bigint::text END, active::text
FROM pg_replication_slots WHERE slot_type = 'logical' AND database = current_database()"""
_SUBSCRIPTIONS = """SELECT s.subname::text, s.subenabled::text,
    (SELECT bool_or(t.pid IS NOT NULL)::text FROM pg_stat_subscription t WHERE t.subid = s.oid),
    (SELECT count(*)::text FROM pg_subscription_rel r
        WHERE r.srsubid = s.oid AND r.srsubstate <> 'r')
FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
WHERE d.datname = current_database()"""


def counters(database: Database) -> Mapping[str, int]:
    """Rows written to each table so far, as the server counted; it may be seconds behind.

    Raises:
        DatabaseLost: it cannot be reached.
    """
    with session(database) as made:
        return {name: table.changes for name, table in read_tables(made).items()}


def source_notes(made: Session) -> Iterator[str]:
    """Sessions and logical replication slots of the source."""
    for active, count in _quietly(made, _SESSIONS):
        if int(count or 0):
            yield (
                f"{count} other sessions are at the source ({active} at work): stop what writes "
                "there before the last comparison, or let replication catch up"
            )
    for name, behind, active in _quietly(made, _SLOTS):
        at_work = "" if active in ("true", "t") else ", and nobody reads it"
        if behind is not None:
            yield f"replication slot `{name}` of the source is {behind} bytes behind{at_work}"


def target_notes(made: Session) -> Iterator[str]:
    """Subscriptions of the target."""
    for name, enabled, at_work, syncing in _quietly(made, _SUBSCRIPTIONS):
        if enabled not in ("true", "t"):
            yield f"subscription `{name}` of the target is disabled"
        elif at_work not in ("true", "t"):
            yield f"subscription `{name}` of the target does not run"
        else:
            yield (
                f"subscription `{name}` of the target still writes there: drop it when the "
                "source has no writers and its slot is 0 bytes behind"
            )
        if int(syncing or 0):
            yield f"subscription `{name}` still copies {syncing} tables"


def _quietly(made: Session, sql: str) -> tuple[tuple[str | None, ...], ...]:
    try:
        return made.ask(sql)
    except ServerRefusal:
        return ()
