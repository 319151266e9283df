#!/bin/sh
# What CloudNativePG's instance manager starts in a Pooler's pod.
cnpg metrics 0.0.0.0:9127 "host=/controller/run port=5432 user=pgbouncer sslmode=disable" &
exec pgbouncer /controller/configs/pgbouncer.ini
