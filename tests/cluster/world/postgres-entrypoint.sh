#!/bin/sh
# As the official image does: a superuser, a database, trust inside the pod, passwords from outside.
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  mkdir -p "$PGDATA"
  printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
  initdb --no-sync -D "$PGDATA" -U "$POSTGRES_USER" --pwfile=/tmp/password --auth=trust > /tmp/initdb.log
  rm /tmp/password
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA" postgres > /tmp/single.log
fi
# A lost machine loses the test's data anyway.
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off \
  -c shared_buffers=32MB
