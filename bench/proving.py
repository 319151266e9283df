"""Counts and times the renders that prove a plan, beside `kubectl kustomize` one after another.

    python -m bench.proving ROOT --rounds 7

Prints one JSON object. `overlays` is how many overlays the plan for the first environment touches;
`renders` how often kubectl was started for them, and `renders_repeat` how often for the same plan
once more. `per_state` is renders for each of these overlays before and after: 1 is each once.
`ratio` is the median over rounds of the time of rendering these overlays as a plan does, by that of
kubectl one after another; `ratio_cpu` the same by processors. Ends with 1 when the renders differ.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path

from bench.consumers import index_of
from bench.measure import Taken, medians, timed
from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize, kustomize_cmd
from repoint.adapters.runner import find_tool
from repoint.kube.kustomize import Kustomizer

_ENVIRONMENT = "local"
_COUNTER = '#!/bin/sh\necho "$1" >> "{log}"\nexec "{kubectl}" "$@"\n'


def plan(root: Path, folder: Path) -> tuple[tuple[str, ...], int]:
    """The overlays that a plan touches, and how many renders it took."""
    log = folder / "starts"
    log.write_bytes(b"")
    counter = folder / "kubectl"
    counter.write_text(_COUNTER.format(log=log, kubectl=find_tool("kubectl")))
    counter.chmod(0o700)
    kept = folder / "kept"
    kept.mkdir(mode=0o700, exist_ok=True)
    env = {**os.environ, "REPOINT_KUBECTL": str(counter), "REPOINT_CACHE": str(kept)}
    argv = [sys.executable, "-m", "repoint", "--quiet", "plan", "--env", _ENVIRONMENT]
    argv += ["--format", "json"]
    done = subprocess.run(argv, cwd=root, env=env, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"`repoint plan` ended with {done.returncode}: {done.stderr.decode()}")
    proofs = json.loads(done.stdout)["proofs"]
    touched = {proof["overlay"] for proof in proofs if proof["method"] == "render"}
    return tuple(sorted(touched)), log.read_text().count("kustomize\n")


Reads = Mapping[str, Collection[str]]
"""Which files every overlay reads: a plan knows that from its scan."""


def reads_of(root: Path, overlays: Iterable[str]) -> Reads:
    """The files of each of `overlays`, by the own reader."""
    kustomizer = Kustomizer(index_of(FileTree(root)))
    return {overlay: kustomizer.build(overlay).files for overlay in overlays}


def as_planned(root: Path, reads: Reads) -> Mapping[str, str | None]:
    """As the proof of a plan renders them."""
    built = Kustomize(FileTree(root)).within(reads).render(reads, {})
    return {overlay: one.text for overlay, one in built.items()}


def one_by_one(root: Path, reads: Reads) -> Mapping[str, str | None]:
    """As a loop in a shell renders them."""
    kubectl = find_tool("kubectl")
    found = {}
    for overlay in reads:
        argv = kustomize_cmd(kubectl, overlay)
        done = subprocess.run(argv, cwd=root, stdout=subprocess.PIPE, text=True, check=True)
        found[overlay] = done.stdout
    return found


def measure(root: Path, reads: Reads, rounds: int) -> tuple[dict[str, list[Taken]], bool]:
    """Seconds by clock and processors of each way, round by round; whether both gave the same."""
    ways: list[Callable[[Path, Reads], Mapping[str, str | None]]]
    ways = [as_planned, one_by_one]
    seconds: dict[str, list[Taken]] = {way.__name__: [] for way in ways}
    expected = one_by_one(root, reads)
    right = True
    for _ in range(rounds):
        random.shuffle(ways)
        for way in ways:
            rendered, taken = timed(partial(way, root, reads))
            seconds[way.__name__].append(taken)
            right = right and rendered == expected
    return seconds, right


def main(argv: Sequence[str] | None = None) -> int:
    """Plan twice, render in rounds, print."""
    parser = argparse.ArgumentParser(description="Times the renders that prove a plan.")
    parser.add_argument("root", type=Path)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder:
        overlays, renders = plan(given.root, Path(folder))
        _, repeated = plan(given.root, Path(folder))
    seconds, right = measure(given.root, reads_of(given.root, overlays), given.rounds)
    wall, cpu = medians(seconds["as_planned"], seconds["one_by_one"])
    found = {
        "overlays": len(overlays),
        "renders": renders,
        "per_state": round(renders / (2 * len(overlays)), 3),
        "renders_repeat": repeated,
        "ratio": wall,
        "ratio_cpu": cpu,
        "same": right,
    }
    print(json.dumps(found))
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
