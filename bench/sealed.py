"""Times the opening of 20 sealed Secrets beside sops one after another.

    python -m bench.sealed --rounds 7

Prints one JSON object: `seconds_ours`, `seconds_one_by_one` (medians) and `ratio`, the median
over rounds of the quotient within one round, `ratio_cpu` the same by processors. Ends with 1 when
a document came out wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median

import pyrage

from bench.measure import Taken, medians, timed
from repoint.adapters.filetree import FileTree
from repoint.adapters.runner import find_tool
from repoint.adapters.sops import Sops

FILES = 20
_SECRET = """\
apiVersion: v1
kind: Secret
metadata:
  name: service-{number}
stringData:
  DATABASE_URL: postgres://service:password-{number}@postgres:5432/service
  API_KEY: key-{number}
"""


def make(root: Path) -> dict[str, Path]:
    """Sealed Secrets below `root`, by path; sops is told of their key by the environment."""
    identity = pyrage.x25519.Identity.generate()
    (root / "key.txt").write_text(f"{identity}\n")
    os.environ["SOPS_AGE_KEY_FILE"] = str(root / "key.txt")
    sealed = root / "sealed"
    sealed.mkdir()
    argv = [find_tool("sops"), "encrypt", "--age", str(identity.to_public())]
    argv += ["--input-type", "yaml", "--output-type", "yaml", "/dev/stdin"]
    for number in range(FILES):
        clear = _SECRET.format(number=number).encode()
        done = subprocess.run(argv, input=clear, stdout=subprocess.PIPE, check=True)
        (sealed / f"{number:02}.yaml").write_bytes(done.stdout)
    return {path.name: path for path in sorted(sealed.iterdir())}


def ours(files: Mapping[str, Path]) -> list[bytes]:
    """As a scan opens them: ahead, then one by one from memory."""
    store = Sops(FileTree(next(iter(files.values())).parent))
    store.prefetch(tuple(files))
    return [store.decrypt(path) for path in files]


def one_by_one(files: Mapping[str, Path]) -> list[bytes]:
    """As a loop in a shell opens them: the real program, no Python shim."""
    sops = find_tool("sops")
    return [
        subprocess.run([sops, "decrypt", str(path)], stdout=subprocess.PIPE, check=True).stdout
        for path in files.values()
    ]


def measure(files: Mapping[str, Path], rounds: int) -> tuple[dict[str, list[Taken]], bool]:
    """Seconds of each way, round by round, and whether both gave the same documents."""
    ways: list[Callable[[Mapping[str, Path]], list[bytes]]] = [ours, one_by_one]
    seconds: dict[str, list[Taken]] = {way.__name__: [] for way in ways}
    expected = one_by_one(files)
    right = True
    for _ in range(rounds):
        random.shuffle(ways)
        for way in ways:
            opened, taken = timed(partial(way, files))
            seconds[way.__name__].append(taken)
            right = right and opened == expected
    return seconds, right


def main(argv: Sequence[str] | None = None) -> int:
    """Make the files, measure, print."""
    parser = argparse.ArgumentParser(description="Times the opening of 20 sealed Secrets.")
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args(argv).rounds
    with tempfile.TemporaryDirectory(prefix="repoint-bench-") as folder:
        seconds, right = measure(make(Path(folder)), rounds)
    wall, cpu = medians(seconds["ours"], seconds["one_by_one"])
    found = {
        "files": FILES,
        **{f"seconds_{name}": round(median(one[0] for one in s), 4) for name, s in seconds.items()},
        "ratio": wall,
        "ratio_cpu": cpu,
        "same": right,
    }
    print(json.dumps(found))
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
