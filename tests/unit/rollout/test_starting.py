"""Which parameters a Pooler's pods take at their start only, and what is left to do for them."""

from __future__ import annotations

from repoint.rollout.names import START_DUE
from repoint.rollout.objects import marks_of
from repoint.rollout.starting import start_due, with_start_due

_TRACKED = "spec.pgbouncer.parameters.track_extra_parameters"
_POOLER = {"kind": "Pooler", "metadata": {"name": "pooler"}}


def test_a_parameter_that_a_reload_takes_is_no_reason() -> None:
    assert start_due(_POOLER, ["spec.pgbouncer.parameters.default_pool_size"]) == ()
    assert start_due(_POOLER, [_TRACKED]) == ("track_extra_parameters",)


def test_pods_of_a_new_pooler_start_with_what_it_says() -> None:
    assert start_due(None, [_TRACKED]) == ()


def test_what_a_run_that_was_cut_off_left_is_due_still() -> None:
    left = with_start_due(_POOLER, ["track_extra_parameters"])
    assert start_due(left, []) == ("track_extra_parameters",)
    assert start_due(left, ["spec.pgbouncer.parameters.pkt_buf"]) == (
        "pkt_buf",
        "track_extra_parameters",
    )


def test_without_names_there_is_no_mark() -> None:
    assert START_DUE not in marks_of(with_start_due(_POOLER, []))
