"""Where a finding stands, for programs that mark places in files: SARIF and annotations."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from repoint.errors import RepointError
from repoint.model.plan import Finding
from repoint.planning.config import CONFIG_NAME
from repoint.ports.repository import Tree

_TOKEN = re.compile(r"[\w.-]+")
_SEALED = "ENC["
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_BUILDS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of one line; lines and columns start at 1 and columns count code points.

    `path` is relative to the top of the work tree. `line` is 0 where nothing tells it; `end` is
    the column after the last, 0 where the stretch is not known.
    """

    path: str
    line: int = 0
    column: int = 0
    end: int = 0


class Places:
    """Places in the files of `tree`, whose folder is `prefix` below the top of the work tree.

    `prefix` is empty or ends with a slash.
    """

    def __init__(self, tree: Tree, prefix: str = "") -> None:
        self._tree = tree
        self._prefix = prefix
        self._lines: dict[str, list[str]] = {}

    def of(self, finding: Finding) -> Place | None:
        """The host or the value that a finding is about, else its line.

        A finding without a place is shown at its environment in repoint.yaml; None where there is
        no such file.
        """
        where = finding.location
        if where is None or not where.path:
            return self._configured(finding.environment)
        path = self._file(where.path)
        return self._stretch(path, where.line, where.column)

    def file(self, path: str) -> Place:
        """A file as a whole."""
        return Place(self._prefix + self._file(path))

    def _file(self, path: str) -> str:
        """The file to show: of an overlay's folder what builds it."""
        if self._tree.exists(path):
            return path
        inside = (f"{path.rstrip('/')}/{name}" for name in _BUILDS)
        return next(filter(self._tree.exists, inside), path)

    def _configured(self, environment: str) -> Place | None:
        if not self._tree.exists(CONFIG_NAME):
            return None
        pattern = re.compile(rf"""\s+["']?{re.escape(environment)}["']?\s*:""")
        lines = self._read(CONFIG_NAME)
        found = (n for n, line in enumerate(lines, 1) if environment and pattern.match(line))
        return self._stretch(CONFIG_NAME, next(found, 1), 1)

    def _stretch(self, path: str, line: int, column: int) -> Place:
        """The word that begins at the column; the line where none does, or column 1 tells nothing.

        The text itself is never shown: a password may stand beside.
        """
        lines = self._read(path)
        if not 1 <= line <= len(lines):
            return Place(self._prefix + path)
        text = lines[line - 1]
        word = _TOKEN.match(text, column - 1) if column > 1 else None
        if word and (_SEALED in text or _TOKEN.match(text, column - 2)):
            word = None  # The column counts in what was opened or decoded.
        start, end = word.span() if word else _span(text)
        if start == end:
            return Place(self._prefix + path, line)
        return Place(self._prefix + path, line, start + 1, end + 1)

    def _read(self, path: str) -> list[str]:
        if path not in self._lines:
            try:
                raw = self._tree.glance(path)
            except RepointError:
                raw = b""
            wide = raw.startswith(_WIDE)
            text = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")
            self._lines[path] = text.split("\n") if text else []
        return self._lines[path]


def _span(line: str) -> tuple[int, int]:
    """A line without the blanks at its ends."""
    return len(line) - len(line.lstrip()), len(line.rstrip()) if line.strip() else 0
