"""New host, port or parameter in a connection string; every other byte is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from repoint.dsn.params import SCHEMA_NAMES, alias, canonical, respell_value
from repoint.dsn.parse import parse
from repoint.dsn.parts import Dsn, Param, is_password
from repoint.errors import EditRefused
from repoint.model.consumer import Style
from repoint.model.plan import PartEdit


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Characters `[start, end)` of the text become `text`."""

    start: int
    end: int
    text: str


def text_edits(dsn: Dsn, parts: Sequence[PartEdit]) -> tuple[TextEdit, ...]:
    """The smallest edits that make `parts` true, in text order, without overlap.

    An empty `before` adds a port or a parameter, an empty `after` removes it with its
    separator. Names and values of an added parameter are spelled as the style asks:
    `?sslmode=require`, ` sslmode=require`, `;SSL Mode=Require`.

    Raises:
        EditRefused: a `before` is not what the string holds, or a part is not editable.
    """
    edits: list[TextEdit] = []
    removed: list[Param] = []
    added: list[PartEdit] = []
    for part in parts:
        if part.part == "host":
            edits += _host_edits(dsn, part)
        elif part.part == "port":
            edits += _port_edits(dsn, part, removed)
        elif part.part == "param":
            edits += _param_edits(dsn, part, removed, added)
        else:
            raise EditRefused(f"a connection string has no editable part `{part.part}`")
    edits += _removals(dsn, removed)
    if added:
        edits.append(_addition(dsn, added, emptied=len(removed) == len(dsn.pairs) > 0))
    return tuple(_merged(edits))


def retarget(text: str, parts: Sequence[PartEdit]) -> str:
    """`text` with `parts` of its one connection string replaced.

    Raises:
        EditRefused: `text` holds no connection string, or more than one, or a part
            differs from its `before`.
    """
    dsn = parse(text)
    if dsn is None:
        raise EditRefused("the value does not hold exactly one connection string")
    return apply_edits(text, text_edits(dsn, parts))


def apply_edits(text: str, edits: Sequence[TextEdit]) -> str:
    """`text` with `edits` (sorted, disjoint) applied."""
    pieces = []
    cursor = 0
    for edit in edits:
        pieces += [text[cursor : edit.start], edit.text]
        cursor = edit.end
    return "".join((*pieces, text[cursor:]))


def _merged(edits: list[TextEdit]) -> Iterator[TextEdit]:
    """Sorted edits; insertions at one place become one, overlaps are refused."""
    held: TextEdit | None = None
    for edit in sorted(edits, key=lambda e: (e.start, e.end)):
        if held is not None and edit.start < held.end:
            raise EditRefused("two parts of one connection string overlap")
        if held is not None and edit.start == held.end and edit.start == held.start:
            held = TextEdit(held.start, edit.end, held.text + edit.text)
            continue
        if held is not None:
            yield held
        held = edit
    if held is not None:
        yield held


def _refuse(what: str) -> EditRefused:
    return EditRefused(f"the {what} of the connection string is not what the edit expects")


def _host_edits(dsn: Dsn, part: PartEdit) -> Iterator[TextEdit]:
    if not part.before or not part.after:
        raise EditRefused("a host can be replaced, not added or removed")
    same = [host for host in dsn.hosts if host.text == part.before]
    if same:
        yield from (TextEdit(host.start, host.end, part.after) for host in same)
        return
    if len(dsn.hosts) < 2 or dsn.host != part.before:
        raise _refuse("host")
    yield from _one_host_for_all(dsn, part.after)


def _one_host_for_all(dsn: Dsn, after: str) -> Iterator[TextEdit]:
    """The whole list gives way to one host, which keeps the first one's port."""
    first, last = dsn.hosts[0], dsn.hosts[-1]
    yield TextEdit(first.start, first.end, after)
    port, last_port = dsn.ports[0], dsn.ports[-1]
    inline = port is not None and port.start == first.end + 1
    kept_to = port.end if inline and port is not None else first.end
    listed_inline = last_port is not None and last_port.start == last.end + 1
    list_end = last_port.end if listed_inline and last_port is not None else last.end
    yield TextEdit(kept_to, list_end, "")
    if port is not None and last_port is not None and not inline and last_port.end > port.end:
        yield TextEdit(port.end, last_port.end, "")


