// The JavaScript drivers, driven by JSON lines: a request on stdin, its answer on stdout.
// The requests are those of tests/servers/drivers/programs.py; DRIVER_MODULES names the folder
// that has node_modules, which is not beside this file.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";

const require = createRequire(process.env.DRIVER_MODULES + "/");
const opened = new Map();

class NodePostgres {
  static async open(dsn, settings) {
    const { Client } = require("pg");
    const made = new NodePostgres();
    made.client = new Client({ connectionString: dsn, connectionTimeoutMillis: 10000, ...settings });
    made.client.on("error", () => {});
    await made.client.connect();
    return made;
  }
  async run(sql, args, style) {
    const named = style === "named" ? { name: "q1" } : {};
    const asked = args.length || named.name ? { text: sql, values: args, ...named } : sql;
    const found = await this.client.query({ ...(asked.text ? asked : { text: asked }), rowMode: "array" });
    return Array.isArray(found) ? found[found.length - 1].rows : found.rows;
  }
  close() {
    return this.client.end();
  }
}

class PostgresJs {
  static async open(dsn, settings) {
    const made = new PostgresJs();
    const { ca, ...rest } = settings;
    if (ca) rest.ssl = { ca: readFileSync(ca, "utf8") };
    made.sql = require("postgres")(dsn, {
      max: 1, connect_timeout: 10, onnotice: () => {}, idle_timeout: 0, ...rest,
    });
    // It connects when it is first asked something.
    await made.sql.unsafe("select 1");
    return made;
  }
  async run(sql, args, style) {
    if (style === "simple" || !args.length) return this.sql.unsafe(sql).values();
    const parts = sql.split(/\$\d+/);
    parts.raw = parts;
    return this.sql(parts, ...args).values();
  }
  close() {
    return this.sql.end({ timeout: 1 });
  }
}

const DRIVERS = { "node-postgres": NodePostgres, "postgres.js": PostgresJs };

async function stress(request) {
  const seen = {};
  const count = (word) => (seen[word] = (seen[word] ?? 0) + 1);
  const client = async (number) => {
    const offset = request.offsets[number];
    const made = await DRIVERS[request.driver].open(request.dsn, request.settings ?? {});
    const first = request.firsts[number];
    for (let k = first; k < first + request.rounds; k++) {
      try {
        const rows = await made.run(request.statements[number], [k], request.style ?? "");
        count(offset === null || Number(rows[0]?.[0]) === k + offset ? "right" : "wrong");
      } catch (error) {
        count(said(error).error);
      }
    }
    await made.close();
  };
  await Promise.all(request.offsets.map((_, number) => client(number)));
  const { right = 0, wrong = 0, ...errors } = seen;
  return { right, wrong, errors };
}

function said(error) {
  const code = /^[0-9A-Z]{5}$/.test(error?.code ?? "") ? error.code : "";
  const inner = error?.errors?.[0]?.message;
  const text = [error?.code, error?.message || inner || String(error)].filter(Boolean);
  return { error: (code ? text.slice(1) : text).join(" ").split(/\s+/).join(" "), code };
}

const written = (value) => {
  if (value === null || value === undefined) return null;
  return typeof value === "object" && !(value instanceof Date) ? JSON.stringify(value) : String(value);
};

async function answer(request) {
  if (request.do === "versions") {
    const version = (name) => JSON.parse(readFileSync(
      `${process.env.DRIVER_MODULES}/node_modules/${name}/package.json`, "utf8")).version;
    return { "node-postgres": version("pg"), "postgres.js": version("postgres") };
  }
  if (request.do === "open") {
    Object.assign(process.env, request.env ?? {});
    try {
      opened.set(request.as, await DRIVERS[request.driver].open(request.dsn, request.settings ?? {}));
    } finally {
      for (const name of Object.keys(request.env ?? {})) delete process.env[name];
    }
    return {};
  }
  if (request.do === "run") {
    const rows = await opened.get(request.as).run(request.sql, request.args, request.style);
    return { rows: rows.map((row) => row.map(written)) };
  }
  if (request.do === "close") {
    const made = opened.get(request.as);
    opened.delete(request.as);
    await made.close();
    return {};
  }
  if (request.do === "stress") return stress(request);
  const { APPS } = await import("./apps.mjs");
  return APPS[request.app](request);
}

const reply = process.stdout.write.bind(process.stdout);
console.log = console.info = console.error;
process.on("unhandledRejection", () => {});
// node-postgres throws from a socket's event at `ssl=require`: nobody could catch that.
let crash = () => {};
process.on("uncaughtException", (error) => crash(error));
for await (const line of createInterface({ input: process.stdin })) {
  let spoken;
  try {
    const crashed = new Promise((_, reject) => (crash = reject));
    spoken = await Promise.race([answer(JSON.parse(line)), crashed]);
  } catch (error) {
    spoken = said(error);
  }
  reply(JSON.stringify(spoken) + "\n");
}
process.exit(0);
