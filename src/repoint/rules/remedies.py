"""What the plan does about a refused startup parameter: track it, default it, or go direct.

The order follows the facts: a default of the role that the repository shows already (SP9),
tracking where the versions allow it (SP4), a default of the role that the plan can write
(SP9), else the direct Service, which always works.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from repoint.model.plan import Finding, Severity
from repoint.rules.declared import PreCheck
from repoint.rules.facts import (
    ClusterFacts,
    Connection,
    ConsumerFacts,
    EnvironmentFacts,
    PoolerFacts,
    RoleDefault,
)
from repoint.rules.role_defaults import BOOTSTRAP, DefaultPlan, normal, plan_defaults
from repoint.rules.rule import Remedy
from repoint.rules.sent import Fate, Sent, fate, sent, shared_roles, trackable
from repoint.rules.startup_params import REFUSED


@dataclass(frozen=True, slots=True)
class Roles:
    """What is known of the roles that consumers log in as.

    `defaults` are seen in the repository, `consumers` is everybody who logs in, `prechecks`
    are the commands that could carry a statement more.
    """

    defaults: Sequence[RoleDefault] = ()
    consumers: tuple[ConsumerFacts, ...] = ()
    prechecks: tuple[PreCheck, ...] = ()


NO_REMEDY = Remedy("none", (), "no parameter of the connection string troubles the pool", ())
_TROUBLE = frozenset({Fate.REFUSED, Fate.DROPPED, Fate.IGNORED, Fate.UNTRACKABLE, Fate.MIXED})


def search_path_remedy(
    connections: Sequence[Connection],
    pooler: PoolerFacts | None,
    cluster: ClusterFacts | None,
    *,
    role_defaults: Sequence[RoleDefault] = (),
    drivers: tuple[str, ...] = (),
) -> Remedy:
    """What to do about `search_path` alone in these connections."""
    return _decide(connections, pooler, cluster, Roles(role_defaults), drivers, only="search_path")


def startup_remedy(
    consumer: ConsumerFacts,
    pooler: PoolerFacts | None,
    cluster: ClusterFacts | None,
    *,
    role_defaults: Sequence[RoleDefault] = (),
    consumers: Iterable[ConsumerFacts] = (),
    prechecks: Iterable[PreCheck] = (),
) -> Remedy:
    """What to do about every startup parameter of one consumer that is to be pooled.

    `consumers` are all that may log in as the same role; none stands for this one alone.
    """
    everybody = tuple(consumers) or (consumer,)
    roles = Roles(role_defaults, everybody, tuple(prechecks))
    return _decide(consumer.connections, pooler, cluster, roles, consumer.drivers)


def startup_remedies(
    consumers: Iterable[ConsumerFacts],
    pooler: PoolerFacts | None,
    cluster: ClusterFacts | None,
    *,
    role_defaults: Sequence[RoleDefault] = (),
    everybody: Iterable[ConsumerFacts] = (),
    prechecks: Iterable[PreCheck] = (),
) -> tuple[tuple[str, Remedy], ...]:
    """`(consumer id, remedy)` for consumers that share a Pooler.

    Remedies of kind `track` all carry the same parameters, which serve every one of them.
    `everybody` are all consumers of the environment, whichever way they go.
    """
    all_of_them = tuple(consumers)
    known = tuple(everybody) or all_of_them
    decided = [
        (
            c,
            startup_remedy(
                c,
                pooler,
                cluster,
                role_defaults=role_defaults,
                consumers=known,
                prechecks=prechecks,
            ),
        )
        for c in all_of_them
    ]
    if pooler is None or not any(remedy.kind == "track" for _, remedy in decided):
        return tuple((consumer.id, remedy) for consumer, remedy in decided)
    names: list[str] = []
    for consumer, remedy in decided:
        if remedy.kind == "track":
            names += [item.name for item in _troubles(consumer, pooler, cluster)]
    parameters = tracking(pooler, tuple(dict.fromkeys(names)))
    return tuple(
        (
            consumer.id,
            replace(remedy, parameters=parameters) if remedy.kind == "track" else remedy,
        )
        for consumer, remedy in decided
    )


def tracking(pooler: PoolerFacts, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The Pooler parameters that make it track `names`; what is listed already stays.

    IntervalStyle is added, since a list of one's own replaces the default (SP7). A tracked
    name leaves `ignore_startup_parameters`, where PgBouncer 1.26 lets it win (SP13).
    """
    listed = _listed(pooler.parameter("track_extra_parameters"))
    present = {name.lower() for name in listed}
    missing = [n for n in ("IntervalStyle", *names) if n.lower() not in present]
    result = [("track_extra_parameters", ",".join([*listed, *missing]))]
    ignored = _listed(pooler.parameter("ignore_startup_parameters"))
    wanted = {name.lower() for name in names}
    kept = [name for name in ignored if name.lower() not in wanted]
    if len(kept) != len(ignored):
        # CNPG always ignores this one, so naming it changes nothing and the text is not empty.
        result.append(("ignore_startup_parameters", ",".join(kept) or "extra_float_digits"))
    return tuple(result)


