"""A second table of snippets, written before the scanner was mended and never tuned on.

Same form as source_language_cases. What the scanner misses here it is known to miss: the
test holds the number, not each case, so that the table stays a measure.
"""

# ruff: noqa: E501

from __future__ import annotations

from tests.unit.rules.source_language_cases import Case, fine, keeps

GO = [
    keeps("a.go", "sqlx.MustExec(`set search_path = ` + quoted)", "session-guc"),
    keeps("b.go", "const lockSQL = `SELECT pg_advisory_lock($1, $2)`", "advisory-lock"),
    keeps("c.go", "for {\n\tn, err := conn.Conn().WaitForNotification(ctx)\n}", "listen"),
    keeps(
        "d.go",
        "batch.Queue(\"SELECT set_config('request.jwt.claims', $1, false)\", c)",
        "session-guc",
    ),
    keeps("e.go", 'db.Exec("CREATE LOCAL TEMPORARY TABLE stage (LIKE orders)")', "temp-table"),
    keeps(
        "f.go",
        'config.RuntimeParams = map[string]string{"statement_timeout": "5000"}',
        "startup-setting",
    ),
    keeps(
        "g.go", 'entgo.Exec(ctx, "RESET ROLE"); entgo.Exec(ctx, "SET SESSION ROLE app")', "set-role"
    ),
    fine("h.go", 'usage := "  set role NAME   changes the role"'),
    fine("i.go", "q := `UPDATE a\n\t SET work_mem = b\n FROM c`"),
    fine("j.go", 'b.WriteString("UPDATE t"); b.WriteString(" SET jit = 1")'),
    fine("k.go", 'fmt.Println("LISTEN address is", a)'),
    fine("l.go", 'client.Set(ctx, "a", "b", 0); script := "return redis.call(\'SET\', a)"'),
    fine("m.go", "q := \"SELECT * FROM pg_locks WHERE locktype = 'advisory'\""),
    fine("n.go", 'tx.Exec("SELECT set_config($1, $2, true)", k, v)'),
]

PYTHON = [
    keeps("a.py", 'conn.exec_driver_sql("SET default_transaction_read_only = on")', "session-guc"),
    keeps(
        "b.py",
        "STATEMENT = '''\n  set statement_timeout to 0;\n  select 1'''\ncur.execute(STATEMENT)",
        "session-guc",
    ),
    keeps("c.py", "await conn.execute('SELECT pg_advisory_lock($1)', key)", "advisory-lock"),
    keeps("d.py", 'cur.execute("LISTEN {}".format(channel))', "listen"),
    keeps(
        "e.py", "async with asyncpg.create_pool(dsn, min_size=1) as pool:\n    pass", "pool-reset"
    ),
    keeps(
        "f.py",
        "df.to_sql('x', e); conn.execute(text('CREATE TEMPORARY TABLE ids AS SELECT 1'))",
        "temp-table",
    ),
    keeps("g.py", "cur.execute('PREPARE plan1 (int) AS SELECT $1')", "sql-prepare"),
    keeps("h.py", "psycopg.connect(dsn, options='-c statement_timeout=5s')", "startup-setting"),
    fine("i.py", "raise ValueError('SET role = is not allowed here')"),
    fine("j.py", "print('LISTEN on port', p)"),
    fine("k.py", "op.execute('update t set search_path = 1')"),
    fine("l.py", "q = 'UPDATE t'\nq += ' SET role = 1'"),
    fine("m.py", "cur.execute('SET LOCAL statement_timeout = 1')", "local-guc"),
    fine("n.py", "NAMES = {'temp table': 'CREATE', 'x': 'LISTEN'}"),
    fine("o.py", "asyncio.run(start_server()); sock.listen(5)"),
    fine("p.py", "x = Foo(options='-c value')"),
]

