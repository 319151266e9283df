"""Telling the source from the target's Cluster, by whatever each of them says."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.model.rehearsal import Verdict
from repoint.verification.identity import Who, other_server

SOURCE = Who("1", "here", False, "1000.0", "", "7001", "1")
TARGET = Who("2", "here", False, "2000.0", "pg", "7002", "2")


@pytest.mark.parametrize(
    ("who", "system", "primary", "expected"),
    [
        (SOURCE, "7002", None, Verdict.PASS),
        (SOURCE, "", TARGET, Verdict.PASS),
        (replace(SOURCE, system=""), "7002", TARGET, Verdict.PASS),
        (TARGET, "7002", None, Verdict.FAIL),
        (replace(TARGET, system="", cluster=""), "", TARGET, Verdict.FAIL),
        (replace(TARGET, system=""), "", None, Verdict.FAIL),  # it has the Cluster's name
        (replace(TARGET, mark="", given_pid="9"), "7002", None, Verdict.FAIL),  # through a pool
        (replace(SOURCE, system=""), "7002", None, Verdict.UNKNOWN),
        (SOURCE, "", None, Verdict.UNKNOWN),
        (replace(SOURCE, in_recovery=True), "7002", TARGET, Verdict.FAIL),
    ],
)
def test_the_source_is_another_server(
    who: Who, system: str, primary: Who | None, expected: Verdict
) -> None:
    primaries = {} if primary is None else {"pg": primary}
    assert other_server(who, {"pg": system}, primaries)[0] is expected


def test_each_of_several_clusters_has_to_be_told_from_it() -> None:
    systems = {"pg": "7002", "more": ""}
    assert other_server(SOURCE, systems, {})[0] is Verdict.UNKNOWN
    assert other_server(SOURCE, {}, {})[0] is Verdict.PASS
