"""Snippets as people write them, by language: what keeps session state, and what only looks so.

Each case is `(path, text, kinds)`: the kinds of evidence that a reader who knows the language
would name, drivers apart. Written before the scanner was mended, from the documentation's own
way of calling each library.
"""

# ruff: noqa: E501

from __future__ import annotations

Case = tuple[str, str, frozenset[str]]


def keeps(path: str, text: str, *kinds: str) -> Case:
    """A snippet that keeps this in its session."""
    return path, text, frozenset(kinds)


def fine(path: str, text: str, *kinds: str) -> Case:
    """A snippet that a transaction pool serves right; `kinds` are harmless evidence."""
    return path, text, frozenset(kinds)


GO = [
    fine("q.go", 'hint := "use pq.NewListener(dsn, a, b, c) here"'),
    keeps("db.go", 'conn.Exec(ctx, "SET app.tenant_id = $1", id)', "session-guc"),
    keeps(
        "pgx.go",
        "cfg.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {\n\t_, err := c.Exec(ctx, `SET\n\t\tsearch_path TO shop, public`)\n\treturn err\n}",
        "session-guc",
    ),
    keeps("gorm.go", "db.Exec(\"SELECT set_config('app.user', ?, false)\", uid)", "session-guc"),
    keeps("sprintf.go", 'q := fmt.Sprintf("SET statement_timeout = %d", ms)', "session-guc"),
    keeps("concat.go", 'db.Exec("SET " + "search_path TO " + schema)', "session-guc"),
    keeps("role.go", 'tx.Exec("SET ROLE " + pq.QuoteIdentifier(role))', "set-role"),
    keeps("role2.go", 'db.ExecContext(ctx, "set role "+role)', "set-role"),
    keeps("l.go", 'conn.Exec(ctx, "listen "+pgx.Identifier{ch}.Sanitize())', "listen"),
    keeps(
        "l2.go", 'listener := pq.NewListener(dsn, min, max, cb)\nlistener.Listen("jobs")', "listen"
    ),
    keeps(
        "lock.go",
        'row := db.QueryRow("select pg_try_advisory_lock(hashtext($1))", key)',
        "advisory-lock",
    ),
    keeps(
        "tmp.go",
        "_, err = db.Exec(`\ncreate temporary table if not exists ids (id bigint)\n`)",
        "temp-table",
    ),
    keeps("tmp2.go", 'db.Exec("CREATE TEMP TABLE x AS SELECT * FROM t")', "temp-table"),
    keeps("rt.go", 'cfg.ConnConfig.RuntimeParams["search_path"] = "shop"', "startup-setting"),
    keeps("lastval.go", 'db.QueryRow("SELECT lastval()").Scan(&id)', "last-id"),
    keeps("mode.go", "cfg.DefaultQueryExecMode = pgx.QueryExecModeDescribeExec", "two-trips"),
    fine("a.go", '// conn.Exec(ctx, "SET app.tenant_id = 1")'),
    fine("b.go", 'log.Printf("set timeout to %s", d)'),
    fine("c.go", 'db.Exec("UPDATE users SET name = $1 WHERE id = $2", n, id)'),
    fine("d.go", 'db.Exec("UPDATE users\\nSET role = $1", r)'),
    fine("e.go", 'q := "UPDATE users " +\n\t"SET search_path = $1"'),
    fine("f.go", 'rdb.Do(ctx, "SET", "session:1", v)'),
    fine("g.go", 'rdb.Do(ctx, "SET lock:1 x NX EX 10")'),
    fine("h.go", 'http.ListenAndServe(":80", nil); log.Print("listen on :80")'),
    fine("i.go", "tx.Exec(ctx, \"SELECT set_config('app.user', $1, true)\", uid)", "local-guc"),
    fine("j.go", "tx.Exec(ctx, \"SET LOCAL lock_timeout = '5s'\")", "local-guc"),
    fine("k.go", 'db.Exec("SELECT pg_advisory_xact_lock($1)", k)'),
    fine("l_test.go", 'db.Exec("SET search_path TO x")'),
    fine("m.go", "db.Exec(\"SET SESSION sql_mode = 'ANSI'\") // mysql"),
    fine("n.go", 'db.Exec("SET NAMES utf8mb4; SET FOREIGN_KEY_CHECKS = 0")'),
    fine(
        "p.go",
        "if mode == pgx.QueryExecModeDescribeExec || mode != pgx.QueryExecModeDescribeExec {}",
    ),
    fine("o.go", 'errors.New("prepare statement as requested failed")'),
]

