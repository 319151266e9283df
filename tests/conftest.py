"""What all tests share: small hypothesis runs, and a home that is nobody's."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

pytest_plugins = [
    "tests.leaks.plugin",
    "tests.fix_golden",
    "tests.browser.fix_browser",
    "tests.servers.fix_lab",
    "tests.servers.fix_drivers",
    "tests.cluster.fix_api",
    "tests.cluster.fix_world",
]

settings.register_profile(
    "small", max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("large", parent=settings.get_profile("small"), max_examples=2000)
# CI must give the same answer twice; people and `HYPOTHESIS_PROFILE=large` search anew.
settings.register_profile("ci", parent=settings.get_profile("small"), derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if "CI" in os.environ else "small"))

# A shell starts what it puts into the background deaf to Ctrl-C, and `nohup` to a closed terminal;
# whatever tests start would be deaf as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

_UNSET = ("NO_COLOR", "REPOINT_DEBUG", "REPOINT_SOPS", "REPOINT_KUBECTL", "SOPS_AGE_KEY")


@pytest.fixture(scope="session", autouse=True)
def clean_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep the developer's settings out of the tests, and the tests out of their home."""
    patch = pytest.MonkeyPatch()
    for name in _UNSET:
        patch.delenv(name, raising=False)
    if "REPOINT_CACHE" not in os.environ:
        # Fetched programs are found all the same; answers are kept where a test asks for it.
        patch.setenv("REPOINT_CACHE", "off")
    patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
    patch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    for who in ("AUTHOR", "COMMITTER"):
        patch.setenv(f"GIT_{who}_NAME", "test")
        patch.setenv(f"GIT_{who}_EMAIL", "test@example.org")
    yield
    patch.undo()
