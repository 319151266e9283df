"""plan.json and receipts, there and back."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repoint.errors import RepointError, StalePlan, UsageError
from repoint.model.plan import Edit, FileChange, Finding, Plan
from repoint.model.receipt import Receipt
from repoint.planning.codec import decode_plan, decode_receipt, encode_plan, encode_receipt

_TEXT = st.text(max_size=8)
_PLANS = st.builds(
    Plan,
    format=st.just(1),
    environments=st.lists(_TEXT, max_size=2).map(tuple),
    consumers=st.just(()),
    changes=st.lists(
        st.builds(
            FileChange,
            path=_TEXT,
            edits=st.lists(
                st.from_type(Edit).filter(lambda edit: abs(edit.start) < 2**53), max_size=2
            ).map(tuple),
        ),
        max_size=2,
    ).map(tuple),
    findings=st.lists(st.from_type(Finding), max_size=1).map(tuple),
)


@given(plan=_PLANS)
@settings(max_examples=30, deadline=None)
def test_a_plan_comes_back_as_it_was(plan: Plan) -> None:
    data = encode_plan(plan)

    assert decode_plan(data) == plan
    assert encode_plan(decode_plan(data)) == data
    assert data.endswith(b"}\n") and not data.endswith(b"\n\n")


@given(receipt=st.builds(Receipt, format=st.just(1)))
@settings(max_examples=20, deadline=None)
def test_a_receipt_comes_back_as_it_was(receipt: Receipt) -> None:
    assert decode_receipt(encode_receipt(receipt)) == receipt


def plan_json() -> dict[str, Any]:
    edit = {
        "op": "splice", "pointer": "/0/a", "line": 1, "key": "a", "rule": "R", "reason": "r",
        "applicability": "safe", "parts": [{"part": "host", "before": "a", "after": "b"}],
    }  # fmt: skip
    change = {
        "path": "a", "environment": "e", "before_sha256": "", "after_sha256": "", "edits": [edit],
    }  # fmt: skip
    lists = ("consumers", "tasks", "findings", "proofs", "unreadable", "inputs")
    return {
        "format": 1, "tool_version": "0", "environments": ["e"], "changes": [change],
        "fingerprint": "f", **{name: [] for name in lists},
    }  # fmt: skip


def test_the_plan_is_indented_for_review() -> None:
    data = encode_plan(decode_plan(json.dumps(plan_json()).encode())).decode()

    assert data.startswith('{\n  "format": 1,\n  "tool_version": "0",\n')
    assert '\n              "before": "a",\n' in data


@pytest.mark.parametrize(
    ("change", "error", "told"),
    [
        pytest.param({"format": 2}, StalePlan, "format 2", id="a newer format"),
        pytest.param({"format": 0}, UsageError, "format 0", id="a format that never was"),
        pytest.param({"format": True}, UsageError, "no `format`", id="no format"),
        pytest.param({"extra": 1}, UsageError, r"\$\.extra", id="an unknown field"),
        pytest.param({"fingerprint": 1}, UsageError, r"\$\.fingerprint", id="a wrong type"),
    ],
)
def test_what_is_not_a_plan_is_refused(
    change: dict[str, object], error: type[RepointError], told: str
) -> None:
    with pytest.raises(error, match=told):
        decode_plan(json.dumps({**plan_json(), **change}).encode())


@pytest.mark.parametrize("raw", [b'{"for\xff": 2}', b"[" * 100_000], ids=["bytes", "depth"])
def test_what_no_text_is_made_of_is_refused_like_the_rest(raw: bytes) -> None:
    with pytest.raises(UsageError, match="is not JSON"):
        decode_plan(raw)


def test_an_unknown_field_deep_down_is_named_with_its_place() -> None:
    plan = plan_json()
    plan["changes"][0]["edits"][0]["parts"][0]["user"] = "x"

    with pytest.raises(UsageError, match=r"\$\.changes\[0\]\.edits\[0\]\.parts\[0\]\.user"):
        decode_plan(json.dumps(plan).encode())


def test_a_name_of_others_stays_on_the_line_of_the_error() -> None:
    plan = plan_json()
    plan["`a\nb\x1b[31m" + "c" * 500] = 1

    with pytest.raises(UsageError) as refused:
        decode_plan(json.dumps(plan).encode())
    assert "`$.?a?b?[31mccc" in refused.value.message
    assert refused.value.message.isprintable()
    assert len(refused.value.message) < 200


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff"])
def test_bytes_that_are_no_plan(data: bytes) -> None:
    with pytest.raises(UsageError):
        decode_plan(data)
