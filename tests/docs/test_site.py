"""The site: built strictly, whole without a network, the same twice, and readable in a browser."""

from __future__ import annotations

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from scripts.doc_pages.blocks import ROOT, pages
from scripts.site_pages import CARRIED, DOCS, navigation, relinked

pytest.importorskip("mkdocs")
LOADED = {
    **dict.fromkeys(("script", "img", "iframe", "source", "audio", "video", "embed"), "src"),
    "link": "href",
    "object": "data",
}
HARMLESS = {"canonical", "prev", "next", "alternate", "license", "author"}
PAGES = ("index", "tutorial/naytife", "explanation/alternatives", "reference/cli", "adr/index")


def build(folder: Path) -> Path:
    """The site, built as `make site` does."""
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", folder],
        cwd=ROOT,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000", "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("site"))


class Loads(HTMLParser):
    """Every address that a browser loads for a page by itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        told = dict(attributes)
        kinds = set((told.get("rel") or "").split())
        if tag in LOADED and not (tag == "link" and kinds and kinds <= HARMLESS):
            self.found.append(told.get(LOADED[tag]) or "")


def test_no_page_loads_anything_from_elsewhere(site: Path) -> None:
    seen = 0
    for page in site.rglob("*.html"):
        loads = Loads()
        loads.feed(page.read_text(encoding="utf-8"))
        for address in filter(None, loads.found):
            seen += 1
            assert not re.match(r"(?:\w+:)?//", address), (page, address)
            if not address.startswith("data:"):
                target = page.parent / address.partition("?")[0].partition("#")[0]
                assert target.exists() or page.name == "404.html", (page, address)
    assert seen > 1000
    for sheet in site.rglob("*.css"):
        text = sheet.read_text(encoding="utf-8")
        assert not re.search(r"(?:@import|url\()\s*[\"']?(?:https?:)?//", text), sheet


def test_every_page_is_in_the_site_once(site: Path) -> None:
    def listed(entries: list[Any]) -> Iterator[str]:
        for entry in entries:
            values = entry.values() if isinstance(entry, dict) else [entry]
            for value in values:
                yield from listed(value) if isinstance(value, list) else [value]

    found = list(listed(navigation(ROOT / DOCS)))
    wanted = [page.removeprefix("docs/") for page in pages() if page.startswith("docs/")]
    assert sorted(found) == sorted([*wanted, *CARRIED.values()])
    for page in found:
        html = re.sub(r"(?:README|index)\.md$", "index.md", page).removesuffix(".md") + ".html"
        assert (site / html).is_file(), page


@pytest.mark.slow
def test_two_builds_are_alike(site: Path, tmp_path: Path) -> None:
    assert digests(site) == digests(build(tmp_path))


def digests(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("text", "source", "shown"),
    [
        ("[a](b.md#c)", "docs/how-to/x.md", "[a](b.md#c)"),
        ("[a](../../CHANGELOG.md)", "docs/how-to/x.md", "[a](../project/changelog.md)"),
        ("[a](docs/adr/0001-lock-file.md)", "SECURITY.md", "[a](../adr/0001-lock-file.md)"),
        ("[STYLE.md](STYLE.md)", "CONTRIBUTING.md", "[STYLE.md](style.md)"),
        (
            "[the example](../../examples/naytife)",
            "docs/a/b.md",
            "the example (`examples/naytife`)",
        ),
        ("[`examples/x`](../../examples/x)", "docs/a/b.md", "`examples/x`"),
        ("[a](https://example.org/b.md)", "docs/x.md", "[a](https://example.org/b.md)"),
        ("[a](#b)", "docs/x.md", "[a](#b)"),
        ("```sh\n[a](../README.md)\n```\n", "docs/x.md", "```sh\n[a](../README.md)\n```\n"),
        ("    [a](../README.md)\n", "docs/x.md", "    [a](../README.md)\n"),
    ],
)
def test_links_out_of_the_documentation_become_what_the_site_has(
    text: str, source: str, shown: str
) -> None:
    assert relinked(text, source) == shown


def test_addresses_elsewhere_have_a_form_that_can_be_right() -> None:
    found = {
        (page, address)
        for page in pages()
        for address in re.findall(r"https?://[^\s)`>\"']+", (ROOT / page).read_text("utf-8"))
    }
    linked = re.compile(r"https://(?:[\w-]+\.)+[a-z]{2,}(?:/[\w./~%#?=&+@:-]*)?")
    local = re.compile(r"http://(?:localhost|127\.0\.0\.1)(?::\d+)?(?:/.*)?|https://\.\.\.")
    wrong = [one for one in sorted(found) if not (linked.fullmatch(one[1]) or local.match(one[1]))]
    assert not wrong
    assert any("github.com" in address for _, address in found)


def test_the_evidence_of_a_rule_leads_to_its_rows(site: Path) -> None:
    rule = (site / "reference/rules/RP211.html").read_text(encoding="utf-8")
    facts = (site / "explanation/facts.html").read_text(encoding="utf-8")
    assert 'href="../../explanation/facts.html#SP1"' in rule
    assert 'id="SP1"' in facts


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_pages_open_from_disk_fit_the_screen_and_are_found(
    site: Path, chromium: Any, width: int, scheme: str
) -> None:
    page = chromium.new_context(
        viewport={"width": width, "height": 844}, color_scheme=scheme
    ).new_page()
    told: list[str] = []
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for name in PAGES:
        page.goto((site / f"{name}.html").as_uri())
        page.locator("h1").first.wait_for()
        assert page.evaluate("document.scrollingElement.scrollWidth") <= width, name
        shade = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", shade)[:3])) > 380) == (scheme == "light"), shade
    if width < 1000:
        page.locator("label.md-header__button[for=__search]").click()
    page.locator("input.md-search__input").press_sequentially("advisory lock")
    page.locator(".md-search-result__item").first.wait_for()
    assert page.locator(".md-search-result__item").count() > 3
    page.locator(".md-search-result__link").first.click()
    page.locator("mark[data-md-highlight]").first.wait_for()
    assert told == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