def remedy_findings(
    facts: EnvironmentFacts, consumer: ConsumerFacts, remedy: Remedy
) -> tuple[Finding, ...]:
    """What a person should know of a remedy that the plan takes for `consumer`."""
    if remedy.kind == "none":
        return ()
    asking = [one for one in consumer.connections if sent(one, consumer.drivers)]
    location = next((one.location for one in (*asking, *consumer.connections)), None)
    if remedy.kind == "direct":
        severity, hint = Severity.WARNING, _way_to_the_pool(facts, consumer, remedy)
    elif remedy.by == BOOTSTRAP:
        run = remedy.statements
        severity = Severity.WARNING
        hint = f"a Cluster that stands already does not run it: there, run `{run}` before rollout"
    else:
        severity, hint = Severity.NOTE, "review the change; nothing else is needed"
    return (
        REFUSED.finding(
            f"{consumer.id}: {remedy.reason}",
            hint=hint,
            location=location,
            environment=facts.name,
            consumer=consumer.id,
            severity=severity,
        ),
    )


def _way_to_the_pool(facts: EnvironmentFacts, consumer: ConsumerFacts, remedy: Remedy) -> str:
    """How the consumer could be pooled after all (SP9), and why not when it cannot (X4)."""
    users = {c.user for c in consumer.connections if c.schema}
    names = {item.name for c in consumer.connections for item in sent(c, consumer.drivers)}
    for user, _, schemas in shared_roles(facts.consumers):
        if user in users and "search_path" in names:
            return (
                f"role `{user}` serves {len(schemas)} schemas, so a default of the role cannot "
                "help: "
                "give each application its own role, or run PostgreSQL 18 with PgBouncer 1.25.1"
            )
    if any(
        item.written == "schema" for c in consumer.connections for item in sent(c, consumer.drivers)
    ):
        return (
            "to pool it, add `pgbouncer=true` to the connection string, with which Prisma sets "
            "search_path by a statement, and plan again"
        )
    if remedy.statements:
        return (
            f"to pool it, put `{remedy.statements}` into a migration, or set "
            f"`environments.{facts.name}.new_cluster` where the Cluster is yet to be made, and "
            "plan again"
        )
    return (
        "give the application a role of its own with the setting as its default, remove the key "
        "from the connection string, and plan again"
    )


