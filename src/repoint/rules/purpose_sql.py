"""What a `psql` call does, by the SQL it is given."""

from __future__ import annotations

import re

from repoint.model.consumer import Certainty, Purpose
from repoint.rules.purpose_clues import Clue, base_name, shown

_LIKELY = Certainty.LIKELY
_ROLE_SQL = re.compile(
    r"(?i)\b(?:(?:create|alter|drop)\s+(?:role|user|group|database|extension|schema|tablespace"
    r"|system|default\s+privileges|event\s+trigger|server|foreign)|grant\s|revoke\s"
    r"|reassign\s+owned|drop\s+owned|vacuum|analyze|reindex|cluster\s|checkpoint"
    r"|pg_terminate_backend|pg_cancel_backend|pg_reload_conf|pg_switch_wal|comment\s+on)"
)
_REPLICATION_SQL = re.compile(
    r"(?i)\b(?:(?:create|alter|drop)\s+(?:publication|subscription)|pg_create_logical_replication"
    r"_slot|pg_create_physical_replication_slot|pg_drop_replication_slot|start_replication"
    r"|pglogical\.)"
)
_TABLE_SQL = re.compile(
    r"(?i)\b(?:(?:create|alter|drop|truncate)\s+(?:or\s+replace\s+|unique\s+|temp\w*\s+|unlogged\s+"
    r"|materialized\s+)*(?:table|index|view|type|function|procedure|trigger|sequence|policy|domain"
    r"|aggregate)|truncate\s)"
)
_PROBE_SQL = re.compile(
    r"(?i)\s*(?:select\s+(?:\d+|version\(\)|now\(\)|current_\w+|true|'[^']*')(?:\s+as\s+\w+)?"
    r"|\\q|\\l|\\conninfo|show\s+\w+)\s*;?\s*"
)


def psql_clue(words: tuple[str, ...]) -> Clue:
    """What a `psql` call does, by its SQL."""
    sql, file = _psql_input(words)
    if _REPLICATION_SQL.search(sql):
        return _sql_clue(Purpose.REPLICATION, _REPLICATION_SQL, sql)
    if _ROLE_SQL.search(sql):
        return _sql_clue(Purpose.ADMIN, _ROLE_SQL, sql)
    if _TABLE_SQL.search(sql):
        return _sql_clue(Purpose.MIGRATION, _TABLE_SQL, sql)
    if file:
        evidence = f"runs `psql -f {shown(base_name(file))}`"
        return Clue(_file_purpose(file), evidence, Certainty.LIKELY, "psql")
    asks = [part for part in sql.split(";") if part.strip()]
    if asks and all(_PROBE_SQL.fullmatch(part) for part in asks):
        return Clue(Purpose.PROBE, "asks only for a sign of life with `psql`", _LIKELY, "psql")
    if not sql and {"-l", "--list", "-V", "--version"} & set(words):
        return Clue(Purpose.PROBE, "runs `psql -l`", _LIKELY, "psql")
    return Clue(Purpose.ADMIN, "runs `psql`", _LIKELY, "psql")


def _sql_clue(purpose: Purpose, pattern: re.Pattern[str], sql: str) -> Clue:
    found = pattern.search(sql)
    said = " ".join(found.group().split()).upper() if found else ""
    return Clue(purpose, f"runs `{said}` with `psql`", Certainty.CERTAIN, "psql")


def _file_purpose(file: str) -> Purpose:
    name = base_name(file).lower()
    if re.search(r"dump|backup|restore", name):
        return Purpose.BACKUP
    if re.search(r"role|user|grant|init|bootstrap|create", name):
        return Purpose.ADMIN
    return Purpose.MIGRATION


def _psql_input(words: tuple[str, ...]) -> tuple[str, str]:
    """The SQL text that `psql` gets (also through a here-document), and its last file."""
    sql: list[str] = []
    file = ""
    for position, word in enumerate(words):
        following = words[position + 1] if position + 1 < len(words) else ""
        if word in ("-c", "--command") or re.fullmatch(r"-[A-Za-z]+c", word):
            sql.append(following)
        elif word.startswith("--command="):
            sql.append(word.partition("=")[2])
        elif word in ("-f", "--file") or re.fullmatch(r"-[A-Za-z]+f", word):
            file = following
        elif word.startswith(("--file=", "-f")) and len(word) > 2:
            file = word.removeprefix("--file=").removeprefix("-f")
        elif (
            re.match(r"(?i)\s*(?:create|alter|drop|grant|select|insert|do)\s", word) or "\n" in word
        ):
            sql.append(word)
    return ";".join(sql), file
