"""Families of who may do what: owners, grants, roles and their settings; and the database's own."""

from __future__ import annotations

from repoint.comparison.family import OWN_SCHEMAS, Family, dotted, ident, not_extension
from repoint.model.plan import Severity

_NOTE, _WARNING = Severity.NOTE, Severity.WARNING

# Everybody that owns something here, was granted something here, or logs in now; their groups,
# and whoever is a member of those.
_USED = """WITH RECURSIVE used(id) AS (
    SELECT refobjid FROM pg_shdepend s JOIN pg_database d ON d.datname = current_database()
    WHERE s.refclassid = 'pg_authid'::regclass AND (s.dbid = d.oid
        OR (s.classid = 'pg_database'::regclass AND s.objid = d.oid))
    UNION SELECT oid FROM pg_roles WHERE rolname = session_user
    UNION SELECT CASE WHEN m.member = u.id THEN m.roleid ELSE m.member END
    FROM used u JOIN pg_auth_members m ON u.id IN (m.member, m.roleid)
)
"""
_ROLE = "r.oid IN (SELECT id FROM used) AND r.rolname !~ '^pg_'"

ROLES = Family(
    "roles",
    (
        *("login", "bypasses row security", "connection limit", "valid until", "inherits"),
        *("superuser", "creates roles", "creates databases", "replicates"),
    ),
    f"""{_USED}SELECT {ident("r.rolname")}, r.rolcanlogin::text,
    (r.rolbypassrls AND NOT r.rolsuper)::text,
    r.rolconnlimit::text, r.rolvaliduntil::text, r.rolinherit::text, r.rolsuper::text,
    r.rolcreaterole::text, r.rolcreatedb::text, r.rolreplication::text
FROM pg_roles r WHERE {_ROLE}""",
    extra=_NOTE,
    milder=tuple(
        (one, _WARNING)
        for one in ("superuser", "creates roles", "creates databases", "replicates", "inherits")
    ),
)
"""What CloudNativePG takes from an application's role on purpose is told, and no more.

A superuser bypasses row security as such: that it is none there is told once. The official
image makes the application's role one.
"""

MEMBERSHIPS = Family(
    "memberships",
    ("admin",),
    f"""{_USED}SELECT {ident("r.rolname")} || ' in ' || {ident("g.rolname")},
    bool_or(m.admin_option)::text
FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member JOIN pg_roles g ON g.oid = m.roleid
WHERE {_ROLE} GROUP BY 1""",
    extra=_NOTE,
)

# Freezing a database before the switch lacks nothing on the target: the family `database` tells it.
_FREEZES = "s.setrole = 0 AND split_part(c, '=', 1) = 'default_transaction_read_only'"

# A default that repoint plans, or that CloudNativePG sets, is on the target alone.
ROLE_SETTINGS = Family(
    "role settings",
    ("value",),
    f"""{_USED}SELECT coalesce('role ' || {ident("r.rolname")}, 'every role')
        || CASE WHEN s.setdatabase = 0 THEN '' ELSE ' in this database' END
        || ', ' || split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)
FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS c
LEFT JOIN pg_roles r ON r.oid = s.setrole
WHERE s.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    AND (s.setrole = 0 OR {_ROLE}) AND NOT ({_FREEZES})""",
    extra=_NOTE,
)

_RELATIONS = (
    f"pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OWN_SCHEMAS} "
    f"AND {not_extension('pg_class', 'c.oid')} AND c.relpersistence <> 't'"
)
# A column's sequence always has its table's owner.
_BOUND = (
    "NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend o WHERE o.classid = "
    "'pg_class'::regclass AND o.objid = c.oid AND o.refclassid = 'pg_class'::regclass "
    "AND o.deptype IN ('a', 'i')))"
)
_FUNCTION = (
    f"'function ' || {dotted('n.nspname', 'p.proname')} || '(' "
    "|| pg_get_function_identity_arguments(p.oid) || ')'"
)
_FUNCTIONS = (
    f"pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {OWN_SCHEMAS} "
    f"AND {not_extension('pg_proc', 'p.oid')} AND NOT EXISTS (SELECT FROM pg_depend i WHERE "
    "i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i')"
)
_TYPES = (
    f"pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE {OWN_SCHEMAS} "
    f"AND {not_extension('pg_type', 't.oid')} AND (t.typtype IN ('e', 'd', 'r') "
    "OR (t.typtype = 'c' AND EXISTS (SELECT FROM pg_class k WHERE k.oid = t.typrelid "
    "AND k.relkind = 'c')))"
)
_SCHEMAS = f"pg_namespace n WHERE {OWN_SCHEMAS} AND {not_extension('pg_namespace', 'n.oid')}"
_DATABASE = "pg_database d WHERE d.datname = current_database()"
_OBJECTS = (
    (f"'schema ' || {ident('n.nspname')}", "n.nspowner", "n.nspacl", "'n'", _SCHEMAS),
    (
        f"CASE c.relkind WHEN 'S' THEN 'sequence ' WHEN 'v' THEN 'view ' ELSE 'table ' END || "
        f"{dotted('n.nspname', 'c.relname')}",
        "c.relowner",
        "c.relacl",
        "CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::\"char\"",
        f"{_RELATIONS} AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')",
    ),
    (_FUNCTION, "p.proowner", "p.proacl", "'f'", _FUNCTIONS),
    (f"'type ' || {dotted('n.nspname', 't.typname')}", "t.typowner", "t.typacl", "'T'", _TYPES),
    ("'this database'", "d.datdba", "d.datacl", "'d'", _DATABASE),
)

