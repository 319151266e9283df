"""Passwords that must be seen nowhere, in every spelling, and a watch over all places."""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

CORE = "K4n4ry"
"""Stands in each of them; what has not even this holds none of them in clear text."""
PASSWORDS = {
    "plain": f"{CORE}Plain7",
    "spaced": f"{CORE} 'quo\"ted' $(id) `x`",
    "marks": f"{CORE}:/?#[]@!&=+;,%",
    "wide": f"{CORE}-pässwörd-表🙂",
    "lines": f"{CORE}first\n{CORE}second",
}


def spellings(passwords: Iterable[str] = PASSWORDS.values()) -> set[str]:
    """What is looked for: as it is, percent-encoded, in base64, in JSON, in a shell."""
    found: set[str] = set()
    for one in passwords:
        found |= {one, quote(one, safe=""), quote(quote(one, safe=""), safe="")}
        found |= {json.dumps(one)[1:-1], json.dumps(one, ensure_ascii=False)[1:-1], repr(one)[1:-1]}
        # In the middle of a longer text base64 looks differently, by where it begins.
        for text in (one, quote(one, safe="")):
            for before in range(3):
                encoded = base64.b64encode(b"x" * before + text.encode()).decode()
                found.add(encoded[4 * bool(before) : -4])
    return {one for one in found if len(one) >= 8} | {CORE}


def found_in(text: str) -> list[str]:
    """The spellings that a text holds, each with what stands around it."""
    return [
        text[max(0, place - 60) : place + len(one) + 20]
        for one in sorted(spellings())
        if (place := text.find(one)) >= 0
    ]


def found_below(*folders: Path, but: Iterable[Path] = ()) -> list[str]:
    """Files below folders that hold one, the canaries' own homes left out."""
    homes = {one.resolve() for one in but}
    found = []
    for folder in folders:
        for file in folder.rglob("*"):
            if file.is_file() and not homes & {file.resolve(), *file.resolve().parents}:
                with suppress(OSError):
                    held = found_in(file.read_bytes().decode(errors="replace"))
                    found += [f"{file}: {one}" for one in held]
    return found


@contextmanager
def watched(pid: int) -> Iterator[list[str]]:
    """Arguments and environments of a process and all below it, looked at all the time."""
    seen: dict[str, None] = {}
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(0.003):
            for one in _below(pid):
                for name in ("cmdline", "environ"):
                    with suppress(OSError):
                        text = (Path("/proc") / str(one) / name).read_bytes()
                        seen.setdefault(f"{name}: {text.decode(errors='replace')}")

    looking = threading.Thread(target=look, daemon=True)
    looking.start()
    told: list[str] = []
    try:
        yield told
    finally:
        ended.set()
        looking.join()
        told += seen


def _below(pid: int) -> set[int]:
    parents = {}
    for entry in os.listdir("/proc"):  # noqa: PTH208
        if entry.isdecimal():
            with suppress(OSError, IndexError):
                stat = (Path("/proc") / entry / "stat").read_text()
                parents[int(entry)] = int(stat.rpartition(")")[2].split()[1])
    found = {pid}
    while more := {one for one, above in parents.items() if above in found} - found:
        found |= more
    return found


def in_objects(listed: Iterable[dict[str, Any]], allowed: set[tuple[str, str]]) -> list[str]:
    """Objects that hold a canary, but those of `allowed` kinds and names."""
    return [
        f"{one['kind']}/{one['metadata']['name']}: {held}"
        for one in listed
        if (one["kind"], one["metadata"]["name"]) not in allowed
        for held in found_in(json.dumps(one, ensure_ascii=False))
    ]
