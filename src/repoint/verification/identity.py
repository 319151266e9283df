"""Which server answered: PgBouncer or PostgreSQL, and which PostgreSQL behind it.

Two signs that do not rest on addresses, which a port-forward changes. PostgreSQL tells the
process id that it gave at login; PgBouncer gives one that it made up (TL8). And a setting that
comes in `options` arrives at PostgreSQL, while PgBouncer drops it, as CloudNativePG configures
it (SP2).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from repoint.model.rehearsal import Verdict

MARK = "repoint.probe"
"""A setting of no meaning, whose arrival tells PostgreSQL itself."""
MARK_OPTIONS = f"-c {MARK}=here"
WHO_SQL = (
    "SELECT pg_backend_pid()::text, "
    f"coalesce(current_setting('{MARK}', true), ''), "
    "pg_is_in_recovery()::text, "
    "extract(epoch from pg_postmaster_start_time())::text, "
    "current_setting('cluster_name'), "
    "coalesce((SELECT system_identifier::text FROM pg_control_system()), '')"
)
WHO_SQL_PLAIN = WHO_SQL.replace(
    "coalesce((SELECT system_identifier::text FROM pg_control_system()), '')", "''"
)
"""The same for a role that may not ask for the system's identifier."""

Answered = tuple[Verdict, str, str]
"""The verdict, what was expected, what was seen."""


@dataclass(frozen=True, slots=True)
class Who:
    """What a server says of itself; `given_pid` is what it said at login, empty if not known.

    `started` is when PostgreSQL's postmaster started (seconds since 1970, as text); with the
    system's identifier it tells one server from every other.
    """

    pid: str
    mark: str
    in_recovery: bool
    started: str
    cluster: str
    system: str
    given_pid: str = ""


def who_of(row: tuple[str | None, ...], given_pid: str = "") -> Who:
    """A row of `WHO_SQL` as a `Who`."""
    pid, mark, recovery, started, cluster, system = (text or "" for text in row)
    return Who(pid, mark, recovery in ("true", "t"), started, cluster, system, given_pid)


def kind_of(who: Who) -> str:
    """`PgBouncer`, `PostgreSQL itself`, or empty where the signs disagree."""
    arrived = who.mark == "here"
    if who.given_pid and (who.given_pid == who.pid) != arrived:
        return ""
    return "PostgreSQL itself" if arrived else "PgBouncer"


def right_kind(who: Who, *, pooled: bool) -> Answered:
    """Whether a pooled connection really is PgBouncer's, and a direct one PostgreSQL's."""
    expected = "PgBouncer" if pooled else "PostgreSQL itself"
    found = kind_of(who)
    if not found:
        return Verdict.UNKNOWN, expected, "the process id and a setting in `options` disagree"
    return (Verdict.PASS if found == expected else Verdict.FAIL), expected, found


def right_server(who: Who, *, cluster: str, system: str, primary: Who | None) -> Answered:
    """Whether PostgreSQL behind a connection is the Cluster's primary.

    Args:
        who: What the connection leads to.
        cluster: The Cluster's name, which CloudNativePG gives to PostgreSQL as `cluster_name`.
        system: `status.systemID` of the Cluster, empty where it tells none.
        primary: What the Cluster's read-write Service leads to, None if nobody could ask.
    """
    expected = f"the primary of Cluster `{cluster}`"
    if who.in_recovery:
        return Verdict.FAIL, expected, "a standby, which takes no writes"
    if system and who.system and who.system != system:
        return Verdict.FAIL, expected, "a PostgreSQL with another system identifier"
    if primary is not None and who.started != primary.started:
        return Verdict.FAIL, expected, f"another server than `{cluster}-rw` leads to"
    if who.cluster and who.cluster != cluster:
        return Verdict.FAIL, expected, f"a server that calls itself `{who.cluster}`"
    signs = [
        f"cluster_name `{who.cluster}`" if who.cluster else "",
        "the system identifier" if system and who.system else "",
        f"the same server as `{cluster}-rw`" if primary is not None else "",
    ]
    told = [sign for sign in signs if sign]
    if not told:
        return Verdict.UNKNOWN, expected, "a writable server; nothing tells which"
    return Verdict.PASS, expected, f"writable; {', '.join(told)}"


def other_server(who: Who, systems: Mapping[str, str], primaries: Mapping[str, Who]) -> Answered:
    """Whether a connection that is back at the source leads to none of the target's Clusters.

    Args:
        who: What the connection leads to.
        systems: `status.systemID` of each Cluster by its name, empty where it tells none.
        primaries: What each Cluster's read-write Service leads to, where that could be asked.
    """
    names = ", ".join(f"`{name}`" for name in systems)
    expected = f"the source, and not Cluster {names}" if names else "the source"
    kind = kind_of(who) or "something that is neither PgBouncer nor PostgreSQL for certain"
    if who.in_recovery:
        return Verdict.FAIL, expected, "a standby, which takes no writes"
    unsure = ""
    for name, system in systems.items():
        primary = primaries.get(name)
        told = bool(system and who.system)
        same = told and system == who.system
        if not told and primary is not None:
            same = who.started == primary.started
        if same or (not told and who.cluster == name):
            return Verdict.FAIL, expected, f"Cluster `{name}`"
        if not told and primary is None:
            unsure = f"nothing tells it from Cluster `{name}`"
    if unsure:
        return Verdict.UNKNOWN, expected, unsure
    return Verdict.PASS, expected, f"{kind}, another server"
