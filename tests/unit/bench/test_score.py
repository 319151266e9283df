"""Holding a scan's report against the truth."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from bench.generate import Truth
from bench.marks import Decoy, Planted, Use
from bench.score import score

SITE = Planted(
    path="deploy/api.yaml",
    line=12,
    column=20,
    start=200,
    end=211,
    host="db.platform",
    key="DATABASE_URL",
    pointer="/0/spec/x",
    style="url",
    purposes=("runtime", "migration"),
    uses=(Use("Deployment/app/api/api", "local", "runtime"),),
)
ENCODED = Planted(
    path="deploy/secret.yaml",
    line=4,
    column=9,
    start=90,
    end=150,
    host="db.platform",
    key="URL",
    pointer="/0/data/URL",
    style="url",
    purposes=("runtime",),
    encoded="base64",
)
TRUTH = Truth(
    3,
    [SITE, ENCODED],
    [
        Decoy("deploy/api.yaml", 3, 30, 40, "a comment"),
        Decoy("chart/x.yaml", 5, 60, 70, "a reference", neutral=True),
    ],
)
REPORT: dict[str, Any] = {
    "sites": [
        {
            **{"path": "deploy/api.yaml", "line": 12, "column": 20, "host": "db.platform"},
            **{"key": "DATABASE_URL", "purpose": "migration"},
            **{"pointer": "/0/spec/x", "span": [200, 211]},
        },
        {
            **{"path": "deploy/secret.yaml", "line": 4, "column": 9, "host": "db.platform"},
            **{"key": "URL", "purpose": "runtime", "pointer": "/0/data/URL", "span": None},
        },
    ],
    "consumers": [
        {
            **{"id": "Deployment/app/api/api", "environment": "local", "purpose": "runtime"},
            "sites": ["deploy/api.yaml:12:20:DATABASE_URL"],
        }
    ],
}


def test_a_report_that_is_right() -> None:
    found = score(TRUTH, REPORT)
    assert found.is_right
    assert found.summary() == "recall 2/2, 0 described wrongly, 0 that are no sites"


def test_a_site_that_is_not_reported_is_missed() -> None:
    report = {**REPORT, "sites": REPORT["sites"][1:]}
    found = score(TRUTH, report)
    assert (found.missed, found.wrong, found.false) == (["deploy/api.yaml:12 DATABASE_URL"], [], [])
    assert not found.is_right


@pytest.mark.parametrize(
    ("field", "value"),
    [("line", 13), ("column", 21), ("host", "db"), ("path", "deploy/other.yaml")],
)
def test_a_site_elsewhere_is_missed_and_false(field: str, value: Any) -> None:
    report = copy.deepcopy(REPORT)
    report["sites"][0][field] = value
    found = score(TRUTH, report)
    assert found.missed == ["deploy/api.yaml:12 DATABASE_URL"]
    assert len(found.false) == 1
    assert found.found == 1
    assert "missed deploy/api.yaml:12" in found.summary()


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("purpose", "backup", "purpose backup, is runtime"),
        ("pointer", "/0/spec/y", "pointer /0/spec/y, is /0/spec/x"),
        ("span", [201, 212], "bytes [201, 212], are [200, 211]"),
        ("span", None, "bytes None, are [200, 211]"),
    ],
)
def test_a_site_that_is_described_wrongly(field: str, value: Any, problem: str) -> None:
    report = copy.deepcopy(REPORT)
    report["sites"][0][field] = value
    assert score(TRUTH, report).wrong == [f"deploy/api.yaml:12 {problem}"]


def test_readers_are_compared_with_environment_and_purpose() -> None:
    report = copy.deepcopy(REPORT)
    report["consumers"][0]["environment"] = "staging"
    assert score(TRUTH, report).wrong == [
        "deploy/api.yaml:12 reader Deployment/app/api/api (local) is missing",
        "deploy/api.yaml:12 reader Deployment/app/api/api (staging) is none",
    ]
    report["consumers"][0].update(environment="local", purpose="backup")
    assert score(TRUTH, report).wrong == [
        "deploy/api.yaml:12 reader Deployment/app/api/api is backup, should be ['runtime']"
    ]


@pytest.mark.parametrize(
    ("path", "line", "false"),
    [
        pytest.param("deploy/api.yaml", 3, ["deploy/api.yaml:3 a comment"], id="a decoy"),
        pytest.param("a.md", 1, ["a.md:1 not in the truth"], id="nothing that was planted"),
        pytest.param("chart/x.yaml", 5, [], id="a bare reference counts neither way"),
    ],
)
def test_what_is_reported_beside_the_truth(path: str, line: int, false: list[str]) -> None:
    report = copy.deepcopy(REPORT)
    more = {"path": path, "line": line, "column": 1, "host": "x", "key": "k", "purpose": "runtime"}
    report["sites"].append(more)
    assert score(TRUTH, report).false == false
