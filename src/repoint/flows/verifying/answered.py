"""What a probe's answers come to: the same checks as through a port-forward."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from repoint.flows.rehearsing.stage import path_held
from repoint.flows.verifying.subjects import Subject, is_schema_alone, wanted_path
from repoint.model.rehearsal import Check, Control, Verdict
from repoint.rehearsal.setup import first_schema
from repoint.rules.facts import PoolerFacts, RoleDefault
from repoint.rules.sent import Fate, fate, sent
from repoint.verification.health import wellness
from repoint.verification.identity import Who, kind_of, right_kind, right_server
from repoint.verification.probe_job import Answers

_DEMANDED = ("require", "verify-ca", "verify-full")
_NAMES = ("server", "primary", "current-schema", "search-path", "tls", "writable")


def asked_checks(
    subject: Subject,
    found: Answers,
    pooler: PoolerFacts | None,
    defaults: Sequence[RoleDefault],
) -> tuple[Check, ...]:
    """The checks that begin with the login; `pooler` is the one that the consumer asks."""
    login = subject.client.login
    assert login is not None
    expected = f"`{login.user}` at database `{login.database}`"
    if isinstance(found.me, str):
        failed = Check("login", Verdict.FAIL, expected, found.me, ("OP6", "SP1", "TL1"))
        skipped = [Check(n, Verdict.SKIPPED, "an answer", "there is no login") for n in _NAMES]
        return (_host(subject, found), failed, *skipped)
    seen = found.me
    observed = f"logged in as `{seen['user']}` at database `{seen['database']}`"
    right = (seen["user"], seen["database"]) == (login.user, login.database)
    return (
        _host(subject, found),
        _of("login", right, expected, observed),
        *_startup(subject, pooler),
        *_identity(subject, found),
        *_path(subject, found, seen, defaults),
        _tls(subject),
        _of(
            "writable",
            seen["read_only"] == "off",
            "a server that takes writes",
            "takes writes; nothing was written" if seen["read_only"] == "off" else "read only",
        ),
    )


def health_of(status: str, url: str) -> Check:
    """What the health endpoint at `url` answered to a probe: a status, 0 for no answer."""
    number = int(status)
    observed = f"{number}" if number else "no answer"
    return Check("health", wellness(number), f"{url} answers 2xx", observed)


def route_control(subject: Subject, found: Answers) -> Control:
    """The question of the server's kind, asked of the other route."""
    wanted = "PostgreSQL itself" if subject.client.pooler else "PgBouncer"
    expected = f"{wanted} at the other route"
    name = f"other-route-{subject.client.route}"
    facts = ("SP2",)
    if isinstance(found.other, str):
        return Control(name, "", subject.id, Verdict.UNKNOWN, expected, found.other, facts)
    seen = kind_of(found.other)
    held = Verdict.PASS if seen == wanted else Verdict.UNKNOWN
    return Control(name, "", subject.id, held, expected, seen, facts)


def _host(subject: Subject, found: Answers) -> Check:
    """The host that the live connection names, told by the probe."""
    planned = subject.planned
    expected = planned.server if planned is not None else "what the repository says"
    observed = f"the live connection names `{found.host}`"
    if planned is None:
        return Check("live-host", Verdict.UNKNOWN, expected, observed)
    names = planned.server.split(".")
    spelled = {".".join(names[:size]) for size in (1, 2, 3, len(names))}
    here = found.host.lower().rstrip(".")
    short = here == names[0] and subject.container.namespace != names[1]
    return _of("live-host", here in spelled and not short, expected, observed)


def _identity(subject: Subject, found: Answers) -> tuple[Check, Check]:
    if isinstance(found.marked, str):
        unknown = Check("server", Verdict.UNKNOWN, "the right kind of server", found.marked)
        return unknown, Check("primary", Verdict.UNKNOWN, "the primary", found.marked)
    kind = Check("server", *right_kind(found.marked, pooled=bool(subject.client.pooler)), ("SP2",))
    cluster = subject.cluster
    assert cluster is not None
    primary = found.primary if isinstance(found.primary, Who) else None
    answer = right_server(found.marked, cluster=cluster.name, system="", primary=primary)
    return kind, Check("primary", *answer, ("TL8",))


def _path(
    subject: Subject,
    found: Answers,
    seen: Mapping[str, str],
    defaults: Sequence[RoleDefault],
) -> tuple[Check, ...]:
    wanted = wanted_path(subject, defaults)
    if not wanted:
        why = "neither the repository nor the connection string tells its schema"
        names = ("current-schema", "search-path")
        return tuple(Check(n, Verdict.SKIPPED, "its own schema", why) for n in names)
    schema = first_schema(wanted)
    there = seen["schema"] or "none that exists"
    path = path_held(wanted, seen["path"], seen["schema"], alone=is_schema_alone(subject))
    return (
        _of("current-schema", seen["schema"] == schema, schema, there, ("SP1", "SP2", "SP6")),
        Check("search-path", path.verdict, path.expected, path.observed, ("SP4", "SP9")),
    )


def _startup(subject: Subject, pooler: PoolerFacts | None) -> tuple[Check, ...]:
    """What the driver puts into the packet and psql cannot: whether the Pooler takes it (SP1)."""
    client = subject.client
    if pooler is None or client.connection is None:
        return ()
    version = subject.cluster.postgres if subject.cluster is not None else 0
    wrong = [
        f"`{item.written}` is {fate(item, pooler, version).value}"
        for item in sent(client.connection, (client.driver,))
        if fate(item, pooler, version) not in (Fate.WORKS, Fate.STRIPPED)
    ]
    if not wrong:
        return ()
    expected = f"what {client.driver} sends at its login is taken"
    told = f"psql does not send it so, and by the facts {', '.join(wrong)}"
    return (Check("startup", Verdict.UNKNOWN, expected, told, ("SP1", "SP2")),)


def _tls(subject: Subject) -> Check:
    mode = subject.client.sslmode or "prefer"
    if mode in _DEMANDED:
        expected = f"TLS, as sslmode={mode} demands"
        return Check("tls", Verdict.PASS, expected, "psql logged in with it", ("TL8", "TL10"))
    return Check("tls", Verdict.PASS, f"whatever sslmode={mode} settles on", "psql tells no more")


def _of(name: str, holds: bool, expected: str, observed: str, facts: tuple[str, ...] = ()) -> Check:
    return Check(name, Verdict.PASS if holds else Verdict.FAIL, expected, observed, facts)
