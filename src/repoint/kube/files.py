"""The repository's parsed files, looked up the way kustomize and Flux look them up."""

from __future__ import annotations

import posixpath
import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from itertools import islice, takewhile

from repoint.formats.base import FileKind, ParsedFile, Scalar
from repoint.formats.read import read_embedded
from repoint.formats.shelf import Shelf

KUSTOMIZATION_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_FETCHED = re.compile(
    r"(?i)^(?:[a-z][a-z0-9+.-]*://|git::|gh:|[a-z0-9-]+@|(?:www\.)?github\.com[:/])|_git/"
)
_REMOTE = re.compile(r"(?i)^[\w.-]+\.[a-z]{2,}/|\?ref=")


def normal(path: str) -> str:
    """A path relative to the root, without `.` and inner `..`; the root is empty."""
    cleaned = posixpath.normpath(path.strip().lstrip("/") or ".")
    return "" if cleaned == "." else cleaned


def join(directory: str, relative: str) -> str:
    """`relative` as seen from `directory`, normalised."""
    return normal(posixpath.join(directory, relative.strip()))


def _rank(name: str) -> int:
    return KUSTOMIZATION_NAMES.index(name)


def is_fetched(reference: str) -> bool:
    """Whether kustomize takes a reference for an address even where a folder is called so."""
    return bool(_FETCHED.search(reference))


def is_remote(reference: str) -> bool:
    """Whether a kustomize reference names something outside the repository, as far as it shows."""
    return is_fetched(reference) or bool(_REMOTE.search(reference))


class FileIndex:
    """Parsed files by path, with the directories they make.

    `known` lists paths that exist but were not parsed (images, source code, text), so
    that a reference to one is told from a reference to nothing.
    """

    def __init__(self, files: Mapping[str, ParsedFile], known: Iterable[str] = ()) -> None:
        self.files = files
        self._known = frozenset(known) | files.keys()
        self._dirs: set[str] = {""}
        self._children: dict[str, list[str]] = {}
        self._sorted = sorted(self._known)
        self._kustomizations: dict[str, str] = {}
        for path in self._sorted:
            directory, _, name = path.rpartition("/")
            self._children.setdefault(directory, []).append(path)
            if name in KUSTOMIZATION_NAMES and path in files:
                known_path = self._kustomizations.get(directory, "")
                if not known_path or _rank(name) < _rank(known_path.rpartition("/")[2]):
                    self._kustomizations[directory] = path
            while directory and directory not in self._dirs:
                self._dirs.add(directory)
                directory = posixpath.dirname(directory)
        self._embedded: dict[int, tuple[Scalar, ParsedFile]] = {}

    def get(self, path: str) -> ParsedFile | None:
        """The parsed file at `path`, or None."""
        return self.files.get(path)

    def problem(self, path: str) -> str:
        """Why the file at `path` could not be read, or not whole; empty where there is none."""
        if isinstance(self.files, Shelf):
            return self.files.problem(path) if path in self.files else ""
        parsed = self.files.get(path)
        return parsed.problem if parsed is not None else ""

    def holding(self, *words: str) -> tuple[str, ...]:
        """The paths of files whose text holds one of `words`, sorted, without parsing them.

        `words` are of `repoint.formats.shelf.WORDS`: what no file of that sort can be without.
        """
        if isinstance(self.files, Shelf):
            return self.files.holding(*words)
        found = (path for path, one in self.files.items() if any(w in one.text for w in words))
        return tuple(sorted(found))

    def says(self, word: str) -> bool:
        """Whether the text of any file holds a word as it is, told without parsing one."""
        if isinstance(self.files, Shelf):
            return self.files.says(word)
        return any(word in one.text for one in self.files.values())

    def may_say(self, path: str, words: Iterable[str]) -> bool:
        """Whether a scalar of a file may be one of `words`, told without parsing the file."""
        if isinstance(self.files, Shelf):
            return self.files.may_say(path, words)
        text = self.files[path].text
        return "\\" in text or any(word in text for word in words)

    def exists(self, path: str) -> bool:
        """Whether a file stands at `path`."""
        return path in self._known

    def is_dir(self, path: str) -> bool:
        """Whether `path` is a directory that holds files."""
        return path in self._dirs

    def children(self, directory: str) -> tuple[str, ...]:
        """The files directly in a directory, sorted."""
        return tuple(self._children.get(directory, ()))

    def under(self, directory: str) -> tuple[str, ...]:
        """Every file below a directory, sorted."""
        prefix = f"{directory}/" if directory else ""
        first = bisect_left(self._sorted, prefix)
        rest = islice(self._sorted, first, None)
        return tuple(takewhile(lambda path: path.startswith(prefix), rest))

    def directories(self) -> tuple[str, ...]:
        """Every directory, sorted; the root is the empty string."""
        return tuple(sorted(self._dirs))

    def kustomization_in(self, directory: str) -> str | None:
        """The kustomization file of a directory, or None."""
        found = self._kustomizations.get(directory)
        return found or self._kustomizations.get(normal(directory))

    def kustomized(self) -> tuple[str, ...]:
        """Every directory that has a kustomization file, sorted."""
        return tuple(sorted(self._kustomizations))

    def in_chart(self, path: str) -> bool:
        """Whether a file belongs to a chart and is none of its templates, as values files do."""
        parts = path.split("/")[:-1]
        above = ("/".join((*parts[:size], "Chart.yaml")) for size in range(len(parts), -1, -1))
        return "templates" not in parts and any(self.exists(one) for one in above)

    def embedded(self, path: str, scalar: Scalar) -> ParsedFile:
        """The tree of YAML or JSON text that is itself a scalar of `path`."""
        known = self._embedded.get(id(scalar))
        if known is None:
            block = scalar.style in ("literal", "folded")
            parsed = read_embedded(
                path,
                scalar.text,
                scalar.map,
                FileKind.YAML,
                first_line=scalar.line + 1 if block else scalar.line,
            )
            known = self._embedded[id(scalar)] = (scalar, parsed)
        return known[1]
