"""Hooks of MkDocs: the navigation from the index pages, and links that lead out of docs/.

Nothing is listed twice: `docs/README.md` is the front page, its headings are the tabs, and an
index page that it links to (a `README.md` or `index.md`) brings its own links. A page that no
index names is an error of a strict build.

Pages are written for people who read them in the repository. So a link to a page beside docs/
(CHANGELOG.md, ...) leads to a copy in the site, and one to a folder or a source file, of which
the site has none, becomes its path. The evidence of a rule leads to the rows that it names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parent.parent
DOCS = "docs"
FRONT = "README.md"
INDEXES = ("README.md", "index.md")
CARRIED = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "SECURITY.md": "project/security.md",
    "STYLE.md": "project/style.md",
}
"""Pages beside docs/ that the site has too: path in the repository, path in the site."""

ROWS = ("explanation/facts.md", "explanation/conformance.md")
"""Pages with tables of rows that rules cite by their id."""

_ROW = re.compile(r"^\| ([A-Z]{1,2}\d+) \|", re.MULTILINE)
_EVIDENCE = re.compile(r"^- ([A-Z]{1,2}\d+)$", re.MULTILINE)
_LINK = re.compile(r"(?<!!)\[(?P<text>(?:[^\]\[]|\[[^\]]*\])*)\]\((?P<target>[^)\s]+)\)")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^## +(?P<title>.+)$")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill in the navigation."""
    config.nav = navigation(Path(config.docs_dir))
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie beside docs/."""
    from mkdocs.structure.files import File

    for source, page in CARRIED.items():
        text = relinked((ROOT / source).read_text(encoding="utf-8"), source)
        files.append(File.generated(config, page, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links that lead out of docs/ into ones that the site has."""
    source = page.file.src_uri
    if source in CARRIED.values():
        return markdown
    text = relinked(markdown, f"{DOCS}/{source}")
    return with_evidence(text, source, evidence_rows(Path(config.docs_dir)))


def with_evidence(text: str, source: str, rows: Mapping[str, str]) -> str:
    """A page on which each row of facts has an anchor, and a rule's evidence leads to its rows."""
    if source in ROWS:
        return _ROW.sub(r'| <span id="\1"></span>\1 |', text)
    if not source.startswith("reference/rules/"):
        return text

    def link(found: re.Match[str]) -> str:
        page = rows.get(found[1])
        return f"- [{found[1]}](../../{page}#{found[1]})" if page else found[0]

    return _EVIDENCE.sub(link, text)


@cache
def evidence_rows(docs: Path) -> dict[str, str]:
    """The page of every row that rules cite, by its id."""
    return {
        row: page
        for page in ROWS
        for row in _ROW.findall((docs / page).read_text(encoding="utf-8"))
    }


def navigation(docs: Path) -> list[Any]:
    """MkDocs' `nav`: the front page, then one tab for each of its headings."""
    tabs: list[Any] = [{"Start": FRONT}]
    for title, links in _sections(docs / FRONT):
        entries = [entry for text, path in links for entry in _entries(docs, text, path)]
        if title:
            tabs.append({title: entries})
    return tabs


def _entries(docs: Path, text: str, path: str) -> Iterator[Any]:
    """A page; of an index page itself, then what it leads to under its headings."""
    folder, _, name = path.rpartition("/")
    if name not in INDEXES:
        yield {text: path}
        return
    inner: list[Any] = [path]
    for title, links in _sections(docs / path):
        pages: list[Any] = [
            entry
            for label, target in links
            for entry in _entries(docs, label, posixpath.normpath(f"{folder}/{target}"))
        ]
        inner += [{title: pages}] if title and pages else pages
    yield {text: inner}


def _sections(page: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The pages an index leads to, each once, by its headings; those above the first have none."""
    seen: set[str] = set()
    top = page.parent.name == DOCS
    title, links = "", list[tuple[str, str]]()
    for line in page.read_text(encoding="utf-8").splitlines():
        if heading := _HEADING.match(line):
            yield title, links
            title, links = heading["title"], []
            continue
        for found in _LINK.finditer(line):
            target = found["target"]
            target = CARRIED.get(target.removeprefix("../"), target) if top else target
            if (
                target.endswith(".md")
                and not target.startswith(("..", "http"))
                and target not in seen
            ):
                seen.add(target)
                links.append((found["text"].strip("`"), target))
    yield title, links


def relinked(text: str, source: str) -> str:
    """A page of the repository with its links as the site needs them; code stays as it is."""
    fence = ""
    lines = []
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if mark and (not fence or line.lstrip().startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and not line.startswith("    "):
            line = _LINK.sub(lambda found: _relinked(found, source), line)
        lines.append(line)
    return "".join(lines)


def _relinked(link: re.Match[str], source: str) -> str:
    target, hash_, anchor = link["target"].partition("#")
    if not target or "://" in target or target.startswith("mailto:"):
        return link[0]
    path = posixpath.normpath(posixpath.join(posixpath.dirname(source), target))
    here = posixpath.dirname(_in_site(source))
    if path in CARRIED or path.startswith(f"{DOCS}/"):
        return f"[{link['text']}]({posixpath.relpath(_in_site(path), here or '.')}{hash_}{anchor})"
    plain = link["text"].strip("`")
    return f"`{path}`" if plain == path else f"{link['text']} (`{path}`)"


def _in_site(path: str) -> str:
    return CARRIED.get(path, path.removeprefix(f"{DOCS}/"))
