"""The values a connection string is read into; offsets count characters of the text."""

from __future__ import annotations

import re
from urllib.parse import unquote

from msgspec import Struct

from repoint.dsn.params import PASSWORD_NAMES, SCHEMA_NAMES, canonical
from repoint.model.consumer import Style


class Token(Struct, frozen=True):
    """A piece of the text, exactly as written: `text == source[start:end]`."""

    text: str
    start: int
    end: int


class Param(Struct, frozen=True):
    """A parameter; the span covers its separator too (`?`, `&`, a space or `;`)."""

    name: str
    value: Token
    span_start: int
    span_end: int


class Place(Struct, frozen=True, order=True):
    """Where a pair stands: its separator at `start`, its name at `name`, its `end`."""

    start: int
    name: int
    end: int


class Dsn(Struct, frozen=True):
    """A connection string without its password, so that it can be shown.

    `scheme` is what stands before `://` (`pgsql` for PDO); for pairs without a
    scheme it is empty, and `separator` tells libpq's (a space) from ADO.NET's (`;`)
    and a call's (`,`). `hosts` and `ports` have equal lengths; a port that the text
    gives once for all hosts is repeated. `core` holds the pairs (`host=`, `port=`) that
    name the server, `params` all others; a password is in neither. `pairs` has the
    places of all of them, and `tail` is where `joint` and one more can be added.
    """

    style: Style
    start: int
    end: int
    scheme: str
    user: str | None
    has_password: bool
    hosts: tuple[Token, ...]
    ports: tuple[Token | None, ...]
    database: Token | None
    params: tuple[Param, ...]
    core: tuple[Param, ...] = ()
    separator: str = "&"
    pairs: tuple[Place, ...] = ()
    tail: int = 0
    joint: str = "?"

    @property
    def host(self) -> str:
        """The host as written, a list joined by commas, empty when none is named."""
        return ",".join(token.text for token in self.hosts)

    @property
    def port(self) -> int | None:
        """The first host's port; None when none is written or it is a variable."""
        token = self.ports[0] if self.ports else None
        digits = token.text if token is not None else ""
        return int(digits) if digits.isascii() and digits.isdigit() else None

    @property
    def schema(self) -> str | None:
        """The search path this string asks for, in whichever spelling it has."""
        for param in self.params:
            if canonical(param.name) in SCHEMA_NAMES:
                return self.decoded(param)
        options = self.param("options")
        if options is None:
            return None
        found = _OPTION_PATH.search(self.decoded(options).replace("+", " "))
        return found.group(1) if found else None

    def param(self, name: str) -> Param | None:
        """The first parameter of that name, whatever its case and word separator."""
        wanted = canonical(name)
        for param in self.params:
            if canonical(param.name) == wanted:
                return param
        return None

    def decoded(self, param: Param) -> str:
        """A parameter's value as the driver reads it."""
        if self.style in (Style.URL, Style.JDBC):
            return unquote(param.value.text)
        return param.value.text.replace("\\'", "'").replace("\\\\", "\\")


_OPTION_PATH = re.compile(r"(?:-c\s*|--)search_path\s*=\s*([^\s]+)")


def is_password(name: str) -> bool:
    """Whether a parameter of that name holds a secret."""
    return canonical(name) in PASSWORD_NAMES
