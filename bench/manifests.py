"""The files of one application: manifests with planted sites, and look-alikes beside them.

A line that holds a site ends in a mark; `planted` takes the marks out and returns where they
were. Every text is a function of its arguments alone.
"""

from __future__ import annotations

from dataclasses import dataclass

ENVIRONMENTS = ("local", "staging", "production")
SERVICES = ("api", "auth", "billing", "catalog", "mailer", "orders", "search", "worker")
MARK = "%%SITE:"


@dataclass(frozen=True, slots=True)
class Planted:
    """A site that scan has to find."""

    path: str
    line: int
    host: str


def namespace(environment: str) -> str:
    """The namespace of an environment's database."""
    return "platform" if environment == "local" else f"platform-{environment}"


def source_host(environment: str) -> str:
    """The host name that consumers of an environment use today."""
    return f"postgres.{namespace(environment)}.svc.cluster.local"


def planted(path: str, marked: str) -> tuple[str, list[Planted]]:
    """The text without its marks, and the sites that they told of."""
    lines, sites = [], []
    for number, line in enumerate(marked.split("\n"), 1):
        text, _, host = line.partition(MARK)
        lines.append(text)
        if host:
            sites.append(Planted(path, number, host))
    return "\n".join(lines), sites


def application(app: str) -> dict[str, str]:
    """Every manifest, chart and script of `app`, marked, by path."""
    files: dict[str, str] = {}
    root = f"apps/{app}"
    for number, service in enumerate(SERVICES):
        base = f"{root}/deploy/base/{service}"
        files[f"{base}/deployment.yaml"] = _deployment(app, service)
        files[f"{base}/service.yaml"] = _service(app, service, 8000 + number)
        files[f"{base}/migrate-job.yaml"] = _job(app, service)
        files[f"{base}/configmap.yaml"] = _configmap(app, service)
        files[f"{base}/kustomization.yaml"] = _kustomization(
            ["deployment.yaml", "service.yaml", "migrate-job.yaml", "configmap.yaml"]
        )
        for environment in ENVIRONMENTS:
            overlay = f"{root}/deploy/overlays/{environment}"
            files[f"{overlay}/patches/{service}.yaml"] = _patch(app, service, environment)
            secret = f"{root}/deploy/secrets/{environment}/{service}-secret.yaml"
            files[secret] = _secret(app, service, environment)
    for environment in ENVIRONMENTS:
        overlay = f"{root}/deploy/overlays/{environment}/kustomization.yaml"
        files[overlay] = _overlay(app, environment)
    files.update({f"{root}/{name}": text for name, text in _tooling(app).items()})
    return files


def platform() -> dict[str, str]:
    """The database's own manifests, the configuration, and the repository's root files."""
    files = {"repoint.yaml": "", "README.md": "# Platform\n\nPostgreSQL runs in `platform`.\n"}
    for environment in ENVIRONMENTS:
        folder = f"platform/{environment}"
        files[f"{folder}/cluster.yaml"] = _cluster(environment)
        files[f"{folder}/postgres.yaml"] = _server(environment)
        files[f"{folder}/kustomization.yaml"] = _kustomization(["cluster.yaml", "postgres.yaml"])
    return files


def configuration(apps: list[str]) -> str:
    """repoint.yaml for `apps`."""
    lines = ["source:", "  hosts:"]
    lines += [f"    - {source_host(environment)}" for environment in ENVIRONMENTS]
    lines += ["target:", "  cluster: platform-postgres", "  pooler: platform-postgres-pooler-rw"]
    lines += ["environments:"]
    for environment in ENVIRONMENTS:
        lines += [f"  {environment}:", f"    namespace: {namespace(environment)}", "    overlay:"]
        lines += [f"      - apps/{app}/deploy/overlays/{environment}" for app in apps]
        lines += [f"      - platform/{environment}", "    secrets:"]
        lines += [f"      - apps/{app}/deploy/secrets/{environment}" for app in apps]
    return "\n".join(lines) + "\n"


def _deployment(app: str, service: str) -> str:
    host = source_host("local")
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}-{service}
  namespace: {app}
  labels: {{app: {app}-{service}, uses: postgres}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app: {app}-{service}}}
  template:
    metadata:
      labels: {{app: {app}-{service}}}
    spec:
      initContainers:
        - name: wait-for-postgres
          image: postgres:15-alpine
          command:
            - sh
            - -c
            - |
              # until postgres.example.org answers
              until pg_isready -h {host} -p 5432 -U {app}; do{MARK}{host}
                sleep 2
              done
      containers:
        - name: {service}
          image: registry.example.org/{app}/{service}:1.4.2
          ports: [{{containerPort: 8000}}]
          env:
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef: {{name: {app}-{service}-secret, key: DATABASE_URL}}
            - name: REDIS_URL
              value: redis://redis.{app}.svc.cluster.local:6379/0
            - name: LEGACY_URL
              value: mysql://{app}@mysql.{app}.svc.cluster.local:3306/legacy
