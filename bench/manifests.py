"""Every file of one application and of the platform, marked, by path."""

from __future__ import annotations

from bench.layout import ENVIRONMENTS, platform_namespace, source_host
from bench.marks import decoy
from bench.overlays import overlays, secrets
from bench.releases import argo_application, chart, helm_release
from bench.tooling import tooling
from bench.workloads import base, kustomization


def application(app: str, number: int) -> dict[str, str]:
    """Every manifest, chart and script of `app`; some of them as Windows editors leave them."""
    root = f"apps/{app}"
    parts = {
        f"{root}/deploy/base": base(app),
        f"{root}/deploy/overlays": overlays(app),
        f"{root}/deploy/secrets": secrets(app),
        f"{root}/charts/{app}": chart(app),
        root: tooling(app),
    }
    files = {
        f"{folder}/{name}": text for folder, part in parts.items() for name, text in part.items()
    }
    files[f"clusters/production/{app}/keycloak.yaml"] = helm_release(app)
    files[f"clusters/staging/{app}/metabase.yaml"] = argo_application(app)
    if number % 5 == 2:
        files[f"{root}/compose.yaml"] = files[f"{root}/compose.yaml"].replace("\n", "\r\n")
    if number % 5 == 1:
        path = f"clusters/production/{app}/keycloak.yaml"
        files[path] = "\ufeff" + files[path]
    return files


def platform() -> dict[str, str]:
    """The database's own manifests, and the repository's root files."""
    files = {"README.md": "# Platform\n\nPostgreSQL runs in `platform`.\n"}
    for environment in ENVIRONMENTS:
        folder = f"platform/{environment}"
        files[f"{folder}/cluster.yaml"] = _cluster(environment)
        files[f"{folder}/postgres.yaml"] = _server(environment)
        files[f"{folder}/kustomization.yaml"] = kustomization(["cluster.yaml", "postgres.yaml"])
    return files


def configuration(apps: list[str]) -> str:
    """repoint.yaml for `apps`."""
    lines = ["source:", "  hosts:"]
    lines += [f"    - {source_host(environment)}" for environment in ENVIRONMENTS]
    lines += ["target:", "  cluster: platform-postgres", "  pooler: platform-postgres-pooler-rw"]
    lines += ["environments:"]
    for environment in ENVIRONMENTS:
        space = platform_namespace(environment)
        lines += [f"  {environment}:", f"    namespace: {space}", "    overlay:"]
        lines += [f"      - apps/{app}/deploy/overlays/{environment}" for app in apps]
        lines += [f"      - platform/{environment}", "    secrets:"]
        lines += [f"      - apps/{app}/deploy/secrets/{environment}" for app in apps]
    return "\n".join(lines) + "\n"


def _cluster(environment: str) -> str:
    space = platform_namespace(environment)
    return f"""apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {{name: platform-postgres, namespace: {space}}}
spec:
  instances: 3
  imageName: {decoy("ghcr.io/cloudnative-pg/postgresql:17.2", "an image")}
  storage: {{size: 10Gi}}
  postgresql:
    parameters: {{max_connections: "5000"}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {{name: platform-postgres-pooler-rw, namespace: {space}}}
spec:
  cluster: {{name: platform-postgres}}
  instances: 2
  type: rw
  pgbouncer:
    poolMode: session
    parameters: {{default_pool_size: "2", max_client_conn: "20000"}}
"""


def _server(environment: str) -> str:
    return f"""apiVersion: v1
kind: Service
metadata: {{name: postgres, namespace: {platform_namespace(environment)}}}
spec:
  selector: {{app: postgres}}
  ports: [{{name: postgres, port: {decoy("5432", "a port of a Service")}, targetPort: 5432}}]
"""
