"""Connection URLs: postgres://, its dialects, JDBC and R2DBC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from urllib.parse import unquote

from msgspec import Struct

from repoint.dsn.params import HOST_NAMES, PORT_NAMES, USER_NAMES, canonical
from repoint.dsn.parts import Dsn, Param, Place, Token, is_password
from repoint.dsn.text import TEMPLATE, opens_text, quote_before, shadow, trimmed
from repoint.model.consumer import Style

_NAMES = r"(?:postgres(?:ql)?|pgx5?|pgsql|postgis|psql|ecto|timescale(?:db)?)(?:\+[a-z0-9_]{1,20})?"
WRAPPERS = r"(?:jdbc|r2dbcs?|vertx-reactive)(?::[a-z0-9\-]{1,20}){0,2}?:"
_TAKEN_BY = r"(?:db|sqla)\+"
"""What Celery and Kombu put before a URL that they hand to SQLAlchemy."""
_SCHEME = re.compile(
    rf"(?<![A-Za-z0-9_+.\-])((?:{WRAPPERS}|{_TAKEN_BY})?{_NAMES}|db:pg)://", re.IGNORECASE
)
_NEXT = re.compile(rf"[,;|]\s*(?:{WRAPPERS}|{_TAKEN_BY})?{_NAMES}://", re.IGNORECASE)

_WHOLE = re.compile(rf"(?:{TEMPLATE}|\S)*+")
_OPEN = re.compile(rf"(?:{TEMPLATE}|[^\s\"'`<>])*+")
_LONGEST = 4096

_HOST = r"(?:\[[0-9A-Fa-f:.%\x00]*\]|[\w.\-\x00$%~*]*)"
_PORT = r"(?::(?:\d{1,5}(?!\w)|[A-Z_]{1,40}|\$?[\w]*\x00[\w\x00]*|\$\w{1,60})?)?"
_HOSTS = rf"{_HOST}{_PORT}(?:,{_HOST}{_PORT})*+"
_HOSTS_DATABASE = re.compile(rf"(?:{_HOSTS})(?:/[^?@]*+)?")
_HOST_LIST = re.compile(_HOSTS)
_ONE_HOST = re.compile(rf"({_HOST})(?::([^,]*))?(?:,|$)")
_QUERY = re.compile(r"\?(?=[A-Za-z_\x00][\w.\-\x00]{0,60}=)")
_PAIR = re.compile(r"([?&](?:amp;)?)([^=&#]*+)=?([^&#]*+)")
_MOST_QUERIES = 16


def find_urls(text: str) -> Iterator[Dsn]:
    """Every PostgreSQL URL in `text`, left to right."""
    if "://" not in text:
        return
    position = 0
    while (found := _SCHEME.search(text, position)) is not None:
        body = body_at(text, found.start(), found.end())
        dsn = _read(found, body)
        if dsn is not None:
            yield dsn
        position = max(found.end(), found.end() + len(body))


def body_at(text: str, start: int, after_scheme: int) -> str:
    """What follows `://` and still belongs to the URL that starts at `start`."""
    window = text[after_scheme : after_scheme + _LONGEST]
    following = _NEXT.search(window)
    window = window[: following.start()] if following else window
    quote = quote_before(text, start)
    whole = _match(_WHOLE, window)
    if opens_text(text, start) and not text[after_scheme + len(whole) :].strip():
        return whole
    if quote:
        return _before_escape(_match(_quoted(quote), window))
    return trimmed(_open_body(window, whole))


@cache
def _quoted(quote: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{TEMPLATE}|[^\s{quote}])*+")


def _match(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.match(text)
    return found.group() if found else ""


def _open_body(window: str, whole: str) -> str:
    """An unquoted body: a quote ends it, unless it stands in the password."""
    body = _match(_OPEN, window)
    if "@" not in body and "/" not in body and "@" in whole[len(body) :]:
        return whole
    return body


def _before_escape(body: str) -> str:
    """`body` without the backslash of an escaped closing quote or line end."""
    cut = body.find("\\", body.rfind("@") + 1)
    return body if cut < 0 else body[:cut]


class Layout(Struct, frozen=True):
    """Where the parts of a URL's body stand: `[0, info)` user info with its `@`,
    `[info, hosts)` the hosts, `[hosts, query)` slash and database, then the query.
    """

    info: int
    hosts: int
    query: int
    end: int


def layout(view: str) -> Layout:
    """Split the shadow of a body, where a raw password may hold `@`, `/`, `?`, `#`, `:`.

    The user info ends at the last `@` before the query, and the query starts at the
    first `?name=` that follows a list of hosts.
    """
    query = _query_start(view)
    info = view.rfind("@", 0, query) + 1
    if query == len(view):
        mark = view.find("?", info)
        query = mark if mark >= 0 else query
    fragment = view.find("#", info)
    end = fragment if fragment >= 0 else len(view)
    query = min(query, end)
    slash = view.find("/", info, query)
    return Layout(info, slash if slash >= 0 else query, query, end)


def _query_start(view: str) -> int:
    for count, found in enumerate(_QUERY.finditer(view)):
        at = view.rfind("@", 0, found.start())
        if _HOSTS_DATABASE.fullmatch(view, at + 1, found.start()):
            return found.start()
        if count == _MOST_QUERIES:
            break
    return len(view)


def _read(found: re.Match[str], body: str) -> Dsn | None:
    view = shadow(body)
    at = layout(view)
    base = found.end()
    if not _HOST_LIST.fullmatch(view, at.info, at.hosts):
        return None
    hosts, ports = _host_tokens(body, view, at, base)
    name_start = min(at.hosts + 1, at.query)
    database = _token(body, name_start, at.query, base)
    user, colon = _user(body, view, at.info)
    params, core, query_user, has_password = _query(body, view, at, base)
    if core:
        hosts, ports = _from_core(core, hosts, ports)
    if not hosts and database is None and not params:
        return None
    scheme = found.group(1)
    places = tuple(
        Place(base + pair.start(), base + pair.start(2), base + pair.end())
        for pair in _PAIR.finditer(view, at.query, at.end)
    )
    return Dsn(
        style=Style.JDBC if ":" in scheme else Style.URL,
        start=found.start(),
        end=base + len(body),
        scheme=scheme,
        user=user if user is not None else query_user,
        has_password=colon or has_password,
        hosts=hosts,
        ports=ports,
        database=database,
        params=params,
        core=core,
        pairs=places,
        tail=base + at.end,
        joint=_joint(found.group(1), view, at),
    )


def _joint(scheme: str, view: str, at: Layout) -> str:
    """What must stand before one more parameter."""
    query = view[at.query : at.end]
    if query == "?" or query.endswith(("&", "&amp;")):
        return ""
    if query:
        return "&amp;" if "&amp;" in query else "&"
    return "/?" if scheme.lower().startswith("jdbc") and at.hosts == at.query else "?"


def _token(body: str, start: int, end: int, base: int) -> Token | None:
    return Token(body[start:end], base + start, base + end) if start < end else None


def _user(body: str, view: str, info: int) -> tuple[str | None, bool]:
    if not info:
        return None, False
    colon = view.find(":", 0, info)
    name = body[: colon if colon >= 0 else info - 1]
    return (unquote(name) or None), 0 <= colon < info - 2


def _host_tokens(
    body: str, view: str, at: Layout, base: int
) -> tuple[tuple[Token, ...], tuple[Token | None, ...]]:
    hosts: list[Token] = []
    ports: list[Token | None] = []
    for one in _ONE_HOST.finditer(view, at.info, at.hosts):
        if one.start() == one.end():
            break
        start, end = one.span(1)
        host = _token(body, start, end, base)
        if host is None or not re.search(r"[\w\x00\[*$]", one.group(1)):
            continue
        hosts.append(host)
        ports.append(_token(body, *one.span(2), base) if one.group(2) else None)
    return tuple(hosts), tuple(ports)


def _query(
    body: str, view: str, at: Layout, base: int
) -> tuple[tuple[Param, ...], tuple[Param, ...], str | None, bool]:
    params: list[Param] = []
    core: list[Param] = []
    user: str | None = None
    has_password = False
    for pair in _PAIR.finditer(view, at.query, at.end):
        name = body[pair.start(2) : pair.end(2)]
        low, high = pair.span(3)
        value = Token(body[low:high], base + low, base + high)
        param = Param(name, value, base + pair.start(), base + pair.end())
        if is_password(name):
            has_password = has_password or bool(value.text)
        elif canonical(name) in USER_NAMES:
            user = unquote(value.text)
        elif canonical(name) in HOST_NAMES | PORT_NAMES:
            core.append(param)
        elif name:
            params.append(param)
    return tuple(params), tuple(core), user, has_password


def _from_core(
    core: tuple[Param, ...], hosts: tuple[Token, ...], ports: tuple[Token | None, ...]
) -> tuple[tuple[Token, ...], tuple[Token | None, ...]]:
    """`?host=` and `?port=` win over the authority, as they do in libpq."""
    for param in core:
        if canonical(param.name) in HOST_NAMES and param.value.text:
            hosts = split_list(param.value)
            ports = (None,) * len(hosts)
    for param in core:
        if canonical(param.name) in PORT_NAMES and param.value.text:
            ports = spread(split_list(param.value), len(hosts))
    return hosts, ports


def split_list(value: Token) -> tuple[Token, ...]:
    """The comma-separated pieces of a value, each with its offsets."""
    view = shadow(value.text)
    pieces = []
    start = 0
    for end in [*(m.start() for m in re.finditer(",", view)), len(view)]:
        if end > start:
            pieces.append(Token(value.text[start:end], value.start + start, value.start + end))
        start = end + 1
    return tuple(pieces)


def spread(ports: tuple[Token, ...], count: int) -> tuple[Token | None, ...]:
    """Ports for `count` hosts: one port serves all of them, as in libpq."""
    if len(ports) == 1:
        return ports * count
    return tuple(ports[i] if i < len(ports) else None for i in range(count))
