"""Hosts that are put together from several names: `${service}.${namespace}.svc`.

Whoever such a name is handed to gets a piece of a host, and no server's name: a piece that was
replaced by a whole host would make the rest of the text one host too many.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"\$\{[A-Za-z_]\w*(?::?[-=](?P<default>[^{}]*)|:?[?+][^{}]*)?\}|(?<!\$)\$\([A-Za-z_][\w.-]*\)"
)
_EXPRESSION = re.compile(r"\{\{[^{}]*\}\}")
_LONGER = re.compile(r"(?:[.\-](?:[\w\-]|\{\{[^{}]*\}\})+)+")


def reference(written: str) -> str:
    """A reference without its default: `${NAME:=pg}` is `${NAME}`."""
    return re.sub(r":?[-=?+][^{}]*\}\Z", "}", written)


def pieces(host: str) -> tuple[str, ...]:
    """The references that a host is put together from; none where each alone is a host."""
    if "$" not in host or "," in host or _REFERENCE.fullmatch(host):
        return ()
    return tuple(reference(found[0]) for found in _REFERENCE.finditer(host))


def spelled(host: str, known: Mapping[str, str]) -> str:
    """A host with each reference replaced by its text.

    Up to the first that nothing tells, which mostly is the namespace that everybody stands in;
    empty where that is the name itself.
    """

    def told(found: re.Match[str]) -> str:
        return known.get(reference(found[0]), found["default"] or found[0])

    whole = _REFERENCE.sub(told, host)
    head, unknown, _ = whole.partition("$")
    return head.rpartition(".")[0] if unknown else whole


def around(text: str, value: str) -> str:
    """What a template makes of a chart's value: a longer host, or nothing where it is the host.

    Args:
        text: A line of the template.
        value: The value as the template names it, `.Values.db.host`.
    """
    if value not in text:
        return ""
    named = re.compile(rf"{re.escape(value)}(?![\w.])")
    for found in _EXPRESSION.finditer(text):
        longer = _LONGER.match(text, found.end())
        if longer is not None and named.search(found[0]):
            return f"{found[0]}{longer[0]}"
    return ""
