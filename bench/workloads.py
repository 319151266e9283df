"""The base of one application: Deployments, Jobs, Services, ConfigMaps, and look-alikes."""

from __future__ import annotations

from bench.layout import (
    MIGRATION,
    PROBE,
    RUNTIME,
    SERVICES,
    listed,
    source_host,
    url,
    uses,
)
from bench.marks import Wanted, decoy, site
from bench.operations import backup, egress, exporter
from bench.settings import CONFIGS

_WITH_ACCOUNT = ("api", "auth", "orders", "worker")
_WAITING = ("api", "auth", "worker")
_LOCAL = source_host("local")
_POD = "/0/spec/template/spec"


def base(app: str) -> dict[str, str]:
    """Every file below the base, marked, by path below `deploy/base`."""
    files: dict[str, str] = {}
    for number, service in enumerate(SERVICES):
        parts = {
            "deployment.yaml": _deployment(app, service),
            "service.yaml": _service(app, service, 8000 + number),
        }
        if service in _JOBS:
            parts["migrate-job.yaml"] = _JOBS[service](app)
        if service in CONFIGS:
            parts["configmap.yaml"] = CONFIGS[service](app)
        if service in _WITH_ACCOUNT:
            parts["serviceaccount.yaml"] = _account(app, service)
        parts["kustomization.yaml"] = kustomization(list(parts))
        files.update({f"{service}/{name}": text for name, text in parts.items()})
    files["backup/cronjob.yaml"] = backup(app)
    files["backup/kustomization.yaml"] = kustomization(["cronjob.yaml"])
    files["monitoring/exporter.yaml"] = exporter(app)
    files["monitoring/kustomization.yaml"] = kustomization(["exporter.yaml"])
    files["network/egress.yaml"] = egress(app)
    files["network/kustomization.yaml"] = kustomization(["egress.yaml"])
    return files


def kustomization(resources: list[str]) -> str:
    """A kustomization.yaml that only lists resources."""
    head = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n"
    return head + listed(resources)


def _environment(app: str, service: str) -> str:
    """What a Deployment's container reads, by how its service keeps its settings."""
    name = f"{app}-{service}"
    reference = "            - name: {0}\n              valueFrom:\n                secretKeyRef: "
    reference += f"{{{{name: {name}-secret, key: {{1}}}}}}\n"
    if service in ("api", "billing"):
        return "          env:\n" + reference.format("DATABASE_URL", "DATABASE_URL") + _others(app)
    if service == "auth":
        return "          env:\n" + reference.format("DSN", "dsn") + _others(app)
    if service == "worker":
        readers = uses(app, f"Deployment/{name}/worker", "runtime", ("local",))
        pointer = f"{_POD}/containers/0/env/0/value"
        wanted = Wanted("DB_HOST", pointer, "split-env", RUNTIME, readers)
        split = f"            - name: DB_HOST\n              value: {site(_LOCAL, wanted)}\n"
        split += '            - name: DB_PORT\n              value: "5432"\n'
        split += f"            - name: DB_NAME\n              value: {app}\n"
        shared = f"          envFrom:\n            - configMapRef: {{name: {app}-shared}}\n"
        return "          env:\n" + split + _others(app) + shared
    source = {
        "orders": f"secretRef: {{name: {name}-secret}}",
        "search": f"secretRef: {{name: {name}-env}}",
    }
    text = "          env:\n" + _others(app)
    if service in source:
        text += f"          envFrom:\n            - {source[service]}\n"
    return text


def _others(app: str) -> str:
    """Variables that name other servers."""
    redis = decoy(f"redis://redis.{app}.svc.cluster.local:6379/0", "redis")
    mysql = decoy(f"mysql://{app}@mysql.{app}.svc.cluster.local:3306/legacy", "mysql")
    return (
        f"            - name: REDIS_URL\n              value: {redis}\n"
        f"            - name: LEGACY_URL\n              value: {mysql}\n"
    )


def _wait(app: str, workload: str) -> str:
    """An init container that waits for the server."""
    readers = uses(app, f"{workload}/wait-for-postgres", "probe")
    pointer = f"{_POD}/initContainers/0/command/2"
    host = site(_LOCAL, Wanted("pg_isready", pointer, "cli-argument", PROBE, readers))
    comment = decoy("postgres.example.org", "a comment")
    return f"""      initContainers:
        - name: wait-for-postgres
          image: {decoy("postgres:15-alpine", "an image")}
          command:
            - sh
            - -c
            - |
              # café: until {comment} answers
              until pg_isready -h {host} -p 5432 -U {app}; do
                echo "waiting for postgres"
                sleep 2
              done
"""


