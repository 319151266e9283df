"""RP20x: the objects that consumers move to are there, under the names they are called by.

Host names are plain text: kustomize rewrites neither a host in a connection string nor
`Pooler.spec.cluster.name` when it adds a prefix or a namespace (X3). Every overlay
renders, and the name does not resolve.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from repoint.dsn.hosts import parse_host
from repoint.model.plan import Finding, Severity
from repoint.rules.facts import EnvironmentFacts, PoolerFacts
from repoint.rules.rule import Rule

UNKNOWN_HOST = Rule(
    "RP201",
    Severity.ERROR,
    "a host names no Pooler, Cluster or Service of the environment",
    "The environment's render holds no object of that name in that namespace, so the name will not "
    "resolve. Prefixes and namespaces that kustomize adds do not reach host names, which are text.",
    "correct `target` in repoint.yaml, or run `repoint scaffold` to write the missing objects",
    ("X3", "X17"),
)
POOLER_CLUSTER = Rule(
    "RP202",
    Severity.ERROR,
    "a Pooler names a Cluster that is not there",
    "`spec.cluster.name` is text that kustomize does not rewrite: with a name prefix the Cluster "
    "is "
    "called otherwise, and the operator never creates the Pooler's pods.",
    "patch `spec.cluster.name` in this overlay to the Cluster's rendered name",
    ("X3",),
)
APART = Rule(
    "RP203",
    Severity.ERROR,
    "Pooler and Cluster are in different namespaces",
    "A Pooler finds its Cluster in its own namespace only.",
    "put both objects into one namespace",
    ("X3",),
)
NAME_CLASH = Rule(
    "RP204",
    Severity.ERROR,
    "the Pooler is called like a Service of the Cluster",
    "The operator makes the Services `<cluster>-rw`, `-ro` and `-r`; a Pooler's Service bears the "
    "Pooler's name, so the two fight over one object (cloudnative-pg#4964).",
    "rename the Pooler, for example `<cluster>-pooler-rw`",
    ("X17",),
)
READ_ONLY = Rule(
    "RP205",
    Severity.WARNING,
    "the Pooler serves read-only connections",
    "A Pooler of type `ro` connects to replicas: every write through it fails, and with one "
    "instance "
    "there is no replica to connect to.",
    "name a Pooler of type `rw` under `target.pooler`",
    ("X17",),
)
BESIDE_ANOTHER = Rule(
    "RP210",
    Severity.ERROR,
    "a consumer stands beside another Cluster of the target's name",
    "The environment builds the Cluster in more than one namespace, and all consumers of an "
    "environment move to one of them: those beside another one would read somebody else's data.",
    "make each namespace an environment of its own in repoint.yaml, with its overlay",
    ("X3",),
)
RULES: tuple[Rule, ...] = (
    *(UNKNOWN_HOST, POOLER_CLUSTER, APART, NAME_CLASH, READ_ONLY, BESIDE_ANOTHER),
)

_CLUSTER_SERVICES = ("rw", "ro", "r")


def check(facts: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on the Pooler and Cluster that this environment's consumers need."""
    return (*_hosts(facts), *_poolers(facts), *_beside(facts))


def resolves(facts: EnvironmentFacts, host: str) -> bool:
    """Whether `host` is the Service of a rendered Pooler or Cluster, or a rendered Service."""
    read = parse_host(host)
    if read is None:
        return False
    return (read.service, read.namespace or facts.namespace) in set(_names(facts))


def given_up(before: EnvironmentFacts, after: EnvironmentFacts) -> tuple[Finding, ...]:
    """Findings on pooled hosts that nobody goes to in `after`, since they could not live there.

    What a Pooler can do is not known of one that is not there, and going direct hides its name.
    """
    kept = {after.host_of(one) for one in after.pooled}
    lost = [(host, "pooled") for one in before.pooled if (host := before.host_of(one)) not in kept]
    return tuple(_unknown(before, lost))


def _hosts(facts: EnvironmentFacts) -> Iterator[Finding]:
    wanted = [(facts.host_of(one), "pooled") for one in facts.pooled]
    wanted += [(facts.direct_host, "direct") for _ in facts.direct[:1]]
    yield from _unknown(facts, wanted)


