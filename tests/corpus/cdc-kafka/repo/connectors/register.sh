#!/bin/sh
# registers the outbox connector; source is market-db
curl -fsS -X PUT http://connect-api:8083/connectors/outbox/config -H 'Content-Type: application/json' -d '{
  "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
  "database.hostname": "market-db.market.svc.cluster.local",
  "database.port": "5432",
  "database.user": "debezium",
  "database.dbname": "market"
}'
