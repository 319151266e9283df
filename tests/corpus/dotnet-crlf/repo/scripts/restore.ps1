param([string]$File)
# orders-db is only reachable from the cluster
$env:PGPASSWORD = "canary-orders-6"
pg_restore -h pg-orders-test.postgres.database.azure.com -U orders_ddl -d orders $File
