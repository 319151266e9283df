"""Named templates that are whole objects: a library chart's Deployment, which others include."""

from __future__ import annotations

import re
from collections.abc import Mapping

from repoint.formats.base import FileKind, ParsedFile
from repoint.formats.source import Source
from repoint.kube.files import FileIndex

_KIND = re.compile(r"^kind:", re.MULTILINE)


def whole_objects(
    index: FileIndex, named: Mapping[str, tuple[str, int, int]]
) -> tuple[ParsedFile, ...]:
    """The files of the named templates that stand for whole manifests, read as such.

    What is not such a template is blank, so that every place is the file's own. `named` are
    templates that files without an object of their own include, with file, first and last line.
    """
    by_path: dict[str, list[tuple[int, int]]] = {}
    for path, first, last in named.values():
        by_path.setdefault(path, []).append((first, last))
    found = []
    for path, ranges in by_path.items():
        parsed = index.get(path)
        if parsed is not None:
            found += _read(parsed, sorted(ranges))
    return tuple(found)


def _read(parsed: ParsedFile, ranges: list[tuple[int, int]]) -> list[ParsedFile]:
    from repoint.formats.yaml_file import read_yaml

    lines = parsed.text.splitlines(keepends=True)
    kept = [_blank(line) for line in lines]
    for first, last in ranges:
        body = lines[first:last]
        if _KIND.search("".join(body)):
            kept[first:last] = body
            kept[first - 1] = "---" + kept[first - 1][3:] if len(lines[first - 1]) > 3 else "\n"
    text = "".join(kept)
    if not _KIND.search(text):
        return []
    yaml = read_yaml(Source(text, parsed.map), template=True)
    return [ParsedFile(parsed.path, FileKind.HELM_TEMPLATE, text, parsed.map, yaml.documents)]


def _blank(line: str) -> str:
    body = line.rstrip("\r\n")
    return " " * len(body) + line[len(body) :]