JS = [
    keeps(
        "a.ts",
        "await em.query(`SET LOCAL x.y = 1`); await ds.query(\"SET search_path = 'shop'\")",
        "session-guc",
        "local-guc",
    ),
    keeps(
        "b.ts",
        "const { rows } = await client.query({ text: 'SELECT pg_try_advisory_lock($1) AS ok', values: [k] })",
        "advisory-lock",
    ),
    keeps("c.ts", 'await client.query(`LISTEN "${channel}"`)', "listen"),
    keeps("d.ts", "await db.raw('create temp table tmp_ids (id uuid)')", "temp-table"),
    keeps(
        "e.ts", "await db.raw(`SELECT set_config('app.org_id', ?, false)`, [org])", "session-guc"
    ),
    keeps(
        "f.ts",
        "const subscriber = createSubscriber({ connectionString })\nimport createSubscriber from 'pg-listen'",
        "listen",
    ),
    keeps(
        "g.ts",
        "await manager.query(\"SELECT currval(pg_get_serial_sequence('t', 'id'))\")",
        "last-id",
    ),
    fine("h.ts", "toast('Set role for ' + name)"),
    fine("i.ts", "qb.update(User).set({ role }).where('id = 1')"),
    fine("j.ts", "const q = 'UPDATE t' + ' SET timezone = $1'"),
    fine("k.ts", "logger.debug(`LISTEN ${port}`)"),
    fine("l.ts", "io.listen(80); const s = 'prepare x as y'"),
    fine("m.ts", "await kv.eval(\"redis.call('SET', KEYS[1], 'statement_timeout')\", 1)"),
    fine("n.ts", "await tx.query(\"select set_config('app.t', $1, true)\", [t])", "local-guc"),
]

JAVA = [
    keeps("A.java", 'stmt.executeUpdate("SET SESSION search_path = " + schema);', "session-guc"),
    keeps(
        "B.java", 'session.doWork(c -> c.createStatement().execute("SET ROLE tenant"));', "set-role"
    ),
    keeps(
        "C.java",
        '@Query(value = "SELECT pg_advisory_lock(:id)", nativeQuery = true) void lock(long id);',
        "advisory-lock",
    ),
    keeps(
        "D.java",
        'String sql = "CREATE TEMPORARY TABLE tmp ( id bigint ) ON COMMIT PRESERVE ROWS";',
        "temp-table",
    ),
    keeps("E.java", 'dsl.execute("set app.tenant = {0}", t);', "session-guc"),
    fine("F.java", 'throw new IllegalStateException("set role first");'),
    fine("G.java", 'String s = "UPDATE t " + "SET role = ?";'),
    fine("H.java", 'String s = "listen";  button.setText("LISTEN");'),
    fine("I.java", 'jdbc.execute("set local lock_timeout = 1");', "local-guc"),
    fine("J.java", 'jdbc.execute("SET SQL_SAFE_UPDATES = 0");'),
]

KOTLIN = [
    keeps(
        "A.kt",
        'connection.createStatement().use { it.execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY") }',
        "session-guc",
    ),
    keeps("B.kt", 'handle.execute("SELECT pg_advisory_lock(?)", 1)', "advisory-lock"),
    keeps(
        "C.kt",
        'pg.notifications.collect(); conn.createStatement("LISTEN jobs").execute()',
        "listen",
    ),
    keeps("D.kt", 'handle.execute("""SELECT set_config(\'app.t\', :t, false)""")', "session-guc"),
    fine("E.kt", 'val message = "set role to $role"'),
    fine("F.kt", '/* exec("LISTEN a") */ val a = """no sql: listen here"""'),
    fine("G.kt", 'handle.execute("UPDATE a " + "SET role = ?")'),
    fine("H.kt", 'handle.execute("SELECT pg_advisory_xact_lock(1)")'),
]

