"""RP237 to RP239: whom a client trusts, and what both ends of its TLS insist on.

A consumer that verifies the old server has that server's root certificate. CloudNativePG
signs with a CA of its own, in the Secret `<cluster>-ca` (CN10), so verifying clients need
another file, whichever way they go.
"""

from __future__ import annotations

from collections.abc import Iterator

from repoint.model.plan import Finding, Severity
from repoint.rules.driver_shapes import tls_of
from repoint.rules.facts import (
    ClusterFacts,
    Connection,
    ConsumerFacts,
    EnvironmentFacts,
    PoolerFacts,
)
from repoint.rules.rule import Rule

NO_ROOT = Rule(
    "RP237",
    Severity.WARNING,
    "nothing shows that the client has the new server's root certificate",
    "With verify-ca or verify-full the driver needs the CA that signed the server's certificate. "
    "CloudNativePG makes one per Cluster; the old server's does not fit, the system's store does "
    "not hold it, and the connection is refused.",
    "mount `ca.crt` of the Secret `<cluster>-ca` and name it in `sslrootcert`; in another "
    "namespace copy the Secret first",
    ("CN10", "TL1", "TL2"),
)
DISAGREE = Rule(
    "RP238",
    Severity.ERROR,
    "the Pooler and the consumer disagree about TLS",
    "With `client_tls_sslmode` the Pooler refuses clients without TLS (`FATAL: SSL required`), or "
    "without a certificate; set to `disable` it offers no TLS, and a client that requires it "
    "leaves.",
    "write `client_tls_sslmode: require` on the Pooler and `sslmode=require` or stronger in the "
    "connection string",
    ("TL7", "TL8"),
)
OLD_TLS = Rule(
    "RP239",
    Severity.ERROR,
    "CloudNativePG's PostgreSQL refuses the client's TLS version",
    "Its PostgreSQL speaks TLS 1.3 only unless the Cluster says otherwise: a direct client that "
    "stops at 1.2 gets `tlsv1 alert protocol version`. A Pooler accepts it.",
    "remove `ssl_max_protocol_version`, or set `ssl_min_protocol_version: TLSv1.2` in the "
    "Cluster's PostgreSQL parameters",
    ("TL9", "CN5"),
)
RULES: tuple[Rule, ...] = (NO_ROOT, DISAGREE, OLD_TLS)

_VERIFIES = ("verify-ca", "verify-full")
_DEMANDS = ("require", *_VERIFIES)


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the TLS of both legs, as far as the manifests tell."""
    found: list[Finding] = []
    for consumer in facts.pooled:
        pooler = facts.pooler_of(consumer)
        if pooler is not None:
            for connection in consumer.connections:
                found += _disagreements(facts, consumer, connection, pooler)
    for consumer in facts.direct:
        for connection in consumer.connections:
            found += _versions(facts, consumer, connection)
    for consumer in (*facts.pooled, *facts.direct):
        for connection in consumer.connections:
            found += _roots(facts, consumer, connection)
    return tuple(dict.fromkeys(found))


def _mode(connection: Connection) -> str:
    plain = connection.told("sslmode").replace("_", "-")
    return {"verifyca": "verify-ca", "verifyfull": "verify-full"}.get(plain, plain)


def _disagreements(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection, pooler: PoolerFacts
) -> Iterator[Finding]:
    theirs, ours = pooler.parameter("client_tls_sslmode", "prefer"), _mode(connection)
    has_certificate = bool(connection.param("sslcert"))
    text = ""
    if theirs in _DEMANDS and ours == "disable":
        text = f"has sslmode=disable, and `{pooler.name}` has client_tls_sslmode={theirs}"
    elif theirs == "disable" and ours in _DEMANDS:
        text = f"has sslmode={ours}, and `{pooler.name}` has client_tls_sslmode=disable"
    elif theirs in _VERIFIES and not has_certificate:
        text = f"shows no certificate, and `{pooler.name}` has client_tls_sslmode={theirs}"
    if text:
        yield _finding(facts, DISAGREE, consumer, connection, text)


def _versions(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection
) -> Iterator[Finding]:
    most = connection.told("ssl_max_protocol_version")
    parameters = dict(facts.cluster.declared.parameters) if facts.cluster is not None else {}
    least = parameters.get("ssl_min_protocol_version", "TLSv1.3").lower()
    if most and most < least:
        text = f"has ssl_max_protocol_version={most} and goes direct, where {least} is the least"
        yield _finding(facts, OLD_TLS, consumer, connection, text)


def _roots(
    facts: EnvironmentFacts, consumer: ConsumerFacts, connection: Connection
) -> Iterator[Finding]:
    alone = any(tls_of(connection, driver).own_store for driver in consumer.drivers)
    if facts.cluster is None or not (alone or _mode(connection) in _VERIFIES):
        return
    pooler = facts.pooler_of(consumer) if consumer.route == "pooled" else None
    if pooler is not None and pooler.client_tls_secret:
        return
    secret = root_secret(facts.cluster)
    path = connection.param("sslrootcert")
    if path == "system" and facts.cluster.own_server_certificate:
        return
    mounted = next(
        (
            source
            for kind, source, at in consumer.mounts
            if kind == "Secret" and at and (path == at or path.startswith(at.rstrip("/") + "/"))
        ),
        "",
    )
    if mounted == secret:
        return
    what = f"with `{path}`" if path else "with its driver's default root certificate"
    what = f"with sslmode={_mode(connection)} by the CAs that come with Node" if alone else what
    where = f", mounted from Secret `{mounted}`" if mounted else ""
    text = f"verifies the server {what}{where}; the Cluster's CA is in Secret `{secret}`"
    yield _finding(facts, NO_ROOT, consumer, connection, text)


def root_secret(cluster: ClusterFacts) -> str:
    """The Secret whose `ca.crt` signed the Cluster's server certificate (CN10)."""
    return cluster.declared.server_ca or f"{cluster.name}-ca"


def _finding(
    facts: EnvironmentFacts,
    rule: Rule,
    consumer: ConsumerFacts,
    connection: Connection,
    message: str,
) -> Finding:
    return rule.finding(
        f"{consumer.id} {message}",
        location=connection.location,
        environment=facts.name,
        consumer=consumer.id,
    )
