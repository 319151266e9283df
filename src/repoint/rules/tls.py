"""RP23x: TLS and logins that work direct and fail through a pooler.

The Pooler shows its clients the Cluster's server certificate, which never carries the
Pooler's own name (TL1). PgBouncer speaks neither channel binding (TL4) nor, before 1.25,
direct TLS negotiation (TL5), and it cannot pass a client's certificate on (TL7).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from repoint.dsn.params import canonical
from repoint.model.plan import Finding, Severity
from repoint.rules.driver_shapes import reads_sslmode, tls_of
from repoint.rules.facts import (
    ClusterFacts,
    Connection,
    ConsumerFacts,
    EnvironmentFacts,
    PoolerFacts,
)
from repoint.rules.rule import Rule

VERIFY_NAME = Rule(
    "RP231",
    Severity.ERROR,
    "the certificate does not carry the Pooler's name",
    "With sslmode=verify-full the driver compares the host name with the certificate. The Pooler "
    "shows the Cluster's certificate, which names the Cluster's Services only. node-postgres with "
    "a "
    "root certificate, and lib/pq with one, check the name even for require and verify-ca.",
    "add the Pooler's four names to `spec.certificates.serverAltDNSNames` of the Cluster, or give "
    "the Pooler a certificate of its own with `clientTLSSecret`",
    ("TL1", "TL2", "TL3", "X15"),
)
CHANNEL_BINDING = Rule(
    "RP232",
    Severity.ERROR,
    "channel binding is demanded, and PgBouncer offers none",
    "PgBouncer ends the client's TLS session itself and offers no SCRAM method with channel "
    "binding, "
    "so the driver refuses to log in. No setting of the Pooler helps.",
    "write `channel_binding=prefer` or remove it",
    ("TL4",),
)
WEAK_SSLMODE = Rule(
    "RP233",
    Severity.WARNING,
    "sslmode allows clear text",
    "With disable, allow or prefer the password and the data may cross the network unencrypted. "
    "The "
    "Pooler accepts it, and PostgreSQL's own view still says that TLS is on, because it sees the "
    "Pooler's connection only.",
    "write `sslmode=require` or stronger; `target.sslmode` in repoint.yaml raises it",
    ("TL2", "TL8", "TL11", "1.1"),
)
DIRECT_TLS = Rule(
    "RP234",
    Severity.ERROR,
    "sslnegotiation=direct hangs on this PgBouncer",
    "PgBouncer before 1.25 waits for the classic request for TLS and the client waits for a TLS "
    "answer, until connect_timeout.",
    "run PgBouncer 1.25 or newer, or remove `sslnegotiation` from the connection string",
    ("TL5",),
)
CLIENT_CERTIFICATE = Rule(
    "RP235",
    Severity.WARNING,
    "the consumer logs in with a client certificate",
    "A certificate proves the client to PgBouncer, not to PostgreSQL behind it: by default the "
    "Pooler "
    "asks for a password, and with its own certificate rule PostgreSQL refuses PgBouncer's "
    "certificate for the consumer's role.",
    "give the role a password, or send the consumer direct",
    ("TL7",),
)
PROTOCOL = Rule(
    "RP236",
    Severity.ERROR,
    "the connection string demands a protocol that PgBouncer does not speak",
    "PgBouncer speaks protocol 3.0. With min_protocol_version=3.2 libpq refuses to connect; "
    "max_protocol_version=latest fails before PgBouncer 1.25.",
    "remove the parameter from the connection string",
    ("TL6",),
)
RULES: tuple[Rule, ...] = (
    VERIFY_NAME,
    CHANNEL_BINDING,
    WEAK_SSLMODE,
    DIRECT_TLS,
    CLIENT_CERTIFICATE,
    PROTOCOL,
)


_BY_HAND = (
    "write `{name}=Require` by hand, which the plan leaves alone: Npgsql 6 and 7 refuse it without "
    "`Trust Server Certificate=true`"
)


_NO_CA = (
    "with `require` its driver verifies, and has no CA",
    "mount `ca.crt` of the Cluster's CA Secret and write `sslmode=verify-full` with "
    "`sslrootcert`; `sslmode=no-verify` encrypts and verifies nothing",
)
_UNREAD = (
    "Ecto reads no sslmode (TL11)",
    "mount `ca.crt` of the Cluster's CA Secret and give the Repo `ssl: [cacertfile: ..]`; "
    "`ssl=true` in the URL encrypts, and verifies with some versions alone",
)


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on how consumers secure their connections."""
    found: list[Finding] = []
    for consumer in facts.pooled:
        for connection in consumer.connections:
            found.extend(_pooled(facts, consumer, connection))
    for consumer in (*facts.pooled, *facts.direct):
        for connection in consumer.connections:
            found.extend(_weak(facts, consumer, connection))
    return tuple(found)


def may_raise(connection: Connection, drivers: tuple[str, ...]) -> bool:
    """Whether a stronger sslmode still lets every one of `drivers` in.

    node-postgres takes `require` for verify-full (TL2), and does not know the Cluster's CA
    unless somebody gives it to it. Ecto reads no sslmode (TL11).
    """
    if not _all_read_mode(connection, drivers):
        return False
    strict = replace(connection, params=(*_without_mode(connection), ("sslmode", "require")))
    return not any(tls_of(strict, driver).own_store for driver in drivers)


