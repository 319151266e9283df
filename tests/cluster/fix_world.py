"""The fixture with a whole cluster, whose pods run real programs; see tests/cluster/world."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.cluster.fix_api import need_parts

if TYPE_CHECKING:
    from tests.cluster.world.world import World

_LOG_TAIL = 1200
_UP = pytest.StashKey["World"]()


def need_world(config: pytest.Config) -> None:
    """Skip a test where no world can be had: parts, servers, or the right to make networks."""
    need_parts(config)
    # The servers' certificates need what is only installed with repoint's extra `lab`.
    from tests.cluster.world.images import missing_servers
    from tests.cluster.world.network import may_make

    lacking = missing_servers()
    if not lacking and not may_make():
        lacking = "the right to make network namespaces (root has it)"
    if lacking and config.getoption("--require-cluster"):
        pytest.fail(f"{lacking} is not here, and --require-cluster was given", pytrace=False)
    if lacking:
        pytest.skip(f"{lacking} is not here")


@pytest.fixture(scope="module")
def world(pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world of the module's own with a copy of the example, of which nothing is deployed."""
    need_world(pytestconfig)
    from tests.cluster.world.example import copy_example
    from tests.cluster.world.world import World

    with World(copy_example(tmp_path_factory.mktemp("world") / "naytife")) as found:
        pytestconfig.stash[_UP] = found
        yield found
        del pytestconfig.stash[_UP]
    assert not found.failures()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    found = item.config.stash.get(_UP, None)
    if report.failed and found is not None and "world" in getattr(item, "fixturenames", ()):
        for name, text in found.logs().items():
            report.sections.append((name, text[-_LOG_TAIL:]))
    return report
