"""PostgreSQL's own clients on a command line: `psql -h`, `pg_dump --host=`, and so on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from msgspec import Struct
from msgspec.structs import replace

from repoint.sites.commands import Client, base_name, clients
from repoint.sites.frame import Draft, Form, Piece, Role, Value
from repoint.sites.hosts import (
    LOOPBACK,
    Slice,
    address,
    is_template,
    is_variable,
    literal_default,
)

_HOST_PAIR = re.compile(r"host=([\w.\-]+)")


class Setting(Struct, frozen=True):
    """Where a command stands: the file's role, the program when the words name none.

    `own_server` tells that the command runs inside the server's container, so that a
    loopback address is the server itself. `templates` lets hosts be template actions.
    """

    role: Role
    program: str = ""
    own_server: bool = False
    templates: bool = False


def client_drafts(args: Sequence[Value], setting: Setting) -> Iterator[Draft]:
    """The draft of the first client among the words that names a host."""
    known = clients()
    for index, arg in enumerate(args):
        name = base_name(arg.text.strip())
        client = known.get(name)
        before = args[index - 1].text if index else ""
        if client is None or before in {"which", "-v", "install", "--name", "--rm"}:
            continue
        if _run_later(args[index + 1 :]):
            continue
        inside = any(other.text == "exec" for other in args[:index])
        local = replace(setting, own_server=setting.own_server or inside)
        draft = _client_draft(args[index + 1 :], client, name, local)
        if draft is not None:
            yield draft
        return


def _run_later(args: Sequence[Value]) -> bool:
    """Whether a client stands behind `--`, so that the name before it is only a name."""
    return any(one.text == "--" and base_name(two.text) in clients() for one, two in pairwise(args))


def _client_draft(
    args: Sequence[Value], client: Client, name: str, setting: Setting
) -> Draft | None:
    options = read_options(args, client)
    host = options.get("host") or _host_pair(options.get("database"))
    if host is None:
        return None
    text = host.slice.text
    if not text or text.startswith("/") or is_hidden(text, setting) or "://" in text:
        return None
    if is_variable(text) or (is_template(text) and not setting.templates):
        return None
    port = options.get("port")
    found = address(text)
    if found is None:
        return None
    if found.port is not None and port is None:
        port = Piece(host.value, Slice(found.port.text, host.slice.start + found.port.start))
    host = Piece(host.value, Slice(found.host.text, host.slice.start + found.host.start))
    return Draft(
        form=Form.ARGUMENT,
        role=setting.role,
        key=name,
        host=host,
        port=port,
        database=_name(options.get("database")),
        user=_name(options.get("user")),
        start=host.slice.start,
    )


def _host_pair(database: Piece | None) -> Piece | None:
    """The host where a connection string of one pair stands for a database: `psql host=pg`."""
    found = _HOST_PAIR.fullmatch(database.slice.text) if database is not None else None
    if database is None or found is None:
        return None
    return Piece(database.value, Slice(found[1], database.slice.start + found.start(1)))


def _name(piece: Piece | None) -> str | None:
    if piece is None or "=" in piece.slice.text or "://" in piece.slice.text:
        return None
    return piece.slice.text


def read_options(args: Sequence[Value], client: Client) -> dict[str, Piece]:
    """The pieces of a client's command line by meaning: host, port, user, database."""
    names = {
        option: meaning
        for meaning in ("host", "port", "user", "database")
        for option in getattr(client, meaning)
    }
    found: dict[str, Piece] = {}
    free: list[Piece] = []
    index = 0
    while index < len(args):
        arg = args[index]
        text = arg.text
        index += 1
        if text in {"--", "|", "&&", ";", "||"}:
            continue
        option, piece, eaten = one_option(args, index - 1, client, names)
        if option is None:
            if not text.startswith("-") and text not in {">", "<", ">>"}:
                free.append(Piece(arg, literal_default(Slice(text, 0))))
            continue
        index += eaten
        if piece is not None and option in names:
            found.setdefault(names[option], piece)
    for meaning, piece in zip(client.positional, free, strict=False):
        found.setdefault(meaning, piece)
    return found


def one_option(
    args: Sequence[Value], index: int, client: Client, names: dict[str, str]
) -> tuple[str | None, Piece | None, int]:
    """The option at `index`, its value, and how many further words it takes."""
    arg = args[index]
    text = arg.text
    following = args[index + 1] if index + 1 < len(args) else None
    if text.startswith("--"):
        option, equals, _ = text[2:].partition("=")
        if equals:
            return option, _piece(arg, len(option) + 3), 0
        if option in names or option in client.long_values:
            return option, _piece(following, 0), 1
        return option, None, 0
    if not text.startswith("-") or len(text) < 2:
        return None, None, 0
    for position, letter in enumerate(text[1:], start=1):
        if letter in client.takes_value:
            if position + 1 < len(text):
                return letter, _piece(arg, position + 1), 0
            return letter, _piece(following, 0), 1
    return text[1:], None, 0


def _piece(arg: Value | None, start: int) -> Piece | None:
    if arg is None:
        return None
    text = arg.text[start:]
    lead = len(text) - len(text.lstrip(" ="))
    return Piece(arg, literal_default(Slice(text.strip(" ="), start + lead)))


def is_hidden(host: str, setting: Setting) -> bool:
    """Whether a loopback address is the server's own container talking to itself."""
    return host.lower() in LOOPBACK and setting.own_server
