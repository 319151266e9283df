"""Properties of what repoint writes and reads back: plans, receipts, records, the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from repoint.errors import RepointError
from repoint.planning import codec
from repoint.planning.bounds import check_plan, check_receipt
from repoint.promotion.lines import appended, decode_ledger

_T = TypeVar("_T")


def plan(raw: bytes) -> None:
    """plan.json of any bytes is a plan or refused."""
    _there_and_back(raw, codec.decode_plan, codec.encode_plan, check_plan)


def receipt(raw: bytes) -> None:
    """A receipt of any bytes is one or refused."""
    _there_and_back(raw, codec.decode_receipt, codec.encode_receipt, check_receipt)


def rehearsal(raw: bytes) -> None:
    """A rehearsal's record of any bytes is one or refused."""
    _there_and_back(raw, codec.decode_rehearsal, codec.encode_rehearsal)


def ledger(raw: bytes) -> None:
    """A ledger of any bytes is read, kept byte for byte and added to, or refused."""
    try:
        entries = decode_ledger(raw)
    except RepointError as error:
        _check_told(error)
        return
    assert entries == decode_ledger(raw)
    for entry in entries:
        texts = (entry.who, entry.tool, entry.environment, entry.detail, *entry.overrides)
        assert all(text.isprintable() for text in texts), "a ledger speaks to a terminal"
    if entries:
        added = appended(raw, entries[:1])
        assert added.startswith(raw), "a line that stood there changed"


def _there_and_back(
    raw: bytes,
    decode: Callable[[bytes], _T],
    encode: Callable[[_T], bytes],
    check: Callable[[_T], None] = lambda _: None,
) -> None:
    try:
        found = decode(raw)
        check(found)
    except RepointError as error:
        _check_told(error)
        return
    written = encode(found)
    assert decode(written) == found, "what was written reads back otherwise"
    assert encode(decode(written)) == written, "it is written in two ways"


def _check_told(error: RepointError) -> None:
    assert "\n" not in error.message
    assert len(error.message) < 2000, "an error as long as its file"
