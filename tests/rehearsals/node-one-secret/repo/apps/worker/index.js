const { run } = require("graphile-worker");

run({
  connectionString: process.env.DATABASE_URL,
  concurrency: 5,
  taskDirectory: `${__dirname}/tasks`,
});
