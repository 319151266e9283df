"""The receipts of a repository: read together, changed together with the files they tell of."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

from repoint.errors import FileRefused, RepointError, StalePlan, UsageError
from repoint.model.receipt import FileWrite, Receipt
from repoint.planning.bounds import check_receipt
from repoint.planning.codec import decode_receipt, encode_receipt
from repoint.ports.repository import Tree, WritableTree

FOLDER = ".repoint/receipts"


def receipt_path(environment: str) -> str:
    """Where an environment's receipt lies."""
    return f"{FOLDER}/{environment}.json"


def load_receipts(tree: WritableTree) -> dict[str, Receipt]:
    """Every receipt of the repository by its environment.

    Raises:
        FileRefused: a file there cannot be read, is no receipt of a version known here, reaches for
            what is none's, or is called like another environment.
    """
    found: dict[str, Receipt] = {}
    for path in tree.files_in(FOLDER):
        try:
            receipt = decode_receipt(tree.read_again(path))
            check_receipt(receipt)
        except (StalePlan, UsageError) as error:
            raise FileRefused(f"`{path}`: {error.message}", hint=error.hints) from None
        if path != receipt_path(receipt.environment):
            raise FileRefused(
                f"`{path}` is the receipt of environment `{receipt.environment}`",
                hint="restore the file from git",
            )
        found[receipt.environment] = receipt
    return found


def receipt_of(tree: Tree, environment: str) -> Receipt | None:
    """An environment's receipt, for whoever only asks what was written; None without one.

    One that cannot be read tells nothing here: the verbs that change files refuse it.
    """
    path = receipt_path(environment)
    if not tree.exists(path):
        return None
    try:
        return decode_receipt(tree.read(path))
    except RepointError:
        return None


def receipt_writes(
    tree: WritableTree, before: Mapping[str, Receipt], after: Mapping[str, Receipt]
) -> list[FileWrite]:
    """The writes that turn the receipts of `before` into those of `after`."""
    writes: list[FileWrite] = []
    for environment in sorted({*before, *after}):
        if before.get(environment) == after.get(environment):
            continue
        path = receipt_path(environment)
        old = tree.read_again(path) if environment in before else None
        new = encode_receipt(after[environment]) if environment in after else None
        writes.append(FileWrite(path, old, new, () if new else (FOLDER,)))
    return writes


def read_now(tree: WritableTree, path: str) -> bytes | None:
    """A file's bytes as they are on disk now, None when there is no such file.

    Raises:
        FileRefused: something is there, but it cannot be read.
    """
    return tree.read_again(path) if tree.is_there(path) else None


def digest(content: bytes | None) -> str:
    """SHA-256 in hexadecimal; empty for a file that does not exist."""
    return "" if content is None else sha256(content).hexdigest()
