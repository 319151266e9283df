"""What the writer was told about each of its rows, against the rows that are there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from tests.cluster.world.databases import Rows
from tests.cluster.world.world import World

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

    def lost(self, rows: Rows) -> set[tuple[str, str]]:
        """Acknowledged ones that are not there."""
        return set(self.acknowledged) - set(_pairs(rows))

    def doubled(self, rows: Rows) -> set[tuple[str, str]]:
        """Those that are there more than once."""
        return {pair for pair, count in Counter(_pairs(rows)).items() if count > 1}

    def strange(self, rows: Rows) -> set[tuple[str, str]]:
        """Those that are there, and nobody has written them."""
        return set(_pairs(rows)) - self.acknowledged - self.unknown


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


def _pairs(rows: Rows) -> list[tuple[str, str]]:
    return [(str(writer), str(number)) for writer, number in rows]
