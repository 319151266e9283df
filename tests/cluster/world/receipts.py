"""What the writer was told about each of its rows, against the rows that are there."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from tests.cluster.control_plane import ControlPlaneFailed
from tests.cluster.world.databases import Rows
from tests.cluster.world.world import World

_LINGER_S = 10.0
ROWS = "SELECT writer, number FROM naytife_schema.receipts"


@dataclass(frozen=True)
class Receipts:
    """Numbers of one environment's writers, as pairs of a writer and a number.

    `acknowledged` were committed, `unknown` may have been. `errors` counts the reasons of
    unknown ones, `reads` and `unread` the reads that went well and that did not.
    """

    acknowledged: frozenset[tuple[str, str]]
    unknown: frozenset[tuple[str, str]]
    errors: Counter[str]
    reads: int
    unread: Counter[str]


@dataclass(frozen=True)
class Account:
    """What the rows of a database make of the receipts; all three should be empty.

    `lost` were acknowledged and are not there, `doubled` are there more than once, `strange`
    are there and nobody has written them.
    """

    lost: frozenset[tuple[str, str]]
    doubled: frozenset[tuple[str, str]]
    strange: frozenset[tuple[str, str]]


def settle(world: World, prefix: str, rows: Callable[[], Rows]) -> Account:
    """Compare rows, which are asked for now, with what the writers have been told.

    The writers may go on: what they were told before the rows are read has to be there, and
    what is there they have to tell of, sooner or later.
    """
    before = receipts(world, prefix)
    found = [(str(writer), str(number)) for writer, number in rows()]

    def known() -> bool:
        after = receipts(world, prefix)
        return set(found) <= after.acknowledged | after.unknown

    with contextlib.suppress(ControlPlaneFailed):
        world.plane.until("every row is told of", known, timeout_s=_LINGER_S)
    after = receipts(world, prefix)
    return Account(
        lost=before.acknowledged - set(found),
        doubled=frozenset(pair for pair, times in Counter(found).items() if times > 1),
        strange=frozenset(found) - after.acknowledged - after.unknown,
    )


def receipts(world: World, prefix: str) -> Receipts:
    """What the writers of an environment have said so far, also those that are gone."""
    said: dict[str, list[list[str]]] = {"ack": [], "error": [], "read": [], "unread": []}
    for log in world.plane.folder.glob("pods/*/writer.log"):
        for line in log.read_text().splitlines():
            words = line.split(" ", 3)[-1].split(" ", 3)
            if words[0] in said and words[1].startswith(f"{prefix}writer-"):
                said[words[0]].append(words)
    return Receipts(
        frozenset((words[1], words[2]) for words in said["ack"]),
        frozenset((words[1], words[2]) for words in said["error"]),
        Counter(words[3] for words in said["error"]),
        len(said["read"]),
        Counter(words[3] for words in said["unread"]),
    )