PYTHON = [
    fine("ar.py", "parser.epilog('call asyncpg.create_pool(dsn) first')"),
    keeps("a.py", 'cur.execute("SET app.tenant = %s", (t,))', "session-guc"),
    keeps("b.py", 'cur.execute(f"SET search_path TO {schema}, public")', "session-guc"),
    keeps(
        "c.py",
        '@event.listens_for(engine, "connect")\ndef on(conn, rec):\n    cur = conn.cursor()\n    cur.execute("SET SESSION search_path=\'%s\'" % schema)\n',
        "session-guc",
    ),
    keeps(
        "d.py",
        'session.execute(text("SELECT set_config(\'app.user\', :u, false)"), {"u": u})',
        "session-guc",
    ),
    keeps("e.py", 'cur.execute(\n    "SET "\n    "statement_timeout = 5000"\n)', "session-guc"),
    keeps("f.py", 'cur.execute(sql.SQL("SET ROLE {}").format(sql.Identifier(r)))', "set-role"),
    keeps("g.py", "await conn.add_listener('jobs', cb)", "listen"),
    keeps("h.py", "cur.execute('listen jobs;')", "listen"),
    keeps(
        "i.py", "for n in conn.notifies():\n    handle(n)\nconn.execute('LISTEN jobs')", "listen"
    ),
    keeps(
        "j.py",
        'with connection.cursor() as c:\n    c.execute("""\n        SELECT pg_advisory_lock(%s)\n    """, [k])',
        "advisory-lock",
    ),
    keeps("k.py", "select(func.pg_try_advisory_lock(1))", "advisory-lock"),
    keeps(
        "l.py",
        "cur.execute('create temp table t on commit preserve rows as select 1')",
        "temp-table",
    ),
    keeps("m.py", "engine.execute('DECLARE c SCROLL CURSOR WITH HOLD FOR SELECT 1')", "with-hold"),
    keeps("n.py", "conn.cursor(name='c', withhold=True)", "with-hold"),
    keeps("o.py", "pool = await asyncpg.create_pool(dsn)", "pool-reset"),
    keeps(
        "p.py",
        "from django.db import models\nfor x in Order.objects.all().iterator(chunk_size=500):\n    pass",
        "server-cursor",
    ),
    keeps(
        "q.py",
        'await asyncpg.connect(dsn, server_settings={"search_path": "shop"})',
        "startup-setting",
    ),
    keeps(
        "r.py",
        'create_engine(url, connect_args={"options": "-csearch_path=shop"})',
        "startup-setting",
    ),
    keeps(
        "settings.py",
        "DATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'OPTIONS': {'options': '-c search_path=shop,public'}}}",
        "startup-setting",
    ),
    keeps(
        "settings2.py", "DATABASES = {'default': {'OPTIONS': {'assume_role': 'app'}}}", "set-role"
    ),
    keeps("s.py", "c.execute(\"select currval('orders_id_seq')\")", "last-id"),
    keeps("t.py", "c = pg8000.native.connect(u)\nimport pg8000\nc.autocommit = True", "two-trips"),
    fine("u.py", '"""Set search_path to the tenant: SET search_path = x."""'),
    fine("v.py", '# cur.execute("SET search_path TO x")'),
    fine("w.py", 'logger.info("set timeout to %s", t)'),
    fine("x.py", 'cur.execute("UPDATE t "\n            "SET role = %s", (r,))'),
    fine(
        "y.py",
        'cur.execute("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE\\nSET work_mem = 1")',
    ),
    fine("z.py", "r.execute_command('SET k v')"),
    fine("aa.py", "for x in d.iterator():\n    pass"),
    fine(
        "ab.py",
        "with transaction.atomic():\n    c.execute(\"SELECT set_config('app.t', %s, true)\", [t])",
        "local-guc",
    ),
    fine("ac.py", 'help="LISTEN address of the server"'),
    fine("ad.py", 'state = "LISTEN"'),
    fine("tests/test_a.py", 'cur.execute("LISTEN jobs")'),
    fine("ae.py", 'c.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")'),
    fine("af.py", 'c.execute("SET SESSION wait_timeout = 100")'),
    fine("ag.py", "select(func.pg_advisory_xact_lock(1))"),
    fine("ah.py", "parser.add_argument('--x', help='PREPARE report AS pdf')"),
    fine("ai.py", "css = 'a { color: red }'; x = 'SET = 3'"),
    fine("aj.py", "c.execute('create temp table t (a int) on commit drop')"),
    fine("ak.py", "c.execute(\"SELECT nextval('orders_id_seq')\")"),
    fine("al.py", "c.execute('SELECT a, lastval FROM readings')"),
    fine(
        "am.py",
        "DATABASES = {'default': {'OPTIONS': {'isolation_level': 4, 'sslmode': 'require'}}}",
    ),
    fine("an.py", "pika.BasicProperties(); channel.add_callback('x')"),
    fine("ap.py", "self._db.add_listener(self._broadcast_change)"),
    fine("aq.py", "import sqlite3\ncon.execute('CREATE TEMP TABLE other AS SELECT 1')"),
    fine("ao.py", "db.execute('SET GLOBAL max_connections = 5')"),
]

