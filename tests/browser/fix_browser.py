"""A real Chromium that reaches no network; `scripts/browser.sh` gets it, and axe-core."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_AXE = "axe-core-4.14.1/axe.min.js"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--require-browser",
        action="store_true",
        help="fail, and do not skip, a test whose Chromium or axe-core is not here",
    )


def _missing(config: pytest.Config, what: str) -> None:
    """Skip or fail, as asked."""
    told = f"{what} is not here: run scripts/browser.sh"
    if config.getoption("--require-browser"):
        pytest.fail(told)
    pytest.skip(told)


@dataclass
class Seen:
    """An open page, and what it did: messages of its console, and what it asked for."""

    page: Any
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def widths(self) -> tuple[int, int]:
        """How wide the document is, and the window."""
        found = self.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        return found[0], found[1]


Opens = Callable[..., Any]
"""`opens(path, width=, scheme=, script=)`: a context with a `Seen`."""


@pytest.fixture(scope="session")
def chromium(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The browser of this session."""
    program = next((found for name in _NAMES if (found := shutil.which(name))), "")
    if not program:
        _missing(request.config, "Chromium")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox cannot be made by root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        yield browser
        browser.close()


@pytest.fixture
def opens(chromium: Any) -> Opens:
    """What opens a file, at a width, in light or dark, with script or without."""

    @contextmanager
    def opening(
        path: Path, *, width: int = 1366, scheme: str = "light", script: bool = True, at: str = ""
    ) -> Iterator[Seen]:
        context = chromium.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            java_script_enabled=script,
            offline=True,
            reduced_motion="reduce",
        )
        page = context.new_page()
        seen = Seen(page)
        page.on("console", lambda message: seen.console.append(message.text))
        page.on("pageerror", lambda error: seen.console.append(str(error)))
        page.on("dialog", lambda dialog: seen.console.append(dialog.message))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.goto(f"{path.as_uri()}{at}")
        yield seen
        context.close()

    return opening


@pytest.fixture(scope="session")
def axe(request: pytest.FixtureRequest) -> str:
    """axe-core's program."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    place = cache / "repoint-dev" / _AXE
    if not place.is_file():
        _missing(request.config, "axe-core")
    return place.read_text(encoding="utf-8")
