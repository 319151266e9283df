"""Reading a value that holds a server's address and little else."""

from __future__ import annotations

import re

from msgspec import Struct

from repoint.sites.lexicon import lexicon

PG_PORTS = frozenset(
    {"5432", "5433", "5434", "5435", "5439", "6432", "6433", "6543", "25060", "25061"}
)
"""Ports at which PostgreSQL and its poolers are met."""

OTHER_PORTS = lexicon(
    "3306 3307 33060 1433 1521 27017 27018 6379 6380 9200 9300 9042 8086 8123 9000 11211 26257 "
    "50000 5984 7687 26379 5672 9092 80 443 8080 22 2379"
)
"""Ports that speak of something else."""

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0", "[::1]"})

_DEFAULT = re.compile(r"^\$\{[A-Za-z_][A-Za-z0-9_.]*(?::-|:=|-|=|:)([^${}]*)\}$")
_VARIABLE = re.compile(
    r"^(?:\$\$?[A-Za-z_][A-Za-z0-9_]*|\$\$?\{+[^{}]*\}+|\$\$?\([^()]*\)|%[A-Za-z_]+%|<[^<>]*>|"
    r"\$env:\w+|%\([^()]*\)s|__\w+__|@@?\w+@@?|\$\[\[.*\]\])$"
)
_TEMPLATE = re.compile(r"^(?:\{\{.*\}\}|\{%.*%\})$", re.DOTALL)
_ATOM = r"(?:\{\{[^{}]*\}\}|\$\$?\{[^{}]*\}|\$\$?\([^()]*\)|\$[A-Za-z_]\w*|<[\w .-]+>|[\w.-])"
_ADDRESS = re.compile(
    rf"^(?P<host>\[[0-9A-Fa-f:.%]+\]|{_ATOM}+)"
    rf"(?::(?P<port>\d{{1,5}}|\$\$?[({{]?[\w.:-]+[)}}]?|\{{\{{[^{{}}]*\}}\}}))?(?P<rest>[/,?].*)?$",
    re.DOTALL,
)
_NETWORK = re.compile(r"^[0-9A-Fa-f:.]+/\d{1,3}$")
_REFERENCE = re.compile(
    r"^(?:\$\{)?(?:var|local|each|count|path|terraform|self)\.[\w.\[\]\"*-]+\}?$"
)
_NOT_HOSTS = lexicon(
    "true false yes no none null nil on off enabled disabled tbd todo changeme example default "
    "tcp udp http https"
)


class Slice(Struct, frozen=True):
    """A piece of a text with its offsets."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """Offset behind the last character."""
        return self.start + len(self.text)


class Address(Struct, frozen=True):
    """A host, perhaps its port, perhaps a database behind a slash."""

    host: Slice
    port: Slice | None = None
    database: str | None = None
    query: str = ""


def is_variable(text: str) -> bool:
    """Whether the whole text is one unresolved variable."""
    return bool(_VARIABLE.match(text.strip()))


def is_reference(text: str) -> bool:
    """Whether the whole text is a reference of HCL to a value given elsewhere."""
    return bool(_REFERENCE.match(text.strip()))


def is_template(text: str) -> bool:
    """Whether the whole text is one Go template (or Jinja) action."""
    return bool(_TEMPLATE.match(text.strip()))


def literal_default(piece: Slice) -> Slice:
    """The literal default of `${NAME:-default}` (or `${NAME:default}`), else the piece itself."""
    match = _DEFAULT.match(piece.text)
    if not match or not match.group(1):
        return piece
    return Slice(match.group(1), piece.start + match.start(1))


def address(text: str) -> Address | None:
    """Read `host`, `host:port`, `host:port/database?query`; None when it is anything else."""
    start = len(text) - len(text.lstrip())
    whole = literal_default(Slice(text.strip(), start))
    match = _ADDRESS.match(whole.text)
    if not match or "\n" in whole.text.strip():
        return None
    host = literal_default(Slice(match["host"], whole.start))
    if not _is_host(host.text) or _NETWORK.match(whole.text):
        return None
    port = None
    if match["port"]:
        port = literal_default(Slice(match["port"], whole.start + match.start("port")))
    rest = match["rest"] or ""
    database, query = None, ""
    if rest.startswith("/"):
        database, _, query = rest[1:].partition("?")
    elif rest.startswith("?"):
        query = rest[1:]
    return Address(host, port, database or None, query)


def _is_host(text: str) -> bool:
    bare = text.strip(".")
    if not bare or bare.lower() in _NOT_HOSTS or bare.isdigit():
        return False
    return any(c.isalnum() for c in bare)


def port_number(text: str | None) -> str:
    """The digits of a port, through a literal default; empty when it is a variable."""
    if not text:
        return ""
    plain = literal_default(Slice(text.strip(), 0)).text
    return plain if plain.isdigit() else ""
