"""RP26x: what a probe proves when it asks a pooler.

PgBouncer answers for itself. `pg_isready` against it reports "accepting connections"
while PostgreSQL is down, and for a database or user that does not exist; an open port
says even less (OP1).
"""

from __future__ import annotations

from repoint.model.plan import Finding, Severity
from repoint.rules.facts import ConsumerFacts, EnvironmentFacts
from repoint.rules.rule import Rule

PROVES_NOTHING = Rule(
    "RP261",
    Severity.WARNING,
    "a probe of the pooler proves nothing of PostgreSQL",
    "Through a pooler `pg_isready` returns 0 while PostgreSQL is down, from the first call when it "
    "names a user and database, and a TCP check always does. The workload starts, or stays ready, "
    "without a database.",
    "wait with a query instead: `until psql -h <pooler> -U <user> -d <database> -c 'select 1'`, "
    "with "
    "PGPASSWORD from the same Secret; or leave `pg_isready` on `<cluster>-rw`",
    ("OP1", "2.1", "3.1", "X8"),
)
RULES: tuple[Rule, ...] = (PROVES_NOTHING,)

_LOGS_IN = frozenset({"psql", "pgbench", "pg_dump"})
_ONLY_PORT = frozenset(
    {
        "pg_isready",
        "nc",
        "ncat",
        "netcat",
        "wait-for-it",
        "wait-for-it.sh",
        "wait-for",
        "dockerize",
        "wait4x",
        "telnet",
        "tcpSocket",
    }
)


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on probes that ask the Pooler without logging in."""
    found = []
    for consumer in facts.pooled:
        for connection in consumer.connections:
            command = connection.key.rsplit("/", 1)[-1]
            if command in _ONLY_PORT or _is_bare_probe(consumer, command):
                what = f"`{command}`" if command else "the probe"
                found.append(
                    PROVES_NOTHING.finding(
                        f"{consumer.id}: {what} against the pooler succeeds while PostgreSQL is "
                        "down",
                        location=connection.location,
                        environment=facts.name,
                        consumer=consumer.id,
                    )
                )
    return tuple(found)


def _is_bare_probe(consumer: ConsumerFacts, command: str) -> bool:
    return consumer.purpose == "probe" and not consumer.logs_in and command not in _LOGS_IN
