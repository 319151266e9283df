"""The plan of the example, as a reviewer reads it."""

from __future__ import annotations

from tests.acceptance.example import Checkout
from tests.fix_golden import Golden


def test_the_plan_of_the_example_reads_as_it_was_reviewed(before: Checkout, golden: Golden) -> None:
    golden("naytife/plan.md", before.run("plan", "--format", "markdown").stdout)


def test_the_scan_of_the_example_reads_as_it_was_reviewed(before: Checkout, golden: Golden) -> None:
    golden("naytife/scan.md", before.run("scan", "--format", "markdown").stdout)


def test_the_configuration_that_init_writes_reads_as_it_was_reviewed(
    before: Checkout, golden: Golden
) -> None:
    golden("naytife/repoint.yaml", before.text("repoint.yaml"))
