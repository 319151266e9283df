"""Runs commands for `measure`, and says what each took. Standard library alone, and little of it.

A process of its own, because the kernel counts as a child's peak memory what its parent held when
the child was started: this one holds next to nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time


def main() -> None:
    """Read one request a line, run it, answer with one line."""
    for line in sys.stdin:
        request = json.loads(line)
        print(json.dumps(run(**request)), flush=True)


def run(argv: list[str], cwd: str, env: dict[str, str], output: str) -> list[float]:
    """Seconds by the clock, seconds of processors, peak MiB, exit status.

    Processors and memory cover the process and all descendants that were waited for; the peak
    is that of the largest one.
    """
    os.chdir(cwd)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    started = time.perf_counter()
    child = os.posix_spawn(argv[0], argv, env, file_actions=actions)
    _, status, usage = os.wait4(child, 0)
    seconds = time.perf_counter() - started
    processors = usage.ru_utime + usage.ru_stime
    return [seconds, processors, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status)]


if __name__ == "__main__":
    main()
