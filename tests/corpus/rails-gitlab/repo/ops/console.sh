#!/bin/bash
set -eu
# psql -h forum-old.internal.example.fr
exec psql service=forum "$@"
