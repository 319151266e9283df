"""Connection strings made of pairs: libpq's, ADO.NET's, PDO's, and a call's arguments."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from msgspec import Struct

from repoint.dsn.params import (
    DATABASE_NAMES,
    HOST_NAMES,
    PORT_NAMES,
    USER_NAMES,
    canonical,
)
from repoint.dsn.parts import Dsn, Param, Place, Token, is_password
from repoint.dsn.text import TEMPLATE, opens_text, quote_before
from repoint.dsn.url import split_list, spread
from repoint.model.consumer import Style

_FIRST = re.compile(
    r"(?<![\w.$\-])(?:(pgsql|mysql|sqlsrv|oci|dblib|odbc):)?"
    r"(host|hostaddr|server|data source|port|dbname|database|user|user ?name|user ?id|uid|password"
    r"|pwd|sslmode|ssl ?mode|application_name|connect_timeout|service|options|pooling"
    r"|target_session_attrs|search ?path|timeout|maximum pool size|minimum pool size)"
    r"[ \t]{0,3}=",
    re.IGNORECASE,
)
_SINGLE = r"'(?:[^'\\]|\\.|'')*+'"
_DOUBLE = r"\"(?:[^\"\\]|\\.|\"\")*+\""
_BREAKS = {
    ";": re.compile(r"[ \t]*;[ \t]*"),
    ",": re.compile(r"[ \t]*,\s{0,80}"),
    " ": re.compile(r"(?:[ \t]|\\\n)++"),
}
_KEYS = {
    ";": re.compile(r"([A-Za-z][\w \-]{0,40})=[ \t]*"),
    ",": re.compile(r"([a-z_]{1,40})[ \t]?=[ \t]?"),
    " ": re.compile(r"([a-z_][a-z0-9_.]{0,60})[ \t]{0,3}=[ \t]{0,3}"),
}
_FOREIGN_PORTS = frozenset({"3306", "33060", "1433", "6379", "27017", "1521", "9042", "5672"})
_FOREIGN_KEYS = frozenset(
    [
        "integratedsecurity",
        "multipleactiveresultsets",
        "trustedconnection",
        "attachdbfilename",
        "allowpublickeyretrieval",
        "servicebus",
        "initialcatalog",
        "defaultcommandtimeout",
    ]
)
_LIBPQ_PROOF = frozenset(
    [
        "dbname",
        "user",
        "password",
        "sslmode",
        "connecttimeout",
        "targetsessionattrs",
        "applicationname",
        "database",
        "options",
        "searchpath",
        "sslrootcert",
        "passfile",
    ]
)
_USUAL_PORTS = frozenset({"5432", "5433", "6432"})


class _Pair(Struct, frozen=True):
    key: str
    value: Token
    start: int
    name: int
    end: int


def find_pairs(text: str) -> Iterator[Dsn]:
    """Every run of pairs in `text` that names a PostgreSQL server, left to right."""
    if "=" not in text:
        return
    position = 0
    while (found := _FIRST.search(text, position)) is not None:
        prefix = found.group(1) or ""
        start = found.start(2)
        quote = quote_before(text, found.start())
        best: tuple[_Pair, ...] = ()
        for separator in (";", ",", " "):
            run = _run(text, start, separator, quote)
            dsn = _as_dsn(run, separator, prefix.lower(), found.start())
            if dsn is not None:
                yield dsn
            if len(run) > len(best):
                best = run
            if dsn is not None:
                best = run
                break
        position = max(best[-1].end if best else 0, found.end())


@cache
def _value_of(separator: str, quote: str) -> re.Pattern[str]:
    """What a value is like, by the separator and by the quote that encloses the whole string.

    Without an enclosing quote (`-` where the string opens the text) a double quote inside a
    value is one of its characters.
    """
    stop = {"": '"', "-": ""}.get(quote, quote)
    quoted = [p for q, p in (("'", _SINGLE), ('"', _DOUBLE)) if q != quote]
    plain = {
        ";": rf"(?:{TEMPLATE}|[^;\n{stop}])*+",
        ",": rf"(?:{TEMPLATE}|[^\s,()\"'])*+",
        " ": rf"(?:{TEMPLATE}|\\[^\n]|[^\s\\{stop}])*+",
    }
    return re.compile("|".join([*quoted, plain[separator]]), re.DOTALL)


def _run(text: str, start: int, separator: str, quote: str) -> tuple[_Pair, ...]:
    """Consecutive pairs from `start`, joined by `separator`."""
    value_pattern = _value_of(separator, quote or ("-" if opens_text(text, start) else ""))
    pairs: list[_Pair] = []
    span_start = position = start
    while (key := _KEYS[separator].match(text, position)) is not None:
        found = value_pattern.match(text, key.end())
        if found is None:
            break
        low, high = found.span()
        raw = text[low:high]
        if len(raw) > 1 and raw[0] in "'\"" and raw[-1] == raw[0]:
            value = Token(raw[1:-1], low + 1, high - 1)
        else:
            raw = raw.rstrip() if separator == ";" else raw
            value = Token(raw, low, low + len(raw))
            high = low + len(raw)
        pairs.append(_Pair(key.group(1).strip(), value, span_start, position, high))
        span_start = high
        gap = _BREAKS[separator].match(text, high)
        if gap is None:
            break
        position = gap.end()
    return tuple(pairs)


def _as_dsn(run: tuple[_Pair, ...], separator: str, prefix: str, start: int) -> Dsn | None:
    pairs = {canonical(pair.key): pair for pair in reversed(run)}
    host_key = next(
        (k for k in (*sorted(HOST_NAMES, key=_host_first), "hostaddr") if k in pairs), ""
    )
    port = next((pairs[k].value for k in PORT_NAMES if k in pairs), None)
    if prefix not in ("", "pgsql") or not _plausible(pairs, host_key, port, separator, prefix):
        return None
    hosts, ports = _servers(pairs[host_key].value, port, separator)
    return Dsn(
        style=Style.KEYWORD_VALUE,
        start=start,
        end=run[-1].end,
        scheme=prefix,
        user=next((pairs[k].value.text for k in USER_NAMES if k in pairs), None),
        has_password=any(is_password(p.key) and p.value.text for p in run),
        hosts=hosts,
        ports=ports,
        database=next((pairs[k].value for k in DATABASE_NAMES if k in pairs), None),
        params=tuple(_param(p) for p in run if _is_param(p)),
        core=tuple(_param(p) for p in run if canonical(p.key) in {host_key, *PORT_NAMES}),
        separator=separator,
        pairs=tuple(Place(p.start, p.name, p.end) for p in run),
        tail=run[-1].end,
        joint={",": ", "}.get(separator, separator),
    )


def _host_first(name: str) -> tuple[bool, str]:
    return name != "host", name


def _plausible(
    pairs: dict[str, _Pair], host_key: str, port: Token | None, separator: str, prefix: str
) -> bool:
    """Whether the pairs name a PostgreSQL server rather than another thing's host."""
    if not host_key or len(pairs) < 2 or _FOREIGN_KEYS & pairs.keys():
        return False
    if port is not None and port.text in _FOREIGN_PORTS:
        return False
    host = pairs[host_key].value.text
    if host.lower().startswith(("tcp:", "(localdb)")) or ".database.windows.net" in host:
        return False
    if separator == ";":
        return bool(prefix or (DATABASE_NAMES | USER_NAMES) & pairs.keys())
    if any(key != key.lower() for key in (pair.key for pair in pairs.values())):
        return False
    if host_key not in ("host", "hostaddr"):
        return False
    usual = port is not None and (port.text in _USUAL_PORTS or not port.text.isdigit())
    return bool(_LIBPQ_PROOF & pairs.keys()) or usual


def _servers(
    value: Token, port: Token | None, separator: str
) -> tuple[tuple[Token, ...], tuple[Token | None, ...]]:
    hosts = split_list(value)
    ports = spread(split_list(port), len(hosts)) if port is not None and port.text else ()
    if not ports:
        ports = (None,) * len(hosts)
    if separator != ";":
        return hosts, ports
    split = [_host_and_port(host) for host in hosts]  # Npgsql allows Host=a:5432,b:5433
    return (
        tuple(host for host, _ in split),
        tuple(own or given for (_, own), given in zip(split, ports, strict=True)),
    )


def _host_and_port(token: Token) -> tuple[Token, Token | None]:
    found = re.fullmatch(r"([^:\[\]]+):(\d{1,5})", token.text)
    if found is None:
        return token, None
    cut = token.start + found.end(1)
    return Token(found.group(1), token.start, cut), Token(found.group(2), cut + 1, token.end)


def _is_param(pair: _Pair) -> bool:
    name = canonical(pair.key)
    server = HOST_NAMES | PORT_NAMES | DATABASE_NAMES | USER_NAMES
    return not is_password(pair.key) and name not in server


def _param(pair: _Pair) -> Param:
    return Param(pair.key, pair.value, pair.start, pair.end)
