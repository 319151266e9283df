#!/bin/sh
# A psql prompt in the local cluster, as the application's user.
exec kubectl run psql-$$ -n naytife --rm -it --restart=Never --image=postgres:15-alpine -- \
  psql -h naytife-postgres-rw.naytife.svc.cluster.local -U naytife -d naytifedb "$@"
