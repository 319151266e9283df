#!/usr/bin/env python3
"""Pictures of an HTML report, to be looked at: each part, on a phone and a desk, light and dark.

    python -m scripts.report_pictures report.html pictures/

Chromium comes with `scripts/browser.sh`.
"""

from __future__ import annotations

import argparse
import os
import shutil
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

WIDTHS = {"phone": 360, "desk": 1366}


def take(page: Page, folder: Path, name: str) -> int:
    """Save what stands on the screen at the top of each part.

    Returns:
        How many pictures it are.
    """
    parts = page.locator("main > section[id]").evaluate_all("all => all.map(one => one.id)")
    for number, part in enumerate(parts):
        page.evaluate("id => document.getElementById(id).scrollIntoView()", part)
        page.screenshot(path=folder / f"{name}-{number:02}-{part}.png")
    return len(parts)


def run() -> None:
    """Open the report in each way, and save its pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    taken = 0
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=arguments)
        for width_name, width in WIDTHS.items():
            for scheme in ("light", "dark"):
                page = browser.new_page(
                    viewport={"width": width, "height": 900},
                    color_scheme="dark" if scheme == "dark" else "light",
                    reduced_motion="reduce",
                )
                page.goto(given.report.resolve().as_uri())
                taken += take(page, given.folder, f"{width_name}-{scheme}")
        browser.close()
    print(f"{taken} pictures in {given.folder}")


if __name__ == "__main__":
    run()
