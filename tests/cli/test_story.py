"""The verbs on a small repository, as a user types them: data, notices and statuses."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from repoint.errors import ExitCode
from tests.prepared import run

CANARY = "canary-hunter2"
OLD = "postgres.shop.svc.cluster.local"
POOLED = "pg-pooler.shop.svc.cluster.local"
FILES = {
    "repoint.yaml": """source: {hosts: [postgres.shop.svc.cluster.local]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  local: {namespace: shop, overlay: deploy/local}
""",
    "deploy/local/kustomization.yaml": """apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: shop
resources: [api.yaml, secret.yaml, postgres.yaml, cluster.yaml]
""",
    "deploy/local/api.yaml": """apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers:
        - name: api
          image: registry.example.org/api:1
          env:
            - name: DATABASE_URL
              valueFrom: {secretKeyRef: {name: api-secret, key: DATABASE_URL}}
""",
    "deploy/local/secret.yaml": f"""apiVersion: v1
kind: Secret
metadata: {{name: api-secret}}
stringData:
  DATABASE_URL: "postgresql://shop:{CANARY}@{OLD}:5432/shop?sslmode=require"   # keep
""",
    "deploy/local/postgres.yaml": """apiVersion: v1
kind: Service
metadata: {name: postgres}
spec: {selector: {app: postgres}, ports: [{port: 5432}]}
""",
    "deploy/local/cluster.yaml": """apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg}
spec: {instances: 3, imageName: "ghcr.io/cloudnative-pg/postgresql:17.2", storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pg-pooler}
spec: {cluster: {name: pg}, instances: 2, type: rw, pgbouncer: {poolMode: session}}
""",
}


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A small repository, committed."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", "--all")
    git(tmp_path, "commit", "--quiet", "--message", "before")
    return tmp_path


def git(root: Path, *arguments: str) -> str:
    """What git prints."""
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout


def repoint(root: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run a command, demand its status, and look for the password in all it prints."""
    done = run(*arguments, cwd=root)
    assert done.returncode == status, done.stderr
    assert CANARY not in done.stdout + done.stderr
    return done


def test_scan_prints_data_on_stdout_and_nothing_else(shop: Path) -> None:
    done = repoint(shop, "scan", "--format", "json")
    document = json.loads(done.stdout)
    (site,) = document["sites"]
    assert (site["path"], site["line"], site["host"]) == ("deploy/local/secret.yaml", 5, OLD)
    assert done.stderr == ""
    assert "Deployment/api" in repoint(shop, "scan").stdout
    assert "Deployment/api" in repoint(shop, "scan", "--format", "markdown").stdout


def test_plan_apply_check_and_the_way_back(shop: Path) -> None:
    assert repoint(shop, "check", status=ExitCode.REFUSED).stdout
    repoint(shop, "plan", "--detailed-exitcode", status=ExitCode.CHANGES)
    assert git(shop, "status", "--porcelain") == ""

    planned = repoint(shop, "plan", "--output", "plan.json", "--format", "json")
    assert planned.stderr == "wrote plan.json\n"
    assert (shop / "plan.json").read_text() == planned.stdout

    applied = repoint(shop, "apply", "plan.json")
    assert applied.stdout == "deploy/local/secret.yaml\n"
    assert applied.stderr.startswith("applied: local\nthe way back: repoint rollback --env local")
    text = (shop / "deploy/local/secret.yaml").read_text()
    assert text == FILES["deploy/local/secret.yaml"].replace(OLD, POOLED)

    assert "nothing to write" in repoint(shop, "apply", "plan.json").stderr
    repoint(shop, "check")
    repoint(shop, "plan", "--detailed-exitcode")

    repoint(shop, "rollback", status=ExitCode.USAGE)
    assert repoint(shop, "rollback", "--yes").stdout == "deploy/local/secret.yaml\n"
    (shop / "plan.json").unlink()
    left = git(shop, "status", "--porcelain", "--untracked-files=all").split()
    assert not [name for name in left if name != "??" and not name.startswith(".repoint/")]
    assert "nothing to roll back" in repoint(shop, "rollback", "--yes").stderr


