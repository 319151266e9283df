"""Files in, sites out: hits beside as many look-alikes that must stay silent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.formats.read import read_file
from repoint.model.consumer import Site
from repoint.sites.detect import detect

TABLES = sorted(Path(__file__).parent.glob("tables/*.txt"))


def rows(table: Path) -> Iterator[pytest.ParameterSet]:
    """The cases of a table: a title, a file name, its text, the sites it must give."""
    for case in table.read_text(encoding="utf-8").split("\n=== ")[1:]:
        title, _, rest = case.partition("\n")
        path, _, body = rest.partition("\n")
        text, _, expected = body.partition("\n--->")
        sites = [line.strip() for line in expected.splitlines() if line.strip()]
        yield pytest.param(path.strip(), text + "\n", sites, id=f"{table.stem}: {title.strip()}")


def shown(site: Site) -> str:
    """A site as the tables write it."""
    cells = (
        site.location.line, site.style.value, site.key, site.host.text,
        site.port.text if site.port else None, site.database, site.user, site.schema,
    )  # fmt: skip
    return " ".join("-" if cell is None else str(cell) for cell in cells)


@pytest.mark.parametrize(
    ("path", "text", "expected"), [row for table in TABLES for row in rows(table)]
)
def test_file_gives_exactly_these_sites(path: str, text: str, expected: list[str]) -> None:
    raw = text.encode()
    sites = detect(read_file(path, raw))

    assert [shown(site) for site in sites] == expected
    assert "canary-" not in repr(sites)
    for site in sites:
        for part in (site.host, site.port, *(part for _, part in site.params)):
            if part is not None and part.span is not None:
                assert raw[part.span.start : part.span.end].decode() == part.text
