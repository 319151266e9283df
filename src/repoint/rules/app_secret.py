"""Consumers that take CloudNativePG's own Secret, and so go past the Pooler.

The Secret is not in the repository: the operator makes it, and everything in it names the
Cluster's read-write Service (fact CN12).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from repoint.model.plan import Finding, Severity
from repoint.model.source import Location
from repoint.rules.rule import Rule

PAST_THE_POOLER = Rule(
    "RP219",
    Severity.WARNING,
    "a runtime reads CloudNativePG's own Secret, which goes past the Pooler",
    "The operator makes the Secret `<cluster>-app` and keeps it: `host`, `uri`, `jdbc-uri`, "
    "`fqdn-uri`, `fqdn-jdbc-uri` and `pgpass` in it name the Service `<cluster>-rw`, and no field "
    "of the Cluster makes them name a Pooler. A runtime that reads one of them stays direct, each "
    "of its connections a backend of PostgreSQL.",
    "take user, password and database from the Secret and write the Pooler's host beside them: a "
    "literal where `host` is read, a string composed with `$(NAME)` where `uri` is; where the "
    "consumer shall go direct, say so with `route: direct`",
    ("CN12", "P3"),
)
RULES: tuple[Rule, ...] = (PAST_THE_POOLER,)

NAMES_HOST = frozenset({"host", "uri", "jdbc-uri", "fqdn-uri", "fqdn-jdbc-uri", "pgpass"})
"""The keys of the Secret that name the read-write Service (CN12)."""
SCHEMES = {
    "uri": "postgresql",
    "fqdn-uri": "postgresql",
    "jdbc-uri": "jdbc:postgresql",
    "fqdn-jdbc-uri": "jdbc:postgresql",
}
"""The keys that hold a whole connection string, and what it begins with."""


@dataclass(frozen=True, slots=True)
class PastThePooler:
    """A runtime that gets its server out of the operator's Secret.

    `variable` is what the program sees, empty where it gets every key (`envFrom`, a volume);
    `way` says how then. `pooled` is the host that it should have, `planned` tells that the plan
    gives it.
    """

    consumer: str
    environment: str
    secret: str
    key: str
    variable: str
    way: str
    pooled: str
    location: Location | None
    planned: bool = False


def findings(reads: Iterable[PastThePooler]) -> Iterator[Finding]:
    """One finding for each read; a note where the plan mends it."""
    for one in reads:
        what = f"`{one.variable}`" if one.variable else one.way
        does = "; the plan sends it to the Pooler" if one.planned else ""
        yield PAST_THE_POOLER.finding(
            f"{what} of {one.consumer} is `{one.key}` of Secret `{one.secret}`, which names the "
            f"read-write Service{does}",
            hint="review the new variables" if one.planned else remedy(one),
            location=one.location,
            environment=one.environment,
            consumer=one.consumer,
            severity=Severity.NOTE if one.planned else None,
        )


def remedy(read: PastThePooler) -> str:
    """What to write instead, as it stands in a manifest."""
    stays = f"user and password stay those of `{read.secret}`"
    if read.variable and read.key in SCHEMES:
        names = part_names(read.variable)
        told = ", ".join(
            f"`{name}` from its key `{key}`" for key, name in zip(PARTS, names, strict=True)
        )
        return f"compose it: `{composed(read.key, names, read.pooled)}`, after {told}"
    variable = read.variable or "PGHOST"
    return f"write `{variable}` with the value `{read.pooled}`; {stays}"


PARTS = ("username", "password", "dbname")
"""The keys of the Secret of which a connection string is composed."""


def part_names(variable: str) -> tuple[str, str, str]:
    """The variables beside a composed one: `DATABASE_URL_USERNAME` and so on."""
    upper = variable.isupper()
    user, password, name = (f"{variable}_{part.upper() if upper else part}" for part in PARTS)
    return user, password, name


def composed(key: str, names: tuple[str, str, str], host: str, sslmode: str = "") -> str:
    """The Secret's connection string with another host, of variables that hold its parts.

    They can be put in as they are: the operator makes the password of letters and digits.
    """
    user, password, name = names
    scheme, mode = SCHEMES[key], f"sslmode={sslmode}" if sslmode else ""
    if scheme.startswith("jdbc:"):
        more = f"&{mode}" if mode else ""
        return f"{scheme}://{host}:5432/$({name})?password=$({password})&user=$({user}){more}"
    more = f"?{mode}" if mode else ""
    return f"{scheme}://$({user}):$({password})@{host}:5432/$({name}){more}"
