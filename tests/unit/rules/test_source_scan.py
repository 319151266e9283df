"""Source text: what counts as evidence, and all that only looks like it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.rules.attribution import Attribution, Name
from repoint.rules.facts import HazardKind
from repoint.rules.source_scan import (
    component_dirs,
    component_of,
    scan_role_defaults,
    scan_source,
)
from repoint.rules.source_text import read_source, sql_without_comments

K = HazardKind
RLS = """ALTER TABLE t ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON t USING (tenant = current_setting('app.tenant', true));
"""

FOUND = [
    pytest.param("migrations/1.sql", RLS, [(K.RLS_GUC, 2)], id="ST2 policy in a migration"),
    pytest.param(
        "migrations/1.sql",
        "CREATE POLICY p ON t USING (owner = current_user);",
        [(K.RLS, 1)],
        id="ST2 policy without a setting",
    ),
    pytest.param(
        "db.go",
        "c.Exec(ctx, \"SELECT set_config('app.tenant', $1, false)\", t)",
        [(K.SESSION_GUC, 1)],
        id="ST1 go set_config false",
    ),
    pytest.param(
        "db.go",
        "x := 1\nc.Exec(`\n  SELECT set_config('app.tenant', $1, true)`)",
        [(K.LOCAL_GUC, 3)],
        id="ST3 go raw string set_config true",
    ),
    pytest.param(
        "migrations/2.sql",
        "CREATE FUNCTION f() AS $$ SELECT set_config('app.tenant', 'a', true) $$;",
        [(K.LOCAL_GUC, 1)],
        id="ST3 a function made by a migration",
    ),
    pytest.param(
        "db.py", "c.execute(\"SET app.tenant = 'a'\")", [(K.SESSION_GUC, 1)], id="ST1 python SET"
    ),
    pytest.param(
        "db.py",
        'c.execute(f"SET LOCAL app.tenant = {t}")',
        [(K.LOCAL_GUC, 1)],
        id="ST3 python SET LOCAL",
    ),
    pytest.param(
        "db.py",
        'c.execute(\n    """\n    SET statement_timeout TO 5000""")',
        [(K.SESSION_GUC, 3)],
        id="ST5 python triple quotes",
    ),
    pytest.param(
        "db.ts",
        "await c.query(`SET search_path TO ${schema}`)",
        [(K.SESSION_GUC, 1)],
        id="ST7 typescript template",
    ),
    pytest.param(
        "Db.java",
        'st.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");',
        [(K.SESSION_GUC, 1)],
        id="ST6 java",
    ),
    pytest.param("Db.kt", 'exec("SET ROLE reporting")', [(K.SET_ROLE, 1)], id="ST4 kotlin"),
    pytest.param("a.rb", 'c.exec("LISTEN jobs")', [(K.LISTEN, 1)], id="ST11 ruby"),
    pytest.param("a.js", "c.query('LISTEN ' + channel)", [(K.LISTEN, 1)], id="ST11 concatenated"),
    pytest.param("a.go", "l := pq.NewListener(dsn, a, b, c)", [(K.LISTEN, 1)], id="ST11 lib/pq"),
    pytest.param(
        "a.php", '$db->query("SELECT pg_advisory_lock(1)");', [(K.ADVISORY_LOCK, 1)], id="ST8 php"
    ),
    pytest.param(
        "a.rs",
        'sqlx::query("SELECT pg_try_advisory_lock($1)")',
        [(K.ADVISORY_LOCK, 1)],
        id="ST8 rust",
    ),
    pytest.param(
        "a.cs", 'Run(@"CREATE TEMP TABLE t (a int)");', [(K.TEMP_TABLE, 1)], id="ST12 c sharp"
    ),
    pytest.param(
        "queries/a.sql",
        "DECLARE c CURSOR WITH HOLD FOR SELECT 1;",
        [(K.WITH_HOLD, 1)],
        id="ST12 query file",
    ),
    pytest.param(
        "a.py", 'c.execute("PREPARE q AS SELECT 1")', [(K.SQL_PREPARE, 1)], id="PS5 python"
    ),
    pytest.param("go.mod", "require github.com/lib/pq v1.10.9\n", [(K.DRIVER, 1)], id="PS1 go.mod"),
    pytest.param("package.json", '{"dependencies": {"pg": "^8"}}', [(K.DRIVER, 1)], id="npm"),
    pytest.param("requirements.txt", "psycopg[binary]==3.2\n", [(K.DRIVER, 1)], id="pip"),
    pytest.param(
        "pom.xml",
        "<groupId>org.postgresql</groupId><artifactId>postgresql</artifactId>",
        [(K.DRIVER, 1)],
        id="maven",
    ),
]

NOTHING = [
    pytest.param("a.go", "// c.Exec(\"SET app.tenant = 'a'\")", id="go comment"),
    pytest.param("a.go", '/* LISTEN jobs\n"SET app.x = 1" */', id="go block comment"),
    pytest.param("a.py", "# c.execute(\"SET app.tenant = 'a'\")", id="python comment"),
    pytest.param("a.py", 'def f():\n    """SET app.tenant = 1"""\n', id="python docstring"),
    pytest.param("a.sql", "-- SELECT pg_advisory_lock(1);", id="sql comment"),
    pytest.param("a.sql", "/* a /* b */ SET app.x = 1; */", id="sql nested comment"),
    pytest.param("a.py", 'c.execute("SELECT 1 -- SET app.x = 1")', id="sql comment in a string"),
    pytest.param("migrations/1.sql", "SET search_path = a; SELECT 1;", id="migrations go direct"),
    pytest.param("db/migrate/1.rb", 'execute "SELECT pg_advisory_lock(1)"', id="a rails migration"),
    pytest.param(
        "migrations/3.sql", "SELECT set_config('search_path', '', false);", id="a dump's own line"
    ),
    pytest.param("migrations/a.go", "pq.NewListener(x)", id="code of a migration"),
    pytest.param("a_test.go", 'c.Exec("LISTEN jobs")', id="a go test"),
    pytest.param("tests/test_a.py", 'c.execute("LISTEN jobs")', id="a python test"),
    pytest.param("vendor/x/a.go", 'c.Exec("LISTEN jobs")', id="vendored code"),
    pytest.param("a.py", 'c.execute("UPDATE t\\nSET a = 1")', id="UPDATE .. SET"),
    pytest.param("a.py", 'c.execute("""UPDATE t\nSET work_mem = 1""")', id="a column of that name"),
    pytest.param("a.go", 'log.Print("Set name to Bob")', id="prose that starts with Set"),
    pytest.param("a.go", 'net.Listen("tcp", a); fmt.Errorf("listen tcp %s", a)', id="a socket"),
    pytest.param("a.go", 'state := "LISTEN"', id="a socket's state"),
    pytest.param("a.py", 'label = "Set role for user"', id="prose on roles"),
    pytest.param("a.py", 'c.execute("SELECT pg_advisory_xact_lock(1)")', id="ST9 xact lock"),
    pytest.param(
        "a.py", 'c.execute("CREATE TEMP TABLE t (a int) ON COMMIT DROP")', id="ST12 on commit drop"
    ),
    pytest.param("a.py", "c.execute(\"PREPARE TRANSACTION 'x'\")", id="two-phase commit"),
    pytest.param("a.py", 'c.execute("SET TRANSACTION READ ONLY")', id="ST17 one transaction"),
    pytest.param("go.mod", "require github.com/lib/pq v1 // indirect", id="an indirect driver"),
    pytest.param("README.md", "SET app.tenant = 1; LISTEN x;", id="prose"),
]


@pytest.mark.parametrize(("path", "text", "expected"), FOUND)
def test_finds(path: str, text: str, expected: list[tuple[HazardKind, int]]) -> None:
    assert [(h.kind, h.line) for h in scan_source(path, text)] == expected


@pytest.mark.parametrize(("path", "text"), NOTHING)
def test_leaves_alone(path: str, text: str) -> None:
    assert scan_source(path, text) == ()


def test_the_message_never_quotes_the_text() -> None:
    (found,) = scan_source("a.py", "c.execute(\"SET app.secret = 'canary-1'\")")
    assert "canary" not in repr(found)


def test_the_example_keeps_its_tenant_in_the_session() -> None:
    root = Path(__file__).parents[3] / "examples/naytife"
    paths = [str(p.relative_to(root)) for p in root.rglob("*") if p.is_file()]
    homes = component_dirs(paths)
    assert homes == {"backend"}
    found = [
        h
        for path in sorted(paths)
        if path.endswith((".go", ".sql", ".mod"))
        for h in scan_source(path, (root / path).read_text(), homes)
    ]
    subjects = {(h.kind, h.subject) for h in found}
    assert subjects == {
        (K.DRIVER, "pgx"),
        (K.SESSION_GUC, "app.current_tenant"),
        (K.RLS_GUC, "app.current_tenant"),
    }
    both = (Name("backend"), Name("hydra"))
    assert Attribution(found, both).hazards_of(both[0]) == tuple(found)
    assert Attribution(found, both).hazards_of(both[1]) == ()


def test_the_nearest_component_holds_a_file() -> None:
    homes = component_dirs(["go.mod", "web/package.json", "node_modules/x/package.json", "a/b.go"])
    assert homes == {"", "web"}
    assert component_of("web/src/a.ts", homes) == "web"
    assert component_of("cmd/main.go", homes) == ""


def test_SP9_defaults_of_roles_are_read_from_sql() -> None:
    text = (
        "-- ALTER ROLE a SET search_path = no;\n"
        "ALTER ROLE shop IN DATABASE shopdb SET search_path TO 'shop_schema';\n"
        'alter role "auth" set statement_timeout = 5000;'
    )
    found = scan_role_defaults("roles.sql", text)
    assert [(d.role, d.database, d.parameter, d.value, d.location.line) for d in found] == [
        ("shop", "shopdb", "search_path", "shop_schema", 2),
        ("auth", "", "statement_timeout", "5000", 3),
    ]


SOURCE = st.text(alphabet="ab'\"`/*#-\\\n@r=${}()$ ", max_size=60)


@given(SOURCE, st.sampled_from(["py", "rb", "php", "go", "js", "java", "rs", "cs"]))
def test_reading_keeps_lines_and_length_and_ends(text: str, language: str) -> None:
    source = read_source(text, language)
    assert len(source.code) == len(text)
    assert source.code.count("\n") == text.count("\n")
    assert all(1 <= literal.line <= text.count("\n") + 1 for literal in source.literals)


@given(SOURCE)
def test_sql_keeps_lines_and_length(text: str) -> None:
    clean = sql_without_comments(text)
    assert (len(clean), clean.count("\n")) == (len(text), text.count("\n"))


@pytest.mark.parametrize(
    ("language", "text", "literals"),
    [
        pytest.param("go", 'a := `x\\`; b := "y"', ["x\\", "y"], id="go raw strings"),
        pytest.param("go", 'q := \'"\'; s := "x"', ["x"], id="a quote as a character"),
        pytest.param("js", "a = `x\n\\`y`; b = 'z'", ["x\n\\`y", "z"], id="js templates do escape"),
        pytest.param("js", "a = 'x\ny'", ["x", ""], id="an open string ends with its line"),
        pytest.param("cs", 'a = @"x\\"; b = "y";', ["x\\", "y"], id="c sharp verbatim strings"),
        pytest.param("rs", 'a = r#"x"y"#; b = "z";', ['x"y', "z"], id="rust raw strings"),
        pytest.param("rs", "fn f<'a>(x: &'a str) { \"y\" }", ["y"], id="rust lifetimes"),
        pytest.param("rb", "=begin\n'x'\n=end\na = 'y'", ["y"], id="ruby block comments"),
        pytest.param(
            "java", 'a = """\nx "y" z""" + "w";', ['\nx "y" zw'], id="java blocks, joined"
        ),
        pytest.param("py", "f(a, '''x''')", ["x"], id="python triple single quotes"),
        pytest.param("py", "x = 1\n'''prose'''\n", [], id="a string that stands alone is prose"),
        pytest.param("php", "# 'a'\n$b = 'c'; // 'd'", ["c"], id="php has two line comments"),
    ],
)
def test_the_strings_of_a_program(language: str, text: str, literals: list[str]) -> None:
    assert [literal.text for literal in read_source(text, language).literals] == literals
