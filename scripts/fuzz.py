#!/usr/bin/env python3
"""Fuzzes the targets of tests/fuzz with coverage as the guide.

    python scripts/fuzz.py [--seconds N] [--target NAME]... [--keep]
    python scripts/fuzz.py --run TARGET FILE...

All targets share the seconds by their cost. The fuzzer (atheris) is fetched into the cache
folder; what it learns stays there and the next run goes on from it. `--keep` puts the inputs that
reach more code than tests/fuzz/corpus does into it. Where atheris has no wheel for this machine,
hypothesis looks at the same targets instead. Ends with 1 when a property broke: the input is kept
in the cache folder, and `--run` shows it again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import coverage

PROJECT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(PROJECT / "src"), str(PROJECT)]

from repoint.adapters.runner import run  # noqa: E402
from repoint.adapters.servers.cache import cache_folder, fetching, filling  # noqa: E402
from repoint.adapters.servers.wheels import pip_args  # noqa: E402
from repoint.errors import RepointError, ToolFailed  # noqa: E402
from tests.fuzz.targets import CORPUS, TARGETS, Target, by_name  # noqa: E402

_WHEEL = PROJECT / "tests" / "fuzz" / "atheris.txt"
_OURS = f"{PROJECT}/src/*"
_PIP_S = 300.0
_LONGEST_INPUT = 4096
# By the clock, for what never ends; `Target.run_bounded` judges the rest by processors.
_SLOWEST_INPUT_S = 120
_MOST_MEMORY_MB = 1536
_MOST_KEPT = 32
_WORTH_TELLING = re.compile(r"Error|^ *=== |^  File|^artifact_prefix|^SUMMARY|^ALARM")


def main() -> int:
    """Share the seconds out; 0 when every property held."""
    parser = argparse.ArgumentParser(description="Fuzz readers, edits and codecs.")
    parser.add_argument("--seconds", type=int, default=3600, help="for all targets together")
    parser.add_argument("--target", action="append", choices=[one.name for one in TARGETS])
    parser.add_argument("--keep", action="store_true", help="add to tests/fuzz/corpus")
    parser.add_argument("--run", nargs="+", metavar=("TARGET", "FILE"), help="run inputs again")
    arguments = parser.parse_args()
    if arguments.run:
        return again(arguments.run[0], arguments.run[1:])
    targets = [by_name(name) for name in arguments.target or ()] or list(TARGETS)
    try:
        home = fetched()
    except RepointError as error:
        print(f"fuzz: {error}; hypothesis looks instead", file=sys.stderr)
        return with_hypothesis(targets)
    share = arguments.seconds / sum(target.cost for target in targets)
    with Guided(home) as guided:
        broken = [one.name for one in targets if not guided.fuzz(one, share * one.cost)]
    for target in targets if arguments.keep else ():
        keep(target)
    print(f"broken: {', '.join(broken)}" if broken else f"{len(targets)} targets hold")
    return 1 if broken else 0


def fetched() -> Path:
    """The folder with atheris, fetched when it is missing.

    Raises:
        RepointError: there is no wheel for this Python and system, or no network.
    """
    cache = cache_folder()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    place = f"atheris-{version}-{hashlib.sha256(_WHEEL.read_bytes()).hexdigest()[:16]}"
    if not (cache / place).is_dir():
        with fetching(cache, print), filling(cache, place) as folder:
            argv = [sys.executable, "-m", "pip", *pip_args(_WHEEL, folder)]
            done = run(argv, tool="pip", cwd=folder, timeout=_PIP_S)
            if done.status != 0:
                raise ToolFailed(f"atheris could not be fetched for Python {version}")
    return cache / place


class Guided:
    """The process that has the package instrumented, and forks for each target."""

    def __init__(self, home: Path) -> None:
        path = os.pathsep.join(map(str, (PROJECT / "src", PROJECT, home)))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.fuzz.guided"],
            cwd=PROJECT,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def __enter__(self) -> Guided:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def fuzz(self, target: Target, seconds: float) -> bool:
        """Fuzz one target for its seconds; whether its properties held."""
        found, started = _folder("found", target), time.monotonic()
        arguments = [
            *(f"-max_total_time={max(1, round(seconds))}", f"-max_len={_LONGEST_INPUT}"),
            *(f"-timeout={_SLOWEST_INPUT_S}", f"-rss_limit_mb={_MOST_MEMORY_MB}"),
            *("-print_final_stats=1", f"-artifact_prefix={found}/"),
            *(str(_folder("corpus", target)), str(CORPUS / target.name)),
        ]
        (CORPUS / target.name).mkdir(parents=True, exist_ok=True)
        status, said = self._ask(target, arguments)
        tried = re.search(r"stat::number_of_executed_units:\s*(\d+)", said)
        took = time.monotonic() - started
        print(f"{target.name}: {tried[1] if tried else 'some'} inputs in {took:.0f} s", flush=True)
        if status:
            worth = [line for line in said.splitlines() if _WORTH_TELLING.search(line)]
            print(f"{target.name} broke:", *worth[-12:], sep="\n  ", file=sys.stderr)
        return not status

    def _ask(self, target: Target, arguments: list[str]) -> tuple[int, str]:
        log = _folder("found", target) / "log"
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps([target.name, str(log), arguments]) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        said = log.read_text(errors="replace") if log.exists() else ""
        return int(answer or 1), said


def keep(target: Target) -> None:
    """Add to the project's corpus what takes branches that nothing in it takes, most first."""
    folder = CORPUS / target.name
    folder.mkdir(exist_ok=True)
    known = set[object]().union(*(branches(target, data) for data in target.seeds()))
    learnt = {path.read_bytes() for path in _folder("corpus", target).iterdir()}
    reached = {data: branches(target, data) - known for data in sorted(learnt, key=len)}
    kept = 0
    while reached and len(target.seeds()) < _MOST_KEPT:
        best = max(reached, key=lambda data: len(reached[data]))
        gained = reached.pop(best)
        if not gained:
            break
        (folder / hashlib.sha256(best).hexdigest()[:16]).write_bytes(best)
        kept += 1
        reached = {data: rest for data, own in reached.items() if (rest := own - gained)}
    print(f"{target.name}: {kept} inputs kept", flush=True)


def branches(target: Target, data: bytes) -> set[object]:
    """The branches of the package that an input takes; none where a property breaks."""
    seen = coverage.Coverage(data_file=None, branch=True, config_file=False, include=[_OURS])
    seen.start()
    try:
        target.run(data)
    except Exception:
        return set()
    finally:
        seen.stop()
    found = seen.get_data()
    return {(file, arc) for file in found.measured_files() for arc in found.arcs(file) or ()}


def again(name: str, files: Sequence[str]) -> int:
    """Run inputs through a target as the tests do; the first that breaks it is shown whole."""
    for file in files:
        by_name(name).run_bounded(Path(file).read_bytes())
    print(f"{name} holds for {len(files)} inputs")
    return 0


def with_hypothesis(targets: Sequence[Target]) -> int:
    """The same targets without coverage, by hypothesis' large profile."""
    wanted = " or ".join(f"[{target.name}]" for target in targets)
    argv = [sys.executable, "-m", "pytest", "-q", "tests/fuzz", "-k", wanted]
    environment = {**os.environ, "HYPOTHESIS_PROFILE": "large"}
    return subprocess.run(argv, cwd=PROJECT, env=environment, check=False).returncode


def _folder(kind: str, target: Target) -> Path:
    place = cache_folder() / "fuzz" / kind / target.name
    place.mkdir(parents=True, exist_ok=True)
    return place


if __name__ == "__main__":
    sys.exit(main())
