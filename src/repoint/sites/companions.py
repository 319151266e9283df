"""Keys that complete a connection from another place than its host's.

A container gets `DB_HOST` from a ConfigMap and `DB_USERNAME` from a Secret: what belongs
together is told by the names alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from repoint.sites.keys import OTHER_ENGINES, Evidence, HostName, field_of, host_key, words
from repoint.sites.kin import names_host, same_words
from repoint.sites.split import prefixes

_URLS = frozenset({"url", "uri", "dsn"})
_PASSWORDS = frozenset({"password", "pass", "passwd", "pwd", "dbpassword", "userpassword"})


@lru_cache(maxsize=16384)
def companion(host_name: str, other: str) -> str:
    """The part that the variable `other` gives to the connection whose host `host_name` names.

    Returns:
        `user`, `database`, `schema`, .. as `field_of` calls it; empty for none, a password's
        among them.
    """
    name = host_key(host_name) or _url_key(host_name)
    parts = words(other)
    if name is None or not parts or names_host(parts):
        return ""
    alike = same_words(parts)
    for prefix in prefixes(name):
        same = same_words(prefix)
        if parts[: len(prefix)] == prefix or (same and alike[: len(same)] == same):
            kind = field_of(_without(parts[len(prefix) :], name.role))
            if kind:
                return kind
    return ""


def _url_key(name: str) -> HostName | None:
    """A name that says `URL` and nothing of a database: `SPRING_FLYWAY_URL`.

    Its value tells what it leads to; who logs in stands in a name that begins like it.
    """
    parts = words(name)
    if len(parts) < 2 or parts[-1] not in _URLS or set(parts) & OTHER_ENGINES:
        return None
    return HostName(Evidence.FOREIGN, parts[:-1], parts[-1:])


def password_beside(host_name: str, names: Iterable[str]) -> str:
    """Which of the variables `names` holds the password for the host that `host_name` names.

    Empty where none does. The closest family wins: `DB_READ_HOST` takes `DB_READ_PASSWORD`
    before `DB_PASSWORD`.
    """
    name = host_key(host_name)
    if name is None:
        return ""
    by_words = {words(one): one for one in names}
    for prefix in prefixes(name):
        for parts, one in by_words.items():
            tail = _without(parts[len(prefix) :], name.role)
            if parts[: len(prefix)] == prefix and "".join(tail) in _PASSWORDS:
                return one
    return ""


def is_login_part(name: str) -> bool:
    """Whether a name says that its value is a role or a database, and no password."""
    parts = words(name)
    return any(field_of(parts[start:]) in ("user", "database") for start in range(len(parts)))


def _without(tail: tuple[str, ...], role: tuple[str, ...]) -> tuple[str, ...]:
    return tail[: -len(role)] if role and tail[-len(role) :] == role else tail
