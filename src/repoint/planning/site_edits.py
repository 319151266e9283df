"""From a site and its new endpoint to the smallest token replacements.

The same replacements serve three ways of delivery: in place (bytes), in a copy of the
text that goes into a patch (characters), and by meaning (sealed or encoded values).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoint.dsn.params import canonical
from repoint.dsn.parse import find
from repoint.dsn.retarget import TextEdit, apply_edits, text_edits
from repoint.errors import EditRefused
from repoint.formats.base import TextMap
from repoint.model.consumer import Part, Site, Style
from repoint.model.plan import PartEdit
from repoint.model.source import Span
from repoint.sites.keys import host_key

SSLMODES = ("disable", "allow", "prefer", "require", "verify-ca", "verify-full")
_POOLER_FILE = re.compile(r"(?:^|/)(?:pgbouncer|databases)[\w.\-]*\.ini(?:/|$)")
_STRINGS = (Style.URL, Style.JDBC, Style.KEYWORD_VALUE)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where a site shall point: `sslmode` is the least one wanted, empty to leave it.

    `params` are parameters to set (`name`, `value`); an empty value removes one.
    """

    host: str
    port: str = "5432"
    sslmode: str = ""
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Replacement:
    """`before` at `[start, end)` of the scalar's text becomes `after`."""

    start: int
    end: int
    before: str
    after: str


def part_edits(site: Site, goal: Goal) -> tuple[PartEdit, ...]:
    """What has to change for `site` to reach `goal`; empty when it is there already."""
    parts: list[PartEdit] = []
    if site.host.text != goal.host:
        parts.append(PartEdit("host", site.host.text, goal.host))
    if site.port is not None and site.port.text.isdigit() and site.port.text != goal.port:
        parts.append(PartEdit("port", site.port.text, goal.port))
    mode = mode_name(site.scheme)
    current = _param(site, mode)
    text = current.text if current is not None else ""
    if (
        goal.sslmode
        and mode
        and weaker_sslmode(text, goal.sslmode)
        and (current is not None or _can_add(site))
    ):
        parts.append(PartEdit("param", text, _like(text, goal.sslmode), mode))
    for name, value in goal.params:
        present = _param(site, name)
        before = present.text if present is not None else ""
        if before != value:
            parts.append(PartEdit("param", before, value, name))
    return tuple(parts)


def _param(site: Site, name: str) -> Part | None:
    """A parameter of the site by its name, however it is spelled there: Npgsql's `SSL Mode`."""
    wanted = canonical(name)
    return next((part for key, part in site.params if canonical(key) == wanted), None)


def mode_name(scheme: str) -> str:
    """What the scheme's driver calls `sslmode`; empty where its URL has no such parameter.

    SQLAlchemy hands the parameters of a URL to the driver as keywords: asyncpg and pg8000 end
    with a TypeError at `sslmode`. Ecto keeps it, and stays in clear text (TL11).
    """
    if scheme.lower() == "ecto":
        return ""
    driver = scheme.rpartition("+")[2] if "+" in scheme else ""
    return {"asyncpg": "ssl", "pg8000": ""}.get(driver, "sslmode")


def by_value(site: Site, parts: tuple[PartEdit, ...]) -> dict[str, tuple[PartEdit, ...]]:
    """The parts by the pointer of the value that spells them; the site's own comes first."""
    found: dict[str, tuple[PartEdit, ...]] = {site.value_pointer: ()}
    for part in parts:
        holder = _param(site, part.name) if part.part == "param" else None
        holder = site.port if part.part == "port" else holder
        pointer = (holder.pointer if holder is not None else "") or site.value_pointer
        found[pointer] = (*found.get(pointer, ()), part)
    return {pointer: mine for pointer, mine in found.items() if mine}


