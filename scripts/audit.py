#!/usr/bin/env python3
"""Asks about every locked package: is an advisory out against it, was its release withdrawn?

Advisories come through pip-audit, of PyPI's JSON API, else of OSV; withdrawn releases through
pip, of the index that it is set to. What cannot be asked from here is skipped and said so: a
mirror often has no JSON API. Ends with 1 when something was found, never for a missing network.
The tools stand in scripts/audit.lock, and go into the cache folder, not into .venv.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repoint.adapters.runner import Result, run
from repoint.adapters.servers.cache import cache_folder, fetching, filling
from repoint.adapters.servers.wheels import pip_args
from repoint.errors import RepointError, ToolFailed

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements.lock"
SERVICES = {"pypi": "PyPI's JSON API", "osv": "OSV"}
_TOOLS_LOCK = ROOT / "scripts" / "audit.lock"
_LONGEST_S = 240.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said: how many packages it knew, what it found, or why it could not."""

    asked: int
    known: int
    found: tuple[str, ...]
    silent: str = ""


def read_advisories(text: str) -> Answer:
    """Read pip-audit's JSON. A package that the service does not know was not audited.

    Raises:
        ValueError: it is no such JSON.
    """
    packages = json.loads(text)["dependencies"]
    known = [one for one in packages if "vulns" in one and "skip_reason" not in one]
    found = tuple(
        f"{one['name']} {one['version']}: {vuln['id']}, {_mended(vuln['fix_versions'])}"
        for one in known
        for vuln in one["vulns"]
    )
    silent = "" if known else "it knows none of the packages"
    return Answer(len(packages), len(known), found, silent)


def _mended(versions: list[str]) -> str:
    return f"mended in {', '.join(versions)}" if versions else "not mended yet"


def read_withdrawn(text: str) -> Answer:
    """Read the report of `pip install --dry-run`: which releases the index calls yanked.

    Raises:
        ValueError: it is no such report, or of a pip that does not tell.
    """
    packages: list[dict[str, Any]] = json.loads(text)["install"]
    if any("is_yanked" not in one for one in packages):
        raise ValueError("this pip does not tell what is withdrawn")
    said = [(one["metadata"], one["is_yanked"]) for one in packages]
    found = tuple(f"{m['name']} {m['version']}: withdrawn from its index" for m, bad in said if bad)
    return Answer(len(packages), len(packages), found)


def advisories(tools: Path, service: str) -> Answer:
    """Ask `service` through pip-audit."""
    argv = ["pip_audit", "--requirement", str(LOCK), "--require-hashes", "--disable-pip"]
    argv += ["--vulnerability-service", service, "--format", "json", "--progress-spinner", "off"]
    done = _tool(tools, argv)
    try:
        return read_advisories(done.stdout.decode())
    except (ValueError, KeyError, TypeError):
        return Answer(0, 0, (), _last_line(done))


def withdrawn(tools: Path) -> Answer:
    """Ask pip's index which of the locked releases were withdrawn; nothing is installed."""
    # With hashes pip would fetch every file whole.
    pins = re.sub(r" \\\n +--hash=\S+", "", LOCK.read_text("utf-8"))
    argv = ["pip", "install", "--dry-run", "--ignore-installed", "--no-deps", "--quiet"]
    argv += ["--no-input", "--retries", "1", "--report", "-", "--requirement", "/dev/stdin"]
    done = _tool(tools, argv, pins.encode())
    try:
        return read_withdrawn(done.stdout.decode())
    except (ValueError, KeyError, TypeError) as error:
        return Answer(0, 0, (), str(error) if done.status == 0 else _last_line(done))


def _tool(tools: Path, argv: list[str], given: bytes | None = None) -> Result:
    argv = [sys.executable, "-m", *argv]
    return run(argv, tool="pip", input=given, env={"PYTHONPATH": str(tools)}, timeout=_LONGEST_S)


def _last_line(done: Result) -> str:
    """Why it failed; masked, since an index may be set with a password in its address."""
    last = done.stderr.strip().rpartition(b"\n")[2]
    return Result(done.status, b"", last).note()[:160] or f"it ended with status {done.status}"


def tools_folder() -> Path:
    """Where pip-audit and a pip of its own are; fetched by the lock's hashes at first.

    Raises:
        RepointError: they cannot be fetched.
    """
    made_for = f"{sys.implementation.cache_tag}{platform.machine()}".encode()
    digest = hashlib.sha256(made_for + _TOOLS_LOCK.read_bytes()).hexdigest()[:16]
    cache, place = cache_folder() / "audit", f"tools-{digest}"
    if not (cache / place).is_dir():
        with fetching(cache, _say), filling(cache, place) as folder:
            argv = [sys.executable, "-m", "pip", *pip_args(_TOOLS_LOCK, folder)]
            done = run(argv, tool="pip", timeout=_LONGEST_S)
            if done.status != 0:
                raise ToolFailed(f"pip could not get pip-audit: {_last_line(done)}")
    return cache / place


def told(what: str, answer: Answer) -> str:
    """One line about an answer that found nothing or could not be had."""
    if answer.silent:
        return f"{what}: skipped: {answer.silent}"
    missing = answer.asked - answer.known
    rest = f", and {missing} that it does not know were not audited" if missing else ""
    return f"{what}: {len(answer.found)} found in {answer.known} packages{rest}"


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def run_audit() -> int:
    """Ask for advisories and withdrawn releases; 1 when one was found."""
    print(f"audit of requirements.lock on {datetime.now(UTC):%Y-%m-%d}")
    try:
        tools = tools_folder()
        found: list[str] = []
        for service, name in SERVICES.items():
            answer = advisories(tools, service)
            print(told(f"advisories of {name}", answer))
            found += answer.found
            if not answer.silent:
                break
        answer = withdrawn(tools)
        print(told("withdrawn releases", answer))
        found += answer.found
    except RepointError as error:
        print(f"skipped: {error}")
        return 0
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(run_audit())
