"""A repository that nobody wrote repoint for, the cluster as it was before, and the real command.

A repository's `truth.yaml` was written before anything was run on it: what `repoint init` has to
propose, and for each stage of a journey the steps, the status, and whose pods are replaced.
"""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from repoint.adapters.runner import find_tool
from tests.cluster.control_plane import ControlPlane
from tests.prepared import run

REPOSITORIES = Path(__file__).with_name("repositories")
_ROLLED = {"deployments": "Deployment", "statefulsets": "StatefulSet", "daemonsets": "DaemonSet"}
_CONTEXTS = ("qa-ctx", "uat-ctx")
_PERSON = {"NAME": "T", "EMAIL": "t@example.org"}


@dataclass
class Journey:
    """A copy of a repository in `root`, and what is true of it."""

    api: ControlPlane
    root: Path
    truth: Mapping[str, Any]
    kubeconfig: Path

    # What a team does.

    def stand_before(self) -> None:
        """Apply everything as it is before the move, as people do."""
        for key in ("before", "also_before"):
            words = [
                str(self.root / word) if (self.root / word).exists() else word
                for word in self.truth.get(key, ())
            ]
            for part in _applied(words):
                # What a kind is unknown of is left out.
                self.api.kubectl(*part, check="-k" in part)
        for namespace in self.truth["namespaces"]:
            self.api.until(f"`{namespace}` stands", partial(self._stands, namespace))

    def repoint(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run the real command line in the repository."""
        return run(*args, cwd=self.root, env=self._environment(), timeout=120)

    def configured(self) -> Mapping[str, Any]:
        """What init proposes; then repoint.yaml is as the truth has it."""
        done = self.repoint("init", "--print")
        assert done.returncode == 0, done.stderr
        (self.root / "repoint.yaml").write_text(self.truth["settings"])
        found = yaml.safe_load(done.stdout)
        return {
            "hosts": found["source"]["hosts"],
            "cluster": found["target"]["cluster"],
            "pooler": found["target"]["pooler"],
            "environments": list(found["environments"]),
        }

    def commit(self) -> None:
        """Commit everything."""
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "go on")

    def edit(self, change: Mapping[str, Any]) -> None:
        """Change a file as a stage says."""
        file = self.root / change["file"]
        text = file.read_text()
        for old, new in change.get("of", {}).items():
            assert old in text
            text = text.replace(old, new)
        file.write_text(text + change.get("append", ""))

    def define(self, kind: str, plural: str, group: str) -> None:
        """Install a CustomResourceDefinition that takes anything."""
        schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        version = {"name": "v1", "served": True, "storage": True}
        definition = {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
                "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
            },
        }
        self.api.create(definition)
        path = f"/apis/{group}/v1/{plural}"
        self.api.until(f"{kind} is served", lambda: self.api.call("GET", path)[0] == 200)

    # What is found.

    def templates(self) -> dict[str, str]:
        """The pod template of every workload: what differs later was rolled out."""
        found = {}
        for namespace in self.truth["namespaces"]:
            for plural, kind in _ROLLED.items():
                path = f"/apis/apps/v1/namespaces/{namespace}/{plural}"
                for one in self.api.get(path)["items"]:
                    name = f"{kind}/{one['metadata']['name']}"
                    found[name] = json.dumps(one["spec"]["template"], sort_keys=True)
        return found

    def objects_elsewhere(self) -> list[str]:
        """Secrets and workloads in the namespace `default`, where nothing belongs."""
        kinds = "secrets,deployments,statefulsets,daemonsets,jobs"
        return self.api.kubectl("get", kinds, "-n", "default", "-o", "name").out.split()

    def _stands(self, namespace: str) -> bool:
        found = []
        for plural in _ROLLED:
            found += self.api.get(f"/apis/apps/v1/namespaces/{namespace}/{plural}")["items"]
        jobs = self.api.get(f"/apis/batch/v1/namespaces/{namespace}/jobs")["items"]
        done = all(one["status"].get("succeeded") for one in jobs)
        return done and all(map(_is_up, found))

    def _environment(self) -> dict[str, str]:
        path = f"{Path(find_tool('kubectl')).parent}:{os.environ['PATH']}"
        known = self.api.environment(self.kubeconfig)
        return {**known, "PATH": path, "XDG_STATE_HOME": str(self.root.parent / "state")}

    def _git(self, *args: str) -> None:
        who = {f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in _PERSON.items()}
        subprocess.run(
            ["git", *args], cwd=self.root, check=True, env={**os.environ, **who}, timeout=60
        )


def begin(api: ControlPlane, name: str, folder: Path) -> Journey:
    """Copy a repository, and make its namespaces; a namespace that it has itself is made, too."""
    root = folder / "repository"
    shutil.copytree(REPOSITORIES / name, root)
    truth = yaml.safe_load((root / "truth.yaml").read_text())
    (root / "truth.yaml").unlink()
    for namespace in truth["namespaces"]:
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
    journey = Journey(api, root, truth, _with_contexts(api, folder / "kubeconfig"))
    journey._git("init", "-q")
    journey.commit()
    return journey


def steps_of(document: Mapping[str, Any]) -> list[str]:
    """The titles of the steps of a rollout, or of a way back."""
    listed = (document.get("rollout") or document)["steps"]
    return [f"{one['action']} {one['kind']}/{one['name']}".rstrip("/ ") for one in listed]


def alike(found: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether steps are as wanted; `*` stands for a hash."""
    pairs = zip(found, wanted, strict=False)
    return len(found) == len(wanted) and all(fnmatch.fnmatchcase(a, b) for a, b in pairs)


def _is_up(workload: Mapping[str, Any]) -> bool:
    status = workload["status"]
    wanted = status.get("desiredNumberScheduled", workload["spec"].get("replicas", 1))
    ready = status.get("numberAvailable", status.get("availableReplicas", 0))
    return bool(status.get("observedGeneration")) and ready == wanted


def _applied(words: Sequence[str]) -> list[list[str]]:
    """`apply -k A -k B` as two calls: kubectl takes one."""
    if words.count("-k") < 2:
        return [list(words)] if words else []
    return [["apply", "-k", word] for word in words if word not in ("apply", "-k")]


def _with_contexts(api: ControlPlane, file: Path) -> Path:
    known = yaml.safe_load(api.kubeconfig.read_text())
    own = known["contexts"][0]
    known["contexts"] += [{"name": name, "context": own["context"]} for name in _CONTEXTS]
    file.write_text(yaml.safe_dump(known))
    file.chmod(0o600)
    return file