JS = [
    keeps("a.ts", "await client.query(`SET app.tenant = '${t}'`)", "session-guc"),
    keeps(
        "b.ts",
        "await prisma.$executeRaw`SELECT set_config('app.tenant', ${t}, FALSE)`",
        "session-guc",
    ),
    keeps("c.ts", 'await prisma.$executeRawUnsafe(`SET search_path TO "${s}"`)', "session-guc"),
    keeps(
        "d.js", "pool.on('connect', c => c.query('SET statement_timeout TO 5000'))", "session-guc"
    ),
    keeps(
        "e.js",
        "const knex = require('knex')({ client: 'pg', connection, searchPath: ['shop', 'public'] })",
        "session-guc",
    ),
    keeps("f.ts", "await queryRunner.query('SET ' + 'ROLE ' + role)", "set-role"),
    keeps("g.js", "client.query('listen ' + channel); client.on('notification', f)", "listen"),
    keeps(
        "h.ts",
        "await sql.listen('jobs', payload => run(payload))\nimport postgres from 'postgres'",
        "listen",
    ),
    keeps("i.ts", "await this.ds.query(`select pg_advisory_lock(${id})`)", "advisory-lock"),
    keeps("j.ts", "await sequelize.query(`\n  CREATE TEMPORARY TABLE t (id int)\n`)", "temp-table"),
    keeps(
        "k.js", "knex.raw('SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY')", "session-guc"
    ),
    keeps(
        "l.ts",
        "new DataSource({ type: 'postgres', extra: { statement_timeout: 5000 } })",
        "startup-setting",
    ),
    keeps(
        "m.ts",
        "new Sequelize(url, { dialect: 'postgres', dialectOptions: { statement_timeout: 1000 } })",
        "startup-setting",
    ),
    keeps(
        "n.ts",
        "import { Pool } from 'pg'\nconst p = new Pool({ options: '-c search_path=shop' })",
        "startup-setting",
    ),
    keeps(
        "o.ts",
        "import postgres from 'postgres'\nconst sql = postgres(url, { connection: { search_path: 'shop' } })",
        "startup-setting",
    ),
    keeps("p.ts", "await tx.execute(sql`set role ${sql.raw(role)}`)", "set-role"),
    keeps("q.js", "client.query('SELECT lastval()')", "last-id"),
    keeps("r.ts", "await db.execute(sql.raw(`set \"app.tenant\" = '${t}'`))", "session-guc"),
    fine("s.ts", "// await client.query('SET app.tenant = 1')"),
    fine("t.ts", "console.log(`set timeout to ${t}`)"),
    fine("u.ts", "await client.query('UPDATE t SET role = $1')"),
    fine("v.ts", "await client.query('UPDATE t ' +\n  'SET search_path = $1')"),
    fine("w.ts", "redis.call('SET', k, v); redis.sendCommand(['SET k v'])"),
    fine("x.tsx", '<Button title="Set role for user">set role</Button>'),
    fine("y.js", "server.listen(3000); socket.on('LISTEN', f); log('listen ' + port)"),
    fine("z.ts", "await tx.$executeRaw`SELECT set_config('app.tenant', ${t}, TRUE)`", "local-guc"),
    fine("aa.ts", "await tx.execute(sql`SET LOCAL ROLE app`)"),
    fine("ab.test.ts", "client.query('LISTEN jobs')"),
    fine("ac.ts", "await c.query('SELECT pg_advisory_xact_lock(1)')"),
    fine("ad.js", "const url = URL.searchPath; const o = { searchParams: 1 }"),
    fine("ae.js", 'mysql.query("SET SESSION group_concat_max_len = 10000")'),
    fine("af.ts", "const css = `.a { set: b }`; // LISTEN x"),
    fine("ag.ts", "new Pool({ statementTimeout: 5 }); const x = 'statement_timeout'"),
    fine("ah.js", "throw new Error('Prepare statement as text')"),
    fine("ai.js", "const re = /SET role = 'x'/; f(re)"),
    fine("aj.ts", "emitter.listen('jobs', f)"),
    fine("ak.d.ts", "import 'pg'\nexport interface Pool { statement_timeout: number }"),
    fine("al.js", "connection.query(`SET time_zone = '${tz}'`)"),
]

