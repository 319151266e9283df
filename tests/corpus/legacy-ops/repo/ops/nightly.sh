#!/bin/ksh
# dumps everything on 192.168.10.20
PGHOST=192.168.10.20; export PGHOST
PGUSER=postgres; export PGUSER
for db in intranet nextcloud helpdesk; do
	pg_dump -Fc "$db" > "/srv/dumps/$db.dump"
done
pg_dumpall -h 192.168.10.20 --globals-only > /srv/dumps/globals.sql
rsync -a /srv/dumps/ 192.168.10.30:/srv/dumps/
mysqldump -h 192.168.10.22 legacy > /srv/dumps/legacy.sql
