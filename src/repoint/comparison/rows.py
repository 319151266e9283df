"""SQL that sums up rows where they are: counts and checksums of stretches of a table.

A row's checksum is taken of its text with every setting that shapes texts fixed, which is the
same from 15 to 18 (DC1). Checksums are summed up, so that no order counts within a stretch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from repoint.comparison.family import OWN_SCHEMAS, dotted

SETTINGS = (
    ("search_path", ""),
    ("DateStyle", "ISO, YMD"),
    ("IntervalStyle", "iso_8601"),
    ("TimeZone", "UTC"),
    ("extra_float_digits", "3"),
    ("bytea_output", "hex"),
    ("lc_monetary", "C"),
    ("xmloption", "content"),
    ("quote_all_identifiers", "off"),
    ("row_security", "off"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "0"),
    ("client_encoding", "UTF8"),
    ("synchronize_seqscans", "off"),
)
"""What shapes a row's text, or lets row security hide rows: with `off` that is an error."""

BUCKETS = 64
"""Into how many parts the rows of a table without an order are divided."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column as SQL: its quoted name and its type."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table of one side that holds rows itself.

    `name` is its name as the families spell it, `sql` as its server takes it. `key` is its
    primary key where every server sorts its values alike, else empty. `condition` is what an
    extension says of its rows that are data. `stamp` changes with what is written. `why` says
    why the role may not read it, empty when it may. `changes` counts the rows written so far.
    """

    name: str
    sql: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    condition: str = ""
    stamp: str = ""
    why: str = ""
    changes: int = 0
    estimate: int = 0
    kind: str = "r"


_NO_ORDER = "('text', 'varchar', 'bpchar', 'name')"
_ORDERED = (
    "'int2', 'int4', 'int8', 'oid', 'uuid', 'date', 'timestamp', 'timestamptz', 'numeric', "
    "'bytea', 'bool', 'time', 'inet', 'cidr', 'macaddr'"
)
# Another libc sorts texts in another way, and C sorts them by their bytes everywhere.
_SORTED_ALIKE = (
    f"(t.typname IN ({_ORDERED}) OR (t.typname IN {_NO_ORDER} AND (l.collname IN ('C', 'POSIX') "
    "OR (l.collprovider = 'd' AND d.datlocprovider = 'c' AND d.datcollate IN ('C', 'POSIX')))))"
    " AND t.typnamespace = 'pg_catalog'::regnamespace"
)
_COUNTED = "coalesce(s.n_tup_ins + s.n_tup_upd + s.n_tup_del, 0)"

TABLES = f"""SELECT {dotted("n.nspname", "c.relname")}, format('%I.%I', n.nspname, c.relname),
    c.relkind::text,
    (SELECT json_agg(json_build_array(a.attname, quote_ident(a.attname),
            format_type(a.atttypid, -1)) ORDER BY a.attname COLLATE "C")
        FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attgenerated <> 'v')::text,
    (SELECT json_agg(a.attname ORDER BY k.place)::text
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey::smallint[]) WITH ORDINALITY
            AS k(number, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
        JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
        WHERE i.indrelid = c.oid AND i.indisprimary AND i.indisvalid AND k.place <= i.indnkeyatts
        HAVING bool_and({_SORTED_ALIKE})),
    coalesce((SELECT e.condition FROM pg_extension x CROSS JOIN LATERAL
        unnest(x.extconfig, x.extcondition) AS e(oid, condition) WHERE e.oid = c.oid), ''),
    concat_ws(' ', c.relfilenode, {_COUNTED}),
    CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE')
            THEN 'no USAGE on the schema for `' || current_user || '`'
        WHEN NOT has_table_privilege(c.oid, 'SELECT')
            THEN 'no SELECT for `' || current_user || '`'
        ELSE '' END,
    {_COUNTED}::text, greatest(c.reltuples, 0)::bigint::text
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_database d ON d.datname = current_database()
LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
WHERE c.oid = 'pg_largeobject'::regclass AND EXISTS (SELECT FROM pg_largeobject_metadata)
OR c.relkind IN ('r', 'f') AND c.relpersistence <> 't' AND {OWN_SCHEMAS}
    AND (EXISTS (SELECT FROM pg_extension x WHERE c.oid = ANY (x.extconfig))
        OR NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass
            AND x.objid = c.oid AND x.deptype = 'e'))
ORDER BY 1"""
"""Every table that holds rows itself, partitions by leaf; foreign tables to be named only.

Large objects are rows of a table of the system, which only superusers may read."""


