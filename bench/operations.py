"""What watches over the database of one application: backup, exporter, network policy."""

from __future__ import annotations

from bench.layout import source_host, url, uses
from bench.marks import Wanted, decoy, site

_LOCAL = source_host("local")


def backup(app: str) -> str:
    """The nightly dump."""
    readers = uses(app, f"CronJob/{app}-backup/dump", "backup")
    pointer = "/0/spec/jobTemplate/spec/template/spec/containers/0/command/2"
    host = site(_LOCAL, Wanted("pg_dump", pointer, "cli-argument", ("backup",), readers))
    return f"""apiVersion: batch/v1
kind: CronJob
metadata:
  name: {app}-backup
spec:
  schedule: "17 3 * * *"
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: OnFailure
          containers:
            - name: dump
              image: {decoy("postgres:15-alpine", "an image")}
              command:
                - sh
                - -c
                - pg_dump -h {host} -p 5432 -U {app} -d {app} -Fc > /backup/{app}.dump
              volumeMounts:
                - {{name: backup, mountPath: /backup}}
          volumes:
            - name: backup
              emptyDir: {{}}
"""


def exporter(app: str) -> str:
    """The exporter of metrics."""
    readers = uses(app, f"Deployment/{app}-postgres-exporter/exporter", "monitoring")
    pointer = "/0/spec/template/spec/containers/0/env/0/value"
    wanted = Wanted("DATA_SOURCE_NAME", pointer, "url", ("monitoring",), readers)
    name = f"{app}-postgres-exporter"
    return f"""apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
spec:
  replicas: 1
  selector:
    matchLabels: {{app: {name}}}
  template:
    metadata:
      labels: {{app: {name}}}
      annotations:
        prometheus.io/scrape: "true"
    spec:
      containers:
        - name: exporter
          image: {decoy("quay.io/prometheuscommunity/postgres-exporter:v0.17.1", "an image")}
          ports:
            - {{name: metrics, containerPort: 9187}}
          env:
            - name: DATA_SOURCE_NAME
              value: {url(app, _LOCAL, wanted)}
"""


def egress(app: str) -> str:
    """What the workloads may connect to."""
    return f"""apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {app}-egress
spec:
  podSelector:
    matchLabels: {{part-of: {app}}}
  policyTypes: [Egress]
  egress:
    - to:
        - namespaceSelector:
            matchLabels: {{kubernetes.io/metadata.name: platform}}
      ports:
        - {{protocol: TCP, port: {decoy("5432", "a port of a NetworkPolicy")}}}
"""