JAVA = [
    keeps("A.java", 'jdbc.execute("SET app.tenant = \'" + t + "\'");', "session-guc"),
    keeps("B.java", 'st.execute("""\n    SET search_path TO shop\n    """);', "session-guc"),
    keeps(
        "C.java",
        "jdbc.queryForObject(\"select set_config('app.tenant', ?, false)\", String.class, t);",
        "session-guc",
    ),
    keeps(
        "D.java",
        'em.createNativeQuery("SET " +\n    "statement_timeout = 1000").executeUpdate();',
        "session-guc",
    ),
    keeps("E.java", 'st.execute("SET SESSION AUTHORIZATION app");', "set-role"),
    keeps(
        "F.java",
        'st.execute("listen jobs");\nPGNotification[] n = pg.getNotifications(500);',
        "listen",
    ),
    keeps(
        "G.java",
        'jdbc.queryForObject("SELECT pg_try_advisory_lock(?)", Boolean.class, id);',
        "advisory-lock",
    ),
    keeps("H.java", 'jdbc.execute("CREATE TEMP TABLE t(id bigint)");', "temp-table"),
    keeps("I.java", "import java.sql.Connection;\nconnection.setSchema(tenant);", "session-guc"),
    keeps("J.java", 'config.setConnectionInitSql("SET search_path TO shop");', "session-guc"),
    keeps(
        "K.java",
        "import java.sql.Connection;\nc.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);",
        "session-guc",
    ),
    keeps(
        "application.properties",
        "spring.datasource.hikari.connection-init-sql=SET search_path TO shop\n",
        "session-guc",
    ),
    keeps(
        "application.yml",
        "spring:\n  datasource:\n    hikari:\n      connection-init-sql: SET statement_timeout = 5000\n",
        "session-guc",
    ),
    keeps("L.java", "jdbc.queryForObject(\"select currval('t_id_seq')\", Long.class);", "last-id"),
    fine("M.java", '// st.execute("SET search_path TO shop");'),
    fine("N.java", 'log.info("Set role to {}", r); log.info("set timeout to {}", t);'),
    fine("O.java", 'jdbc.update("UPDATE t SET a = ? WHERE b = ?", a, b);'),
    fine("P.java", '@Query("UPDATE User u " +\n    "SET u.role = :r")'),
    fine("Q.java", '@Query("""\n   update T t\n   set t.lock_timeout = :x\n   """)'),
    fine("R.java", "jedis.eval(\"redis.call('SET', KEYS[1])\");"),
    fine("S.java", 'st.execute("SET LOCAL app.tenant = 1");', "local-guc"),
    fine("src/test/java/T.java", 'st.execute("SET search_path TO shop");'),
    fine("U.java", 'config.setSchema("x"); avro.setSchema(s);'),
    fine(
        "V.java",
        'st.execute("SET FOREIGN_KEY_CHECKS=0"); st.execute("SET REFERENTIAL_INTEGRITY FALSE");',
    ),
    fine("W.java", 'new ServerSocket(80); log.info("listen on 80");'),
    fine("X.java", 'st.execute("SELECT pg_advisory_xact_lock(1)");'),
    fine("Y.java", "char q = '\"'; /* SET search_path TO x */"),
    fine("Z.java", "@Transactional(readOnly = true) class A {}"),
]

