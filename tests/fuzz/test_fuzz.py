"""Every fuzz target holds for its corpus, and for what hypothesis makes of it.

`HYPOTHESIS_PROFILE=large` looks longer; `make fuzz` looks with coverage as its guide.
"""

from __future__ import annotations

import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz import targets
from tests.fuzz.mutating import spoilt
from tests.fuzz.targets import CORPUS, TARGETS, Target

_EACH = pytest.mark.parametrize("target", TARGETS, ids=[target.name for target in TARGETS])
# Every target takes part in the fast tests, so a small profile is divided among them.
_EXAMPLES = max(10, settings().max_examples // 5)
_MOST_CORPUS_BYTES = 2 * 1024 * 1024


@_EACH
def test_the_corpus_holds(target: Target) -> None:
    seeds = target.seeds()
    assert seeds, "a target without seeds finds little"
    for data in seeds:
        target.run(data)


@_EACH
@pytest.mark.timeout(120)
@settings(max_examples=_EXAMPLES, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_spoilt_holds_too(target: Target, data: st.DataObject) -> None:
    target.run(data.draw(spoilt(target.seeds())))


def test_time_is_that_of_a_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(targets, "SLOWEST_S", 0.05)

    def busy(_: bytes) -> None:
        end = time.process_time() + 0.2
        while time.process_time() < end:
            pass

    Target("waits", lambda _: time.sleep(0.2)).run_bounded(b"")
    with pytest.raises(AssertionError, match=r"busy took \d\.\d s for 3 bytes"):
        Target("busy", busy).run_bounded(b"abc")


def test_the_corpus_is_small_and_belongs_to_targets() -> None:
    kept = [path for path in CORPUS.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in kept) < _MOST_CORPUS_BYTES
    assert {path.parent.name for path in kept} == {target.name for target in TARGETS}
