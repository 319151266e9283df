"""What a plan or a receipt may name: files of the repository, none of git's, none of repoint's.

Both come with the repository, or from a colleague; what they say is not believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from repoint.errors import UsageError
from repoint.model.plan import Plan
from repoint.model.receipt import Receipt
from repoint.model.told import told

_ENVIRONMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_DIGEST = re.compile(r"(?:[0-9a-f]{64})?")
_CLOSED = frozenset({".git", ".repoint"})


def check_plan(plan: Plan) -> None:
    """Refuse a plan that reaches for more than files of the repository.

    Raises:
        UsageError: it names such a file, an environment that is none, or no digest; the message
            says which.
    """
    _check_environments("plan", plan.environments)
    inputs = {one.path: one.sha256 for one in plan.inputs}
    for change in plan.changes:
        _check_paths("plan", [change.path])
        _check_paths("plan", (copy.path for edit in change.edits for copy in edit.copies))
        _check_digests("plan", [change.before_sha256, change.after_sha256])
        if change.environment not in plan.environments:
            raise _refused("plan", "environment", change.environment, "is not one of its own")
        if not change.sealed and not change.after_sha256:
            raise _refused("plan", "file", change.path, "has no digest to be checked by")
        if not change.creates and inputs.get(change.path) != change.before_sha256:
            raise _refused("plan", "file", change.path, "is not among its inputs as it is to be")


def check_receipt(receipt: Receipt) -> None:
    """Refuse a receipt that reaches for more than files of the repository; errors as for a plan."""
    _check_environments("receipt", [receipt.environment])
    for entry in receipt.files:
        _check_paths("receipt", [entry.path])
        _check_digests("receipt", [entry.before_sha256, entry.after_sha256])
        for folder in entry.made_dirs:
            if not entry.path.startswith(f"{folder}/"):
                raise _refused("receipt", "folder", folder, f"is not above `{told(entry.path)}`")


def _check_environments(word: str, names: Iterable[str]) -> None:
    for name in names:
        if not _ENVIRONMENT.fullmatch(name):
            raise _refused(word, "environment", name, "is no name of one")


def _check_paths(word: str, paths: Iterable[str]) -> None:
    for path in paths:
        parts = path.split("/")
        if "\0" in path or not {"", ".", ".."}.isdisjoint(parts):
            raise _refused(word, "file", path, "is not a path in this repository")
        if not _CLOSED.isdisjoint(part.casefold() for part in parts):
            raise _refused(word, "file", path, "is git's or repoint's own")


def _check_digests(word: str, digests: Iterable[str]) -> None:
    for one in digests:
        if not _DIGEST.fullmatch(one):
            raise _refused(word, "digest", one, "is none")


def _refused(word: str, kind: str, name: str, why: str) -> UsageError:
    hint = "run `repoint plan` again" if word == "plan" else "restore the file from git"
    return UsageError(f"this {word} is refused: {kind} `{told(name)}` {why}", hint=hint)
