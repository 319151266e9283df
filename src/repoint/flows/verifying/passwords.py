"""A consumer's own password, from wherever its container gets it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote

from repoint.dsn.parse import find
from repoint.dsn.shape import password_in
from repoint.flows.verifying.reading import Cast
from repoint.formats.base import leaves
from repoint.model.consumer import Site, Use
from repoint.model.sensitive import Sensitive
from repoint.sites.companions import password_beside
from repoint.verification.container_env import Variable

_ASSIGNED = re.compile(r"\bPGPASSWORD=(\"[^\"]*\"|'[^']*'|\S+)")
_SHELL = re.compile(r"\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))")


def password_of(
    cast: Cast, site: Site, use: Use, known: Mapping[str, Variable]
) -> Sensitive | None:
    """The password that goes with a site; None where nothing that can be read tells one.

    `known` are the variables of the container that uses the site. In the string itself, then
    in a variable beside its host's, then where libpq looks.
    """
    text = _text(cast, site)
    for dsn in find(text):
        if dsn.start <= site.start < dsn.end:
            found = password_in(text, dsn)
            if found is not None:
                return _from_shell(found, known, in_url=True) if use.source == "command" else found
    if use.source == "command":
        before = [found[1] for found in _ASSIGNED.finditer(text, 0, site.start)]
        if before:
            return _from_shell(Sensitive(before[-1].strip("\"'")), known)
    beside = password_beside(use.variable or site.key, known)
    for name in (beside, "PGPASSWORD"):
        if name and name in known:
            return known[name].value
    return None


def password_variable(cast: Cast, site: Site, use: Use, names: Iterable[str]) -> str:
    """The variable that holds a site's password, told by names alone; empty for none.

    Of a command it is the one that `PGPASSWORD` is made of.
    """
    known = tuple(names)
    if use.source == "command":
        for found in reversed(list(_ASSIGNED.finditer(_text(cast, site), 0, site.start))):
            named = _SHELL.fullmatch(found[1].strip("\"'"))
            return (named[1] or named[2]) if named is not None else ""
    beside = password_beside(use.variable or site.key, known)
    return beside or ("PGPASSWORD" if "PGPASSWORD" in known else "")


def _from_shell(
    written: Sensitive, known: Mapping[str, Variable], *, in_url: bool = False
) -> Sensitive | None:
    """What a shell makes of a word; None where a variable in it is not known.

    With `in_url` a variable's text is percent-encoded, as the rest was.
    """
    text = written.reveal()
    for found in _SHELL.finditer(text):
        name = found[1] or found[2]
        if name not in known or known[name].value is None:
            return None

    def value(found: re.Match[str]) -> str:
        text = known[found[1] or found[2]].value
        plain = text.reveal() if text is not None else ""
        return unquote(plain) if in_url else plain

    return Sensitive(_SHELL.sub(value, text))


def _text(cast: Cast, site: Site) -> str:
    """The whole text that a site stands in."""
    parsed = cast.survey.files[site.location.path]
    wanted = site.value_pointer
    return next((x.scalar.text for x in leaves(parsed.documents) if x.pointer == wanted), "")
