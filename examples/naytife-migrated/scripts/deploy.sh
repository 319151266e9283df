#!/usr/bin/env bash
# Usage: scripts/deploy.sh local|staging|production
# Needs kubectl on the right context, sops, and SOPS_AGE_KEY_FILE (keys/README.md).
set -euo pipefail

env=${1:?usage: $0 local|staging|production}
cd "$(dirname "$0")/.."

case $env in
  local)      ns=naytife            auth_ns=naytife-auth            prefix="" ;;
  staging)    ns=naytife-staging    auth_ns=naytife-auth-staging    prefix="staging-" ;;
  production) ns=naytife-production auth_ns=naytife-auth-production prefix="prod-" ;;
  *) echo "unknown environment: $env" >&2; exit 2 ;;
esac

for n in "$ns" "$auth_ns"; do
  kubectl get namespace "$n" >/dev/null 2>&1 || kubectl create namespace "$n"
done

echo "🔐 Secrets"
for f in deploy/secrets/"$env"/*.yaml; do
  sops decrypt "$f" | kubectl apply -f -
done

# CNPG wants the owner's password as a basic-auth Secret. Same password as the
# old database, so that a DSN works on both.
kubectl get secret backend-secret -n "$ns" -o jsonpath='{.data.POSTGRES_PASSWORD}' | base64 -d |
  kubectl create secret generic naytife-postgres-owner -n "$ns" \
    --type=kubernetes.io/basic-auth --from-literal=username=naytife \
    --from-file=password=/dev/stdin --dry-run=client -o yaml |
  kubectl apply -f -

echo "🧹 Old jobs"
kubectl delete job "${prefix}backend-migrate" -n "$ns" --ignore-not-found
kubectl delete job "${prefix}hydra-migrate" -n "$auth_ns" --ignore-not-found

echo "🚀 deploy/overlays/$env"
kubectl apply -k "deploy/overlays/$env"

kubectl wait --for=condition=complete "job/${prefix}backend-migrate" -n "$ns" --timeout=300s
kubectl wait --for=condition=complete "job/${prefix}hydra-migrate" -n "$auth_ns" --timeout=300s
kubectl rollout status "deployment/${prefix}backend" -n "$ns" --timeout=180s
kubectl rollout status "deployment/${prefix}hydra" -n "$auth_ns" --timeout=180s
echo "✅ $env is up"
