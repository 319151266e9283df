"""Families of what holds rows: tables, their columns, indexes, constraints, sequences."""

from __future__ import annotations

from repoint.comparison.family import OWN_SCHEMAS, Family, dotted, ident, not_extension
from repoint.model.plan import Severity

_NOTE, _WARNING = Severity.NOTE, Severity.WARNING
_TABLE = dotted("n.nspname", "c.relname")
_OWN_TABLES = f"{OWN_SCHEMAS} AND {not_extension('pg_class', 'c.oid')}"
_RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
_PARENT = (
    f"SELECT string_agg({dotted('pn.nspname', 'p.relname')}, ', ' ORDER BY i.inhseqno) "
    "FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent "
    "JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid"
)

SCHEMAS = Family(
    "schemas",
    (),
    f"SELECT {ident('n.nspname')} FROM pg_namespace n "
    f"WHERE {OWN_SCHEMAS} AND {not_extension('pg_namespace', 'n.oid')}",
    extra=_WARNING,
)

TABLES = Family(
    "tables",
    (
        *("kind", "persistence", "row security", "parent", "partition", "partition key"),
        *("options", "replica identity", "server"),
    ),
    f"""SELECT {_TABLE},
    CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END,
    CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END,
    CASE WHEN c.relrowsecurity THEN 'on' ELSE 'off' END
        || CASE WHEN c.relforcerowsecurity THEN ', forced' ELSE '' END,
    ({_PARENT}),
    pg_get_expr(c.relpartbound, c.oid),
    CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
    array_to_string(c.reloptions, ', '),
    c.relreplident::text,
    (SELECT s.srvname::text FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver
        WHERE f.ftrelid = c.oid)
FROM {_RELATIONS} WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
    AND {_OWN_TABLES}""",
    milder=(("options", _NOTE), ("replica identity", _NOTE)),
)

COLUMNS = Family(
    "columns",
    ("position", "type", "not null", "default", "identity", "generated", "collation"),
    f"""SELECT {dotted("n.nspname", "c.relname", "a.attname")},
    a.attnum::text,
    format_type(a.atttypid, a.atttypmod),
    CASE WHEN a.attnotnull THEN 'yes' ELSE 'no' END,
    CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END,
    CASE WHEN NOT c.relispartition THEN
        CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END END,
    CASE a.attgenerated WHEN 's' THEN 'stored ' WHEN 'v' THEN 'virtual ' END
        || pg_get_expr(d.adbin, d.adrelid),
    (SELECT {dotted("cn.nspname", "l.collname")} FROM pg_collation l
        JOIN pg_namespace cn ON cn.oid = l.collnamespace
        JOIN pg_type t ON t.oid = a.atttypid
        WHERE l.oid = a.attcollation AND a.attcollation <> t.typcollation)
FROM {_RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't' AND {_OWN_TABLES}""",
)
"""`position` is compared as the order of the columns that both sides have. From 17 on a
partition says that its parent's identity column is its own, too (DC3)."""

# From 18 on NOT NULL is a constraint with a name; it is compared with its column (DC3).
_STATE = "CASE WHEN i.indisvalid AND i.indisready THEN 'valid' ELSE 'INVALID' END"
_BACKS = (
    "SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')"
)
INDEXES = Family(
    "indexes",
    ("table", "definition", "state"),
    f"""SELECT {_TABLE}, (SELECT {dotted("tn.nspname", "t.relname")} FROM pg_class t
        JOIN pg_namespace tn ON tn.oid = t.relnamespace WHERE t.oid = i.indrelid),
    regexp_replace(pg_get_indexdef(i.indexrelid), ' WITH \\([^)]*\\)', ''), {_STATE}
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE {OWN_SCHEMAS} AND NOT EXISTS ({_BACKS})
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = 'pg_class'::regclass
        AND x.objid = i.indrelid AND x.deptype = 'e')""",
    extra=_WARNING,
)

CONSTRAINTS = Family(
    "constraints",
    ("definition", "validated", "index"),
    f"""SELECT {dotted("n.nspname", "c.relname", "k.conname")},
    replace(pg_get_constraintdef(k.oid), ' NOT VALID', ''),
    CASE WHEN k.convalidated THEN 'yes' ELSE 'no' END,
    (SELECT {_STATE} FROM pg_index i WHERE i.indexrelid = k.conindid
        AND k.contype IN ('p', 'u', 'x'))
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND k.conparentid = 0 AND k.conislocal
    AND {_OWN_TABLES}""",
)

SEQUENCES = Family(
    "sequences",
    ("type", "start", "increment", "minimum", "maximum", "cycle", "cache", "owned by"),
    f"""SELECT {_TABLE}, format_type(s.seqtypid, NULL), s.seqstart::text, s.seqincrement::text,
    s.seqmin::text, s.seqmax::text, s.seqcycle::text, s.seqcache::text,
    (SELECT {dotted("tn.nspname", "t.relname", "a.attname")}
        FROM pg_depend o JOIN pg_class t ON t.oid = o.refobjid
        JOIN pg_namespace tn ON tn.oid = t.relnamespace
        JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = o.refobjsubid
        WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
            AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i') LIMIT 1)
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relpersistence <> 't' AND {_OWN_TABLES}""",
    milder=(("cache", _NOTE), ("start", _NOTE)),
)

VIEWS = Family(
    "views",
    ("kind", "definition", "reads", "options", "populated"),
    f"""SELECT {_TABLE}, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END,
    pg_get_viewdef(c.oid),
    (SELECT string_agg(DISTINCT what, ', ' ORDER BY what) FROM (
        SELECT {dotted("rn.nspname", "r.relname")} || coalesce('.' || {ident("a.attname")}, '')
        FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
            AND d.objid = w.oid AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
        JOIN pg_class r ON r.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = r.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum = d.refobjsubid
            AND d.refobjsubid > 0
        WHERE w.ev_class = c.oid
        UNION ALL
        SELECT {dotted("rn.nspname", "f.proname")} || '()'
        FROM pg_rewrite w JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
            AND d.objid = w.oid AND d.refclassid = 'pg_proc'::regclass
        JOIN pg_proc f ON f.oid = d.refobjid JOIN pg_namespace rn ON rn.oid = f.pronamespace
        WHERE w.ev_class = c.oid) AS read(what)),
    array_to_string(c.reloptions, ', '),
    CASE WHEN c.relkind = 'm' THEN c.relispopulated::text END
FROM {_RELATIONS} WHERE c.relkind IN ('v', 'm') AND {_OWN_TABLES}""",
)

COMMENTS = Family(
    "comments",
    ("text",),
    f"""SELECT (pg_identify_object(d.classoid, d.objoid, d.objsubid)).type || ' '
        || (pg_identify_object(d.classoid, d.objoid, d.objsubid)).identity, d.description
FROM pg_description d LEFT JOIN pg_namespace n
    ON n.nspname = (pg_identify_object(d.classoid, d.objoid, d.objsubid)).schema
WHERE d.objoid >= 16384 AND ({OWN_SCHEMAS} OR n.nspname IS NULL)
    AND NOT EXISTS (SELECT FROM pg_depend x WHERE x.classid = d.classoid
        AND x.objid = d.objoid AND x.deptype = 'e')
    AND d.classoid NOT IN ('pg_extension'::regclass, 'pg_constraint'::regclass)""",
    missing=_NOTE,
    extra=_NOTE,
    changed=_NOTE,
)
