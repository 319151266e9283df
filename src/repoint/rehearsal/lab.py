"""The servers that a rehearsal needs, as plain values: one PostgreSQL and its Poolers."""

from __future__ import annotations

from dataclasses import dataclass

from repoint.model.sensitive import Sensitive


@dataclass(frozen=True, slots=True)
class RoleSpec:
    """A PostgreSQL role; `settings` are `ALTER ROLE .. SET` pairs, `password` is a throwaway."""

    name: str
    password: Sensitive
    superuser: bool = False
    createdb: bool = False
    connection_limit: int = -1
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DatabaseSpec:
    """A database with its owner, and SQL that runs in it as `postgres`, in order.

    `sql` are `(what it is, text)` pairs: schemas, `postInitApplicationSQL`, pre-checks.
    """

    name: str
    owner: str
    sql: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class PostgresSpec:
    """The Cluster's server.

    `major` is the major version asked for, 0 for any. `names` are the host names that its
    certificate carries (`<cluster>-rw` in all its forms, and serverAltDNSNames); `host` is the
    full name of its read-write Service. `parameters` are `spec.postgresql.parameters`,
    `pg_hba` the lines of `spec.postgresql.pg_hba`.
    """

    major: int
    host: str
    names: tuple[str, ...]
    roles: tuple[RoleSpec, ...]
    databases: tuple[DatabaseSpec, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    pg_hba: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OwnLogin:
    """How a Pooler that the operator does not set up looks passwords up (fact CN3).

    `query` is its `authQuery`, `secret` the Secret with the name of who asks: a certificate
    (`serverTLSSecret`) where `certificate` is true, else a user and a password.
    """

    query: str
    secret: str
    certificate: bool = False


@dataclass(frozen=True, slots=True)
class BouncerSpec:
    """A Pooler, as CloudNativePG reads it.

    `host` is the full name of its Service, `cluster_host` of the Cluster's that its `type` makes
    it ask; `parameters` are `spec.pgbouncer.parameters`,
    `pg_hba` the lines of `spec.pgbouncer.pg_hba`; `version` is what production runs. Where
    `own_certificate` is true the Pooler has a clientTLSSecret of its own (for its own names).
    `overrides` are settings that the rehearsal puts on top, each a loss of fidelity.
    """

    name: str
    host: str
    cluster_host: str
    mode: str
    parameters: tuple[tuple[str, str], ...] = ()
    pg_hba: tuple[str, ...] = ()
    version: tuple[int, ...] = ()
    client_tls_sslmode: str = "prefer"
    own_certificate: bool = False
    overrides: tuple[tuple[str, str], ...] = ()
    certificate_host: str = ""
    """Whose names its own certificate has, when it stands beside that Pooler; empty: its own."""
    login: OwnLogin | None = None


@dataclass(frozen=True, slots=True)
class Attended:
    """How a program ended: its status, None where it did not in time, and its last words.

    They may hold a password, so they are not shown.
    """

    status: int | None
    said: str

    def __repr__(self) -> str:
        return f"Attended(status={self.status})"


@dataclass(frozen=True, slots=True)
class LabSpec:
    """Everything that has to run for one environment."""

    environment: str
    postgres: PostgresSpec
    bouncers: tuple[BouncerSpec, ...]
