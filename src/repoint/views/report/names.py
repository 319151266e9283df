"""Names of places in the document, which stay the same from run to run, and plain words."""

from __future__ import annotations

import hashlib
import re
from collections import Counter

from repoint.dsn.mask import mask
from repoint.model.plan import Edit, FileChange, Finding

_LONGEST = 48


def anchor(kind: str, *parts: str) -> str:
    """An id for `parts`, of lower-case letters, digits and hyphens, readable and unlike others'.

    It depends on the parts alone, so that a link into a report leads to the same thing in the
    next one; a password in them has no share in it.
    """
    parts = tuple(mask(part) for part in parts)
    words = re.sub(r"[^a-z0-9]+", "-", " ".join(parts).lower()).strip("-")[:_LONGEST].strip("-")
    digest = hashlib.sha256("\0".join((kind, *parts)).encode(errors="replace")).hexdigest()[:8]
    return "-".join(word for word in (kind, words, digest) if word)


class Ids:
    """Gives each id out once: what would be named like another gets a number behind it."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()

    def take(self, name: str) -> str:
        """`name`, or `name-2` the second time."""
        self._seen[name] += 1
        return name if self._seen[name] == 1 else f"{name}-{self._seen[name]}"


def consumer_anchor(environment: str, consumer: str) -> str:
    """Where a consumer's row is."""
    return anchor("consumer", environment, consumer)


def finding_anchor(finding: Finding) -> str:
    """Where a finding is."""
    where = finding.location
    place = (where.path, str(where.line), where.pointer) if where else ()
    return anchor(
        "finding",
        *(finding.code, finding.environment, finding.consumer, *place),
        hashlib.sha256(mask(finding.message).encode(errors="replace")).hexdigest()[:8],
    )


def file_anchor(change: FileChange) -> str:
    """Where a file's changes are."""
    return anchor("file", change.environment, change.path)


def edit_anchor(change: FileChange, edit: Edit) -> str:
    """Where one edit is."""
    token = f"{edit.op}{edit.start}-{edit.end}"
    return anchor("edit", change.environment, change.path, edit.key, edit.pointer, token)


def code_anchor(code: str) -> str:
    """Where a code is explained."""
    return anchor("code", code)


def short_workload(kind: str, name: str, container: str = "") -> str:
    """`Kind/name [container]`."""
    return f"{kind}/{name} [{container}]" if container else f"{kind}/{name}"
