"""The Helm chart of one application, and releases by Flux and Argo CD."""

from __future__ import annotations

from bench.layout import MIGRATION, RUNTIME, source_host, url
from bench.marks import Use, Wanted, decoy, reference, site


def chart(app: str) -> dict[str, str]:
    """The chart, marked, by path below `charts/<app>`."""
    return {
        "Chart.yaml": f"apiVersion: v2\nname: {app}\nversion: 1.0.0\nappVersion: 1.4.2\n",
        "values.yaml": _values(app, "local"),
        "values-production.yaml": _values(app, "production"),
        "templates/_helpers.tpl": _HELPERS,
        "templates/deployment.yaml": _DEPLOYMENT.replace(_HOST, reference(_HOST)),
        "templates/migrate.yaml": _MIGRATE.replace(_URL, reference(_URL)),
        "templates/service.yaml": _SERVICE,
        "templates/configmap.yaml": _CONFIGMAP,
        "README.md": _readme(app),
    }


def _values(app: str, environment: str) -> str:
    host = source_host(environment)
    known = environment if environment == "production" else ""
    gateway = (Use(f"Deployment/{app}/gateway", known, "runtime"),)
    hook = (Use(f"Job/{app}-migrate/migrate", known, "migration"),)
    runtime = _value("externalDatabase.host", RUNTIME, gateway)
    direct = _value("migrations.databaseUrl", MIGRATION, hook)
    redis = decoy(f"redis.{app}.svc.cluster.local", "redis")
    return f"""replicaCount: {1 if environment == "local" else 4}
image:
  repository: registry.example.org/{app}/gateway
  tag: 1.4.2
# réplique: none
externalDatabase:
  host: {site(host, runtime)}
  port: 5432
  user: {app}
  database: {app}
migrations:
  enabled: true
  databaseUrl: {url(app, host, direct)}
postgresql:
  enabled: false
  image: {decoy("bitnami/postgresql:16", "an image")}
redis:
  host: {redis}
  port: 6379
"""


def _value(key: str, purposes: tuple[str, ...], readers: tuple[Use, ...]) -> Wanted:
    """A value of a chart, by its dotted key."""
    return Wanted(key, "/0/" + key.replace(".", "/"), "helm-value", purposes, readers)


def helm_release(app: str) -> str:
    """A release that Flux makes of somebody else's chart."""
    consumer = f"HelmRelease/{app}/{app}-keycloak"
    readers = (Use(consumer, "production", "runtime"),)
    first = "externalDatabase.host"
    plain = Wanted(first, "/0/spec/values/externalDatabase/host", "helm-value", RUNTIME, readers)
    pointer = "/0/spec/values/extraEnvVars/0/value"
    jdbc = Wanted("KC_DB_URL", pointer, "helm-value", RUNTIME, readers)
    host = source_host("production")
    return f"""apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {app}-keycloak
  namespace: {app}
spec:
  interval: 30m
  chart:
    spec:
      chart: keycloak
      version: 24.4.1
      sourceRef: {{kind: HelmRepository, name: bitnami, namespace: flux-system}}
  values:
    postgresql:
      enabled: false
    externalDatabase:
      host: {site(host, plain)}
      port: 5432
      user: keycloak
      database: {app}_keycloak
    extraEnvVars:
      - name: KC_DB_URL
        value: jdbc:postgresql://{site(host, jdbc)}:5432/{app}_keycloak
"""


def argo_application(app: str) -> str:
    """A release that Argo CD makes; its values are a text of their own."""
    readers = (Use(f"Application/argocd/{app}-metabase", "staging", "runtime"),)
    pointer = "/0/spec/source/helm/values"
    wanted = Wanted("database.host", pointer, "helm-value", RUNTIME, readers)
    return f"""apiVersion: argoproj.io/v1alpha1
kind: Application
metadata:
  name: {app}-metabase
  namespace: argocd
spec:
  project: default
  source:
    repoURL: https://charts.example.org
    chart: metabase
    targetRevision: 2.16.0
    helm:
      values: |
        replicaCount: 1
        database:
          type: postgres
          host: {site(source_host("staging"), wanted)}
          port: 5432
          dbname: {app}_metabase
          username: metabase
  destination:
    server: https://kubernetes.default.svc
    namespace: {app}-staging
"""


def _readme(app: str) -> str:
    example = decoy("postgres://user:pass@db.example.org:5432/app", "an example in documentation")
    return f"""# {app}

The chart of {app}'s gateway. It needs a PostgreSQL server:

    helm install {app} . --set migrations.databaseUrl={example}
"""


_HOST = "{{ .Values.externalDatabase.host | quote }}"
_URL = "{{ .Values.migrations.databaseUrl | quote }}"
_HELPERS = '{{- define "gateway.name" -}}{{ .Release.Name }}-gateway{{- end -}}\n'
_DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "gateway.name" . }}
spec:
  replicas: {{ .Values.replicaCount }}
  selector:
    matchLabels: {app: {{ include "gateway.name" . }}}
  template:
    metadata:
      labels: {app: {{ include "gateway.name" . }}}
    spec:
      containers:
        - name: gateway
          image: "{{ .Values.image.repository }}:{{ .Values.image.tag }}"
          env:
            - name: DATABASE_HOST
              value: {{ .Values.externalDatabase.host | quote }}
            - name: DATABASE_PORT
              value: {{ .Values.externalDatabase.port | quote }}
            - name: REDIS_HOST
              value: {{ .Values.redis.host | quote }}
"""
_MIGRATE = """{{- if .Values.migrations.enabled }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ include "gateway.name" . }}-migrate
  annotations:
    helm.sh/hook: pre-upgrade
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: arigaio/atlas:0.30
          args: [migrate, apply, --url, $(DATABASE_URL)]
          env:
            - name: DATABASE_URL
              value: {{ .Values.migrations.databaseUrl | quote }}
{{- end }}
"""
_SERVICE = """apiVersion: v1
kind: Service
metadata:
  name: {{ include "gateway.name" . }}
spec:
  selector: {app: {{ include "gateway.name" . }}}
  ports:
    - {name: http, port: 80, targetPort: 8000}
"""
_CONFIGMAP = """apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "gateway.name" . }}-config
data:
  replicas: "{{ .Values.replicaCount }}"
"""