def _decide(
    connections: Sequence[Connection],
    pooler: PoolerFacts | None,
    cluster: ClusterFacts | None,
    roles: Roles,
    drivers: tuple[str, ...],
    only: str = "",
) -> Remedy:
    postgres = cluster.postgres if cluster else 0
    troubled = [
        (connection, item)
        for connection in connections
        for item in sent(connection, drivers)
        if (not only or item.name == only) and fate(item, pooler, postgres) in _TROUBLE
    ]
    if not troubled:
        return NO_REMEDY
    names = tuple(dict.fromkeys(item.name for _, item in troubled))
    spelled = ", ".join(f"`{name}`" for name in names)
    missing = [pair for pair in troubled if not _has_default(*pair, roles.defaults)]
    # A key of a composed string stands where no edit of the host reaches: it cannot be taken out.
    fixed = any(connection.composed for connection, _ in troubled)
    if not missing and not fixed:
        keys = tuple(dict.fromkeys(_key(item) for _, item in troubled))
        reason = f"the role's own default gives {spelled}, so the connection string drops it"
        return Remedy("role-default", (), reason, ("SP9",), keys)
    if pooler is not None and postgres and _can_track(names, pooler, postgres):
        reason = f"the Pooler tracks {spelled}, which PostgreSQL {postgres} reports"
        return Remedy("track", tracking(pooler, names), reason, ("SP4", "SP7"))
    plan = plan_defaults(troubled, drivers, roles.consumers, cluster, roles.prechecks)
    if plan.by and pooler is not None and not fixed:
        return _default_remedy(plan, spelled)
    why = f"goes direct, because {spelled} {_why_direct(names, pooler, postgres)}"
    if plan.blocked:
        why += f", and {plan.blocked}"
    return Remedy("direct", (), why, ("SP1", "SP2", "SP5"), settings=plan.settings)


def _default_remedy(plan: DefaultPlan, spelled: str) -> Remedy:
    """A default of the role instead of the key, with what it costs (SP9, ST14)."""
    where = (
        "the Cluster's `postInitApplicationSQL`, which runs once, when the Cluster is made"
        if plan.by == BOOTSTRAP
        else "the migration Job's pre-check, in front of every migration"
    )
    reason = (
        f"{spelled} becomes the role's own default by {where}, and leaves the connection string; "
        "it takes effect on new server connections only"
    )
    return Remedy("role-default", (), reason, ("SP9", "ST14"), plan.drop, plan.settings, plan.by)


def _why_direct(names: tuple[str, ...], pooler: PoolerFacts | None, postgres: int) -> str:
    if not postgres:
        return "is not kept by PgBouncer, and nothing tells the PostgreSQL version"
    if pooler is None and all(trackable(name, postgres) for name in names):
        return "is kept by a Pooler that tracks it alone, and the one of repoint.yaml is not there"
    if pooler is not None and all(trackable(name, postgres) for name in names):
        version = ".".join(map(str, pooler.pgbouncer))
        return f"can be tracked from PgBouncer 1.25.1 on, and this is {version}"
    return f"cannot be tracked by PgBouncer on PostgreSQL {postgres}"


def _can_track(names: tuple[str, ...], pooler: PoolerFacts, postgres: int) -> bool:
    """Whether the versions allow it: SP10 for PostgreSQL, CVE-2025-12819 for search_path."""
    needed = (1, 25, 1) if "search_path" in names else (1, 20)
    return pooler.pgbouncer >= needed and all(trackable(name, postgres) for name in names)


def _has_default(connection: Connection, item: Sent, defaults: Sequence[RoleDefault]) -> bool:
    # `schema` also tells Prisma where its tables are, so it never leaves the string.
    return item.written != "schema" and any(
        default.role == connection.user
        and default.database in ("", connection.database)
        and default.parameter == item.name
        and normal(item.name, default.value) == normal(item.name, item.value)
        for default in defaults
    )


def _troubles(
    consumer: ConsumerFacts, pooler: PoolerFacts, cluster: ClusterFacts | None
) -> list[Sent]:
    postgres = cluster.postgres if cluster else 0
    return [
        item
        for connection in consumer.connections
        for item in sent(connection, consumer.drivers)
        if fate(item, pooler, postgres) in _TROUBLE
    ]


def _key(item: Sent) -> str:
    return "options" if item.in_options else item.written


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]
