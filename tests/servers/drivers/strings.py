"""Connection strings as each driver's users write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Place:
    """Where to log in, and as whom."""

    port: int
    user: str = "app"
    password: str = "throwaway"
    database: str = "app"
    host: str = "127.0.0.1"


def url(driver: str, place: Place, params: Mapping[str, str] | None = None) -> str:
    """The URL that `driver` takes; pgjdbc has one of its own kind."""
    more = [f"{key}={quote(value, safe='/,')}" for key, value in (params or {}).items()]
    where = f"{place.host}:{place.port}/{place.database}"
    if driver == "pgjdbc":
        login = [f"user={place.user}", f"password={quote(place.password, safe='')}"]
        return f"jdbc:postgresql://{where}?" + "&".join(login + more)
    start = f"postgresql://{place.user}:{quote(place.password, safe='')}@{where}"
    return start + ("?" + "&".join(more) if more else "")


def pairs(place: Place, params: Mapping[str, str] | None = None) -> str:
    """The `key=value` form, which libpq, pgx and lib/pq take."""
    words = {
        "host": place.host,
        "port": str(place.port),
        "user": place.user,
        "password": place.password,
        "dbname": place.database,
        **(params or {}),
    }
    return " ".join(f"{key}={_quoted(value)}" for key, value in words.items())


def _quoted(value: str) -> str:
    plain = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{plain}'" if plain != value or " " in value or not value else value
