"""Which files can hold a site at all: a cheap look at the bytes, before anything is parsed.

A superset of what the detectors find. A site needs a word that names PostgreSQL (or one of its
ports, programs, URL schemes), or the pairs of a connection string, or base64 of a Secret; where
a key names merely some database, a word for a host must stand in the file as well. Tests hold
this against the tables that the rules are made of, and against every table and corpus file.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from repoint.sites.commands import added_needles

_KEPT = b"abcdefghijklmnopqrstuvwxyz0123456789="
_PLAIN = bytes(byte if byte in _KEPT else 32 for byte in bytes(range(256)).lower())
"""A table for `translate`: lower case, and a space for all but letters, digits and `=`."""


class _Words:
    """Patterns of which one is enough; compiled when first asked for, a start-up pays nothing.

    Each begins with a literal: `re` then skips with memchr from one to the next, which costs a
    fraction of an alternation. What stands before that literal is looked for behind it.
    """

    __slots__ = ("_patterns", "_searches")

    def __init__(self, *patterns: bytes) -> None:
        self._patterns = patterns
        self._searches: tuple[Callable[[bytes], object], ...] = ()

    def found_in(self, text: bytes) -> bool:
        """Whether one of the patterns occurs in the text."""
        if not self._searches:
            self._searches = tuple(re.compile(pattern).search for pattern in self._patterns)
        for search in self._searches:  # noqa: SIM110 (a generator would cost as much again)
            if search(text):
                return True
        return False


def _one_of(words: tuple[bytes, ...]) -> bytes:
    return b"(?:" + b"|".join(words) + b")"


_NAMED = _Words(
    rb"postg",
    rb"pg(?<!jpg)",
    rb"q(?:l(?:(?<=psql)| tool)|(?<=libpq))",
    rb"u(?:pabase(?<=supabase)|nchy(?<=crunchy)|ser(?:(?<=createuser)|(?<=dropuser))"
    rb"|sters(?<=externalclusters))",
    rb"m(?:escale(?<=timescale)|iner default server)",
    rb"ecto   ",
    rb"data source uri",
    rb"tern(?<![a-z]tern)(?![a-z])",
)
"""Plain words that name PostgreSQL, its programs or URLs, or are known to hold its host."""

_NAMED_DB = _Words(
    rb"db(?:(?<=createdb)|(?<=dropdb)|(?<=vacuumdb)|(?<=reindexdb)|(?<=clusterdb)|(?<=alloydb))"
)
_PORT = _Words(
    rb"43(?:[0-9](?<=[56]43.)(?<![0-9][56]43.)|(?<=6543)(?<![0-9]6543))(?![0-9])",
    rb"2506[01](?<![0-9]2506.)(?![0-9])",
)
"""The ports at which PostgreSQL and its poolers are met."""

_SOME_DATABASE = _Words(rb"b(?:ase(?<=database)|(?<=db))", rb"q(?<=sq)l", rb"source(?<=datasource)")
"""Plain words for some database."""

_SHORT = _Words(
    rb"ds(?:(?<![A-Za-z]ds)(?![a-z])|(?<=Rds)|(?<=rds)(?<![A-Za-z]rds))",
    rb"D(?:S(?:(?<![A-Z]DS)|(?<=RDS)(?<![A-Z]RDS))|s(?![a-z])|s(?<=RDs))",
)
"""`ds` and `rds` for some database, as words of their own in any case."""

_PROGRAMS = _Words(
    rb"wait", rb"nc(?:at|(?<![a-z]nc)(?![a-z]))", rb"net(?:cat|(?<=telnet))", rb"nmap",
    rb"tcp(?:ing|(?<=dev tcp) )", rb"portchecker",
)  # fmt: skip
"""Plain words for programs that open a port, which a variable may name (`nc -z db $DB_PORT`)."""

_PAIRS = _Words(
    rb"host(?:addr)? *=", rb"server(?: ?name)? *=", rb"addr(?:ess)? *=",
    rb"source(?:(?<=data source)|(?<=datasource)) *=",
)  # fmt: skip
"""The host of a connection string made of pairs."""

_ESCAPED = _Words(
    rb"\\(?:(?:u00|U000000|x)(?:2[fF]|3[0-9aAdD]|[46].|5[0-9aAfF]|7[0-9aA])"
    rb"|(?<=[A-Za-z0-9:/]\\)\r?\n[ \t]*[A-Za-z0-9:/])",
)
"""A letter, a digit, `=`, `:` or `/` that is written as an escape, and words on two lines."""

_SECRET = _Words(rb"Secret(?<![A-Za-z]Secret)(?![A-Za-z])")
_DATA = _Words(rb"data(?<![A-Za-z]data)(?![A-Za-z])")

_LOOSE = rb"(?:server|addr|endpoint|ur[il](?![a-z])|fqdn)"
_LOOSE_IN_KEY = rb"(?:server|addr|endpoint|ur[il](?![a-z])|fqdn|dsn|seeds)"
_USER = rb"(?:user|login|role|uid|usr)"
_DATABASE = rb"(?:database|db|sql|datasource|ds)"
_NAME = rb"(?:name|key|variable|path|value)[\"'\\]*\s*[:=][^\n]{0,120}?"
_IS_KEY = rb"[\w.\- ]{0,40}[\"'\\]*\s*[:=>]"
_PATH = rb"(?:[^\s\"':=]|:(?!\s)){0,80}?"
_WORDS = rb"(?:[^\n\"':=]|:(?!\s)){0,80}?"

_COMPOUND = _Words(_DATABASE + _one_of((_PATH + _LOOSE_IN_KEY, _WORDS + _LOOSE_IN_KEY + _IS_KEY)))
"""One key that names some database and its host: `db.server`, `DATABASE_URL`, `Db Server:`."""

_LOOSE_KEY = _Words(_LOOSE + _IS_KEY + rb"(?!\s*\"[\w.\-]+ +[\w.\-][\w.\- ]*+\")")
"""A key that may be a host's: several words in quotes are none (`hosts.address`)."""

