"""A part of a scan: what is asked for, what goes with it, and what never goes away."""

from __future__ import annotations

import pytest

from repoint.planning.narrowing import narrowed
from tests.cli.samples import inventory


@pytest.mark.parametrize(
    ("names", "purposes", "kept"),
    [
        ((), (), ["api", "api-migrate"]),
        (("api",), (), ["api"]),
        (("*-migrate",), (), ["api-migrate"]),
        (("Job/*",), (), ["api-migrate"]),
        (("api", "Job/api-migrate"), (), ["api", "api-migrate"]),
        ((), ("migration",), ["api-migrate"]),
        (("api",), ("migration",), []),
        (("API",), (), []),
    ],
)
def test_consumers_by_name_and_purpose(
    names: tuple[str, ...], purposes: tuple[str, ...], kept: list[str]
) -> None:
    found = narrowed(inventory(), names, purposes)
    assert sorted(one.workload.name for one in found.consumers) == kept
    assert found.unreadable == inventory().unreadable != ()
    assert found.environments == inventory().environments


def test_sites_and_findings_go_with_their_consumers() -> None:
    whole = inventory()
    found = narrowed(whole, ["api-migrate"])
    read = {use.workload.name for report in found.sites for use in report.uses}
    assert "api-migrate" in read and 0 < len(found.sites) < len(whole.sites)
    assert len(found.findings) < len(whole.findings)
    assert narrowed(whole, ["nobody"]).sites == () == narrowed(whole, ["nobody"]).findings