@dataclass(frozen=True, slots=True)
class Digest:
    """How a row becomes a number: `seed` is random, so that nobody can tell rows from it.

    `portable` is md5 of the text in UTF-8, for servers with other encodings or hashes.
    """

    seed: int
    portable: bool = False

    def of(self, row: str) -> str:
        """SQL of the number of a row's text."""
        if self.portable:
            text = f"convert_to('{self.seed}:' || {row}, 'UTF8')"
            return f"('x' || substr(md5({text}), 1, 16))::bit(64)::bigint"
        return f'hashtextextended({row} COLLATE "C", {self.seed})'


PROBE = "SELECT hashtextextended('repoint', 4711) || ' ' || getdatabaseencoding()"
"""Equal on both sides where the faster digest is good."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The SQL for one table on one side; `columns` are those that both sides have.

    `key` is empty for a table that is read as a whole.
    """

    table: Table
    columns: tuple[str, ...]
    key: tuple[str, ...]
    digest: Digest

    def stretch(self, after: Sequence[str], upto: Sequence[str], limit: int) -> str:
        """SQL that takes the next `limit` rows: their count, sum, and the last one's key.

        `after` and `upto` are keys as texts; empty for an open end.
        """
        names = [f"k{number}" for number in range(len(self.key))]
        taken = ", ".join(f"{one} AS {name}" for one, name in zip(self._keys, names, strict=True))
        # Qualified: a bare name would sort by the text that is given out under it.
        back = ", ".join(f"c.{one} DESC" for one in names)
        last = ", ".join(f"c.{one}::text" for one in names)
        return (
            f"WITH c AS MATERIALIZED (SELECT {taken}, {self._hash} AS digest "
            f"FROM {self._from(after, upto)} ORDER BY {', '.join(self._keys)} LIMIT {limit}) "
            "SELECT a.*, l.* FROM (SELECT count(*), sum(digest)::text FROM c) AS a "
            f"LEFT JOIN LATERAL (SELECT {last} FROM c ORDER BY {back} LIMIT 1) AS l ON true"
        )

    def between(self, after: Sequence[str], upto: Sequence[str]) -> str:
        """SQL of the count and sum of the rows after one key up to another."""
        return f"SELECT count(*), sum({self._hash})::text FROM {self._from(after, upto)}"

    def whole(self) -> str:
        """SQL of the counts and sums of the rows by bucket, in one go."""
        return (
            "SELECT bucket, count(*), sum(digest)::text FROM (SELECT digest, "
            f"digest & {BUCKETS - 1} AS bucket FROM (SELECT {self._hash} AS digest "
            f"FROM {self._from((), ())} OFFSET 0) AS h) AS b GROUP BY bucket ORDER BY bucket"
        )

    @property
    def _keys(self) -> tuple[str, ...]:
        return tuple(f"r.{self.table.columns[one].name}" for one in self.key)

    @property
    def _hash(self) -> str:
        listed = ", ".join(f"r.{self.table.columns[one].name}" for one in self.columns)
        return self.digest.of(f"ROW({listed})::text")

    def _from(self, after: Sequence[str], upto: Sequence[str]) -> str:
        only = "ONLY " if self.table.kind == "r" else ""
        conditions = [self.table.condition.strip().removeprefix("WHERE ").removeprefix("where ")]
        names = ", ".join(self._keys)
        for sign, key in ((">", after), ("<=", upto)):
            if key:
                values = ", ".join(
                    f"{literal(text)}::{self.table.columns[one].type}"
                    for one, text in zip(self.key, key, strict=True)
                )
                conditions.append(f"({names}) {sign} ({values})")
        given = " AND ".join(one for one in conditions if one)
        return f"{only}{self.table.sql} AS r" + (f" WHERE {given}" if given else "")


def literal(text: str) -> str:
    """A text as a SQL literal; `standard_conforming_strings` does not matter."""
    quoted = text.replace("'", "''")
    return " E'" + quoted.replace("\\", "\\\\") + "'" if "\\" in quoted else f"'{quoted}'"


SEQUENCE_NAMES = f"""SELECT {dotted("n.nspname", "c.relname")},
    format('%I.%I', n.nspname, c.relname), s.seqincrement::text,
    has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relpersistence <> 't' AND {OWN_SCHEMAS}
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass
        AND x.objid = c.oid AND x.deptype = 'e')
ORDER BY 1"""
"""Every sequence: name, name as SQL, increment, and whether the role may read it."""


def sequence_values(names: Sequence[tuple[str, str]]) -> str:
    """SQL of `(name, last value, whether it was given)` of sequences `(name, name as SQL)`."""
    return " UNION ALL ".join(
        f"SELECT {literal(name)}, last_value::text, is_called FROM {sql}" for name, sql in names
    )
