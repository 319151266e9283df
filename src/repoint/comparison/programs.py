"""Families of what runs in a database: functions, triggers, policies, types and their like."""

from __future__ import annotations

from repoint.comparison.family import OWN_SCHEMAS, Family, dotted, ident, not_extension
from repoint.model.plan import Severity

_NOTE, _WARNING = Severity.NOTE, Severity.WARNING
_ON_TABLE = "pg_class c ON c.oid = {0} JOIN pg_namespace n ON n.oid = c.relnamespace"
_ENABLED = (
    "CASE {0} WHEN 'O' THEN 'yes' WHEN 'D' THEN 'no' WHEN 'R' THEN 'on replicas' ELSE 'always' END"
)

FUNCTIONS = Family(
    "functions",
    (
        *("kind", "arguments", "result", "language", "source", "body", "behaviour", "settings"),
        *("aggregate", "cost"),
    ),
    f"""SELECT {dotted("n.nspname", "p.proname")}
        || '(' || pg_get_function_identity_arguments(p.oid) || ')',
    p.prokind::text, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid),
    l.lanname::text, p.prosrc, pg_get_function_sqlbody(p.oid),
    concat_ws(', ', CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable'
        ELSE 'volatile' END, CASE WHEN p.proisstrict THEN 'strict' END,
        CASE WHEN p.prosecdef THEN 'security definer' END,
        CASE WHEN p.proleakproof THEN 'leakproof' END, 'parallel ' || p.proparallel::text),
    array_to_string(p.proconfig, ', '),
    (SELECT concat_ws(', ', g.aggtransfn::text, g.aggfinalfn::text, g.aggcombinefn::text,
        format_type(g.aggtranstype, NULL), g.agginitval, g.aggkind::text)
        FROM pg_aggregate g WHERE g.aggfnoid = p.oid),
    concat_ws(', ', p.procost::text, p.prorows::text)
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
JOIN pg_language l ON l.oid = p.prolang
WHERE {OWN_SCHEMAS} AND {not_extension("pg_proc", "p.oid")}
    AND NOT EXISTS (SELECT FROM pg_depend i WHERE i.classid = 'pg_proc'::regclass
        AND i.objid = p.oid AND i.deptype = 'i')""",
    extra=_WARNING,
    milder=(("cost", _NOTE),),
)

TRIGGERS = Family(
    "triggers",
    ("definition", "enabled"),
    f"""SELECT {dotted("n.nspname", "c.relname", "t.tgname")}, pg_get_triggerdef(t.oid),
    {_ENABLED.format("t.tgenabled")}
FROM pg_trigger t JOIN {_ON_TABLE.format("t.tgrelid")}
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {OWN_SCHEMAS}
    AND {not_extension("pg_trigger", "t.oid")}
UNION ALL
SELECT {ident("e.evtname")}, concat_ws(' ', e.evtevent, e.evttags::text, e.evtfoid::regproc::text),
    {_ENABLED.format("e.evtenabled")}
FROM pg_event_trigger e WHERE {not_extension("pg_event_trigger", "e.oid")}""",
)

POLICIES = Family(
    "policies",
    ("command", "kind", "roles", "using", "check"),
    f"""SELECT {dotted("n.nspname", "c.relname", "p.polname")}, p.polcmd::text,
    CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
    (SELECT string_agg(CASE WHEN r = 0 THEN 'PUBLIC' ELSE pg_get_userbyid(r)::text END, ', '
        ORDER BY pg_get_userbyid(r)::text COLLATE "C") FROM unnest(p.polroles) AS r),
    pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_policy p JOIN {_ON_TABLE.format("p.polrelid")} WHERE {OWN_SCHEMAS}""",
)

RULES = Family(
    "rules",
    ("definition", "enabled"),
    f"""SELECT {dotted("n.nspname", "c.relname", "r.rulename")}, pg_get_ruledef(r.oid),
    {_ENABLED.format("r.ev_enabled")}
FROM pg_rewrite r JOIN {_ON_TABLE.format("r.ev_class")}
WHERE r.rulename <> '_RETURN' AND {OWN_SCHEMAS} AND {not_extension("pg_class", "c.oid")}""",
)

