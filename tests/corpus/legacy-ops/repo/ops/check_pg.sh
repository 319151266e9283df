#!/bin/sh
# nagios
exec /usr/lib/nagios/plugins/check_postgres.pl -H 192.168.10.20 -db intranet --action=connection
