"""The files of a repository, each parsed when it is first asked for.

Most files of a repository can neither hold a site nor tell anything of one. They stand here by
their names, so that a reference to one is found, and cost nothing until somebody opens them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from repoint.formats.base import ParsedFile
from repoint.formats.read import plain_text, read_file

WORDS = ("kind", "services")
"""What the text of a file says that others may depend on: a manifest's, a compose file's key."""

MOST_TEXT = 512 * 1024
"""Characters of the files whose trees stand on a shelf at once."""

_BYTES = {word: word.encode() for word in WORDS}


class Shelf(Mapping[str, ParsedFile]):
    """Parsed files by path; iterating over the paths parses nothing.

    `texts` are the bytes of the files that may matter: those that hold one of `WORDS` must be
    among them. `others` are paths whose bytes `read` gives when they are asked for.
    Trees take more than ten times the room of their texts: of a large repository only so many
    stand at once, and one that went is parsed once more when it is asked for again.
    """

    def __init__(
        self,
        texts: Mapping[str, bytes],
        others: Iterable[str] = (),
        read: Callable[[str], ParsedFile] | None = None,
    ) -> None:
        self._texts = texts
        self._read = read
        self._names = sorted({*texts, *others})
        self._known = frozenset(self._names)
        self._parsed: dict[str, ParsedFile] = {}
        self._problems: dict[str, str] = {}
        self._room = MOST_TEXT
        self._asked: tuple[str, str | None] = ("", None)

    def __getitem__(self, path: str) -> ParsedFile:
        parsed = self._parsed.get(path)
        if parsed is None:
            parsed = self._parsed[path] = self._open(path)
            self._room -= len(parsed.text)
            while self._room < 0 and len(self._parsed) > 1:
                self._room += len(self._parsed.pop(next(iter(self._parsed))).text)
        return parsed

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, path: object) -> bool:
        return path in self._known

    def passing(self, path: str) -> ParsedFile:
        """A file for a single look: parsed, and not kept unless somebody had asked for it."""
        return self._parsed.get(path) or self._open(path)

    def text(self, path: str) -> str:
        """The text of a file, which is not parsed for it."""
        raw = self._texts.get(path)
        if raw is None or path in self._parsed:
            return self[path].text
        if self._asked[0] != path:
            # The sites of a file are asked about one after the other.
            self._asked = path, plain_text(raw)
        written = self._asked[1]
        return self[path].text if written is None else written

    def raw(self, path: str) -> bytes | None:
        """The bytes of one of `texts`; None for any other file."""
        return self._texts.get(path)

    def holding(self, *words: str) -> tuple[str, ...]:
        """Paths of the files whose bytes hold one of `words`, sorted; nothing is parsed.

        Raises:
            KeyError: a word is none of `WORDS`.
        """
        wanted = [_BYTES[word] for word in words]
        found = (p for p, raw in self._texts.items() if any(word in raw for word in wanted))
        return tuple(sorted(found))

    def holds(self, path: str, word: str) -> bool:
        """Whether one of `texts` holds one of `WORDS`; nothing is parsed."""
        return _BYTES[word] in self._texts.get(path, b"")

    def may_say(self, path: str, words: Iterable[str]) -> bool:
        """Whether a scalar of one of `texts` may be one of `words`, as it is or by an escape."""
        raw = self._texts.get(path, b"")
        return b"\\" in raw or any(word.encode() in raw for word in words)

    def says(self, word: str) -> bool:
        """Whether any of `texts` holds a word as it is; nothing is parsed."""
        wanted = word.encode()
        return any(wanted in raw for raw in self._texts.values())

    def opened_in_vain(self) -> dict[str, str]:
        """Why files that were asked for could not be read, by path; of `others` alone."""
        found = ((path, why) for path, why in self._problems.items() if why)
        return dict(sorted(one for one in found if one[0] not in self._texts))

    def problem(self, path: str) -> str:
        """Why a file could not be read, or not whole; parsed for it unless it was before."""
        if path not in self._problems:
            self._open(path)
        return self._problems[path]

    def _open(self, path: str) -> ParsedFile:
        raw = self._texts.get(path)
        if raw is not None:
            parsed = read_file(path, raw)
        elif self._read is None or path not in self._known:
            raise KeyError(path)
        else:
            parsed = self._read(path)
        self._problems[path] = parsed.problem
        return parsed


def text_of(files: Mapping[str, ParsedFile], path: str) -> str:
    """The text of a file, be it on a shelf or parsed already."""
    return files.text(path) if isinstance(files, Shelf) else files[path].text
