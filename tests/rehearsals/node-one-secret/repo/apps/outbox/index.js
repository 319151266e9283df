const { Pool } = require("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL });
pool.query("select address from outbox where sent is null limit $1", [10]);
