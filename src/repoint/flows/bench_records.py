"""Records of `repoint bench`, committed beside those of rehearsals: the newest of each Pooler."""

from __future__ import annotations

import hashlib
from contextlib import suppress

import msgspec

from repoint.errors import RepointError
from repoint.flows.patience import locked_soon
from repoint.model.benchmark import Benchmark
from repoint.model.receipt import FileWrite
from repoint.ports.repository import WritableTree

FOLDER = ".repoint/benchmarks"


def record_path(environment: str, pooler: str) -> str:
    """Where the record of a Pooler lies; another run of the same Pooler replaces it."""
    digest = hashlib.sha256(f"{environment}\0{pooler}".encode()).hexdigest()
    return f"{FOLDER}/{digest[:16]}.json"


def record(value: Benchmark, tree: WritableTree) -> str:
    """Write the record of one run.

    Returns:
        Its path.

    Raises:
        LockHeld: another run holds the repository's lock, and goes on to.
        FileRefused: it cannot be written.
    """
    path = record_path(value.environment, value.pooler)
    after = msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
    with locked_soon(tree, "bench"):
        before = tree.read_again(path) if tree.is_there(path) else None
        if before != after:
            tree.commit("bench", [FileWrite(path, before, after)])
    return path


def records(tree: WritableTree) -> tuple[Benchmark, ...]:
    """The records that can be read, in the order of their names; the rest speaks for nothing."""
    found = []
    for path in tree.files_in(FOLDER):
        with suppress(RepointError, msgspec.DecodeError, UnicodeDecodeError):
            one = msgspec.json.decode(tree.read_again(path), type=Benchmark)
            if _is_measured(one):
                found.append(one)
    return tuple(sorted(found, key=lambda one: (one.environment, one.pooler)))


def _is_measured(one: Benchmark) -> bool:
    """Whether there is a figure for each load, and one that can be divided by."""
    loads = [row.pairs for row in one.measured]
    return bool(loads) and all(
        pairs and all(pair.direct > 0 and pair.pooled >= 0 for pair in pairs) for pairs in loads
    )
