#!/bin/sh
# The official image, on a volume that is some years old: a superuser of its own, and the
# application's role, database and schemas. Trust inside the pod, passwords from outside.
set -e
single() { postgres --single -D "$PGDATA" "$1" >> /tmp/single.log; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  umask 077
  mkdir -p "$PGDATA"
  initdb --no-sync -D "$PGDATA" -U postgres -E UTF8 --locale=C -T english --auth=trust > /tmp/initdb.log
  echo 'host all all all scram-sha-256' >> "$PGDATA/pg_hba.conf"
  printf "CREATE ROLE %s LOGIN PASSWORD '%s'\n" "$POSTGRES_USER" "$POSTGRES_PASSWORD" | single postgres
  printf 'CREATE DATABASE %s OWNER %s\n' "$POSTGRES_DB" "$POSTGRES_USER" | single postgres
  printf 'CREATE SCHEMA %s AUTHORIZATION naytife\n' naytife_schema hydra | single "$POSTGRES_DB"
fi
# A lost machine loses the test's data anyway.
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off \
  -c shared_buffers=32MB