KOTLIN = [
    keeps("A.kt", "exec(\"SET app.tenant = '$tenant'\")", "session-guc"),
    keeps(
        "B.kt",
        'TransactionManager.current().exec("""\n  SET search_path TO $schema\n""".trimIndent())',
        "session-guc",
    ),
    keeps("C.kt", 'jdbcTemplate.execute("set role $role")', "set-role"),
    keeps(
        "D.kt",
        'jdbc.queryForObject("SELECT pg_advisory_lock(?)", Any::class.java, 1)',
        "advisory-lock",
    ),
    keeps("E.kt", 'stmt.execute("LISTEN $channel")', "listen"),
    keeps("F.kt", 'connectionInitSql = "SET statement_timeout = 1000"', "session-guc"),
    keeps("G.kt", 'exec("create temp table t (id int)")', "temp-table"),
    keeps(
        "H.kt",
        "import java.sql.Connection\nconn.schema = tenant; conn.setSchema(tenant)",
        "session-guc",
    ),
    fine("I.kt", '// exec("SET app.tenant = 1")'),
    fine("J.kt", 'logger.info { "set role $role" }'),
    fine("K.kt", 'exec("UPDATE t SET search_path = 1")'),
    fine("L.kt", 'exec("""\n  UPDATE t\n  SET app.tenant = 1\n""")'),
    fine("M.kt", "exec(\"SET LOCAL app.tenant = 'a'\")", "local-guc"),
    fine("N.kt", 'println("listen on $port")'),
    fine("O.kt", 'exec("select pg_try_advisory_xact_lock(1)")'),
    fine("P.kt", 'val s = "prepare order as draft"'),
]

