"""The ledger as text: merged in any way it reads the same, and what is broken is told by line."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.errors import FileRefused
from repoint.model.ledger import Entry, Phase
from repoint.model.rehearsal import Verdict
from repoint.promotion.lines import appended, decode_ledger
from tests.unit.promotion.entries import START, at, entry

ONE, TWO, THREE = (entry(Phase.APPLIED, minute) for minute in (1, 2, 3))
LEDGER = appended(None, [ONE, TWO])
FIRST, SECOND = LEDGER.splitlines(keepends=True)

entries = st.builds(
    Entry,
    id=st.text("0123456789abcdef", min_size=4, max_size=8),
    at=st.integers(0, 10**6).map(lambda seconds: START + timedelta(seconds=seconds)),
    who=st.sampled_from(["Ada", "Bo \u00e9 <bo@example.org>"]),
    tool=st.just("1.0.0"),
    environment=st.sampled_from(["local", "staging"]),
    phase=st.sampled_from(Phase),
    verdict=st.sampled_from(Verdict),
    content=st.sampled_from(["", "a" * 64]),
    detail=st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), max_size=12),
    overrides=st.lists(st.just("soaked: there is no time"), max_size=1).map(tuple),
    seconds=st.floats(0, 10**4),
)


@given(st.lists(entries, unique_by=lambda one: one.id), st.randoms(), st.booleans(), st.booleans())
def test_every_merge_reads_the_same(
    found: list[Entry], chance: random.Random, windows: bool, ended: bool
) -> None:
    lines = [appended(None, [one]).rstrip(b"\n") for one in found]
    twice = [*lines, *chance.sample(lines, k=len(lines) // 2)]
    chance.shuffle(twice)
    end = b"\r\n" if windows else b"\n"
    merged = end.join(twice) + (end if ended else b"")
    assert decode_ledger(merged) == decode_ledger(b"".join(line + b"\n" for line in lines))
    assert {one.id for one in decode_ledger(merged)} == {one.id for one in found}


@given(st.lists(entries, max_size=6, unique_by=lambda one: one.id))
def test_what_was_added_later_reads_later_whatever_the_clock_said(found: list[Entry]) -> None:
    raw = b""
    for one in found:
        longer = appended(raw, [one])
        assert longer.startswith(raw)
        raw = longer
    for name in ("local", "staging"):
        read = [one.id for one in decode_ledger(raw) if one.environment == name]
        assert read == [one.id for one in found if one.environment == name]


def test_lines_that_stand_are_kept_and_a_missing_line_break_is_added() -> None:
    torn_off = LEDGER.rstrip(b"\n")
    assert appended(torn_off, [THREE]).startswith(torn_off + b"\n")
    assert len(decode_ledger(appended(torn_off, [THREE]))) == 3
    windows = LEDGER.replace(b"\n", b"\r\n")
    assert appended(windows, [THREE]).count(b"\r\n") == 3
    assert appended(LEDGER, []) == LEDGER


def test_a_time_of_another_zone_is_the_same_time() -> None:
    east = replace(ONE, id="east", at=ONE.at.astimezone(timezone(timedelta(hours=9))))
    assert decode_ledger(appended(None, [east]))[0].at == ONE.at


def test_a_field_of_a_later_version_is_left_aside() -> None:
    document = json.loads(FIRST) | {"cluster": "kind"}
    assert decode_ledger(json.dumps(document).encode()) == decode_ledger(FIRST)


def test_a_password_in_free_text_is_masked() -> None:
    url = "postgresql://shop:canary-hunter2@db/shop"
    told = replace(ONE, detail=f"see {url}", overrides=(f"data: {url} is empty",))
    raw = appended(None, [told])
    assert b"canary" not in raw and b"shop:***@db" in raw


def test_nothing_that_is_read_speaks_to_a_terminal() -> None:
    told = replace(ONE, who="A\x1b[2J", detail="a\nb", overrides=("data: \x07",))
    (read,) = decode_ledger(appended(None, [told]))
    assert (read.who, read.detail, read.overrides) == ("A?[2J", "a?b", ("data: ?",))


def _with(**given: object) -> bytes:
    return json.dumps(json.loads(SECOND) | given).encode()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        pytest.param(FIRST + b"<<<<<<< HEAD\n", "line 2 is a marker", id="ours"),
        pytest.param(FIRST + SECOND + b"=======\n", "line 3 is a marker", id="between"),
        pytest.param(FIRST + b">>>>>>> theirs\r\n", "line 2 is a marker", id="theirs"),
        pytest.param(FIRST + b"||||||| base\n", "line 2 is a marker", id="diff3"),
        pytest.param(FIRST + SECOND[:40], "line 2 is no JSON, or was cut short", id="torn"),
        pytest.param(FIRST + b"\n\n[]\n", "line 4 is no JSON object", id="not an object"),
        pytest.param(FIRST + b'{"id": "x"}', "line 2 cannot be read at `at`", id="no time"),
        pytest.param(FIRST + _with(format=2), "line 2 has format 2, and 1 is", id="newer"),
        pytest.param(
            FIRST + _with(phase="tried"), "line 2 cannot be read at `$.phase`", id="phase"
        ),
        pytest.param(FIRST + _with(at="2026-03-02T09:00:00"), "without a zone", id="zone"),
        pytest.param(
            FIRST + SECOND + _with(verdict="fail"),
            "line 3 has the id of line 2 and tells something else",
            id="changed",
        ),
    ],
)
def test_what_is_broken_is_told_by_its_line(raw: bytes, told: str) -> None:
    with pytest.raises(FileRefused) as caught:
        decode_ledger(raw)
    assert told in caught.value.message
    with pytest.raises(FileRefused):
        appended(raw, [THREE])


@pytest.mark.parametrize("raw", [b'{"id": "\xff"}', b"[" * 100_000], ids=["bytes", "depth"])
def test_what_no_text_is_made_of_is_refused_like_the_rest(raw: bytes) -> None:
    with pytest.raises(FileRefused, match="line 1"):
        decode_ledger(raw)


def test_an_error_does_not_repeat_what_it_read() -> None:
    with pytest.raises(FileRefused) as caught:
        decode_ledger(_with(phase="canary-hunter2", verdict="canary-hunter2"))
    assert "canary" not in caught.value.message + "".join(caught.value.hints)


def test_a_clock_that_stands_still_or_lags_moves_on() -> None:
    late = entry(Phase.APPLIED, 10)
    lagging = replace(entry(Phase.TAKEN_BACK, 3), id="lagging")
    other = entry(Phase.APPLIED, 3, "staging")
    read = {
        one.id: one for one in decode_ledger(appended(appended(None, [late]), [lagging, other]))
    }
    assert read["lagging"].at == at(10) + timedelta(seconds=1)
    assert read[other.id].at == at(3)