def weaker_sslmode(text: str, wanted: str) -> bool:
    """Whether an sslmode gives less than `wanted`; a variable is left alone."""
    plain = text.lower().replace("_", "-")
    plain = {"verifyca": "verify-ca", "verifyfull": "verify-full"}.get(plain, plain)
    if not plain:
        return True
    return plain in SSLMODES and SSLMODES.index(plain) < SSLMODES.index(wanted)


def _like(text: str, wanted: str) -> str:
    """`wanted` in the capitals of `text`: Npgsql writes `Disable` and `Require`."""
    return wanted.capitalize() if text[:1].isupper() and "-" not in wanted else wanted


def takes_parameters(site: Site) -> bool:
    """Whether the site is a connection string of its own, which takes a parameter more."""
    return site.style in (Style.URL, Style.KEYWORD_VALUE) and not site.display_only


def _can_add(site: Site) -> bool:
    """Whether a parameter can be added to the site's own text.

    A PgBouncer ends at a parameter that it does not know: TLS to the server is a setting of its own
    (`server_tls_sslmode`).
    """
    if _POOLER_FILE.search(site.location.path) or _POOLER_FILE.search(site.value_pointer):
        return False
    return site.style in _STRINGS or "://" in site.key or _is_string(site)


def _is_string(site: Site) -> bool:
    """Whether the site's value is a whole string, and not a host with its database beside it."""
    named = host_key(site.key)
    if named is not None and "url" not in named.role:
        return False
    return site.style in (
        Style.DOTENV,
        Style.HCL,
        Style.MAKEFILE,
        Style.HELM_VALUE,
        Style.CONFIG_TEXT,
        Style.TEMPLATE,
    ) and bool(site.database or site.user)


def replacements(
    site: Site, parts: tuple[PartEdit, ...], text: str, text_map: TextMap
) -> tuple[Replacement, ...]:
    """The replacements in `text`, the scalar (or file) that holds the site.

    Raises:
        EditRefused: a part is nowhere to be found as a run of its own.
    """
    at = text_offset(text_map, site.host.span) if site.host.span is not None else site.start
    for dsn in find(text):
        if any(host.start == at or dsn.start == at for host in dsn.hosts):
            return tuple(
                Replacement(edit.start, edit.end, text[edit.start : edit.end], edit.text)
                for edit in text_edits(dsn, parts)
            )
    return tuple(_token(site, part, text, text_map) for part in parts if not _absent(part))


def _absent(part: PartEdit) -> bool:
    """A parameter that split variables and arguments do not have cannot be added."""
    return part.part == "param" and not part.before


def _token(site: Site, part: PartEdit, text: str, text_map: TextMap) -> Replacement:
    """The replacement of one token that stands alone (`-h HOST`, `DB_HOST=HOST`)."""
    holder = {"host": site.host, "port": site.port}.get(part.part) or _param(site, part.name)
    if holder is None or holder.span is None:
        raise EditRefused(
            f"`{site.location.path}` line {site.location.line}: no place for `{part.part}`"
        )
    start = text_offset(text_map, holder.span)
    end = start + len(holder.text) if start is not None else 0
    if start is None or text[start:end] != holder.text:
        raise EditRefused(
            f"`{site.location.path}` line {site.location.line}: `{part.part}` of `{site.key}` "
            "stands in another value"
        )
    return Replacement(start, end, holder.text, part.after)


def text_offset(text_map: TextMap, span: Span) -> int | None:
    """Offset in the text of the character at a byte; None when no run holds it."""
    for text_start, byte_start, piece in text_map.runs:
        size = len(piece.encode())
        if byte_start <= span.start and span.end <= byte_start + size:
            return text_start + len(piece.encode()[: span.start - byte_start].decode())
    return None


def applied(text: str, edits: tuple[Replacement, ...]) -> str:
    """`text` with the replacements made."""
    ordered = sorted(edits, key=lambda edit: edit.start)
    return apply_edits(text, [TextEdit(e.start, e.end, e.after) for e in ordered])