def _deployment(app: str, service: str) -> str:
    name = f"{app}-{service}"
    workload = f"Deployment/{name}"
    waiting = _wait(app, workload) if service in _WAITING else ""
    mounts = volumes = account = ""
    if service in CONFIGS:
        mounts = "          volumeMounts:\n            - {name: config, mountPath: /etc/app}\n"
        volumes = "      volumes:\n        - name: config\n"
        volumes += f"          configMap: {{name: {name}-config}}\n"
    if service in _WITH_ACCOUNT:
        account = f"      serviceAccountName: {name}\n"
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {{app: {name}, part-of: {app}}}
spec:
  replicas: 2
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}, part-of: {app}}}
    spec:
{account}{waiting}      containers:
        - name: {service}
          image: registry.example.org/{app}/{service}:1.4.2
          imagePullPolicy: IfNotPresent
          ports:
            - {{name: http, containerPort: 8000}}
{_environment(app, service)}{mounts}          readinessProbe:
            httpGet: {{path: /health, port: 8000}}
            periodSeconds: 5
          livenessProbe:
            httpGet: {{path: /health, port: 8000}}
            periodSeconds: 15
            failureThreshold: 4
          resources:
            requests: {{cpu: 50m, memory: 96Mi}}
            limits: {{memory: 256Mi}}
          securityContext:
            runAsNonRoot: true
            allowPrivilegeEscalation: false
{volumes}"""


def _service(app: str, service: str, port: int) -> str:
    return f"""apiVersion: v1
kind: Service
metadata:
  name: {app}-{service}
  labels: {{app: {app}-{service}, part-of: {app}}}
spec:
  selector: {{app: {app}-{service}}}
  ports:
    - {{name: http, port: {port}, targetPort: 8000}}
"""


def _account(app: str, service: str) -> str:
    return f"apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {app}-{service}\n"


def _job(app: str, service: str, init: str, container: str) -> str:
    return f"""apiVersion: batch/v1
kind: Job
metadata:
  name: {app}-{service}-migrate
  labels: {{app: {app}-{service}-migrate}}
spec:
  backoffLimit: 3
  ttlSecondsAfterFinished: 86400
  template:
    metadata:
      labels: {{app: {app}-{service}-migrate}}
    spec:
      restartPolicy: Never
{init}      containers:
        - name: migrate
          image: arigaio/atlas:0.30
{container}          resources:
            requests: {{cpu: 50m, memory: 64Mi}}
"""


def _job_by_secret(app: str, service: str, key: str) -> str:
    """A migration that reads its connection string from the service's Secret."""
    container = f"""          args: [migrate, apply, --url, $(DATABASE_URL), --dir, "file:///migrations"]
          env:
            - name: DATABASE_URL
              valueFrom:
                secretKeyRef: {{name: {app}-{service}-secret, key: {key}}}
"""
    return _job(app, service, "", container)


def _billing_job(app: str) -> str:
    workload = f"Job/{app}-billing-migrate"
    readers = uses(app, f"{workload}/migrate", "migration")
    wanted = Wanted("DATABASE_URL", f"{_POD}/containers/0/env/0/value", "url", MIGRATION, readers)
    container = f"""          args: [migrate, apply, --url, $(DATABASE_URL), --dir, "file:///migrations"]
          env:
            - name: DATABASE_URL
              value: "{url(app, _LOCAL, wanted, parameters="search_path=billing")}"
"""
    return _job(app, "billing", _wait(app, workload), container)


def _orders_job(app: str) -> str:
    workload = f"Job/{app}-orders-migrate"
    readers = uses(app, f"{workload}/migrate", "migration")
    wanted = Wanted("atlas", f"{_POD}/containers/0/args/3", "url", MIGRATION, readers)
    container = f"""          args:
            - migrate
            - apply
            - --url
            - {url(app, _LOCAL, wanted)}
            - --dir
            - file:///migrations
"""
    return _job(app, "orders", _wait(app, workload), container)


_JOBS = {
    "api": lambda app: _job_by_secret(app, "api", "DATABASE_URL"),
    "auth": lambda app: _job_by_secret(app, "auth", "dsn_direct"),
    "billing": _billing_job,
    "orders": _orders_job,
}
