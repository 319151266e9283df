"""Targets under atheris; `scripts/fuzz.py` starts it, with atheris on the path.

Each line of the input is a JSON list: a target, a file for what libFuzzer says, and libFuzzer's
arguments. For each a line with the exit status is printed. The instrumented package is imported
once, which takes seconds, and every target runs in a fork of it, since libFuzzer ends its process.
"""

from __future__ import annotations

import json
import os
import sys

import atheris

with atheris.instrument_imports(include=["repoint"]):
    from tests.fuzz.targets import by_name


def fuzz(name: str, log: str, arguments: list[str]) -> int:
    """Fuzz one target in a child; its exit status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(said, 1)
    os.dup2(said, 2)
    atheris.Setup([name, *arguments], by_name(name).run_bounded)
    atheris.Fuzz()
    os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        print(fuzz(*json.loads(line)), flush=True)
