"""Golden files: compared byte for byte; `--update-golden` writes them and fails that run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

FOLDER = Path(__file__).with_name("golden")
Golden = Callable[[str, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the flag that rewrites golden files."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write golden files that differ, and fail, so that the change is reviewed",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """Compare a text with the golden file of a name, `<case>/<file>`."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(name: str, text: str) -> None:
        path = FOLDER / name
        known = path.read_bytes() if path.exists() else None
        if known == text.encode():
            return
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
            pytest.fail(f"tests/golden/{name} was rewritten: review the change, then run again")
        assert text == (known or b"").decode(), f"tests/golden/{name} differs: --update-golden"

    return compare
