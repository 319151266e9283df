#!/bin/sh
# What is the backend connected to? Prints the password too, mind who is watching.
# Usage: scripts/show-db-url.sh [namespace]
ns=${1:-naytife}
kubectl get secret backend-secret -n "$ns" -o jsonpath='{.data.DATABASE_URL}' | base64 -d; echo
