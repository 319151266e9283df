"""Compares every overlay of a repository with `kubectl kustomize`, in what is built and in time.

    python -m bench.consumers ROOT

Prints one line of JSON: how many overlays, how many objects differ in any leaf, the seconds of
both and their ratio. The own time is that of one process which has listed the files, and reads
what the overlays name; kubectl's that of one build after the other. An overlay that the own
reader does not know counts as one difference.
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path

from bench.built import built, differences, rendered
from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import kustomize_cmd
from repoint.adapters.runner import find_tool
from repoint.formats.read import read_file
from repoint.formats.shelf import Shelf
from repoint.kube.environments import top_level
from repoint.kube.files import FileIndex
from repoint.kube.kustomize import Build, Kustomizer
from repoint.kube.workloads import containers
from repoint.ports.repository import Tree


def index_of(tree: Tree) -> FileIndex:
    """All files of a tree, each read when somebody asks for it."""
    paths = tree.paths()
    return FileIndex(Shelf({}, paths, lambda path: read_file(path, tree.read(path))), paths)


def own_builds(tree: Tree) -> tuple[dict[str, Build], int]:
    """Every overlay as the own reader builds it, and how many containers they have in all."""
    kustomizer = Kustomizer(index_of(tree))
    builds = {one: kustomizer.build(one) for one in top_level(kustomizer.index, kustomizer)}
    views = sum(1 for one in builds.values() for each in one.objects for _ in containers(each))
    return builds, views


def kubectl_builds(root: Path, overlays: tuple[str, ...]) -> dict[str, str | None]:
    """Every overlay as kubectl builds it, one after the other; None where it refuses."""
    kubectl = find_tool("kubectl")
    found: dict[str, str | None] = {}
    for overlay in overlays:
        for restricted in (True, False):
            argv = kustomize_cmd(kubectl, overlay, restricted=restricted)
            done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=False)
            found[overlay] = done.stdout if done.returncode == 0 else None
            if done.returncode == 0 or "security;" not in done.stderr:
                break
    return found


def different(own: Mapping[str, Build], theirs: Mapping[str, str | None]) -> list[str]:
    """What differs, one line each; overlays that kubectl refuses are left out."""
    found: list[str] = []
    for overlay, text in theirs.items():
        build = own[overlay]
        if text is None:
            continue
        if build.problems or build.unsupported:
            found.append(f"{overlay}: {(build.problems + build.unsupported)[0]}")
        else:
            lines = differences(built(build), rendered(text))
            found += [f"{overlay}: {line}" for line in lines]
    return found


def compare(root: Path) -> dict[str, int | float]:
    """The figures for one repository."""
    tree = FileTree(root)
    tree.paths()
    started = time.perf_counter()
    own, views = own_builds(tree)
    middle = time.perf_counter()
    theirs = kubectl_builds(root, tuple(own))
    ended = time.perf_counter()
    mine, other = middle - started, ended - middle
    return {
        "overlays": len(own),
        "containers": views,
        "differences": len(different(own, theirs)),
        "seconds_own": round(mine, 4),
        "seconds_kubectl": round(other, 4),
        "ratio": round(mine / other, 5) if other else 0.0,
    }


def main() -> None:
    """Print the figures for the repository that the command line names."""
    parser = argparse.ArgumentParser(description="Compare own builds with kubectl kustomize.")
    parser.add_argument("root", type=Path)
    gc.disable()  # As the command line does.
    print(json.dumps(compare(parser.parse_args().root)))


if __name__ == "__main__":
    main()
