"""A part of a scan: what is asked for, what goes with it, and what never goes away."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.consumer import Use
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
    job = next(one for one in whole.consumers if one.workload.name == "api-migrate")
    first, second, *others = whole.sites
    use = Use("", job.workload, "local", job.purpose, ())
    of_it = replace(whole.findings[0], consumer=job.workload.id, location=None)
    at_it = replace(whole.findings[0], consumer="", location=first.site.location)
    other = replace(whole.findings[0], consumer="", location=second.site.location)
    whole = replace(
        whole,
        sites=(replace(first, uses=(use,)), second, *others),
        findings=(of_it, at_it, other),
    )

    found = narrowed(whole, ["api-migrate"])

    assert found.sites == whole.sites[:1]
    assert found.findings == (of_it, at_it)
    assert narrowed(whole, ["nobody"]).sites == () == narrowed(whole, ["nobody"]).findings