def _port_edits(dsn: Dsn, part: PartEdit, removed: list[Param]) -> Iterator[TextEdit]:
    if not part.before:
        yield from _added_port(dsn, part.after)
        return
    tokens = {token for token in dsn.ports if token is not None and token.text == part.before}
    if not tokens:
        raise _refuse("port")
    pair = next((p for p in dsn.core if canonical(p.name) == "port"), None)
    for token in sorted(tokens, key=lambda t: t.start):
        if part.after:
            yield TextEdit(token.start, token.end, part.after)
        elif pair is None or not pair.value.start <= token.start < pair.value.end:
            yield TextEdit(token.start - 1, token.end, "")
        elif pair not in removed:
            removed.append(pair)


def _added_port(dsn: Dsn, port: str) -> Iterator[TextEdit]:
    bare = [host for host, own in zip(dsn.hosts, dsn.ports, strict=True) if own is None]
    if not bare or not port:
        raise _refuse("port")
    pair = next((p for p in dsn.core if p.value.start <= bare[0].start < p.value.end), None)
    if pair is None:
        for host in bare:
            yield TextEdit(host.end, host.end, f":{port}")
        return
    joint = ", " if dsn.separator == "," else dsn.separator
    name = "Port" if pair.name[0].isupper() else "port"
    yield TextEdit(pair.span_end, pair.span_end, f"{joint}{name}={port}")


def _param_edits(
    dsn: Dsn, part: PartEdit, removed: list[Param], added: list[PartEdit]
) -> Iterator[TextEdit]:
    if is_password(part.name):
        raise EditRefused("a password is never edited")
    param = _find(dsn, part.name)
    if (param.value.text if param is not None else "") != part.before:
        raise _refuse(f"parameter `{part.name}`")
    if param is None:
        added.append(part)
    elif part.after or not part.before:
        yield TextEdit(param.value.start, param.value.end, part.after)
    else:
        removed.append(param)


def _find(dsn: Dsn, name: str) -> Param | None:
    """A parameter by name; every spelling of the search path counts as one name."""
    found = dsn.param(name)
    if found is None and canonical(name) in SCHEMA_NAMES:
        return next((p for p in dsn.params if canonical(p.name) in SCHEMA_NAMES), None)
    return found


def _removals(dsn: Dsn, removed: Sequence[Param]) -> Iterator[TextEdit]:
    """Removed pairs go with their separators; the first one left keeps the `?`."""
    gone = {param.span_start for param in removed}
    leading = 0
    while leading < len(dsn.pairs) and dsn.pairs[leading].start in gone:
        leading += 1
    if leading and leading == len(dsn.pairs):
        yield TextEdit(dsn.pairs[0].start, dsn.pairs[-1].end, "")
    elif leading:
        yield TextEdit(dsn.pairs[0].name, dsn.pairs[leading].name, "")
    for place in dsn.pairs[leading:]:
        if place.start in gone:
            yield TextEdit(place.start, place.end, "")


def _addition(dsn: Dsn, added: Sequence[PartEdit], *, emptied: bool) -> TextEdit:
    url = dsn.style in (Style.URL, Style.JDBC)
    joint = "?" if emptied and url else dsn.joint
    following = dsn.joint if not url else "&amp;" if dsn.joint == "&amp;" else "&"
    spelled = following.join(_spelled(dsn, part) for part in added)
    return TextEdit(dsn.tail, dsn.tail, joint + spelled)


def _spelled(dsn: Dsn, part: PartEdit) -> str:
    dialect = _dialect(dsn)
    name = alias(part.name, dialect=dialect)
    value = respell_value(part.name, part.after, dialect=dialect)
    return f"{name}={_escaped(dsn, value)}"


def _dialect(dsn: Dsn) -> str:
    if dsn.style is Style.JDBC:
        return "r2dbc" if dsn.scheme.lower().startswith("r2dbc") else "jdbc"
    if dsn.style is Style.URL:
        return "url"
    return "ado" if dsn.separator == ";" and not dsn.scheme else "keyword"


def _escaped(dsn: Dsn, value: str) -> str:
    """`value` so that it cannot end early; what is percent-encoded already stays."""
    if dsn.style in (Style.URL, Style.JDBC):
        return quote(value, safe="%,:/.-_~=@$(){}*!+;")
    if dsn.separator == ",":
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
    if value and not re.search(r"[\s'\"\\;]", value):
        return value
    if dsn.separator == ";":
        return '"' + value.replace('"', '""') + '"'
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