RUBY = [
    keeps(
        "a.rb",
        "ApplicationRecord.connection.execute(\"SELECT set_config('app.t', '1', false)\")",
        "session-guc",
    ),
    keeps("b.rb", "DB << 'SET statement_timeout = 100'", "session-guc"),
    keeps("c.rb", "execute <<-SQL.squish\n  SELECT pg_advisory_lock(1)\nSQL\n", "advisory-lock"),
    keeps("d.rb", 'conn.async_exec "LISTEN #{ch}"', "listen"),
    keeps("e.rb", 'conn.exec("CREATE TEMP TABLE a AS SELECT 1")', "temp-table"),
    fine("f.rb", "flash[:notice] = 'Set role for user'"),
    fine("g.rb", "User.where(id: 1).update_all(\"role = 'x'\")"),
    fine("h.rb", "sql = 'UPDATE t ' \\\n  'SET role = 1'"),
    fine("i.rb", "redis.set('role', 1); logger.warn(\"LISTEN #{port}\")"),
    fine("j.rb", "# c.exec('SET ROLE x')\nputs %(prepare dinner as usual)"),
]

PHP = [
    keeps(
        "a.php",
        "<?php DB::connection('pgsql')->statement(\"SET statement_timeout TO '5s'\");",
        "session-guc",
    ),
    keeps(
        "b.php",
        "<?php $em->getConnection()->executeQuery('SELECT pg_advisory_lock(1)');",
        "advisory-lock",
    ),
    keeps("c.php", '<?php pg_query($conn, "LISTEN my_channel;");', "listen"),
    keeps("d.php", '<?php $db->query("SET ROLE " . $role);', "set-role"),
    keeps("e.php", "<?php $c->exec('CREATE TEMPORARY TABLE t AS SELECT 1');", "temp-table"),
    fine("f.php", "<?php throw new Exception('set role first');"),
    fine("g.php", "<?php $q = 'UPDATE t' . ' SET role = 1';"),
    fine("h.php", '<?php echo "listen $port";'),
    fine("i.php", "<?php /* SET search_path TO x */ $a = 'SET CHARACTER SET utf8';"),
    fine("j.php", "<?php $pdo->query(\"SELECT set_config('a.b', '1', true)\");", "local-guc"),
]

RUST = [
    keeps("a.rs", 'conn.execute(sqlx::query("set role app")).await?;', "set-role"),
    keeps("b.rs", 'client.simple_query("SET search_path = shop").await?;', "session-guc"),
    keeps("c.rs", 'let q = concat!("SELECT ", "pg_advisory_lock(1)");', "advisory-lock"),
    keeps("d.rs", 'client.batch_execute("LISTEN a; LISTEN b;").await?;', "listen"),
    fine("e.rs", 'bail!("set role before");'),
    fine("f.rs", 'let l = TcpListener::bind(a); println!("LISTEN");'),
    fine("g.rs", 'sqlx::query("UPDATE t SET role = $1")'),
    fine("h.rs", "//! SET search_path TO x\nlet x = 'a';"),
]

CSHARP = [
    keeps("A.cs", 'await using var cmd = new NpgsqlCommand("SET ROLE app", conn);', "set-role"),
    keeps(
        "B.cs",
        "await db.Database.ExecuteSqlInterpolatedAsync($\"SELECT set_config('app.t', {t}, false)\");",
        "session-guc",
    ),
    keeps("C.cs", 'var sql = @"SELECT\n  pg_advisory_lock(1)";', "advisory-lock"),
    keeps("D.cs", 'ctx.Database.ExecuteSqlRaw("CREATE TEMPORARY TABLE x (id int)");', "temp-table"),
    keeps("E.cs", 'cmd.CommandText = "LISTEN " + channel;', "listen"),
    fine("F.cs", 'throw new InvalidOperationException("Set role = x");'),
    fine("G.cs", 'var s = "UPDATE t " + "SET role = 1";'),
    fine("H.cs", 'Console.WriteLine($"listen {port}");'),
    fine("I.cs", 'conn.Execute("SET ANSI_NULLS ON");'),
    fine("J.cs", "conn.Execute(\"select set_config('a.b', '1', true)\");", "local-guc"),
]

LANGUAGES: dict[str, list[Case]] = {
    "Go": GO,
    "Python": PYTHON,
    "JavaScript and TypeScript": JS,
    "Java": JAVA,
    "Kotlin": KOTLIN,
    "Ruby": RUBY,
    "PHP": PHP,
    "Rust": RUST,
    "C#": CSHARP,
}
