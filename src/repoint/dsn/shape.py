"""A connection string's password: what it is like, without telling it, or for sending it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from repoint.dsn.parts import Dsn
from repoint.dsn.text import shadow
from repoint.dsn.url import layout
from repoint.model.consumer import Style
from repoint.model.sensitive import Sensitive

_VARIABLE = re.compile(r"\$\{[A-Za-z_]\w*\}|\$\([A-Za-z_]\w*\)|\$[A-Za-z_]\w*")
_ENCODED = re.compile(r"%[0-9A-Fa-f]{2}")
_PARAM = re.compile(r"[?&](?:amp;)?(?:password|pwd)=([^&#]*)", re.IGNORECASE)
_PAIR = re.compile(
    r"(?i)(?:^|[\s;,])(?:password|pwd|passwd)\s{0,3}=\s{0,3}"
    r"('(?:[^'\\]|\\.|'')*+'|\"(?:[^\"\\]|\\.)*+\"|[^\s;,]*+)"
)


@dataclass(frozen=True, slots=True)
class PasswordShape:
    """`given` tells that the string holds one. `awkward`: it has characters that a URL must
    percent-encode. `variable` is the name in it that stands for a password and is not one,
    as written (`${PASSWORD}`); it is empty in most strings.
    """

    given: bool = False
    awkward: bool = False
    variable: str = ""


def password_shape(text: str, dsn: Dsn) -> PasswordShape:
    """The shape of the password in `dsn`, which was found in `text`."""
    place = password_place(text, dsn)
    if place is None:
        return PasswordShape()
    raw = text[slice(*place)]
    variable = _VARIABLE.search(raw)
    awkward = bool(_ENCODED.search(raw)) or not re.fullmatch(r"[\w.~\-]*", raw)
    return PasswordShape(
        given=True,
        awkward=awkward and variable is None,
        variable=variable[0] if variable else "",
    )


def password_in(text: str, dsn: Dsn) -> Sensitive | None:
    """The password of `dsn`, found in `text`, as its driver reads it; None where it holds none."""
    place = password_place(text, dsn)
    if place is None:
        return None
    raw = text[slice(*place)]
    if dsn.style in (Style.URL, Style.JDBC):
        return Sensitive(unquote(raw))
    return Sensitive(re.sub(r"\\(.)", r"\1", raw) if dsn.separator == " " else raw)


def password_place(text: str, dsn: Dsn) -> tuple[int, int] | None:
    """Where in `text` the password of `dsn` stands, quotes left out; None where it holds none."""
    of = _of_url if dsn.style in (Style.URL, Style.JDBC) else _of_pairs
    low, high = of(text, dsn)
    return (low, high) if low < high else None


def _of_url(text: str, dsn: Dsn) -> tuple[int, int]:
    start = dsn.start + len(dsn.scheme) + len("://")
    body = text[start : dsn.end]
    at = layout(shadow(body))
    colon = body.find(":", 0, max(at.info - 1, 0))
    if 0 <= colon < at.info - 2:
        return start + colon + 1, start + at.info - 1
    found = _PARAM.search(body, at.query)
    return (start + found.start(1), start + found.end(1)) if found else (0, 0)


def _of_pairs(text: str, dsn: Dsn) -> tuple[int, int]:
    found = _PAIR.search(text[dsn.start : dsn.end])
    if found is None:
        return 0, 0
    inner = found[1].strip("'\"")
    low = dsn.start + found.start(1) + found[1].find(inner)
    return low, low + len(inner)