def _unknown(facts: EnvironmentFacts, wanted: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    for host, route in dict.fromkeys(wanted):
        if resolves(facts, host):
            continue
        there = sorted({f"{name}.{namespace}" for name, namespace in _targets(facts)})
        read = parse_host(host)
        short = f"{read.service}.{read.namespace or facts.namespace}" if read else host
        poolers = [f"{name}.{namespace}" for name, namespace in _pooler_names(facts)]
        # A Service of the Cluster is no Pooler, however alike they are called.
        alike = poolers if route == "pooled" else there
        near = difflib.get_close_matches(short, alike, n=1, cutoff=0.5)
        listed = ", ".join(f"`{name}`" for name in there)
        hint = f"the environment renders {listed}" if there else ""
        if near:
            hint = f"did you mean `{near[0]}`? {hint}"
        elif there and route == "pooled" and not poolers:
            hint = f"{hint}, and no Pooler: `repoint scaffold --env {facts.name}` prints one"
        yield UNKNOWN_HOST.finding(
            f"the {route} host `{host}` is nothing that environment `{facts.name}` renders",
            hint=hint,
            environment=facts.name,
        )


def _beside(facts: EnvironmentFacts) -> Iterator[Finding]:
    """One finding for each namespace with a Cluster of the target's name that is not the target."""
    own = facts.cluster
    twins = {c.namespace for c in facts.clusters if own is not None and c.name == own.name}
    for namespace in sorted(twins - {facts.namespace}):
        here = [c.id for c in (*facts.pooled, *facts.direct) if c.namespace == namespace]
        if own is not None and here:
            more = f" and {len(here) - 1} more" if len(here) > 1 else ""
            yield BESIDE_ANOTHER.finding(
                f"{here[0]}{more} would move to Cluster `{own.name}` in `{facts.namespace}`; "
                f"`{namespace}` has one of its own",
                environment=facts.name,
                consumer=here[0],
            )


def _poolers(facts: EnvironmentFacts) -> Iterator[Finding]:
    named = (facts.pooler,) if facts.pooler is not None else ()
    for pooler in dict.fromkeys((*named, *(one for one, _ in facts.pools))):
        yield from _pooler(facts, pooler)


def _pooler(facts: EnvironmentFacts, pooler: PoolerFacts) -> Iterator[Finding]:
    clusters = facts.clusters or ((facts.cluster,) if facts.cluster else ())
    same_name = [c for c in clusters if c.name == pooler.cluster]
    rule, message = None, ""
    if not same_name:
        names = ", ".join(f"`{c.name}`" for c in clusters) or "none"
        rule = POOLER_CLUSTER
        message = f"names Cluster `{pooler.cluster}`; the environment renders {names}"
    elif all(c.namespace != pooler.namespace for c in same_name):
        rule = APART
        message = f"is in `{pooler.namespace}`, its Cluster in `{same_name[0].namespace}`"
    problems = [(rule, message)] if rule is not None else []
    taken = {
        f"{c.name}-{s}"
        for c in clusters
        if c.namespace == pooler.namespace
        for s in _CLUSTER_SERVICES
    }
    if pooler.name in taken:
        problems.append((NAME_CLASH, "bears the name of a Service that the Cluster has"))
    if pooler.type == "ro":
        problems.append((READ_ONLY, "is of type `ro`: writes through it fail"))
    for found, text in problems:
        yield found.finding(
            f"Pooler `{pooler.name}` {text}", location=pooler.location, environment=facts.name
        )


def _targets(facts: EnvironmentFacts) -> Iterator[tuple[str, str]]:
    """`(service, namespace)` of every rendered Pooler and of each Cluster's read-write Service."""
    clusters = facts.clusters or ((facts.cluster,) if facts.cluster else ())
    yield from _pooler_names(facts)
    yield from ((f"{c.name}-rw".lower(), c.namespace.lower()) for c in clusters)


def _pooler_names(facts: EnvironmentFacts) -> Iterator[tuple[str, str]]:
    poolers = facts.poolers or ((facts.pooler,) if facts.pooler else ())
    yield from ((one.name.lower(), one.namespace.lower()) for one in poolers)


def _names(facts: EnvironmentFacts) -> Iterator[tuple[str, str]]:
    """Every `(service, namespace)` that a host may name."""
    yield from _targets(facts)
    clusters = facts.clusters or ((facts.cluster,) if facts.cluster else ())
    for cluster in clusters:
        for suffix in ("ro", "r"):
            yield f"{cluster.name}-{suffix}".lower(), cluster.namespace.lower()
    yield from ((name.lower(), namespace.lower()) for name, namespace in facts.services)
