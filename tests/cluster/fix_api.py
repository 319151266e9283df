"""The fixture with a real Kubernetes API; tests/cluster/conftest.py says how to use it."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pytest

from scripts.cluster import missing
from tests.cluster.control_plane import ControlPlane, running

_LOG_TAIL = 4000
_UP = pytest.StashKey[ControlPlane]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-cluster",
        action="store_true",
        help="fail, and do not skip, a test whose Kubernetes control plane is not built",
    )


def need_parts(config: pytest.Config, *names: str) -> None:
    """Skip a test whose parts are not built; without names, all of them are needed."""
    lacking = [part.name for part in missing() if not names or part.name in names]
    if not lacking:
        return
    if config.getoption("--require-cluster"):
        told = f"{', '.join(lacking)} not built, and --require-cluster was given"
        pytest.fail(told, pytrace=False)
    pytest.skip(f"{', '.join(lacking)} not built: run `make cluster`")


@pytest.fixture(scope="session")
def api(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    need_parts(pytestconfig, "etcd", "kubernetes", "kwok", "cnpg")
    with running() as plane:
        pytestconfig.stash[_UP] = plane
        yield plane
        del pytestconfig.stash[_UP]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    plane = item.config.stash.get(_UP, None)
    if report.failed and plane is not None and "api" in getattr(item, "fixturenames", ()):
        for log in sorted(plane.folder.glob("k*.log")):
            report.sections.append((log.name, log.read_text(errors="replace")[-_LOG_TAIL:]))
    return report
