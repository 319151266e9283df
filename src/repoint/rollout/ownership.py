"""Conflicts of field managers: whose fields repoint takes over, and whose it leaves."""

from __future__ import annotations

from collections.abc import Iterable

from repoint.model.cluster import FIELD_MANAGER


def is_persons(manager: str) -> bool:
    """Whether a field manager is a person's kubectl, so that nobody sets the field back.

    These are `kubectl-client-side-apply`, `kubectl-edit`, `kubectl-patch` and all others of the
    name; a controller that calls itself so is not known. So are fields that repoint itself
    patched, such as a Pooler's `paused`: to the API that is another manager than its applies.
    """
    return manager in ("kubectl", FIELD_MANAGER) or manager.startswith("kubectl-")


def reconciled(causes: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Those `(manager, field)` of a conflict that a controller would set back."""
    return tuple(cause for cause in causes if not is_persons(cause[0]))
