"""Entries that apply put into a YAML file, taken out again after others edited it."""

from __future__ import annotations

import pytest

from repoint.errors import Conflict
from repoint.formats.read import read_file
from repoint.model.plan import Op
from repoint.model.receipt import ReceiptFile
from repoint.planning.inserted_entries import missing_lines, without_entries
from repoint.planning.splice import apply_edits, splice
from repoint.planning.takeback import take_back
from repoint.planning.undo import describe
from tests.unit.flows.hand_plans import edit, sha

BEFORE = """\
kind: Kustomization
resources:
  - ../../base
"""
INSERTED = """\
configMapGenerator:
  - name: shop-env
    behavior: merge
    literals:
      - DB_HOST=pool.shop
patches:
  - path: shop-patch.yaml
  - path: job-patch.yaml
"""
AFTER = BEFORE + INSERTED


def taken_out(edited: str, inserted: str = INSERTED) -> str | None:
    """The edited file without the inserted entries; None where that is refused."""
    raw = edited.encode()
    cuts = without_entries(raw, read_file("k.yaml", raw), inserted)
    return None if cuts is None else splice("k.yaml", raw, cuts).decode()


def appended(before: str, text: str, path: str = "k.yaml") -> ReceiptFile:
    """The receipt of `text` put behind `before`."""
    raw = before.encode()
    edits = [edit(Op.SPLICE, "", "b", start=len(raw), end=len(raw), after=text)]
    after = apply_edits(path, raw, edits)
    undos = describe(path, raw, after, edits)
    return ReceiptFile(path, "f", sha(raw), sha(after), undos=undos)


@pytest.mark.parametrize(
    ("edited", "left"),
    [
        pytest.param(AFTER, BEFORE, id="as apply left it"),
        pytest.param(
            AFTER + "  - path: mine.yaml\n",
            BEFORE + "patches:\n  - path: mine.yaml\n",
            id="an entry behind",
        ),
        pytest.param(
            AFTER.replace("patches:\n", "patches:\n  # ours\n  - path: mine.yaml\n"),
            BEFORE + "patches:\n  # ours\n  - path: mine.yaml\n",
            id="an entry in front, with its comment",
        ),
        pytest.param(
            AFTER.replace("\n  - ../../base", "\n- ../../base").replace(
                INSERTED, INSERTED.replace("\n  ", "\n").replace("    - DB", "  - DB")
            ),
            BEFORE.replace("  - ", "- "),
            id="indented anew",
        ),
        pytest.param(
            BEFORE + "patches:\n  - path: job-patch.yaml\n  - path: shop-patch.yaml\n"
            "configMapGenerator:\n  - literals: ['DB_HOST=pool.shop']\n    behavior: merge\n"
            '    name: "shop-env"\n',
            BEFORE,
            id="in another order, and quoted",
        ),
        pytest.param(
            AFTER.replace("pool.shop\n", "pool.shop\n      - LEVEL=debug\n"),
            BEFORE + "configMapGenerator:\n  - name: shop-env\n    behavior: merge\n"
            "    literals:\n      - LEVEL=debug\n",
            id="an entry that others added to",
        ),
        pytest.param(AFTER.replace("\n", "\r\n"), BEFORE.replace("\n", "\r\n"), id="CRLF"),
        pytest.param(
            AFTER.removesuffix("\n"), BEFORE, id="without the last line break",
        ),
    ],
)  # fmt: skip
def test_others_entries_stay(edited: str, left: str) -> None:
    assert taken_out(edited) == left


@pytest.mark.parametrize(
    "edited",
    [
        pytest.param(AFTER.replace("pool.shop", "other.shop"), id="a value was changed"),
        pytest.param(AFTER.replace("  - path: job-patch.yaml\n", ""), id="an entry is gone"),
        pytest.param(
            AFTER.replace("- path: job-patch.yaml", "- path: job-patch.yaml # why"), id="a comment"
        ),
        pytest.param(AFTER.replace("behavior: merge", "behavior: replace"), id="a part changed"),
        pytest.param(AFTER + "---\n" + AFTER, id="twice"),
        pytest.param(BEFORE, id="nothing is there"),
    ],
)
def test_what_does_not_stand_as_written_is_not_guessed_at(edited: str) -> None:
    assert taken_out(edited) is None


def test_a_list_that_was_there_keeps_its_key() -> None:
    edited = "patches:\n  - path: a.yaml\n  - path: new.yaml\n  - path: b.yaml\n"
    assert taken_out(edited, "  - path: new.yaml\n") == edited.replace("  - path: new.yaml\n", "")


def test_deeper_and_shallower_entries_of_one_insertion() -> None:
    inserted = "      - B=2\n  - path: x.yaml\n"
    edited = "a:\n  - literals:\n      - A=1\n      - B=2\n      - C=3\n  - path: x.yaml\n"
    assert taken_out(edited, inserted) == "a:\n  - literals:\n      - A=1\n      - C=3\n"


def test_the_blank_line_above_goes_with_them() -> None:
    assert taken_out(BEFORE + "\n" + INSERTED + "# more\n", "\n" + INSERTED) == BEFORE + "# more\n"


def test_lines_that_are_nowhere_are_named() -> None:
    edited = AFTER.replace("job-patch.yaml", "jobs/job-patch.yaml").encode()
    assert missing_lines(edited, INSERTED) == ("- path: job-patch.yaml",)


def test_rolling_back_tells_which_line_was_changed() -> None:
    entry = appended(BEFORE, INSERTED)
    edited = AFTER.replace("job-patch.yaml", "jobs/job-patch.yaml")

    with pytest.raises(Conflict) as caught:
        take_back(edited.encode(), entry)

    assert caught.value.hints[0] == ("apply wrote, and it is nowhere now: `- path: job-patch.yaml`")


def test_what_others_put_below_is_not_left_hanging() -> None:
    entry = appended("[a]\nx = 1\n", "[b]\nc = 1\n", "k.toml")
    edited = b"[a]\nx = 1\n[b]\nc = 1\nd = 2\n"

    with pytest.raises(Conflict, match="needs what apply wrote"):
        take_back(edited, entry)
