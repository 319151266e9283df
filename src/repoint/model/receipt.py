"""Receipts: what apply did to each file, and how to take it back.

A receipt is committed with the repository, so that a colleague can roll back. It holds
hosts, ports, parameters, positions and digests; of a sealed file also the ciphertext
that was replaced. Never a password, never the text around an edit of a clear file.
"""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.plan import Op, PartEdit

RECEIPT_FORMAT = 1


@dataclass(frozen=True, slots=True)
class FileWrite:
    """A file's whole transition: `None` stands for a file that does not exist.

    `drop_dirs` are removed after a removed file, outermost first, when nothing is left in them.
    """

    path: str
    before: bytes | None
    after: bytes | None
    drop_dirs: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"FileWrite({self.path!r})"


@dataclass(frozen=True, slots=True)
class Swap:
    """Text that gives way to other text; `at` is an offset in what apply left.

    In a clear file `at` counts bytes of the file. In a base64 value it counts characters of the
    decoded text from its end, so that the length of a password before it stays unknown.
    """

    at: int
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Undo:
    """How to take one edit back.

    While the file is as apply left it, `at` says where (bytes). Later the edit is found by
    `pointer`, or by `anchor` within it (see `planning.anchors`), or as number `index` of
    `count` occurrences of `after`. `lines` is the height of a duplicated entry.
    """

    op: Op
    pointer: str
    line: int
    key: str
    at: int = 0
    before: str = ""
    after: str = ""
    parts: tuple[PartEdit, ...] = ()
    source_pointer: str = ""
    index: int = 0
    count: int = 0
    lines: int = 0
    size: int = 0
    anchor: str = ""
    swaps: tuple[Swap, ...] = ()


@dataclass(frozen=True, slots=True)
class ReceiptFile:
    """What one apply did to one file.

    `before_sha256` is empty for a file that apply created. `swaps` restore a sealed
    file exactly (ciphertext, `mac`, `lastmodified`); `made_dirs` are the folders that were
    made for a created file, outermost first. `meaning` is a digest of what a created file says
    (see `planning.meaning`), which stays when somebody writes it in another layout.
    """

    path: str
    fingerprint: str
    before_sha256: str
    after_sha256: str
    sealed: bool = False
    undos: tuple[Undo, ...] = ()
    swaps: tuple[Swap, ...] = ()
    made_dirs: tuple[str, ...] = ()
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What repoint.yaml said of a consumer, by the name that it has there."""

    consumer: str
    route: str = ""
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Everything apply did for one environment, in the order it was done.

    `chosen` is what the repoint.yaml of the last apply said of consumers.
    """

    format: int
    tool_version: str
    environment: str
    files: tuple[ReceiptFile, ...]
    chosen: tuple[Chosen, ...] = ()
