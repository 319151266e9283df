"""RP26x: probes that prove nothing, and probes that log in."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.rules.facts import EnvironmentFacts
from repoint.rules.probes import check
from tests.unit.rules.build import codes, connection, consumer, environment


def probing(key: str, *, purpose: str = "probe", route: str = "pooled") -> EnvironmentFacts:
    """One init container that runs `key`."""
    one = consumer("wait", connection(key=key), purpose=purpose, route=route)
    return environment(one)


def logging_in(facts: EnvironmentFacts) -> EnvironmentFacts:
    """The same with containers whose commands run a query."""
    return replace(facts, consumers=tuple(replace(c, logs_in=True) for c in facts.consumers))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(probing("pg_isready"), id="X8 OP1 3.1 pg_isready"),
        pytest.param(probing("/usr/bin/pg_isready"), id="X8 with a path"),
        pytest.param(probing("nc"), id="OP1 an open port"),
        pytest.param(probing("pg_isready", purpose="runtime"), id="X8 in a runtime's own script"),
    ],
)
def test_finds(facts: EnvironmentFacts) -> None:
    (finding,) = check(facts)
    assert finding.code == "RP261"
    assert "psql" in finding.hint


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(probing("psql"), id="a probe that logs in"),
        pytest.param(logging_in(probing("PGHOST")), id="psql that takes its host from a variable"),
        pytest.param(probing("pg_isready", route="direct"), id="2.1 OP1 pg_isready direct"),
        pytest.param(probing("nc", route="unchanged"), id="a probe that is not moved"),
        pytest.param(probing("DATABASE_URL", purpose="runtime"), id="a runtime"),
    ],
)
def test_leaves_alone(facts: EnvironmentFacts) -> None:
    assert codes(check(facts)) == []
