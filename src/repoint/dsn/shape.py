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
    raw = _of_url(text, dsn) if dsn.style in (Style.URL, Style.JDBC) else _of_pairs(text, dsn)
    if not raw:
        return PasswordShape()
    variable = _VARIABLE.search(raw)
    awkward = bool(_ENCODED.search(raw)) or not re.fullmatch(r"[\w.~\-]*", raw)
    return PasswordShape(
        given=True,
        awkward=awkward and variable is None,
        variable=variable[0] if variable else "",
    )


def password_in(text: str, dsn: Dsn) -> Sensitive | None:
    """The password of `dsn`, found in `text`, as its driver reads it; None where it holds none."""
    if dsn.style in (Style.URL, Style.JDBC):
        raw = _of_url(text, dsn)
        return Sensitive(unquote(raw)) if raw else None
    raw = _of_pairs(text, dsn)
    plain = re.sub(r"\\(.)", r"\1", raw) if dsn.separator == " " else raw
    return Sensitive(plain) if raw else None


def _of_url(text: str, dsn: Dsn) -> str:
    body = text[dsn.start + len(dsn.scheme) + len("://") : dsn.end]
    at = layout(shadow(body))
    _, colon, password = body[: max(at.info - 1, 0)].partition(":")
    if colon and password:
        return password
    found = _PARAM.search(body, at.query)
    return found[1] if found else ""


def _of_pairs(text: str, dsn: Dsn) -> str:
    found = _PAIR.search(text[dsn.start : dsn.end])
    return found[1].strip("'\"") if found else ""
