"""Times the apply of 1,740 edits in 1,230 files beside `sed -i` with the same substitutions.

    python -m bench.applying --rounds 7

Prints one JSON object. `apply` is all that `repoint apply` does with a ready plan: every input is
checked against the plan, every edited file is read back, all files change together through the
journal, receipts are written. `commit` is its last part alone: the journal and the files.
`ratio` and `ratio_commit` are medians over rounds of the quotient within one round, `ratio_cpu` is
`ratio` by processors. Ends with 1 when the two did not give the same bytes.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

from bench.measure import Taken, medians, timed
from repoint.adapters.aside import forked
from repoint.adapters.filetree import FileTree
from repoint.adapters.sops import Sops
from repoint.flows.apply import apply_plan
from repoint.model.plan import Applicability, Edit, FileChange, InputDigest, Op, Plan
from repoint.model.receipt import FileWrite

FILES = 1_230
EDITS = 1_740
OLD, NEW = b"postgres.platform.svc.cluster.local", b"db-pooler-rw.platform.svc.cluster.local"
_DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: service-{number}
  labels:
    app.kubernetes.io/name: service-{number}
    app.kubernetes.io/part-of: platform
spec:
  replicas: 2
  selector:
    matchLabels:
      app.kubernetes.io/name: service-{number}
  template:
    metadata:
      labels:
        app.kubernetes.io/name: service-{number}
    spec:
      initContainers:
        - name: wait
          image: postgres:16
          command: ["sh", "-c", "until pg_isready -h {wait} -p 5432; do sleep 1; done"]
      containers:
        - name: service
          image: registry.example.org/platform/service-{number}:1.4.2
          env:
            - name: DATABASE_URL
              value: postgres://service@{host}:5432/service_{number}?sslmode=require
            - name: LOG_LEVEL
              value: info
          ports:
            - containerPort: 8080
          resources:
            requests: {{cpu: 50m, memory: 64Mi}}
            limits: {{memory: 256Mi}}
          readinessProbe:
            httpGet: {{path: /healthz, port: 8080}}
"""


def files() -> dict[str, bytes]:
    """The repository: some files hold one site, the rest two."""
    made: dict[str, bytes] = {}
    for number in range(FILES):
        wait = OLD.decode() if number < EDITS - FILES else "localhost"
        text = _DEPLOYMENT.format(number=number, host=OLD.decode(), wait=wait)
        made[f"apps/app{number % 300:03}/base/service-{number}/deployment.yaml"] = text.encode()
    return made


def plan_for(contents: dict[str, bytes]) -> Plan:
    """A ready plan that moves every site."""
    changes = tuple(_change(path, raw) for path, raw in contents.items())
    inputs = tuple(InputDigest(one.path, one.before_sha256) for one in changes)
    return Plan(1, "bench", ("local",), (), changes, (), (), (), (), inputs, "bench")


def _change(path: str, raw: bytes) -> FileChange:
    edits = tuple(
        Edit(
            *(Op.SPLICE, "", raw.count(b"\n", 0, found.start()) + 1, "host"),
            *("RP101", "the service moves", Applicability.SAFE),
            start=found.start(),
            end=found.end(),
            before=OLD.decode(),
            after=NEW.decode(),
        )
        for found in re.finditer(re.escape(OLD), raw)
    )
    after = raw.replace(OLD, NEW)
    return FileChange(path, "local", sha256(raw).hexdigest(), sha256(after).hexdigest(), edits)


class Round:
    """One repository for each way, so that every way starts from the same files."""

    def __init__(self, folder: Path, contents: dict[str, bytes], plan: Plan) -> None:
        self._folder = folder
        self._contents = contents
        self._plan = plan

    def fresh(self, name: str) -> Path:
        """An unchanged copy of the repository, on disk."""
        root = self._folder / name
        shutil.rmtree(root, ignore_errors=True)
        for path, raw in self._contents.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(raw)
        subprocess.run(["sync", "-f", str(self._folder)], check=True)
        return root

    def sed(self, root: Path) -> None:
        """One `sed -i` over all the files."""
        script = f"s/{OLD.decode().replace('.', '[.]')}/{NEW.decode()}/g"
        subprocess.run(["sed", "-i", script, *self._contents], cwd=root, check=True)

    def apply(self, root: Path) -> None:
        """As `repoint apply` with a plan that was read."""
        tree = FileTree(root)
        apply_plan(self._plan, tree, Sops(tree), allow_dirty=True, aside=forked)

    def commit(self, root: Path) -> None:
        """The new bytes are known; only the disk is left."""
        writes = [
            FileWrite(path, raw, raw.replace(OLD, NEW)) for path, raw in self._contents.items()
        ]
        tree = FileTree(root)
        with tree.locked("apply"):
            tree.commit("apply", writes)

    def is_right(self, root: Path) -> bool:
        """Whether every file reads as planned."""
        return all(
            (root / path).read_bytes() == raw.replace(OLD, NEW)
            for path, raw in self._contents.items()
        )


def measure(folder: Path, rounds: int) -> tuple[dict[str, list[Taken]], bool]:
    """Seconds of each way, round by round, and whether all gave the same files."""
    contents = files()
    one = Round(folder, contents, plan_for(contents))
    ways: list[Callable[[Path], None]] = [one.sed, one.apply, one.commit]
    seconds: dict[str, list[Taken]] = {way.__name__: [] for way in ways}
    right = True
    for _ in range(rounds):
        random.shuffle(ways)
        for way in ways:
            root = one.fresh(way.__name__)
            _, taken = timed(partial(way, root))
            seconds[way.__name__].append(taken)
            right = right and one.is_right(root)
    return seconds, right


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files, measure, print."""
    parser = argparse.ArgumentParser(description="Times apply beside `sed -i`.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args(argv).rounds
    gc.disable()  # As the command line does.
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder:
        seconds, right = measure(Path(folder), rounds)

    wall, cpu = medians(seconds["apply"], seconds["sed"])
    found = {
        "files": FILES,
        "edits": EDITS,
        **{f"seconds_{name}": round(median(one[0] for one in s), 4) for name, s in seconds.items()},
        "ratio": wall,
        "ratio_cpu": cpu,
        "ratio_commit": medians(seconds["commit"], seconds["sed"])[0],
        "same": right,
    }
    print(json.dumps(found))
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