OWNERS = Family(
    "owners",
    ("owner",),
    "\nUNION ALL\n".join(
        f"SELECT {name}, pg_get_userbyid({owner})::text FROM {rows}"
        + (f" AND {_BOUND}" if "c.relkind" in name else "")
        for name, owner, _, _, rows in _OBJECTS
    ),
)
"""An object that only one side has is told by its own family alone."""

_GRANTEE = (
    "CASE a.grantee WHEN 0 THEN 'PUBLIC' WHEN {0} THEN 'its owner' "
    "ELSE pg_get_userbyid(a.grantee)::text END"
)
_PRIVILEGES = (
    "string_agg(DISTINCT a.privilege_type || CASE WHEN a.is_grantable AND a.grantee <> {0} "
    "THEN ' WITH GRANT OPTION' ELSE '' END, ', ')"
)


def _grants(name: str, owner: str, acl: str, kind: str, rows: str) -> str:
    source, _, condition = rows.partition(" WHERE ")
    return (
        f"SELECT {name} || ' to ' || {_GRANTEE.format(owner)}, {_PRIVILEGES.format(owner)} "
        f"FROM {source} CROSS JOIN LATERAL aclexplode(coalesce({acl}, "
        f"acldefault({kind}, {owner}))) AS a WHERE {condition} GROUP BY 1"
    )


_COLUMN_GRANTS = _grants(
    f"'column ' || {dotted('n.nspname', 'c.relname', 'b.attname')}",
    "c.relowner",
    "b.attacl",
    "'c'",
    _RELATIONS.replace("pg_class c", "pg_attribute b JOIN pg_class c ON c.oid = b.attrelid")
    + " AND b.attacl IS NOT NULL",
)
_DEFAULT_GRANTS = (
    "SELECT 'new ' || CASE f.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' "
    "WHEN 'f' THEN 'functions' WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' "
    "ELSE 'large objects' END || ' of ' || pg_get_userbyid(f.defaclrole)::text "
    f"|| coalesce(' in schema ' || {ident('n.nspname')}, '') || ' to ' || "
    f"{_GRANTEE.format('f.defaclrole')}, {_PRIVILEGES.format('f.defaclrole')} "
    "FROM pg_default_acl f LEFT JOIN pg_namespace n ON n.oid = f.defaclnamespace "
    "CROSS JOIN LATERAL aclexplode(f.defaclacl) AS a GROUP BY 1"
)
GRANTS = Family(
    "grants",
    ("privileges",),
    "\nUNION ALL\n".join((*(_grants(*one) for one in _OBJECTS), _COLUMN_GRANTS, _DEFAULT_GRANTS)),
    extra=_WARNING,
)
"""Owners are spelled `its owner`, and a missing list as the default that it stands for (DC4)."""

_SETTINGS = (
    *("TimeZone", "DateStyle", "IntervalStyle", "default_text_search_config", "bytea_output"),
    *("default_transaction_isolation", "default_transaction_read_only", "extra_float_digits"),
    *("lc_monetary", "lc_numeric", "lc_time", "standard_conforming_strings", "row_security"),
    *("search_path", "session_replication_role", "max_identifier_length", "block_size"),
)
DATABASE = Family(
    "database",
    ("value",),
    f"""SELECT 'encoding', pg_encoding_to_char(d.encoding) FROM {_DATABASE}
UNION ALL SELECT 'collation', d.datcollate FROM {_DATABASE}
UNION ALL SELECT 'character type', d.datctype FROM {_DATABASE}
UNION ALL SELECT 'locale provider', d.datlocprovider::text FROM {_DATABASE}
UNION ALL SELECT 'locale', coalesce(to_jsonb(d)->>'datlocale', to_jsonb(d)->>'daticulocale')
    FROM {_DATABASE}
UNION ALL SELECT 'connection limit', d.datconnlimit::text FROM {_DATABASE}
UNION ALL SELECT s.name, s.reset_val FROM pg_settings s
    WHERE s.name IN ({", ".join(f"'{one}'" for one in _SETTINGS)})""",
    changed=_WARNING,
    extra=_NOTE,
    missing=_NOTE,
)
"""Read as the login sees them; `encoding` matters more, see `differences`."""

LARGE_OBJECTS = Family(
    "large objects",
    ("count",),
    "SELECT 'large objects', count(*)::text FROM pg_largeobject_metadata",
)
