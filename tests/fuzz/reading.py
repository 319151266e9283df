"""Properties of readers and detectors: they never raise, and every span is true."""

from __future__ import annotations

from itertools import islice

from repoint.errors import ConfigError
from repoint.formats.base import ParsedFile, TextMap, leaves
from repoint.formats.json_rows import read_rows
from repoint.formats.json_text import read_tolerant
from repoint.formats.kinds import kind_of
from repoint.formats.read import read_embedded, read_file
from repoint.formats.yaml_lines import read_lines
from repoint.formats.yaml_marks import read_stream
from repoint.model.consumer import Site
from repoint.planning.config import load_config
from repoint.sites.detect import detect, detect_value
from tests.unit.formats.reading import outlines, source

NAMES = {
    "yaml": "a.yaml",
    "compose": "docker-compose.yml",
    "helm": "charts/a/templates/x.yaml",
    "json": "m.json",
    "hcl": "a.tf",
    "shell": "run.sh",
    "make": "Makefile",
    "dotenv": ".env",
    "ini": "pgbouncer.ini",
    "toml": "a.toml",
    "properties": "application.properties",
    "dockerfile": "Dockerfile",
    "xml": "a.xml",
    "pgpass": ".pgpass",
    "text": "Jenkinsfile",
}
"""A file of each kind, by the target's name."""

_MOST_REPEATED = 400_000


def read(path: str, raw: bytes) -> None:
    """A file of any bytes is read, twice in the same way, with true spans and sites.

    Raises:
        AssertionError: one of these does not hold.
    """
    parsed = read_file(path, raw)
    assert _outline(parsed) == _outline(read_file(path, raw)), "read twice, it differs"
    check_runs(parsed, raw)
    assert "canary-" not in parsed.problem, "a problem quotes the file"
    sites = detect(parsed)
    assert sites == detect(parsed), "the sites differ the second time"
    check_sites(sites, raw)
    kind = kind_of(path, raw[:1024])
    if kind is not None and parsed.text:
        embedded = read_embedded(path, parsed.text, TextMap(()), kind, first_line=7)
        assert len(embedded.documents) == len(parsed.documents)


def plain_yaml(raw: bytes) -> None:
    """The reader of plain YAML leaves a text to libyaml, or reads it as that does."""
    text = raw.decode(errors="replace")
    found = read_lines(source(text))
    if found is not None:
        stream = read_stream(source(text))
        assert (stream.problem, stream.template) == ("", False), "libyaml refuses it"
        assert outlines(found) == outlines(stream.documents), "libyaml reads it differently"


def strict_json(raw: bytes) -> None:
    """The reader of strict JSON leaves a text to the other one, or reads it as that does."""
    text = raw.decode(errors="replace")
    found = read_rows(source(text))
    if found is not None:
        other = read_tolerant(source(text))
        assert (other.problem, other.comments) == ("", []), "the other reader refuses it"
        assert outlines(found) == outlines(other.documents), "the other reads it differently"


def sealed_value(raw: bytes) -> None:
    """A decrypted value gives sites that have no bytes."""
    text = raw.decode(errors="replace")
    for site in detect_value("s.yaml", "/0/stringData/DB_HOST", 4, 3, "DB_HOST", text):
        assert site.sealed
        assert site.host.span is None


def settings(raw: bytes) -> None:
    """repoint.yaml of any bytes is read or refused, and no value is told."""
    text = raw.decode(errors="replace")
    try:
        load_config(text)
    except ConfigError as error:
        assert error.hints
        told = " ".join((error.message, *error.hints))
        keys = {
            leaf.scalar.text
            for leaf in leaves(read_file("a.yaml", raw).documents, keys=True)
            if leaf.is_key
        }
        spelled = any("canary-" in key for key in keys)
        assert spelled or "canary-" not in told, "an error quotes a value"
        assert "\n" not in error.message
        assert "repoint.yaml" in error.message


def check_runs(parsed: ParsedFile, raw: bytes) -> None:
    """Every mapped piece stands in the file, inside its scalar's span, and in its text."""
    lines = raw.count(b"\n") + raw.count(b"\r") + 1
    lines += raw.count("\u0085".encode()) + raw.count("\u2028".encode()) * 2
    seen: set[int] = set()
    for leaf in leaves(parsed.documents, keys=True):
        scalar = leaf.scalar
        if id(scalar) in seen:
            continue
        seen.add(id(scalar))
        assert 0 <= scalar.span.start <= scalar.span.end <= len(raw), leaf.pointer
        assert 1 <= scalar.line <= lines + 1, leaf.pointer
        for at, place, piece in scalar.map.runs:
            data = piece.encode()
            assert raw[place : place + len(data)] == data, leaf.pointer
            assert scalar.text[at : at + len(piece)] == piece, leaf.pointer
            assert scalar.span.start <= place, leaf.pointer
            assert place + len(data) <= scalar.span.end, leaf.pointer
    for comment in parsed.comments:
        assert 0 <= comment.start < comment.end <= len(raw), "a comment outside the file"


def check_sites(sites: tuple[Site, ...], raw: bytes) -> None:
    """Every part of every site is exactly its bytes."""
    for site in sites:
        assert site.host.text
        assert 1 <= site.location.line <= raw.count(b"\n") + raw.count(b"\r") + 1
        for part in (site.host, site.port, *(part for _, part in site.params)):
            if part is not None and part.span is not None:
                assert raw[part.span.start : part.span.end] == part.text.encode()


def _outline(parsed: ParsedFile) -> list[object]:
    found: list[object] = [parsed.problem, parsed.masked, parsed.sealed, parsed.comments]
    for leaf in islice(leaves(parsed.documents, keys=True), _MOST_REPEATED):
        scalar = leaf.scalar
        found.append((leaf.path, leaf.is_key, scalar.text, scalar.span, scalar.line, scalar.style))
    return found
