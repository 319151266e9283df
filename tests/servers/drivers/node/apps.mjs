// knex, TypeORM, Sequelize, node-pg-migrate and graphile-worker as applications use them.
// `dsn` is where to log in; the answer is what the application saw.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(process.env.DRIVER_MODULES + "/");
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

async function knexSearchPath({ dsn, schemas }) {
  const knex = require("knex");
  const made = schemas.map((schema) =>
    knex({ client: "pg", connection: dsn, searchPath: [schema], pool: { min: 0, max: 1 } }));
  const seen = [];
  for (let round = 0; round < 3; round++) {
    for (const one of made) seen.push((await one.raw("select name from who")).rows[0].name);
  }
  await Promise.all(made.map((one) => one.destroy()));
  return { seen };
}

async function typeormTimeout({ dsn }) {
  const { DataSource } = require("typeorm");
  const made = new DataSource({
    type: "postgres", url: dsn, extra: { statement_timeout: 5000 }, entities: [],
  });
  await made.initialize();
  const [row] = await made.query("show statement_timeout");
  await made.destroy();
  return { seen: row.statement_timeout };
}

async function sequelizeTimeout({ dsn }) {
  const { Sequelize } = require("sequelize");
  const made = new Sequelize(dsn, { logging: false, dialectOptions: { statement_timeout: 5000 } });
  try {
    const [[row]] = await made.query("select current_setting('statement_timeout') as seen");
    return row;
  } finally {
    await made.close();
  }
}

async function nodePgMigrate({ dsn, folder }) {
  const { runner } = await load("node-pg-migrate");
  const done = await runner({
    databaseUrl: dsn, dir: folder, direction: "up", migrationsTable: "pgmigrations",
    log: () => {}, logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  return { done: done.map((one) => one.name) };
}

// The worker would look for jobs by itself only after a minute: what runs earlier was told.
async function graphileWorker({ dsn, install, wait_ms }) {
  const { run, runMigrations, makeWorkerUtils } = require("graphile-worker");
  const { Logger } = require("graphile-worker");
  const logger = new Logger(() => () => {});
  await runMigrations({ connectionString: install, logger });
  let told;
  const ran = new Promise((resolve) => (told = () => resolve(true)));
  const worker = await run({
    connectionString: dsn, concurrency: 1, pollInterval: 60000, logger, noHandleSignals: true,
    taskList: { greet: async () => told() }, noPreparedStatements: true,
  });
  // It looks once when it starts; the job comes after that.
  await new Promise((resolve) => setTimeout(resolve, 500));
  const utils = await makeWorkerUtils({ connectionString: dsn, logger, noPreparedStatements: true });
  await utils.addJob("greet", {});
  await utils.release();
  const late = new Promise((resolve) => setTimeout(resolve, wait_ms, false));
  const seen = await Promise.race([ran, late]);
  await worker.stop();
  return { seen };
}

export const APPS = {
  "knex searchPath": knexSearchPath,
  "typeorm extra": typeormTimeout,
  "sequelize dialectOptions": sequelizeTimeout,
  "node-pg-migrate": nodePgMigrate,
  "graphile-worker": graphileWorker,
};
