"""What repoint changed, as one digest: the same before apply and after it."""

from __future__ import annotations

from itertools import permutations

from repoint.model.ledger import Phase
from repoint.model.plan import FileChange
from repoint.model.receipt import RECEIPT_FORMAT, Receipt, ReceiptFile
from repoint.promotion.content import (
    applied_parts,
    content_of_changes,
    untouched,
    whole_content,
)
from tests.unit.promotion.entries import entry

CHANGE = FileChange("a.yaml", "local", "1" * 64, "2" * 64, ())
FIRST, SECOND = "1" * 64, "2" * 64


def receipt(*plans: str) -> Receipt:
    files = tuple(ReceiptFile("a.yaml", plan, "", "") for plan in plans)
    return Receipt(RECEIPT_FORMAT, "1.0.0", "local", files)


def test_content_is_of_the_changes_and_the_environment() -> None:
    content = content_of_changes("local", (CHANGE,))
    assert content == content_of_changes("local", (CHANGE,))
    assert content != content_of_changes("staging", (CHANGE,))
    assert content != untouched("local")


def test_plans_in_any_order_are_one_content() -> None:
    parts = (FIRST, SECOND, "3" * 64)
    assert len({whole_content("local", order) for order in permutations(parts)}) == 1
    assert whole_content("local", parts) not in (*parts, untouched("local"))


def test_one_plan_is_its_own_content_and_an_empty_one_adds_nothing() -> None:
    assert whole_content("local", [FIRST, untouched("local"), FIRST]) == FIRST
    assert whole_content("local", [untouched("local")]) == untouched("local")
    assert whole_content("local", []) == untouched("local")


def test_a_receipt_tells_which_plans_stand_and_the_ledger_what_they_changed() -> None:
    ledger = (
        entry(Phase.APPLIED, 1, plan="f1", content=FIRST),
        entry(Phase.APPLIED, 2, plan="f2", content=SECOND),
        entry(Phase.APPLIED, 3, "staging", plan="f1", content="9" * 64),
        entry(Phase.REHEARSED, 4, plan="f1", content="8" * 64),
    )
    assert applied_parts("local", receipt("f1", "f1"), ledger) == {"f1": FIRST}
    assert applied_parts("local", receipt("f1", "f2"), ledger) == {"f1": FIRST, "f2": SECOND}
    assert applied_parts("local", None, ledger) == {}


def test_a_plan_that_the_ledger_does_not_know_stands_for_itself() -> None:
    one = applied_parts("local", receipt("f1"), ())
    assert one == applied_parts("local", receipt("f1"), ())
    assert one != applied_parts("staging", receipt("f1"), ())
    assert one["f1"] not in ("", untouched("local"))
    assert one["f1"] != applied_parts("local", receipt("f2"), ())["f2"]
