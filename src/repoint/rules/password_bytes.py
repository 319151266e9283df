"""Whether a file's bytes can hold a password in clear text: most files are told apart by that.

It says yes where it is not sure. What `mask` and `clear_passwords` look for is spelled out in
the bytes of YAML and JSON, unless an escape spells a part of it or a letter folds to another.
"""

from __future__ import annotations

import re

from repoint.formats.base import FileKind

_TREES = (FileKind.YAML, FileKind.HELM_TEMPLATE, FileKind.JSON)
_TELLING = (
    *(b"://", b"pass", b"pwd", b"identified"),
    *(b"cg9zdgdyzx", b"amriyzpwb3n0z3jlc3"),  # base64 of `postgres`, `jdbc:postgres`, in lower case
)
_CLIENTS = (b"mysql", b"mariadb", b"mongo", b"usql", b"pgcli", b"curl")
"""Programs that take a password behind `-p`; `sshpass` is among `_TELLING`."""

_ESCAPE = re.compile(rb"\\[^\"\\bfnrt]")
"""May spell a letter, a slash or nothing at all; the others spell what is in no word above."""
_PGPASS = re.compile(rb":(?:\d{1,5}|\*):[^\s:]+:[^\s:]+:")
_USERLIST = re.compile(rb"\"(?:[ \t\r\n]|\\t)+\\?\"")


def may_hold_password(kind: FileKind | None, raw: bytes) -> bool:
    """Whether `clear_passwords` may find one in a file of that kind and these bytes."""
    if kind not in _TREES or not raw.isascii():
        return True
    lower = raw.lower()
    if any(word in lower for word in _TELLING):
        return True
    if b"-p" in raw and any(name in raw for name in _CLIENTS):
        return True
    if b"\\" in raw and _ESCAPE.search(raw):
        return True
    return bool(_PGPASS.search(raw) or _USERLIST.search(raw))