RUBY = [
    keeps(
        "a.rb", "ActiveRecord::Base.connection.execute(\"SET app.tenant = '#{t}'\")", "session-guc"
    ),
    keeps("b.rb", "conn.execute(<<~SQL)\n  SET search_path TO shop\nSQL\n", "session-guc"),
    keeps("c.rb", "conn.exec_query(%q(SET statement_timeout = 100))", "session-guc"),
    keeps("d.rb", "ActiveRecord::Base.connection.schema_search_path = 'shop'", "session-guc"),
    keeps(
        "config/database.yml",
        "production:\n  adapter: postgresql\n  schema_search_path: shop,public\n",
        "session-guc",
    ),
    keeps(
        "config/database.yml",
        "production:\n  variables:\n    statement_timeout: 5000\n",
        "session-guc",
    ),
    keeps(
        "e.rb",
        "DB.listen('jobs', loop: true) { |c| run(c) }\nDB = Sequel.connect(ENV['DATABASE_URL'])",
        "listen",
    ),
    keeps("f.rb", "conn.execute 'LISTEN jobs'\nraw.wait_for_notify(10)", "listen"),
    keeps("g.rb", "DB.get(Sequel.lit('pg_try_advisory_lock(1)'))", "advisory-lock"),
    keeps("h.rb", "connection.get_advisory_lock(42)", "advisory-lock"),
    keeps("i.rb", "User.with_advisory_lock('x') { run }", "advisory-lock"),
    keeps("j.rb", "conn.execute('CREATE TEMPORARY TABLE t AS SELECT 1')", "temp-table"),
    keeps("k.rb", "DB.create_table(:t, temp: true) { Integer :id }", "temp-table"),
    keeps("l.rb", 'c.execute("set role #{role}")', "set-role"),
    keeps("m.rb", "c.select_value(\"SELECT currval('s')\")", "last-id"),
    keeps("n.rb", "Apartment::Tenant.switch!('shop')", "session-guc"),
    fine("o.rb", "# conn.execute('SET search_path TO x')"),
    fine("p.rb", "=begin\nconn.execute('LISTEN x')\n=end\n"),
    fine("q.rb", 'Rails.logger.info "set timeout to #{t}"'),
    fine("r.rb", "conn.execute(\"UPDATE t SET role = 'x'\")"),
    fine("s.rb", "conn.execute(<<~SQL)\n  UPDATE t\n  SET lock_timeout = 1\nSQL\n"),
    fine("t.rb", "redis.call('SET', k, v)"),
    fine("u.rb", "conn.execute(\"SET LOCAL app.tenant = '1'\")", "local-guc"),
    fine("spec/a_spec.rb", "conn.execute('LISTEN x')"),
    fine("db/migrate/1_a.rb", 'execute "SET search_path TO x"'),
    fine("v.rb", "puts 'listen 80'"),
    fine("w.rb", "DB.run('SELECT pg_advisory_xact_lock(1)')"),
    fine("x.rb", "server.listen(128); io.listen('x')"),
    fine(
        "config/database.yml",
        "production:\n  adapter: postgresql\n  pool: 5\n  # schema_search_path: a\n",
    ),
    fine("y.rb", "msg = %w[set role user]"),
    fine("z.rb", "execute 'SET FOREIGN_KEY_CHECKS = 0'"),
    fine("config/locales/en.yml", "en:\n  set: SET search_path TO x\n"),
]

