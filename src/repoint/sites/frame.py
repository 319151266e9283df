"""Texts in which sites stand, how they lie in the file, and how a Site is made of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from repoint.formats.base import TextMap
from repoint.model.consumer import Part, Site, Style
from repoint.model.source import Location
from repoint.sites.hosts import Slice, is_template, is_variable, literal_default

NO_MAP = TextMap(())
"""The map of a text that has no bytes of its own in the file."""

SHARED = "the value is an anchor that aliases share"


class Role(StrEnum):
    """What a file, or a text inside it, is to its reader."""

    MANIFEST = "manifest"
    COMPOSE = "compose"
    PIPELINE = "pipeline"
    HELM_VALUES = "helm-values"
    TEMPLATE = "template"
    CONFIG = "config"
    DOTENV = "dotenv"
    HCL = "hcl"
    MAKEFILE = "makefile"
    SCRIPT = "script"


class Form(StrEnum):
    """How a connection is spelled, apart from the file it stands in."""

    URL = "url"
    KEYWORD_VALUE = "keyword-value"
    JDBC = "jdbc"
    VARIABLE = "split-env"
    SETTING = "config-text"
    ARGUMENT = "cli-argument"


_OWN_STYLE = {
    Role.DOTENV: Style.DOTENV,
    Role.HCL: Style.HCL,
    Role.MAKEFILE: Style.MAKEFILE,
}
_VALUE_STYLE = {
    Role.HELM_VALUES: Style.HELM_VALUE,
    Role.TEMPLATE: Style.TEMPLATE,
    Role.CONFIG: Style.CONFIG_TEXT,
}


def style_of(role: Role, form: Form) -> Style:
    """The style of a site: the file kind's own one, else the form's."""
    if role in _OWN_STYLE:
        return _OWN_STYLE[role]
    if form is not Form.ARGUMENT and role in _VALUE_STYLE:
        return _VALUE_STYLE[role]
    return Style(form.value)


class FileView:
    """The file that sites are reported in: its path, and where its bytes stand."""

    __slots__ = ("_runs", "_starts", "path", "sealed")

    def __init__(self, path: str, text_map: TextMap = NO_MAP, *, sealed: bool = False) -> None:
        self.path = path
        self.sealed = sealed
        self._runs = text_map.runs
        self._starts: list[int] | None = None

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column, both from 1, of byte `offset`."""
        if self._starts is None:
            self._starts = [0, *self._newlines()]
        line = bisect_right(self._starts, offset)
        begin = self._starts[line - 1]
        for _, start, piece in self._runs:
            raw = piece.encode(errors="surrogateescape")
            if start <= offset <= start + len(raw):
                head = raw[max(begin - start, 0) : offset - start]
                return line, len(head.decode(errors="replace")) + 1
        return line, offset - begin + 1

    def _newlines(self) -> Iterator[int]:
        for _, start, piece in self._runs:
            raw = piece.encode(errors="surrogateescape")
            position = raw.find(b"\n")
            while position >= 0:
                yield start + position + 1
                position = raw.find(b"\n", position + 1)


class Position(Struct, frozen=True, eq=False):
    """Where a text stands: its bytes, the pointer of its scalar, its line and column.

    `line` and `column` serve where the text does not map to bytes. `offset` is where
    the text begins inside the scalar that `pointer` names.
    """

    map: TextMap
    pointer: str
    line: int
    column: int
    offset: int = 0
    display_only: str = ""

    def __repr__(self) -> str:
        return f"Position({self.pointer!r}, line {self.line})"  # the map holds the text itself


