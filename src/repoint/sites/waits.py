"""Commands that wait for a server or open a port: `nc -z`, `wait-for-it`, `/dev/tcp`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from repoint.sites.clients import Setting, is_hidden, one_option, read_options
from repoint.sites.commands import (
    CONNECTOR_VALUES,
    CONNECTORS,
    RESOLVERS,
    Client,
    added_waiters,
    base_name,
    clients,
    waiters,
)
from repoint.sites.frame import Draft, Form, Piece, Value
from repoint.sites.hosts import (
    OTHER_PORTS,
    PG_PORTS,
    Slice,
    address,
    is_template,
    is_variable,
    literal_default,
)
from repoint.sites.keys import GENERIC, STRONG, other_engine, words

_TCP = re.compile(r"(?i)(?<![\w])(?:tcp|tcp4|telnet|postgres)(?::(?://)?|@)([\w.\-]+):(\d{2,5})\b")
_DEV_TCP = re.compile(r"/dev/tcp/([^/\s'\"]+)/(\$?\{?\w+\}?)")
_FORWARD = re.compile(r"^(?:-L)?(?:(?:[\w.*]+|\[[^\]]*\]):)?\d+:([\w.\-]+):(\d+)$")


def wait_drafts(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    """A draft for every PostgreSQL server that the words wait for, reach or forward to."""
    if any(base_name(arg.text) in CONNECTORS for arg in args[:3]):
        yield from _connector(args, setting)
    known = waiters()
    waiter = next((i for i, arg in enumerate(args) if base_name(arg.text) in known), None)
    if waiter is not None:
        yield from _waiter(args[waiter + 1 :], base_name(args[waiter].text), setting, args[waiter])
    if program in RESOLVERS:
        yield from _lookups(args, program, setting)
    if "wait" in words(program) or program in added_waiters():
        for host, port in pairwise(args):
            if port.text in PG_PORTS and address(host.text):
                yield from _pair(Piece(host, Slice(host.text, 0)), port, program, setting)
    for arg in args:
        for match in _TCP.finditer(arg.text):
            yield from _endpoint(
                arg, Slice(match[1], match.start(1)), Slice(match[2], match.start(2)), program,
                setting,
            )  # fmt: skip
    for before, arg in pairwise(args):
        forward = _FORWARD.match(arg.text) if before.text == "-L" else None
        if forward:
            yield from _endpoint(
                arg, Slice(forward[1], forward.start(1)), Slice(forward[2], forward.start(2)),
                program, setting,
            )  # fmt: skip


def _connector(args: Sequence[Value], setting: Setting) -> Iterator[Draft]:
    at = next(i for i, arg in enumerate(args) if base_name(arg.text) in CONNECTORS)
    name = base_name(args[at].text)
    client = Client(
        host=(), port=(), user=(), database=(), takes_value=CONNECTOR_VALUES.get(name, "")
    )
    free: list[Value] = []
    index = at + 1
    while index < len(args):
        option, _, eaten = one_option(args, index, client, {})
        if option is None:
            free.append(args[index])
        index += 1 + eaten
    if len(free) >= 2:
        host, port = free[0], free[1]
        yield from _pair(Piece(host, literal_default(Slice(host.text, 0))), port, name, setting)


def _lookups(args: Sequence[Value], program: str, setting: Setting) -> Iterator[Draft]:
    """Names that a wait loop resolves, where the name itself speaks of PostgreSQL."""
    for arg in args:
        found = address(arg.text)
        named = found is not None and set(words(arg.text)) & STRONG
        if named and not is_variable(arg.text) and base_name(arg.text) not in clients():
            piece = Piece(arg, Slice(arg.text, 0))
            yield Draft(Form.ARGUMENT, setting.role, program, piece)


def _pair(host: Piece, port: Value, name: str, setting: Setting) -> Iterator[Draft]:
    piece = Piece(port, literal_default(Slice(port.text, 0)))
    if _speaks_postgres(host.slice.text, piece.slice.text, setting):
        yield Draft(Form.ARGUMENT, setting.role, name, host, piece, start=host.slice.start)


def _waiter(args: Sequence[Value], name: str, setting: Setting, program: Value) -> Iterator[Draft]:
    key = program.text.rsplit("/", 1)[-1]
    options = read_options(args, Client())
    if "host" in options and "port" in options:
        host, port = options["host"], options["port"]
        if _speaks_postgres(host.slice.text, port.slice.text, setting):
            yield Draft(Form.ARGUMENT, setting.role, key, host, port, start=host.slice.start)
        return
    for arg in args:
        if arg.text == "--":
            return
        found = address(arg.text)
        if found is not None and found.port is not None and not arg.text.startswith("-"):
            yield from _endpoint(arg, found.host, found.port, key, setting)


def _endpoint(arg: Value, host: Slice, port: Slice, key: str, setting: Setting) -> Iterator[Draft]:
    if _speaks_postgres(host.text, port.text, setting):
        yield Draft(
            Form.ARGUMENT, setting.role, key, Piece(arg, host), Piece(arg, port), start=host.start
        )


def _speaks_postgres(host: str, port: str, setting: Setting) -> bool:
    """Whether a bare host and port are a PostgreSQL server's, by the port or the names."""
    if not host or is_variable(host) or (is_template(host) and not setting.templates):
        return False
    if is_hidden(host, setting) or host.startswith(("/", "-")):
        return False
    if port.isdigit():
        if port in PG_PORTS:
            return not other_engine(host)
        return port not in OTHER_PORTS and bool(set(words(host)) & STRONG)
    return bool(set(words(port)) & (STRONG | GENERIC)) and not other_engine(host + " " + port)


def dev_tcp_drafts(script: Value, setting: Setting) -> Iterator[Draft]:
    """Hosts that bash opens by `/dev/tcp/host/port`, outside comments."""
    if "/dev/tcp/" not in script.text:
        return
    for match in _DEV_TCP.finditer(script.text):
        line = script.text.rfind("\n", 0, match.start()) + 1
        if script.text[line : match.start()].lstrip().startswith("#"):
            continue
        host = Slice(match[1], match.start(1))
        yield from _endpoint(script, host, Slice(match[2], match.start(2)), "/dev/tcp", setting)