PHP = [
    keeps("a.php", "<?php $pdo->exec(\"SET app.tenant = '$t'\");", "session-guc"),
    keeps("b.php", "<?php DB::statement('SET search_path TO ' . $schema);", "session-guc"),
    keeps(
        "c.php",
        "<?php $conn->executeStatement(<<<SQL\nSET statement_timeout = 100\nSQL);",
        "session-guc",
    ),
    keeps(
        "d.php",
        "<?php $pdo->query(<<<'SQL'\nSELECT set_config('app.t', '1', false)\nSQL);",
        "session-guc",
    ),
    keeps("e.php", '<?php DB::unprepared("SET ROLE {$role}");', "set-role"),
    keeps("f.php", "<?php $pdo->exec('LISTEN jobs'); $pdo->pgsqlGetNotify();", "listen"),
    keeps("g.php", "<?php DB::select('select pg_try_advisory_lock(?)', [$k]);", "advisory-lock"),
    keeps("h.php", "<?php DB::statement('create temporary table t (id int)');", "temp-table"),
    keeps(
        "i.php",
        "<?php Schema::create('t', function (Blueprint $t) { $t->temporary(); });",
        "temp-table",
    ),
    keeps(
        "config/database.php",
        "<?php return ['connections' => ['pgsql' => ['driver' => 'pgsql', 'search_path' => 'shop']]];",
        "session-guc",
    ),
    keeps("j.php", "<?php pg_query($c, 'SELECT lastval()');", "last-id"),
    keeps(
        "k.php",
        "<?php pg_prepare($c, 'x', 'PREPARE'); pg_query($c, 'PREPARE q AS SELECT 1');",
        "sql-prepare",
    ),
    fine("l.php", "<?php // $pdo->exec('SET search_path TO x');"),
    fine("m.php", "<?php # $pdo->exec('LISTEN x');"),
    fine("n.php", '<?php Log::info("set role $r");'),
    fine("o.php", "<?php DB::update('UPDATE t SET role = ?', [$r]);"),
    fine("p.php", '<?php $sql = "UPDATE t "\n . "SET search_path = 1";'),
    fine("q.php", "<?php $pdo->exec('SET NAMES utf8'); $pdo->exec('SET SESSION sql_mode = \"\"');"),
    fine("r.php", "<?php $redis->rawCommand('SET', 'k', 'v');"),
    fine("s.php", "<?php DB::statement(\"SET LOCAL app.tenant = '1'\");", "local-guc"),
    fine("tests/t.php", "<?php $pdo->exec('LISTEN x');"),
    fine("u.php", "<?php $e->listen('jobs', fn() => 1); Event::listen('x');"),
    fine("v.php", "<?php DB::select('select pg_advisory_xact_lock(1)');"),
    fine(
        "config/database.php",
        "<?php return ['pgsql' => ['driver' => 'pgsql', 'search_path' => 'public']];",
    ),
    fine("w.php", "<?php $pdo->prepare('select 1');"),
]

RUST = [
    keeps("a.rs", "sqlx::query(\"SET app.tenant = 'x'\").execute(&pool).await?;", "session-guc"),
    keeps(
        "b.rs", 'client.batch_execute(&format!("SET search_path TO {}", s)).await?;', "session-guc"
    ),
    keeps("c.rs", "sqlx::query(r#\"SELECT set_config('app.t', $1, false)\"#)", "session-guc"),
    keeps(
        "d.rs", 'sqlx::query!(\n    r"\n    SET statement_timeout = 5000\n    "\n)', "session-guc"
    ),
    keeps("e.rs", 'diesel::sql_query("SET ROLE app").execute(&mut conn)?;', "set-role"),
    keeps(
        "f.rs", 'let mut l = PgListener::connect(&url).await?; l.listen("jobs").await?;', "listen"
    ),
    keeps("g.rs", 'client.execute("LISTEN jobs", &[]).await?;', "listen"),
    keeps("h.rs", 'sqlx::query_scalar("SELECT pg_try_advisory_lock($1)")', "advisory-lock"),
    keeps("i.rs", 'let l = PgAdvisoryLock::new("x");', "advisory-lock"),
    keeps("j.rs", 'sqlx::query("CREATE TEMP TABLE t (a int)")', "temp-table"),
    keeps("k.rs", 'PgConnectOptions::new().options([("search_path", "shop")])', "startup-setting"),
    keeps("l.rs", 'config.options("-c search_path=shop");', "startup-setting"),
    keeps("m.rs", 'sqlx::query("SET \\\n    search_path TO shop")', "session-guc"),
    fine("n.rs", "// sqlx::query(\"SET app.tenant = 'x'\")"),
    fine("o.rs", "/// Runs `LISTEN jobs`.\nfn f() {}"),
    fine("p.rs", 'info!("set role {}", r);'),
    fine("q.rs", 'sqlx::query("UPDATE t SET a = $1")'),
    fine("r.rs", 'sqlx::query("UPDATE t \\\n   SET lock_timeout = $1")'),
    fine("s.rs", 'redis::cmd("SET").arg(k);'),
    fine("t.rs", "sqlx::query(\"SET LOCAL app.t = '1'\")", "local-guc"),
    fine("tests/u.rs", 'sqlx::query("LISTEN x")'),
    fine("v.rs", 'TcpListener::bind("x"); println!("listen {}", a);'),
    fine("w.rs", 'sqlx::query("SELECT pg_advisory_xact_lock(1)")'),
    fine("x.rs", "fn f<'a>(s: &'a str) { let c = '\"'; /* SET search_path TO x */ }"),
    fine("y.rs", '#[error("prepare {0} as sql")]'),
    fine("z.rs", 'PgConnectOptions::new().options([("application_name", "x")])'),
]