class Value:
    """A text that may hold a site, and where it stands in its file.

    Few texts hold one, so `find` is asked for the position when the first draft is made of it.
    """

    __slots__ = ("_find", "_position", "encoded", "file", "text")

    def __init__(
        self, file: FileView, text: str, find: Callable[[], Position], *, encoded: str = ""
    ) -> None:
        self.file = file
        self.text = text
        self.encoded = encoded
        self._find = find
        self._position: Position | None = None

    @property
    def position(self) -> Position:
        """Where the text stands."""
        if self._position is None:
            self._position = self._find()
        return self._position

    @property
    def map(self) -> TextMap:
        """The bytes of the text."""
        return self.position.map

    def cut(self, start: int, end: int) -> Value:
        """The part `[start, end)` of the text as a value of its own."""

        def find() -> Position:
            whole = self.position
            return replace(whole, map=whole.map.window(start, end), offset=whole.offset + start)

        return Value(self.file, self.text[start:end], find, encoded=self.encoded)

    def joined(self, text: str, runs: Iterable[tuple[int, int, int]], start: int) -> Value:
        """A text made of pieces of this one: `(offset in text, offset here, length)`."""

        def find() -> Position:
            whole = self.position
            pieces = []
            for at, place, length in runs:
                window = whole.map.window(place, place + length)
                pieces += [(at + low, byte, piece) for low, byte, piece in window.runs]
            line, column = self.place(start)
            return Position(
                TextMap(tuple(pieces)), whole.pointer, line, column, whole.offset + start,
                whole.display_only,
            )  # fmt: skip

        return Value(self.file, text, find, encoded=self.encoded)

    def decoded(self, text: str, encoded: str) -> Value:
        """What the text stands for in an encoding; none of it has bytes of its own."""

        def find() -> Position:
            line, column = self.place(0)
            return replace(self.position, map=NO_MAP, line=line, column=column)

        return Value(self.file, text, find, encoded=encoded)

    def part(self, piece: Slice) -> Part:
        """A piece of the text as a token with its bytes."""
        return Part(piece.text, self.map.span(piece.start, piece.end), self.position.pointer)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset of the text; the value's own where it has no bytes."""
        span = self.map.span(offset, min(offset + 1, len(self.text)))
        if span is not None:
            return self.file.place(span.start)
        return self.position.line, self.position.column


class Piece(Struct, frozen=True, eq=False):
    """A token of a site: the value it stands in and where."""

    value: Value
    slice: Slice

    @property
    def part(self) -> Part:
        """The token with its bytes."""
        return self.value.part(self.slice)


def whole(value: Value) -> Piece:
    """All of a value, white space around it aside, through a literal default."""
    stripped = value.text.strip()
    start = value.text.find(stripped) if stripped else 0
    return Piece(value, literal_default(Slice(stripped, start)))


def plain(text: str | None) -> str | None:
    """A literal name, through a literal default; None for an unresolved variable."""
    if text is None:
        return None
    stripped = literal_default(Slice(text.strip(), 0)).text
    if not stripped or is_variable(stripped) or is_template(stripped):
        return None
    return stripped


_SECRET_PARAMS = ("pass", "pwd", "secret", "token", "sslkey", "private", "credential")


class Draft(Struct, frozen=True, eq=False):
    """What a detector found, before it becomes a Site."""

    form: Form
    role: Role
    key: str
    host: Piece
    port: Piece | None = None
    database: str | None = None
    user: str | None = None
    schema: str | None = None
    params: tuple[tuple[str, Piece], ...] = ()
    start: int = 0
    caution: str = ""
    scheme: str = ""

    def site(self) -> Site:
        """The Site; never holds the password or a parameter that names one."""
        value = self.host.value
        line, column = value.place(self.host.slice.start)
        position = value.position
        pointer = position.pointer or f"line/{line}"
        host, port = self.host.part, self.port
        if port is not None and plain(port.slice.text) is None:
            port = None
        params = tuple(
            (name, piece.part)
            for name, piece in self.params
            if not any(word in name.lower() for word in _SECRET_PARAMS)
        )
        return Site(
            location=Location(value.file.path, line, column, pointer),
            style=style_of(self.role, self.form),
            key=self.key,
            host=host,
            port=port.part if port else None,
            database=plain(self.database),
            user=plain(self.user),
            schema=plain(self.schema),
            params=params,
            sealed=value.file.sealed,
            encoded=value.encoded,
            value_pointer=pointer,
            start=position.offset + self.start,
            display_only=position.display_only or self.caution or _why_not(value, host),
            scheme=self.scheme,
        )


def _why_not(value: Value, host: Part) -> str:
    """Why the host's bytes cannot be replaced in place, empty when they can."""
    if value.encoded or value.file.sealed or host.span is not None:
        return ""
    return "the host is escaped or folded in the file"