def test_apply_says_what_it_leaves_for_a_person(shop: Path) -> None:
    api = shop / "deploy/local/api.yaml"
    several = f"postgresql://shop@{OLD}:5432,replica.shop:5432/shop"
    api.write_text(api.read_text() + f"            - {{name: REPORTS_URL, value: '{several}'}}\n")
    assert repoint(shop, "plan", "--output", "plan.json").returncode == ExitCode.OK

    applied = repoint(shop, "apply", "plan.json").stderr
    assert "applied: local\nleft for a person: 1 (`repoint plan`)\n" in applied
    again = repoint(shop, "apply", "plan.json").stderr
    assert again.endswith("left for a person: 1 (`repoint plan`)\n")


def test_apply_counts_what_is_left_in_the_environments_that_were_asked_for(shop: Path) -> None:
    other = shop / "deploy/staging"
    shutil.copytree(shop / "deploy/local", other)
    several = f"postgresql://shop@{OLD}:5432,replica.shop:5432/shop"
    api = other / "api.yaml"
    api.write_text(api.read_text() + f"            - {{name: REPORTS_URL, value: '{several}'}}\n")
    with (shop / "repoint.yaml").open("a") as file:
        file.write("  staging: {namespace: shop, overlay: deploy/staging}\n")
    repoint(shop, "plan", "--output", "plan.json")
    repoint(shop, "apply", "plan.json", "--env", "local")

    again = repoint(shop, "apply", "plan.json", "--env", "local").stderr
    assert again == "nothing to write: every edit of this plan is applied\n"
    git(shop, "add", "--all")
    git(shop, "commit", "--quiet", "--message", "moved")
    assert "left for a person: 1" in repoint(shop, "apply", "plan.json").stderr


def test_a_stale_plan_is_refused_with_4(shop: Path) -> None:
    repoint(shop, "plan", "--output", "plan.json")
    secret = shop / "deploy/local/secret.yaml"
    secret.write_text(secret.read_text() + "  OTHER: value\n")
    done = repoint(shop, "apply", "plan.json", status=ExitCode.STALE)
    assert done.stderr.startswith("error: `deploy/local/secret.yaml` is not what this plan")


def test_apply_asks_nobody_without_a_terminal(shop: Path) -> None:
    done = repoint(shop, "apply", status=ExitCode.USAGE)
    assert done.stderr == "error: nobody can be asked here\nhint: pass `--yes` to go ahead\n"
    assert git(shop, "status", "--porcelain") == ""
    repoint(shop, "apply", "--env", "local", "--yes")


def test_a_diff_of_the_plan_shows_the_line(shop: Path) -> None:
    done = repoint(shop, "plan", "--format", "diff")
    assert f'+  DATABASE_URL: "postgresql://shop:***@{POOLED}:5432' in done.stdout


def test_init_writes_a_configuration_that_plan_takes(shop: Path) -> None:
    (shop / "repoint.yaml").unlink()
    repoint(shop, "plan", status=ExitCode.USAGE)
    proposal = repoint(shop, "init", "--print").stdout
    assert not (shop / "repoint.yaml").exists()
    assert "repoint.yaml; `repoint init`" in repoint(shop, "scan").stderr
    repoint(shop, "init")
    assert (shop / "repoint.yaml").read_text() == proposal
    done = repoint(shop, "init", status=ExitCode.REFUSED)
    assert "exists already" in done.stderr
    repoint(shop, "init", "--force")
    repoint(shop, "plan", "--detailed-exitcode", status=ExitCode.CHANGES)


def test_a_wrong_configuration_is_usage(shop: Path) -> None:
    with (shop / "repoint.yaml").open("a") as config:
        config.write("sauce: x\n")
    done = repoint(shop, "plan", status=ExitCode.USAGE)
    assert done.stderr.startswith(
        "error: `repoint.yaml` line 5: unknown key `sauce`\nhint: did you"
    )