CSHARP = [
    keeps("A.cs", 'conn.Execute("SET app.tenant = \'" + t + "\'");', "session-guc"),
    keeps("B.cs", 'new NpgsqlCommand($"SET search_path TO {schema}", conn);', "session-guc"),
    keeps("C.cs", 'db.Database.ExecuteSqlRaw(@"\n  SET statement_timeout = 100");', "session-guc"),
    keeps(
        "D.cs",
        'cmd.CommandText = """\n    SELECT set_config(\'app.t\', @t, false)\n    """;',
        "session-guc",
    ),
    keeps("E.cs", 'conn.Execute("set role app");', "set-role"),
    keeps("F.cs", 'using var c = new NpgsqlCommand("LISTEN jobs", conn); conn.Wait();', "listen"),
    keeps("G.cs", 'conn.Notification += (o, e) => Run(e); conn.Execute("listen jobs");', "listen"),
    keeps(
        "H.cs",
        'conn.ExecuteScalar<bool>("SELECT pg_try_advisory_lock(@k)", new { k });',
        "advisory-lock",
    ),
    keeps("I.cs", 'conn.Execute(@"CREATE TEMP TABLE ""t"" (id int)");', "temp-table"),
    keeps(
        "J.cs",
        'new NpgsqlConnectionStringBuilder { Host = "x", SearchPath = "shop" };',
        "startup-setting",
    ),
    keeps("K.cs", 'conn.ExecuteScalar<long>("SELECT lastval()");', "last-id"),
    keeps("L.cs", "await conn.ExecuteAsync($@\"SET app.tenant = '{t}'\");", "session-guc"),
    fine("M.cs", '// conn.Execute("SET search_path TO x");'),
    fine("N.cs", '_log.LogInformation("Set role {R}", r); _log.Info($"set timeout to {t}");'),
    fine("O.cs", 'conn.Execute("UPDATE t SET a = @a");'),
    fine("P.cs", 'conn.Execute(@"UPDATE t\n  SET lock_timeout = 1");'),
    fine("Q.cs", 'db.StringSet("k", "v"); db.Execute("SET", "k", "v");'),
    fine("R.cs", 'conn.Execute("SET LOCAL app.t = 1");', "local-guc"),
    fine("S.cs", 'conn.Execute("SET NOCOUNT ON; SET IDENTITY_INSERT t ON; SET XACT_ABORT ON");'),
    fine("src/Shop.Tests/T.cs", 'conn.Execute("LISTEN x");'),
    fine("U.cs", '/* LISTEN x */ var s = "listen";'),
    fine("V.cs", 'conn.Execute("SELECT pg_advisory_xact_lock(1)");'),
    fine("W.cs", 'conn.Execute("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");'),
    fine("X.cs", "/// <summary>SET search_path TO x</summary>"),
    fine("Y.cs", 'cache.SearchPath = "a"; var b = new Finder { SearchPath = "b" };'),
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
