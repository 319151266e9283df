"""A package of somebody else, built and installed beside repoint's own wheel in a fresh venv."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYPROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-repoint"
version = "{version}"

[project.entry-points."repoint.knowledge"]
acme = "acme_repoint"

[tool.hatch.build.targets.wheel]
packages = ["acme_repoint"]
"""
KNOWN = """\
tools:
  - name: acme-migrate
    purpose: {purpose}
    commands: ["acme-migrate|acme up"]
    server: {{host: [server]}}
"""
CONFIG = """\
source: {hosts: [main.shop]}
target: {cluster: db, pooler: db-pool}
environments:
  local: {namespace: shop, manifests: deploy}
accept:
  - {code: RP110, reason: the target comes later}
  - {code: RP201, reason: the target comes later}
"""
JOB = """\
apiVersion: batch/v1
kind: Job
metadata: {name: now, namespace: shop}
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
      - name: now
        image: registry.acme/tools:1
        command: [acme, up, --server, main.shop]
"""


def run(*argv: str | Path, cwd: Path = ROOT) -> None:
    done = subprocess.run(
        [str(word) for word in argv], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


class Outside:
    """A venv with repoint's wheel, and a repository; dependencies are those of this Python."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.repository = folder / "repository"
        self.python = folder / "venv" / "bin" / "python"
        uv = Path(sys.executable).with_name("uv")
        self._uv = (uv, "--offline", "--no-config", "--quiet")
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist")
        run(*self._uv, "venv", "--python", sys.executable, folder / "venv")
        self.install(next((folder / "dist").glob("repoint-*.whl")))
        site = next((folder / "venv" / "lib").glob("python*")) / "site-packages"
        (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
        (self.repository / "deploy").mkdir(parents=True)
        (self.repository / "repoint.yaml").write_text(CONFIG)
        (self.repository / "deploy" / "job.yaml").write_text(JOB)
        run("git", "init", "-q", cwd=self.repository)
        run("git", "add", "-A", cwd=self.repository)
        run("git", "commit", "-qm", "all", cwd=self.repository)

    def install(self, wheel: Path) -> None:
        asked = ("pip", "install", "--no-deps", "--reinstall", "--python", self.python, wheel)
        run(*self._uv, *asked)

    def plugin(self, version: str, known: str) -> None:
        """Build the package as its author would, and install it."""
        home = self.folder / f"acme-{version}"
        (home / "acme_repoint").mkdir(parents=True)
        (home / "pyproject.toml").write_text(PYPROJECT.format(version=version))
        (home / "acme_repoint" / "__init__.py").write_text('"""Acme\'s tools."""\n')
        (home / "acme_repoint" / "knowledge.yaml").write_text(known)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=home)
        self.install(next((home / "dist").glob("*.whl")))

    def uninstall(self) -> None:
        run(*self._uv, "pip", "uninstall", "--python", self.python, "acme-repoint")

    def repoint(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        argv = [self.python.with_name("repoint"), "-C", self.repository, *words]
        kept = {"PATH", "HOME", "XDG_STATE_HOME", "GIT_CONFIG_GLOBAL", "GIT_CONFIG_NOSYSTEM"}
        env = {name: value for name, value in os.environ.items() if name in kept}
        env |= {"REPOINT_CACHE": str(self.folder / "cache")}
        return subprocess.run(
            [str(word) for word in argv], env=env, capture_output=True, text=True, check=False
        )

    def sites(self) -> list[tuple[str, str]]:
        """Each site's host and purpose, asked twice: the second answer is a kept one."""
        first, second = (self.repoint("scan", "--format", "json") for _ in range(2))
        assert first.returncode == 0, first.stderr
        assert first.stdout == second.stdout
        return [(one["host"], one["purpose"]) for one in json.loads(first.stdout)["sites"]]


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Outside:
    return Outside(tmp_path_factory.mktemp("outside"))


@pytest.mark.slow
def test_a_package_with_an_entry_point(outside: Outside) -> None:
    assert outside.sites() == []

    outside.plugin("1.0", KNOWN.format(purpose="migration"))
    assert outside.sites() == [("main.shop", "migration")]
    told = outside.repoint("scan", "--format", "json").stdout
    assert "runs `acme up` (acme-migrate, says acme-repoint 1.0)" in told

    plan = outside.folder / "plan.json"
    outside.repoint("plan", "--output", plan)
    assert json.loads(plan.read_text())["changes"]

    outside.plugin("1.1", KNOWN.format(purpose="migration"))
    assert "says acme-repoint 1.1" in outside.repoint("scan", "--format", "json").stdout
    stale = outside.repoint("apply", plan, "--yes")
    assert (stale.returncode, "fingerprint" in stale.stderr) == (4, True), stale.stderr

    outside.plugin("1.2", KNOWN.format(purpose="backup"))
    assert outside.sites() == [("main.shop", "backup")]

    outside.plugin("1.3", "tolls: []\n")
    broken = outside.repoint("scan", "--format", "json")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert "acme-repoint 1.3" in broken.stderr and "unknown key `tolls`" in broken.stderr
    assert outside.repoint("rollback", "--yes").returncode == 0
    sick = json.loads(outside.repoint("doctor", "--format", "json").stdout)
    (item,) = [one for one in sick["items"] if one["name"] == "acme-repoint"]
    assert (item["version"], item["good"]) == ("1.3", False)

    outside.uninstall()
    assert outside.sites() == []