def test_the_root_is_found_from_below_and_from_outside(
    shop: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    here = repoint(shop, "scan", "--format", "json").stdout
    assert repoint(shop / "deploy" / "local", "scan", "--format", "json").stdout == here
    other = tmp_path_factory.mktemp("elsewhere")
    assert repoint(other, "-C", str(shop), "scan", "--format", "json").stdout == here
    assert repoint(other, "scan", str(shop), "--format", "json").stdout == here


def test_scaffold_has_nothing_to_write_where_the_targets_are(shop: Path) -> None:
    assert "nothing to scaffold" in repoint(shop, "scaffold").stderr


def test_scaffold_writes_what_is_missing_once(shop: Path) -> None:
    kustomization = shop / "deploy/local/kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace(", cluster.yaml", ""))
    (shop / "deploy/local/cluster.yaml").unlink()
    shown = repoint(shop, "scaffold").stdout
    assert "kind: Cluster" in shown
    assert "kind: Pooler" in shown
    written = repoint(shop, "scaffold", "--write").stderr.splitlines()
    assert written
    for line in written:
        assert (shop / line.removeprefix("wrote ")).is_file()


def typed(root: Path, answer: str, *arguments: str) -> tuple[int, str]:
    """Run a command on a terminal and type an answer: its status, and what the screen shows."""
    leader, follower = pty.openpty()
    os.write(leader, answer.encode())
    process = subprocess.Popen(
        [sys.executable, "-m", "repoint", *arguments],
        cwd=root,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm"},
    )
    os.close(follower)
    shown = b""
    while True:
        try:
            piece = os.read(leader, 4096)
        except OSError:  # Linux: the last writer has closed its side
            break
        if not piece:
            break
        shown += piece
    os.close(leader)
    text = shown.decode()
    assert CANARY not in text
    return process.wait(), text


def test_on_a_terminal_apply_and_rollback_ask_first(shop: Path) -> None:
    status, text = typed(shop, "n\n", "apply")
    assert (status, git(shop, "status", "--porcelain")) == (ExitCode.REFUSED, "")
    assert "  deploy/local/secret.yaml\r\nwrite 1 file? [y/N]" in text
    assert "nothing was written" in text
    status, text = typed(shop, "y\n", "apply")
    assert status == ExitCode.OK
    assert "applied: local" in text
    assert typed(shop, "\n", "rollback")[0] == ExitCode.REFUSED
    assert typed(shop, "y\n", "rollback")[0] == ExitCode.OK
    assert git(shop, "status", "--porcelain") in ("", "?? .repoint/\n")


def test_on_a_terminal_output_has_color_unless_told_otherwise(shop: Path) -> None:
    assert re.search(r"\x1b\[[0-9;]+m", typed(shop, "", "scan")[1])
    assert not re.search(r"\x1b\[[0-9;]+m", typed(shop, "", "--no-color", "scan")[1])


def test_resume_tells_that_there_is_nothing_to_resume(shop: Path) -> None:
    assert "nothing to resume" in repoint(shop, "apply", "--resume").stderr
    assert not (shop / ".repoint").exists()


def test_quiet_prints_data_only(shop: Path) -> None:
    done = repoint(shop, "--quiet", "apply", "--yes")
    assert (done.stdout, done.stderr) == ("deploy/local/secret.yaml\n", "")


def test_check_as_json_and_markdown(shop: Path) -> None:
    done = repoint(shop, "check", "--format", "json", status=ExitCode.REFUSED)
    codes = {finding["code"] for finding in json.loads(done.stdout)["findings"]}
    assert "RP110" in codes
    done = repoint(shop, "check", "--format", "markdown", status=ExitCode.REFUSED)
    assert "RP110" in done.stdout


def test_a_file_that_is_no_plan_is_usage(shop: Path) -> None:
    done = repoint(shop, "apply", "repoint.yaml", status=ExitCode.USAGE)
    assert (
        done.stderr
        == "error: `repoint.yaml`: this plan is not JSON\nhint: run `repoint plan` again\n"
    )
