#!/bin/sh
set -e
pg_basebackup -h 192.168.10.20 -U replicator -D /var/lib/pgsql/data -R -X stream
pg_receivewal --dbname="host=192.168.10.20 user=replicator sslmode=require" -D /srv/wal
