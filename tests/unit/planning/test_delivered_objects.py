"""What a repository tells of the order in which its objects reach the cluster."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from repoint.model.plan import Severity
from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

URL = "postgresql://shop:canary-1@postgres:5432/shop"
SECRET = """
apiVersion: v1
kind: Secret
metadata:
  name: shop-db
  annotations: {note: none}
stringData:
  url: {URL}
""".replace("{URL}", URL)
READS = """
containers:
  - name: {name}
    image: shop:1
    command: {command}
    env:
      - name: DATABASE_URL
        valueFrom: {secretKeyRef: {name: shop-db, key: url}}
"""
JOB = workload("Job", "migrate", READS.replace("{name}", "m").replace("{command}", "[migrate, up]"))
WEB = workload("Deployment", "web", READS.replace("{name}", "w").replace("{command}", "[serve]"))
APPLICATION = """
apiVersion: argoproj.io/v1alpha1
kind: Application
metadata: {name: shop-dev, namespace: argocd}
spec:
  source: {repoURL: https://git.example.com/shop.git, path: overlays/dev}
  destination: {namespace: shop-dev}
  syncPolicy: {automated: {prune: true}}
"""
FLUX = """
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {name: dev, namespace: flux-system}
spec: {path: ./overlays/dev, prune: true}
"""
STORE = """
apiVersion: apps/v1
kind: StatefulSet
metadata: {name: postgres}
spec:
  selector: {matchLabels: {app: postgres}}
  template:
    metadata: {labels: {app: postgres}}
    spec:
      containers: [{name: postgres, image: "postgres:15"}]
      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce]}