_USER_KEY = _Words(_USER + _IS_KEY)

_VALUE = _Words(rb"value[\"'\\]*\s*[:=]")
_NAMED_COMPOUND = _Words(_NAME + _DATABASE + _WORDS + _LOOSE_IN_KEY)
_NAMED_LOOSE = _Words(_NAME + _LOOSE)
_NAMED_USER = _Words(_NAME + _USER)
"""The same where a name and a `value` stand for a key: `name: address`, `path: /db/url`."""


def may_hold_site_bytes(path: str, raw: bytes) -> bool:
    """Whether a file is worth a closer look; False only when it can hold no site.

    `raw` are the bytes of the file in UTF-8, with or without a BOM. Of `path` the name alone
    matters.
    """
    name = path.rsplit("/", 1)[-1]
    whole = b"%b\n%b" % (name.encode(errors="replace"), raw)
    plain = whole.translate(_PLAIN)
    if _NAMED.found_in(plain) or _PORT.found_in(plain):
        return True
    if (_SOME_DATABASE.found_in(plain) or _SHORT.found_in(whole)) and _names_a_host(plain, whole):
        return True
    if b"=" in plain and _PAIRS.found_in(plain):
        return True
    if b"\\" in whole and _ESCAPED.found_in(whole):
        return True
    if any(name in whole for name in added_needles()):
        return True
    return _SECRET.found_in(whole) and _DATA.found_in(whole)


def _names_a_host(plain: bytes, whole: bytes) -> bool:
    """Whether a file that names some database may name a host of it.

    A key that is a host's in itself, one that names the database as well, or a server beside
    a user: other keys below a database's (`url`, `address`) tell nothing of PostgreSQL.
    """
    if b"host" in plain or _NAMED_DB.found_in(plain) or _PROGRAMS.found_in(plain):
        return True
    lowered = whole.lower()
    paired = _VALUE.found_in(lowered)
    if _COMPOUND.found_in(lowered) or (paired and _NAMED_COMPOUND.found_in(lowered)):
        return True
    if not (_LOOSE_KEY.found_in(lowered) or (paired and _NAMED_LOOSE.found_in(lowered))):
        return False
    return _USER_KEY.found_in(lowered) or (paired and _NAMED_USER.found_in(lowered))


def may_hold_site(path: str, text: str) -> bool:
    """`may_hold_site_bytes` of a text that is decoded already."""
    return may_hold_site_bytes(path, text.encode(errors="replace"))