def _all_read_mode(connection: Connection, drivers: tuple[str, ...]) -> bool:
    return all(reads_sslmode(connection, driver) for driver in drivers or ("",))


def _without_mode(connection: Connection) -> tuple[tuple[str, str], ...]:
    return tuple(pair for pair in connection.params if canonical(pair[0]) != "sslmode")


def _weak(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection
) -> Iterator[Finding]:
    mode = connection.told("sslmode")
    if not may_raise(connection, consumer.drivers):
        drivers = consumer.drivers or ("",)
        if all(tls_of(connection, driver).wanted == "never" for driver in drivers):
            has = f"has sslmode={mode}" if mode else "has no sslmode"
            why, hint = _UNREAD if not _all_read_mode(connection, consumer.drivers) else _NO_CA
            text = f"{has} and stays in clear text: {why}"
            yield _finding(facts, WEAK_SSLMODE, consumer, connection, text, hint)
    elif mode in ("disable", "allow", "prefer"):
        spelled = next(name for name, _ in connection.params if canonical(name) == "sslmode")
        hint = "" if spelled == "sslmode" else _BY_HAND.format(name=spelled)
        yield _finding(facts, WEAK_SSLMODE, consumer, connection, f"has sslmode={mode}", hint)


def missing_alt_names(
    pooler: PoolerFacts, cluster: ClusterFacts, domain: str = "cluster.local"
) -> tuple[str, ...]:
    """Names to add to `spec.certificates.serverAltDNSNames` so that verify-full works (TL1).

    Empty when they are there, and when somebody brings their own certificate: a Cluster
    with its own server certificate refuses the list, and `clientTLSSecret` replaces it.
    """
    if cluster.own_server_certificate or pooler.client_tls_secret:
        return ()
    service = f"{pooler.name}.{pooler.namespace}"
    names = (pooler.name, service, f"{service}.svc", f"{service}.svc.{domain}")
    present = {name.lower() for name in cluster.alt_names}
    return tuple(name for name in names if name.lower() not in present)


def _pooled(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection
) -> Iterator[Finding]:
    pooler = facts.pooler_of(consumer)
    version = pooler.pgbouncer if pooler else (0,)
    if checks_name(connection, consumer.drivers):
        yield from _names(facts, consumer, connection)
    yield from _demanded(facts, consumer, connection, version)
    if connection.param("sslcert") and connection.told("sslcertmode") != "disable":
        text = "names a client certificate"
        yield _finding(facts, CLIENT_CERTIFICATE, consumer, connection, text)


def demands(facts: EnvironmentFacts, consumer: ConsumerFacts) -> tuple[Finding, ...]:
    """What a consumer's connection strings demand and its Pooler cannot give (TL4 to TL6)."""
    pooler = facts.pooler_of(consumer)
    version = pooler.pgbouncer if pooler else (0,)
    found = (_demanded(facts, consumer, one, version) for one in consumer.connections)
    return tuple(finding for several in found for finding in several)


def _demanded(
    facts: EnvironmentFacts,
    consumer: ConsumerFacts,
    connection: Connection,
    version: tuple[int, ...],
) -> Iterator[Finding]:
    if connection.told("channel_binding") == "require":
        yield _finding(facts, CHANNEL_BINDING, consumer, connection, "demands channel binding")
    if connection.told("sslnegotiation") == "direct" and version < (1, 25):
        yield _finding(facts, DIRECT_TLS, consumer, connection, "has sslnegotiation=direct")
    newest = connection.told("max_protocol_version") == "latest" and version < (1, 25)
    if connection.told("min_protocol_version") in ("3.2", "latest") or newest:
        yield _finding(facts, PROTOCOL, consumer, connection, "demands a newer protocol")


def checks_name(connection: Connection, drivers: tuple[str, ...] = ()) -> bool:
    """Whether a driver compares the host name with the certificate (TL1, TL2, TL3)."""
    return any(tls_of(connection, driver).check_name for driver in drivers or ("",))


def _names(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection
) -> Iterator[Finding]:
    pooler, cluster, host = facts.pooler_of(consumer), facts.cluster, facts.host_of(consumer)
    # The named Pooler's own certificate was made for its own name; one beside it may share it.
    own = pooler is not None and pooler.client_tls_secret
    if pooler is None or (own and pooler is facts.pooler):
        return
    if own or (cluster is not None and cluster.own_server_certificate):
        whose = "the Pooler's own" if own else "the Cluster's own"
        yield _finding(
            facts,
            VERIFY_NAME,
            consumer,
            connection,
            f"checks the host name, and {whose} certificate may not carry the Pooler's",
            hint=f"check that the certificate names `{host}`",
            severity=Severity.WARNING,
        )
        return
    if cluster is None or missing_alt_names(pooler, cluster, facts.domain):
        yield _finding(
            facts,
            VERIFY_NAME,
            consumer,
            connection,
            f"checks the host name, and the certificate does not carry `{host}`",
        )


def _finding(
    facts: EnvironmentFacts,
    rule: Rule,
    consumer: ConsumerFacts,
    connection: Connection,
    message: str,
    hint: str = "",
    severity: Severity | None = None,
) -> Finding:
    return rule.finding(
        f"{consumer.id} {message}",
        hint=hint,
        location=connection.location,
        environment=facts.name,
        consumer=consumer.id,
        severity=severity,
    )
