"""What rollback says when there is nothing to take back."""

from __future__ import annotations

from repoint.cli.rollback import _nothing


def test_a_missing_receipt_tells_the_other_ways_back() -> None:
    told = _nothing(("staging",), [])
    assert ".repoint/receipts/" in told and "git revert" in told


def test_other_environments_receipts_are_named() -> None:
    assert "local" in _nothing(("staging",), ["local"])