"""


def _service(app: str, service: str, port: int) -> str:
    return f"""apiVersion: v1
kind: Service
metadata:
  name: {app}-{service}
  namespace: {app}
spec:
  selector: {{app: {app}-{service}}}
  ports:
    - {{name: http, port: {port}, targetPort: 8000}}
"""


def _job(app: str, service: str) -> str:
    host = source_host("local")
    return f"""apiVersion: batch/v1
kind: Job
metadata:
  name: {app}-{service}-migrate
  namespace: {app}
spec:
  backoffLimit: 3
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: arigaio/atlas:0.30
          args: [migrate, apply, --url, $(DATABASE_URL)]
          env:
            - name: DATABASE_URL
              value: "postgresql://{app}:example@{host}:5432/{app}?search_path={service}"{MARK}{host}
"""


def _configmap(app: str, service: str) -> str:
    return f"""apiVersion: v1
kind: ConfigMap
metadata:
  name: {app}-{service}-config
  namespace: {app}
data:
  LOG_LEVEL: info
  FEATURES: "billing,search"
  UPSTREAM: http://{app}-search.{app}.svc.cluster.local:8006
"""


def _kustomization(resources: list[str]) -> str:
    listed = "\n".join(f"  - {name}" for name in resources)
    return (
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{listed}\n"
    )


def _patch(app: str, service: str, environment: str) -> str:
    replicas = {"local": 1, "staging": 2, "production": 4}[environment]
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {app}-{service}
  namespace: {app}
spec:
  replicas: {replicas}
"""


def _secret(app: str, service: str, environment: str) -> str:
    host = source_host(environment)
    return f"""apiVersion: v1
kind: Secret
metadata:
  name: {app}-{service}-secret
  namespace: {app}
stringData:
  # postgres://old:old@db.example.org/old was the address before
  DATABASE_URL: "postgresql://{app}:example@{host}:5432/{app}?sslmode=disable"{MARK}{host}
  SESSION_KEY: example-{service}-{environment}
"""


def _overlay(app: str, environment: str) -> str:
    host = source_host(environment)
    resources = "\n".join(f"  - ../../base/{service}" for service in SERVICES)
    patches = "\n".join(f"  - path: patches/{service}.yaml" for service in SERVICES)
    return f"""apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
{resources}
patches:
{patches}
configMapGenerator:
  - name: {app}-shared
    namespace: {app}
    literals:
      - DATABASE_HOST={host}{MARK}{host}
      - REGION=eu-north-1
"""


def _tooling(app: str) -> dict[str, str]:
    host = source_host("local")
    url = f"postgres://{app}:example@{host}:5432/{app}?sslmode=disable"
    values = ["replicaCount: 2", "externalDatabase:", f"  host: {host}{MARK}{host}"]
    values += ["  port: 5432", f"  user: {app}", f"  database: {app}", "redis:", "  host: redis"]
    makefile = [f"DB_URL ?= {url}{MARK}{host}", "", ".PHONY: test", "test: ## Run tests"]
    backup = ["#!/bin/sh", "set -eu", f'pg_dump -h {host} -U {app} {app} > "$1"{MARK}{host}']
    compose = ["services:", "  api:", f"    image: {app}/api", "    environment:"]
    compose += [f"      DATABASE_URL: {url}{MARK}{host}", "  cache:", "    image: redis:7"]
    template = ["apiVersion: v1", "kind: ConfigMap", "metadata:"]
    template += ["  name: {{ .Release.Name }}-config", "data:"]
    template += ['  replicas: "{{ .Values.replicaCount }}"']
    files = {
        "backend/atlas.hcl": ['env "ci" {', f'  url = "{url}"{MARK}{host}', "}"],
        "backend/Makefile": [*makefile, "\tgo test ./..."],
        ".env": [f"DATABASE_URL={url}{MARK}{host}", "REDIS_URL=redis://redis:6379"],
        "scripts/backup.sh": backup,
        "compose.yaml": compose,
        f"charts/{app}/Chart.yaml": ["apiVersion: v2", f"name: {app}", "version: 1.0.0"],
        f"charts/{app}/values.yaml": values,
        f"charts/{app}/templates/configmap.yaml": template,
    }
    return {name: "\n".join(lines) + "\n" for name, lines in files.items()}


def _cluster(environment: str) -> str:
    space = namespace(environment)
    return f"""apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: platform-postgres, namespace: {space}}}
spec:
  instances: 3
  imageName: ghcr.io/cloudnative-pg/postgresql:17.2
  storage: {{size: 10Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {{name: platform-postgres-pooler-rw, namespace: {space}}}
spec:
  cluster: {{name: platform-postgres}}
  instances: 2
  type: rw
  pgbouncer: {{poolMode: session}}
"""


def _server(environment: str) -> str:
    return f"""apiVersion: v1
kind: Service
metadata: {{name: postgres, namespace: {namespace(environment)}}}
spec:
  selector: {{app: postgres}}
  ports: [{{port: 5432}}]
"""