"""
GITOPS = CONFIG.replace("overlay: overlays/dev}", "overlay: overlays/dev, mode: gitops}")


def hooked(text: str, hook: str, wave: str) -> str:
    """A manifest as a hook of Argo CD."""
    head = f"    argocd.argoproj.io/hook: {hook}\n    argocd.argoproj.io/sync-wave: '{wave}'\n"
    return text.replace("\nspec:", f"\n  annotations:\n{head}spec:", 1)


def told(root: Path, files: Mapping[str, str], config: str = GITOPS) -> dict[str, Severity]:
    """The codes of this family that the plan for `dev` tells, with the worst severity."""
    plan = Trial(root, files, config=config).plan("dev")
    order = [Severity.NOTE, Severity.WARNING, Severity.ERROR]
    found: dict[str, Severity] = {}
    for one in plan.findings:
        if one.code.startswith("RP29"):
            found[one.code] = max(found.get(one.code, one.severity), one.severity, key=order.index)
    return found


def shop(job: str = JOB, **more: str) -> dict[str, str]:
    """A repository with a Secret, a migration and a web server."""
    files = repository({"secret.yaml": SECRET, "job.yaml": job, "web.yaml": WEB}, {})
    return files | {f"clusters/{name}.yaml": text for name, text in more.items()}


def test_a_presync_hook_reads_the_secret_of_its_own_application(tmp_path: Path) -> None:
    found = told(tmp_path, shop(hooked(JOB, "PreSync", "0"), app=APPLICATION))
    assert found["RP290"] is Severity.ERROR
    assert "RP293" not in found


def test_what_has_moved_is_a_warning_for_the_next_change(tmp_path: Path) -> None:
    files = shop(hooked(JOB, "PreSync", "0"), app=APPLICATION)
    files["base/secret.yaml"] = SECRET.replace("@postgres:", "@pg-rw.shop-dev:")
    assert told(tmp_path, files)["RP290"] is Severity.WARNING


def test_without_an_application_the_annotations_tell_of_argo(tmp_path: Path) -> None:
    assert told(tmp_path, shop(hooked(JOB, "PreSync", "0")))["RP290"] is Severity.ERROR


def test_a_sync_hook_between_secret_and_workloads_is_fine(tmp_path: Path) -> None:
    files = shop(hooked(JOB, "Sync", "1"), app=APPLICATION)
    files["base/web.yaml"] = WEB.replace(
        "\nspec:", "\n  annotations: {argocd.argoproj.io/sync-wave: '2'}\nspec:", 1
    )
    assert "RP290" not in told(tmp_path, files)


def test_flux_heeds_no_hooks_and_cannot_change_the_job(tmp_path: Path) -> None:
    found = told(tmp_path, shop(hooked(JOB, "PreSync", "0"), flux=FLUX))
    assert "RP290" not in found
    assert found["RP293"] is Severity.ERROR


def test_flux_makes_a_job_anew_where_it_is_told_to(tmp_path: Path) -> None:
    forced = JOB.replace(
        "\nspec:",
        "\n  annotations: {kustomize.toolkit.fluxcd.io/force: enabled}\nspec:",
        1,
    )
    assert "RP293" not in told(tmp_path, shop(forced, flux=FLUX))


def test_a_job_of_nobody_is_repoints_own(tmp_path: Path) -> None:
    assert told(tmp_path, shop(), config=CONFIG) == {}


def test_the_mode_is_asked_for_where_a_controller_is_known(tmp_path: Path) -> None:
    files = shop(app=APPLICATION)
    assert told(tmp_path / "kubectl", files, config=CONFIG)["RP297"] is Severity.NOTE
    assert "RP297" not in told(tmp_path / "gitops", files)


@pytest.mark.parametrize("controller", [APPLICATION, FLUX], ids=["argocd", "flux"])
def test_the_old_servers_data_is_pruned_with_its_manifest(tmp_path: Path, controller: str) -> None:
    files = shop(by=controller)
    files["base/targets.yaml"] += f"---{STORE}"
    assert told(tmp_path, files)["RP296"] is Severity.NOTE


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
    "chart/values.yaml": f"url: {URL}\n",
    "chart/templates/secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata:\n  name: {{ .Release.Name }}-db\n"
        "stringData:\n  url: {{ .Values.url | quote }}\n"
    ),
    "chart/templates/job.yaml": (
        "apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {{ .Release.Name }}-migrate\n"
        "  annotations:\n    helm.sh/hook: pre-install,pre-upgrade\nspec:\n  template:\n"
        "    spec:\n      restartPolicy: Never\n      containers:\n        - name: migrate\n"
        "          image: shop:1\n          command: [migrate, up]\n          env:\n"
        "            - name: DATABASE_URL\n              valueFrom:\n"
        "                secretKeyRef: {name: '{{ .Release.Name }}-db', key: url}\n"
    ),
    "values-dev.yaml": f"url: {URL}?sslmode=require\n",
}


def test_a_helm_hook_reads_the_secret_of_its_own_chart(tmp_path: Path) -> None:
    values = GITOPS.replace("overlay: overlays/dev", "values: values-dev.yaml")
    files = repository({}, {}) | CHART
    assert told(tmp_path / "pre", files, config=values)["RP290"] is Severity.ERROR
    job = files["chart/templates/job.yaml"].replace("pre-install,pre-upgrade", "post-upgrade")
    after = files | {"chart/templates/job.yaml": job}
    assert "RP290" not in told(tmp_path / "post", after, config=values)


def test_a_source_whose_workload_or_claim_left_is_told_as_gone(tmp_path: Path) -> None:
    files = shop()
    files["base/kustomization.yaml"] = files["base/kustomization.yaml"].replace(
        "  - targets.yaml\n", "  - targets.yaml\n  - store.yaml\n  - claim.yaml\n"
    )
    files["base/store.yaml"], files["base/claim.yaml"] = STORE.split("---")
    gone = "$patch: delete\napiVersion: {}\nkind: {}\nmetadata: {{name: {}}}\n"
    left = {
        "workload": gone.format("apps/v1", "StatefulSet", "postgres"),
        "volume claim": gone.format("v1", "PersistentVolumeClaim", "data"),
    }
    whole = [one.code for one in Trial(tmp_path / "whole", files).plan("dev").findings]
    assert "RP130" not in whole
    for number, (what, patch) in enumerate(left.items()):
        own = dict(files)
        own["overlays/dev/kustomization.yaml"] += "patches: [{path: gone.yaml}]\n"
        own["overlays/dev/gone.yaml"] = patch
        plan = Trial(tmp_path / str(number), own).plan("dev")
        (found,) = [one for one in plan.findings if one.code == "RP130"]
        assert what in found.message