TYPES = Family(
    "types",
    ("kind", "labels", "base", "constraints", "fields"),
    f"""SELECT {dotted("n.nspname", "t.typname")},
    CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'c' THEN 'composite'
        WHEN 'r' THEN 'range' WHEN 'm' THEN 'multirange' ELSE 'base' END,
    (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
        FROM pg_enum e WHERE e.enumtypid = t.oid),
    concat_ws(' ', CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END,
        CASE WHEN t.typnotnull THEN 'not null' END, 'default ' || t.typdefault,
        (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r
            WHERE t.oid IN (r.rngtypid, r.rngmultitypid))),
    (SELECT string_agg(k.conname || ' ' || pg_get_constraintdef(k.oid), ', '
        ORDER BY k.conname COLLATE "C")
        FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'),
    (SELECT string_agg({ident("a.attname")} || ' ' || format_type(a.atttypid, a.atttypmod), ', '
        ORDER BY a.attnum) FROM pg_attribute a
        WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE (t.typtype IN ('e', 'd', 'r', 'm') OR (t.typtype = 'c' AND c.relkind = 'c')
    OR (t.typtype = 'b' AND t.typelem = 0))
    AND {OWN_SCHEMAS} AND {not_extension("pg_type", "t.oid")}""",
)

_OTHERS = (
    (
        "collation",
        "pg_collation",
        "o.collname",
        "o.collnamespace",
        "concat_ws(' ', o.collprovider::text, o.collcollate, o.collctype, "
        "to_jsonb(o)->>'colliculocale', to_jsonb(o)->>'colllocale', o.collisdeterministic::text)",
    ),
    (
        "statistics",
        "pg_statistic_ext",
        "o.stxname",
        "o.stxnamespace",
        "pg_get_statisticsobjdef(o.oid)",
    ),
    (
        "text search configuration",
        "pg_ts_config",
        "o.cfgname",
        "o.cfgnamespace",
        "(SELECT string_agg(concat_ws(' ', m.maptokentype, m.mapseqno, "
        "m.mapdict::regdictionary::text), ', ' ORDER BY m.maptokentype, m.mapseqno) "
        "FROM pg_ts_config_map m WHERE m.mapcfg = o.oid)",
    ),
    (
        "text search dictionary",
        "pg_ts_dict",
        "o.dictname",
        "o.dictnamespace",
        "o.dictinitoption",
    ),
)
_WITH_SCHEMA = "\nUNION ALL\n".join(
    f"SELECT '{kind} ' || {dotted('n.nspname', name)}, {text}\n"
    f"FROM {catalog} o JOIN pg_namespace n ON n.oid = {schema} "
    f"WHERE {OWN_SCHEMAS} AND {not_extension(catalog, 'o.oid')}"
    for kind, catalog, name, schema, text in _OTHERS
)
OTHERS = Family(
    "other objects",
    ("definition",),
    f"""{_WITH_SCHEMA}
UNION ALL
SELECT 'operator ' || o.oid::regoperator::text, concat_ws(', ', o.oprcode::regproc::text,
    o.oprcom::regoperator::text, o.oprnegate::regoperator::text, o.oprrest::regproc::text,
    o.oprjoin::regproc::text)
FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace
WHERE {OWN_SCHEMAS} AND {not_extension("pg_operator", "o.oid")}
UNION ALL
SELECT 'cast ' || format_type(o.castsource, NULL) || ' as ' || format_type(o.casttarget, NULL),
    concat_ws(', ', o.castcontext::text, o.castmethod::text,
        CASE WHEN o.castfunc <> 0 THEN o.castfunc::regprocedure::text END)
FROM pg_cast o WHERE o.oid >= 16384 AND {not_extension("pg_cast", "o.oid")}
UNION ALL
SELECT 'language ' || o.lanname, CASE WHEN o.lanpltrusted THEN 'trusted' ELSE 'untrusted' END
FROM pg_language o WHERE o.oid >= 16384 AND {not_extension("pg_language", "o.oid")}
UNION ALL
SELECT 'foreign server ' || {ident("o.srvname")}, concat_ws(' ', w.fdwname, o.srvtype)
FROM pg_foreign_server o JOIN pg_foreign_data_wrapper w ON w.oid = o.srvfdw""",
    extra=_WARNING,
    milder=(("definition", _WARNING),),
)

PUBLICATIONS = Family(
    "publications",
    ("tables",),
    f"""SELECT {ident("p.pubname")}, CASE WHEN p.puballtables THEN 'all tables' ELSE
    (SELECT string_agg({dotted("t.schemaname", "t.tablename")}, ', '
        ORDER BY t.schemaname, t.tablename) FROM pg_publication_tables t
        WHERE t.pubname = p.pubname) END
FROM pg_publication p""",
    missing=_NOTE,
    extra=_NOTE,
    changed=_NOTE,
)

EXTENSIONS = Family(
    "extensions",
    ("version", "schema"),
    f"""SELECT {ident("e.extname")}, e.extversion, n.nspname::text
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace""",
    extra=_NOTE,
    milder=(("version", _WARNING),),
)
