"""Who still works on the source: rows of `pg_stat_activity` held against our consumers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from repoint.model.rehearsal import Verdict

# Role and application name are everybody's to see; the address only of a role's own sessions,
# and with pg_read_all_stats, which pg_monitor brings along.
SESSIONS_SQL = (
    "SELECT coalesce(usename::text, ''), coalesce(application_name, ''), "
    "coalesce(host(client_addr), ''), coalesce(client_addr IS NULL AND backend_start IS NULL, "
    "false)::text FROM pg_stat_activity "
    "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)


@dataclass(frozen=True, slots=True)
class Session:
    """A session on the source; `hidden` tells that this login may not see its address."""

    role: str
    application: str
    address: str
    hidden: bool


def session_of(row: Sequence[str | None]) -> Session:
    """A row of `SESSIONS_SQL`."""
    role, application, address, hidden = (text or "" for text in row)
    return Session(role, application, address, hidden in ("true", "t"))


def source_is_left(
    sessions: Iterable[Session], roles: Iterable[str], pods: Mapping[str, str]
) -> tuple[Verdict, str]:
    """Whether none of our consumers is connected to the source.

    Args:
        sessions: Everybody's but our own.
        roles: Roles that the consumers log in as.
        pods: Names of the consumers' pods by their address.
    """
    ours = frozenset(roles)
    unsure = ""
    for one in sessions:
        known = pods.get(one.address)
        if known is not None:
            return Verdict.FAIL, f"pod `{known}` is connected as `{one.role}`{_called(one)}"
        if one.hidden and one.role not in ours:
            unsure = unsure or "this login may not see where other roles' sessions come from"
        elif one.role in ours:
            where = one.address or "an address that is hidden"
            unsure = unsure or (
                f"somebody is connected as `{one.role}`{_called(one)} from {where}, "
                "which is no pod of a consumer"
            )
    return (Verdict.UNKNOWN, unsure) if unsure else (Verdict.PASS, "no session of a consumer")


def _called(one: Session) -> str:
    return f" (`{one.application}`)" if one.application else ""
