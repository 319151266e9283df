#!/usr/bin/env bash
set -euo pipefail
# needs PGPASSWORD in the environment
export PGHOST=10.20.0.15 PGUSER=tickets_owner
psql -d tickets -f sql/grants.sql
docker compose -f docker-compose.prod.yml --profile release run --rm migrate
echo "released; db is 10.20.0.15"
