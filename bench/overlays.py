"""The environments of one application: overlays, patches, generators, and Secrets."""

from __future__ import annotations

from base64 import b64encode

from bench.layout import (
    ENVIRONMENTS,
    MIGRATION,
    RUNTIME,
    SERVICES,
    app_namespace,
    listed,
    source_host,
    url,
    uses,
)
from bench.marks import Wanted, decoy, encoded_site, site
from bench.workloads import kustomization

_TUNED = ("api", "orders", "worker")
_SECRETS = ("api", "auth", "billing", "orders")


def overlays(app: str) -> dict[str, str]:
    """Every file below the overlays, marked, by path below `deploy/overlays`."""
    files: dict[str, str] = {}
    for environment in ENVIRONMENTS:
        files[f"{environment}/kustomization.yaml"] = _overlay(app, environment)
        files[f"{environment}/search.env"] = _env_file(app, environment)
        for service in SERVICES:
            path = f"{environment}/patches/{service}.yaml"
            files[path] = _replicas(app, service, environment)
        for service in _TUNED:
            path = f"{environment}/patches/{service}-resources.yaml"
            files[path] = _resources(app, service, environment)
    return files


def secrets(app: str) -> dict[str, str]:
    """Every file below the Secrets, marked, by path below `deploy/secrets`."""
    files: dict[str, str] = {}
    for environment in ENVIRONMENTS:
        for service in _SECRETS:
            path = f"{environment}/{service}-secret.yaml"
            files[path] = _secret(app, service, environment)
        names = [f"{service}-secret.yaml" for service in _SECRETS]
        files[f"{environment}/kustomization.yaml"] = kustomization(names)
    return files


def _overlay(app: str, environment: str) -> str:
    folders = [*SERVICES, "backup", "monitoring", "network"]
    patches = [f"path: patches/{service}.yaml" for service in SERVICES]
    patches += [f"path: patches/{service}-resources.yaml" for service in _TUNED]
    readers = uses(app, f"Deployment/{app}-worker/worker", "runtime", (environment,))
    pointer = "/0/configMapGenerator/0/literals/0"
    host = site(
        source_host(environment), Wanted("DATABASE_HOST", pointer, "split-env", RUNTIME, readers)
    )
    return f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {app_namespace(app, environment)}
resources:
{listed([f"../../base/{folder}" for folder in folders])}patches:
{listed(patches)}configMapGenerator:
  - name: {app}-shared
    literals:
      - DATABASE_HOST={host}
      - REGION=eu-north-1
      - SEARCH_URL=http://{app}-search:8006
secretGenerator:
  - name: {app}-search-env
    envs: [search.env]
"""


def _env_file(app: str, environment: str) -> str:
    readers = uses(app, f"Deployment/{app}-search/search", "runtime", (environment,))
    wanted = Wanted("DATABASE_URL", "/0/DATABASE_URL", "dotenv", RUNTIME, readers)
    redis = decoy(f"redis://redis.{app}.svc.cluster.local:6379/2", "redis")
    return (
        f"# search in {environment}\nINDEX_SHARDS=3\n"
        f"DATABASE_URL={url(app, source_host(environment), wanted)}\nCACHE_URL={redis}\n"
    )


def _replicas(app: str, service: str, environment: str) -> str:
    """A patch of every service; the worker's moves its database host, too."""
    count = {"local": 1, "staging": 2, "production": 4}[environment]
    moved = ""
    if service == "worker" and environment != "local":
        readers = uses(app, f"Deployment/{app}-worker/worker", "runtime", (environment,))
        pointer = "/0/spec/template/spec/containers/0/env/0/value"
        wanted = Wanted("DB_HOST", pointer, "split-env", RUNTIME, readers)
        moved = f"""  template:
    spec:
      containers:
        - name: worker
          env:
            - name: DB_HOST
              value: {site(source_host(environment), wanted)}
"""
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}-{service}
spec:
  replicas: {count}
{moved}"""


def _resources(app: str, service: str, environment: str) -> str:
    memory = {"local": 256, "staging": 512, "production": 1024}[environment]
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}-{service}
spec:
  template:
    spec:
      containers:
        - name: {service}
          resources:
            requests: {{cpu: 250m, memory: {memory // 2}Mi}}
            limits: {{memory: {memory}Mi}}
"""


def _secret(app: str, service: str, environment: str) -> str:
    values = _SECRET_VALUES[service](app, environment)
    head = f"""apiVersion: v1
kind: Secret
metadata:
  name: {app}-{service}-secret
  namespace: {app_namespace(app, environment)}
type: Opaque
"""
    return head + values


def _by_url(app: str, service: str, environment: str, migrated: bool) -> str:
    """One connection string; a migration of the service may read the same key."""
    readers = uses(app, f"Deployment/{app}-{service}/{service}", "runtime", (environment,))
    purposes: tuple[str, ...] = RUNTIME
    if migrated:
        job = uses(app, f"Job/{app}-{service}-migrate/migrate", "migration", (environment,))
        readers, purposes = readers + job, RUNTIME + MIGRATION
    wanted = Wanted("DATABASE_URL", "/0/stringData/DATABASE_URL", "url", purposes, readers)
    old = decoy("postgres://old:old@db.example.org/old", "a comment")
    return f"""stringData:
  # {old} was the address before
  DATABASE_URL: "{url(app, source_host(environment), wanted)}"
  SESSION_KEY: example-{app}-{service}-{environment}
"""


def _auth(app: str, environment: str) -> str:
    """A key for the service, and another for its migration."""
    host = source_host(environment)
    runtime = uses(app, f"Deployment/{app}-auth/auth", "runtime", (environment,))
    direct = uses(app, f"Job/{app}-auth-migrate/migrate", "migration", (environment,))
    first = Wanted("dsn", "/0/stringData/dsn", "url", RUNTIME, runtime)
    second = Wanted("dsn_direct", "/0/stringData/dsn_direct", "url", MIGRATION, direct)
    return f"""stringData:
  dsn: {url(app, host, first, parameters="sslmode=disable&max_conns=20")}
  dsn_direct: '{url(app, host, second)}'
  SECRETS_SYSTEM: example-{app}-{environment}
"""


def _encoded(app: str, environment: str) -> str:
    """A Secret with `data`: its connection string is base64."""
    host = source_host(environment)
    readers = uses(app, f"Deployment/{app}-orders/orders", "runtime", (environment,))
    text = b64encode(f"postgresql://{app}:example@{host}:5432/{app}?sslmode=disable".encode())
    wanted = Wanted("DATABASE_URL", "/0/data/DATABASE_URL", "url", RUNTIME, readers)
    token = b64encode(f"example-{app}-orders-{environment}".encode()).decode()
    return f"""data:
  DATABASE_URL: {encoded_site(text.decode(), host, wanted)}
  API_TOKEN: {token}
"""


_SECRET_VALUES = {
    "api": lambda app, environment: _by_url(app, "api", environment, migrated=True),
    "auth": _auth,
    "billing": lambda app, environment: _by_url(app, "billing", environment, migrated=False),
    "orders": _encoded,
}
