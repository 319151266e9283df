"""What was added counts while it is in force, in its own thread, in remembered answers too."""

from __future__ import annotations

from threading import Thread

from repoint.model.consumer import Purpose
from repoint.model.knowledge import NOTHING_ADDED, Knowledge, Tool, in_force, joined, knowing
from repoint.rules.purpose_known import command_matches, image_tool

ACME = Tool("acme-move", Purpose.MIGRATION, commands=("acme-move up",), images=("acme/move",))
ADDED = Knowledge(tools=(ACME,))
UP = (("acme-move", "up"), frozenset({0}))


def test_it_counts_while_the_block_runs() -> None:
    with knowing(ADDED):
        assert in_force() is ADDED
        assert [match.tool for match in command_matches(*UP)] == [ACME]
    assert in_force() is NOTHING_ADDED
    assert command_matches(*UP) == ()


def test_what_is_remembered_is_remembered_for_what_was_known() -> None:
    assert image_tool("registry.acme/acme/move:1") is None
    with knowing(ADDED):
        assert image_tool("registry.acme/acme/move:1") is ACME
    assert image_tool("registry.acme/acme/move:1") is None


def test_another_thread_knows_nothing_of_it() -> None:
    seen: list[Knowledge] = []
    with knowing(ADDED):
        other = Thread(target=lambda: seen.append(in_force()))
        other.start()
        other.join()
    assert seen == [NOTHING_ADDED]


def test_blocks_within_each_other() -> None:
    inner = Knowledge(tools=(ACME, ACME))
    with knowing(ADDED):
        with knowing(inner):
            assert in_force() is inner
        assert in_force() is ADDED


def test_it_ends_with_an_error() -> None:
    try:
        with knowing(ADDED):
            raise ValueError
    except ValueError:
        assert in_force() is NOTHING_ADDED


def test_parts_are_joined_in_their_order() -> None:
    other = Tool("other", Purpose.PROBE, commands=("other",))
    whole = joined((ADDED, NOTHING_ADDED, Knowledge(tools=(other,))), "mark")
    assert (whole.tools, whole.mark) == ((ACME, other), "mark")
    assert NOTHING_ADDED.is_empty and not whole.is_empty


def test_the_programs_that_are_spelled_out() -> None:
    tool = Tool("x", Purpose.PROBE, commands=("wait-a|wait-b up", "wait-*", "wait-a down"))
    assert tool.programs == ("wait-a", "wait-b")
