"""A small kustomize repository in two environments, planned and applied on its clear files."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.flows.checking import check
from repoint.flows.init import InitProposal, propose
from repoint.flows.planning import make_plan
from repoint.flows.scanning import scan
from repoint.flows.workspace import Workspace
from repoint.model.plan import Finding, Plan
from repoint.planning.assemble import contents_after
from repoint.planning.config import load_config
from repoint.planning.inventory import Inventory
from repoint.ports.work import UNWATCHED

POOLED = "pg-pooler.shop-{env}.svc.cluster.local"
DIRECT = "pg-rw.shop-{env}.svc.cluster.local"
DEV_POOLED, DEV_DIRECT = (host.replace("{env}", "dev") for host in (POOLED, DIRECT))

CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, overlay: overlays/dev}
  prod: {namespace: shop-prod, overlay: overlays/prod}
"""

TARGETS = """
apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
---
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg}
spec: {instances: 1, imageName: ghcr.io/cloudnative-pg/postgresql:18.1}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-pooler}
spec: {cluster: {name: pg}, type: rw, pgbouncer: {poolMode: session}}
"""


def scanned(trial: Trial) -> Inventory:
    """What a scan of a trial's repository tells."""
    return scan(trial.workspace())


def proposed(trial: Trial) -> InitProposal:
    """What `init` proposes for a trial's repository."""
    return propose(replace(trial.workspace(), config=None, config_text=""))


@dataclass(frozen=True)
class Opened:
    """Sealed files that are opened by looking them up."""

    clear: Mapping[str, str]

    def decrypt(self, path: str) -> bytes:
        """The clear text of a sealed file."""
        return self.clear[path].encode()

    def prefetch(self, paths: Sequence[str]) -> None:
        """They are open."""


def workload(kind: str, name: str, container: str) -> str:
    """A manifest whose pods are given as YAML of any indentation."""
    group, job = ("batch/v1", "      restartPolicy: Never\n") if kind == "Job" else ("apps/v1", "")
    body = textwrap.indent(textwrap.dedent(container).strip(), " " * 6)
    labels = f"    metadata: {{labels: {{app: {name}}}}}\n"
    selector = "" if kind == "Job" else f"  selector: {{matchLabels: {{app: {name}}}}}\n"
    return (
        f"apiVersion: {group}\nkind: {kind}\nmetadata:\n  name: {name}\nspec:\n{selector}"
        f"  template:\n{labels}    spec:\n{job}{body}\n"
    )


def repository(base: Mapping[str, str], overlay: Mapping[str, str]) -> dict[str, str]:
    """A base with the targets, and overlays whose texts have `{env}` filled in."""
    listed = "".join(f"  - {path}\n" for path in ("targets.yaml", *base))
    files = {"base/kustomization.yaml": f"resources:\n{listed}", "base/targets.yaml": TARGETS}
    files |= {f"base/{path}": text for path, text in base.items()}
    for env in ("dev", "prod"):
        own = "namespace: shop-{env}\nresources:\n  - ../../base\n"
        for path, text in {"kustomization.yaml": own, **overlay}.items():
            files[f"overlays/{env}/{path}"] = text.replace("{env}", env)
    return files


class Trial:
    """A repository on disk, with what is planned for it.

    Args:
        root: An empty directory.
        files: The repository.
        clear: Clear texts of the sealed files among them, by path.
        config: Its repoint.yaml.
    """

    def __init__(
        self,
        root: Path,
        files: Mapping[str, str],
        clear: Mapping[str, str] | None = None,
        config: str = CONFIG,
    ) -> None:
        self.root = root
        self.config = config
        self.clear = dict(clear or {})
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(text.encode())

    def workspace(self) -> Workspace:
        """The tree as it is now, with what reads it."""
        tree = FileTree(self.root)
        return Workspace(
            *(str(self.root), tree, load_config(self.config), self.config),
            *(Opened(self.clear), Kustomize(tree), UNWATCHED),
        )

    def plan(self, *environments: str) -> Plan:
        """The plan for the tree as it is now."""
        return make_plan(self.workspace(), environments)

    def check(self, *environments: str) -> tuple[Finding, ...]:
        """What `check` finds in the tree as it is now."""
        return check(self.workspace(), environments)

    def apply(self, environment: str) -> dict[str, str]:
        """Write one environment's changes of clear files; returns their texts by path."""
        plan = self.plan(environment)
        assert [proof.unexplained for proof in plan.proofs if not proof.holds] == []
        after = contents_after(plan.changes, FileTree(self.root).read)
        for path, raw in after.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_bytes(raw)
        return {path: raw.decode() for path, raw in after.items()}
