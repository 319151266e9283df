"""Password files of libpq: `host:port:database:user:password`, one server a line."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.sites.frame import Draft, Form, Piece, Role, Value
from repoint.sites.hosts import Slice

_LINE = re.compile(r"^([^#:\s][^:\n]*):([^:\n]*):([^:\n]*):([^:\n]*):", re.MULTILINE)


def pgpass_drafts(value: Value, role: Role) -> Iterator[Draft]:
    """A draft for every line that names a server; the password is not read."""
    for match in _LINE.finditer(value.text):
        host, port, database, user = match.groups()
        if host == "*" or host.startswith("/"):
            continue
        yield Draft(
            form=Form.SETTING,
            role=role,
            key="pgpass",
            host=Piece(value, Slice(host, match.start(1))),
            port=Piece(value, Slice(port, match.start(2))) if port.isdigit() else None,
            database=database if database != "*" else None,
            user=user if user != "*" else None,
            start=match.start(1),
        )
