"""What the own reader builds is what `kubectl kustomize` builds, feature by feature."""

from __future__ import annotations

import base64
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from repoint.kube.configs import config_values
from repoint.kube.effective import pairs, text
from repoint.kube.fieldspecs import POD_SPECS
from repoint.kube.kustomize import Build, build
from repoint.kube.workloads import containers
from tests.unit.kube.kustomize_trees import FEATURES
from tests.unit.kube.trees import Tree, dedent, index

KUBECTL = shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))
HASH = re.compile(r"-[2456789bcdfghkmt]{10}$")

pytestmark = pytest.mark.skipif(KUBECTL is None, reason="kubectl is not installed")


def render(tree: Tree, root: Path) -> list[dict[str, Any]]:
    """What kubectl builds at `over`."""
    for path, body in dedent(tree).items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(body, encoding="utf-8")
    done = subprocess.run(
        [str(KUBECTL), "kustomize", str(root / "over")], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.load_all(done.stdout, Loader=yaml.BaseLoader) if one]


def bare(name: str) -> str:
    """A name without the hash of its generator."""
    return HASH.sub("", name)


def rendered_container(thing: dict[str, Any], container: dict[str, Any]) -> tuple[object, ...]:
    """What a consumer is told apart by, from the render."""
    env = []
    for entry in container.get("env") or []:
        source = entry.get("valueFrom") or {}
        held = source.get("secretKeyRef") or source.get("configMapKeyRef") or {}
        value = entry.get("value", "") if not held else ""
        env.append((entry["name"], value, bare(held.get("name", "")), held.get("key", "")))
    env_from = [
        (bare((one.get("secretRef") or one.get("configMapRef"))["name"]), one.get("prefix", ""))
        for one in container.get("envFrom") or []
    ]
    return (
        thing["kind"],
        thing["metadata"].get("namespace", ""),
        thing["metadata"]["name"],
        container["name"],
        container.get("image", ""),
        tuple(container.get("command") or ()),
        tuple(container.get("args") or ()),
        tuple(env),
        tuple(env_from),
    )


def rendered_containers(things: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Every container of the render, in order within its object."""
    found = []
    for thing in things:
        pod: Any = thing
        for key in POD_SPECS.get(thing["kind"], ("spec", "template", "spec")):
            pod = pod.get(key) if isinstance(pod, dict) else None
        for key in ("initContainers", "containers"):
            for container in (pod or {}).get(key) or []:
                found.append(rendered_container(thing, container))
    return found


def built_containers(built: Build) -> list[tuple[object, ...]]:
    """The same of the own build."""
    return [
        (
            view.workload.kind,
            view.workload.namespace,
            view.workload.name,
            view.workload.container,
            view.image,
            view.command,
            view.args,
            tuple(
                (one.name, one.value.text if one.value else "", bare(one.source), one.key)
                for one in view.env
            ),
            tuple((bare(one.source), one.prefix) for one in view.env_from),
        )
        for resource in built.objects
        for view in containers(resource)
    ]


def rendered_data(things: list[dict[str, Any]]) -> dict[object, dict[str, str]]:
    """ConfigMaps and Secrets of the render, decoded."""
    found = {}
    for thing in things:
        if thing["kind"] in ("ConfigMap", "Secret"):
            data = dict(thing.get("data") or {})
            if thing["kind"] == "Secret":
                data = {key: base64.b64decode(value).decode() for key, value in data.items()}
            data.update(thing.get("stringData") or {})
            meta = thing["metadata"]
            found[thing["kind"], meta.get("namespace", ""), bare(meta["name"])] = data
    return found


def built_data(built: Build) -> dict[object, dict[str, str]]:
    """The same of the own build."""
    return {
        (one.kind, one.namespace, one.name): {k: v.text for k, v in config_values(one).items()}
        for one in built.objects
        if one.kind in ("ConfigMap", "Secret")
    }


def rendered_facts(things: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Identity, replicas, labels and annotations of every object of the render."""
    return sorted(
        (
            one["kind"],
            one["metadata"].get("namespace", ""),
            bare(one["metadata"]["name"]),
            str((one.get("spec") or {}).get("replicas", "")),
            tuple(sorted((one["metadata"].get("labels") or {}).items())),
            tuple(sorted((one["metadata"].get("annotations") or {}).items())),
        )
        for one in things
    )


def built_facts(built: Build) -> list[tuple[object, ...]]:
    """The same of the own build."""
    return sorted(
        (
            one.kind,
            one.namespace,
            one.name,
            text(one.body, "spec", "replicas"),
            tuple(sorted(pairs(one.body, "metadata", "labels"))),
            tuple(sorted(pairs(one.body, "metadata", "annotations"))),
        )
        for one in built.objects
    )


@pytest.mark.parametrize("tree", FEATURES.values(), ids=FEATURES.keys())
def test_build_equals_the_render(tree: Tree, tmp_path: Path) -> None:
    things = render(tree, tmp_path)

    built = build("over", index(tree))

    assert built.problems == ()
    assert sorted(built_containers(built), key=str) == sorted(rendered_containers(things), key=str)
    assert built_data(built) == rendered_data(things)
    assert built_facts(built) == rendered_facts(things)
