"""Connection strings inside a value: URLs, JDBC, keyword and value pairs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from repoint.dsn.parse import Dsn, find
from repoint.model.consumer import Style
from repoint.sites.frame import Draft, Form, Piece, Role, Value
from repoint.sites.hosts import Slice, literal_default
from repoint.sites.keys import is_file_name

_FORMS = {
    Style.URL: Form.URL,
    Style.JDBC: Form.JDBC,
    Style.KEYWORD_VALUE: Form.KEYWORD_VALUE,
}
_NAME_BEFORE = re.compile(
    r"(?:^|[\s\"'\\{(,;&?]|--?)([A-Za-z_][\w.\-]*)\s*(?::=|[=:]>?)\s*[\"'\\]*(?:\$\{\w+:[-=])?$"
)
_WORD_BEFORE = re.compile(r"([A-Za-z_]\w*)\s+[\"']$")
_SOCKET = ("/", "@", "%2F", "%2f")
SEVERAL = "the connection string names several hosts"


def dsn_drafts(value: Value, key: str, role: Role) -> Iterator[Draft]:
    """A draft for every connection string with a host in the value's text."""
    text = value.text
    if "=" not in text and "://" not in text:
        return
    for dsn in find(text):
        named = dsn.hosts and dsn.hosts[0].text and not dsn.hosts[0].text.startswith(_SOCKET)
        if named and not _is_sql_server(dsn):
            yield _draft(value, dsn, key, role)


def _draft(value: Value, dsn: Dsn, key: str, role: Role) -> Draft:
    host = literal_default(Slice(dsn.hosts[0].text, dsn.hosts[0].start))
    port_token = dsn.ports[0] if dsn.ports else None
    port = None
    if port_token is not None:
        port = Piece(value, literal_default(Slice(port_token.text, port_token.start)))
    return Draft(
        form=_FORMS.get(dsn.style, Form.URL),
        role=role,
        key=key,
        host=Piece(value, host),
        port=port,
        database=dsn.database.text if dsn.database else None,
        user=dsn.user,
        schema=dsn.schema,
        params=tuple(
            (param.name, Piece(value, Slice(param.value.text, param.value.start)))
            for param in dsn.params
        ),
        start=dsn.start,
        caution=SEVERAL if len(dsn.hosts) > 1 else "",
        scheme=dsn.scheme.lower(),
    )


def _is_sql_server(dsn: Dsn) -> bool:
    """Whether pairs in ADO.NET's form mean SQL Server: its administrator, instance or domain."""
    if dsn.style is not Style.KEYWORD_VALUE or dsn.separator != ";":
        return False
    host = dsn.hosts[0].text.lower()
    return (
        dsn.user == "sa"
        or "\\" in host
        or host.startswith("tcp:")
        or "database.windows.net" in host
    )


def name_before(text: str, start: int, *, loose: bool = False) -> str:
    """The name that `text` assigns the string at `start` to (`NAME=`, `name: "`), or nothing.

    `loose` takes the word before an opening quote too, as SQL's `CONNECTION 'host=...'`.
    """
    before = text[max(0, start - 120) : start]
    match = _NAME_BEFORE.search(before) or (_WORD_BEFORE.search(before) if loose else None)
    if match is None or is_file_name(match.group(1)):
        return ""
    return match.group(1)
