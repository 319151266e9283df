"""RP25x: NetworkPolicies judged as Kubernetes judges them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.rules.facts import EnvironmentFacts
from repoint.rules.network import check, needed_policies
from repoint.rules.policies import IngressRule, Peer, PolicyFacts
from tests.unit.rules.build import codes, consumer, environment

POOLER = (("cnpg.io/poolerName", "pg-pooler-rw"),)
CLUSTER = (("cnpg.io/cluster", "pg"),)
INSTANCES = (*CLUSTER, ("cnpg.io/podRole", "instance"))
POOLER_TO_CLUSTER = PolicyFacts(
    "instances", "shop", INSTANCES, (IngressRule((Peer(POOLER, None),), ("5432",)),)
)
WEB = Peer((("app", "web"),), None)


def policy(*peers: Peer, ports: tuple[str, ...] = ("5432",), **given: object) -> PolicyFacts:
    """A policy on the Pooler's pods that admits these peers."""
    base = PolicyFacts("pooler", "shop", POOLER, (IngressRule(peers, ports),))
    return replace(base, **given)  # type: ignore[arg-type]


def under(*policies: PolicyFacts, namespace: str = "shop", **given: object) -> EnvironmentFacts:
    """One pooled consumer in `namespace`, the Pooler admitted by the Cluster."""
    one = consumer("web", namespace=namespace)
    return environment(one, policies=(*policies, POOLER_TO_CLUSTER), **given)


DENY_ALL = PolicyFacts("deny", "shop", (), ())
OLD = PolicyFacts("old", "shop", (("app", "postgres"),), (IngressRule((Peer((), None),), ()),))
LABELS = (("shop-auth", (("team", "auth"),)),)

DENIED = [
    pytest.param(under(DENY_ALL), id="X10 denied by default"),
    pytest.param(under(DENY_ALL, OLD), id="X10 only the old server's pods are open"),
    pytest.param(under(policy(Peer((("app", "api"),), None))), id="X10 another app is admitted"),
    pytest.param(under(policy(WEB), namespace="shop-auth"), id="X10 another namespace"),
    pytest.param(under(policy(WEB, ports=("6379",))), id="X10 another port"),
    pytest.param(under(policy(WEB, ports=("5433-6000",))), id="X10 a range without the port"),
    pytest.param(under(policy(WEB, ports=("postgresql",))), id="X10 the other pods' port name"),
    pytest.param(
        under(
            policy(Peer(None, (("team", "web"),))), namespace="shop-auth", namespace_labels=LABELS
        ),
        id="X10 the namespace has another label",
    ),
    pytest.param(
        under(
            policy(Peer((("app", "api"),), (("team", "auth"),))),
            namespace="shop-auth",
            namespace_labels=LABELS,
        ),
        id="X10 the namespace fits and the pod does not",
    ),
]

ADMITTED = [
    pytest.param(under(), id="X10 no policy on the Pooler"),
    pytest.param(under(OLD), id="X10 policies on other pods only"),
    pytest.param(under(DENY_ALL, policy(WEB)), id="X10 denied by default and admitted by one"),
    pytest.param(under(policy(Peer((), None))), id="X10 every pod of the namespace"),
    pytest.param(under(policy()), id="X10 no peers means everybody"),
    pytest.param(under(policy(WEB, ports=())), id="X10 no ports means every port"),
    pytest.param(under(policy(WEB, ports=("5000-6000",))), id="X10 a range with the port"),
    pytest.param(under(policy(WEB, ports=("6379", "5432"))), id="X10 one port of two"),
    pytest.param(under(policy(WEB, ports=("pgbouncer",))), id="X10 the port's name"),
    pytest.param(
        under(
            policy(Peer(None, (("team", "auth"),))), namespace="shop-auth", namespace_labels=LABELS
        ),
        id="X10 the namespace's label",
    ),
    pytest.param(
        under(
            policy(Peer(None, (("kubernetes.io/metadata.name", "shop-auth"),))),
            namespace="shop-auth",
        ),
        id="X10 the namespace's name needs no render",
    ),
    pytest.param(under(policy(namespace="elsewhere")), id="X10 a policy of another namespace"),
]

UNSURE = [
    pytest.param(under(policy(Peer(None, None, opaque=True))), id="X10 an address block"),
    pytest.param(under(policy(replace(WEB, opaque=True))), id="X10 a selector by expression"),
    pytest.param(
        under(replace(DENY_ALL, opaque=True)), id="X10 the policy's own selector is an expression"
    ),
    pytest.param(
        under(policy(Peer(None, (("team", "auth"),))), namespace="unseen"),
        id="X10 labels of a namespace that is not rendered",
    ),
    pytest.param(
        under(PolicyFacts("c", "shop", CLUSTER, (IngressRule((Peer(POOLER, None),), ()),))),
        id="X10 some operators label the Pooler's pods with the Cluster",
    ),
]


@pytest.mark.parametrize("facts", DENIED)
def test_denied(facts: EnvironmentFacts) -> None:
    assert "RP251" in codes(check(facts))


@pytest.mark.parametrize("facts", ADMITTED)
def test_admitted(facts: EnvironmentFacts) -> None:
    assert codes(tuple(f for f in check(facts) if f.consumer)) == []


@pytest.mark.parametrize("facts", UNSURE)
def test_unsure(facts: EnvironmentFacts) -> None:
    assert codes(tuple(f for f in check(facts) if f.consumer)) == ["RP252"]


def test_X10_what_is_needed_makes_the_finding_go_away() -> None:
    auth = consumer("auth", namespace="shop-auth")
    job = consumer("migrate", route="direct")
    facts = environment(consumer("web"), auth, job, policies=(DENY_ALL,))
    needs = needed_policies(facts)
    assert [(need.target_labels, need.namespace) for need in needs] == [
        (INSTANCES, "shop"),
        (POOLER, "shop"),
    ]
    assert needs[0].sources == (("shop", (("app", "migrate"),)), ("shop", POOLER))
    assert needs[1].sources == (
        ("shop", (("app", "web"),)),
        ("shop-auth", (("app", "auth"),)),
    )
    written = tuple(
        PolicyFacts(
            need.name,
            need.namespace,
            need.target_labels,
            (
                IngressRule(
                    tuple(
                        Peer(labels, (("kubernetes.io/metadata.name", namespace),))
                        for namespace, labels in need.sources
                    ),
                    ("5432",),
                ),
            ),
        )
        for need in needs
    )
    mended = replace(facts, policies=(DENY_ALL, *written))
    assert codes(check(mended)) == []
    assert needed_policies(mended) == ()


def test_X10_nothing_is_needed_where_nothing_is_denied() -> None:
    assert needed_policies(environment()) == ()
    assert needed_policies(under(policy(replace(WEB, opaque=True)))) == ()


def test_X10_no_policy_is_written_that_would_let_every_pod_of_a_namespace_out() -> None:
    """A consumer without labels cannot be told from its neighbours."""
    out = PolicyFacts("out", "shop", (), None, egress=())
    facts = environment(consumer("web", labels=()), policies=(out,))

    assert "RP251" in codes(check(facts))
    assert [need.name for need in needed_policies(facts) if need.egress] == [
        "allow-pg-pooler-rw-to-postgres"
    ]


def test_X10_the_pooler_in_doubt_is_admitted() -> None:
    by_cluster = PolicyFacts("c", "shop", INSTANCES, (IngressRule((Peer(CLUSTER, None),), ()),))
    facts = environment(consumer("web"), policies=(by_cluster, policy(WEB)))
    (need,) = needed_policies(facts)
    assert need.sources == (("shop", POOLER),)


def test_X10_a_client_is_named_only_where_no_wider_selector_admits_it() -> None:
    bare = replace(consumer("seed", route="direct"), labels=())
    job = consumer("migrate", route="direct")
    far = consumer("auth", namespace="shop-auth", route="direct")
    needs = needed_policies(environment(bare, job, far, policies=(DENY_ALL,)))
    assert needs[0].sources == (("shop", ()), ("shop-auth", (("app", "auth"),)))


def leaving(*policies: PolicyFacts, **given: object) -> EnvironmentFacts:
    """A pooled consumer in another namespace, whose own policies are these."""
    one = consumer("web", namespace="shop-auth")
    return environment(one, policies=policies, **given)


OUT = PolicyFacts("out", "shop-auth", (), None, egress=())
SHOP = (("kubernetes.io/metadata.name", "shop"),)


def way_out(peer: Peer, *ports: str) -> PolicyFacts:
    """A policy that lets every pod of the client's namespace out to a peer."""
    return replace(OUT, name="way", egress=(IngressRule((peer,), ports),))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(leaving(OUT), id="X10 nothing gets out by default"),
        pytest.param(leaving(way_out(Peer((("app", "postgres"),), SHOP))), id="X10 the old pods"),
        pytest.param(leaving(way_out(Peer(POOLER, None))), id="X10 the same labels elsewhere"),
        pytest.param(leaving(way_out(Peer(None, SHOP), "53")), id="X10 only name resolution"),
        pytest.param(
            leaving(replace(OUT, expressions=(("app", "In", ("web", "api")),))),
            id="X10 selected by an expression",
        ),
    ],
)
def test_X10_a_client_is_not_let_out(facts: EnvironmentFacts) -> None:
    (finding,) = check(facts)
    assert finding.code == "RP251" and "is not let out to port 5432" in finding.message
    (need,) = needed_policies(facts)
    assert need.egress and need.name == "allow-web-to-postgres"
    assert (need.namespace, need.sources) == ("shop-auth", (("shop", POOLER),))


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(leaving(replace(OUT, rules=(), egress=None)), id="X10 only what comes in"),
        pytest.param(leaving(OUT, way_out(Peer(None, SHOP))), id="X10 out to the namespace"),
        pytest.param(leaving(OUT, way_out(Peer(POOLER, SHOP), "5432")), id="X10 out to the pods"),
        pytest.param(leaving(OUT, way_out(Peer(None, SHOP), "pgbouncer")), id="X10 a port's name"),
        pytest.param(
            leaving(replace(OUT, expressions=(("app", "NotIn", ("web",)),))),
            id="X10 other pods by an expression",
        ),
        pytest.param(
            leaving(replace(OUT, expressions=(("tier", "Exists", ()),))),
            id="X10 pods with a label that this one has not",
        ),
        pytest.param(leaving(replace(OUT, namespace="shop-web")), id="X10 another namespace"),
    ],
)
def test_X10_a_client_gets_out(facts: EnvironmentFacts) -> None:
    assert check(facts) == () and needed_policies(facts) == ()


EXPRESSIONS = [
    (("app", "In", ("web", "api")), True),
    (("app", "In", ("api",)), False),
    (("app", "NotIn", ("api",)), True),
    (("app", "NotIn", ("web",)), False),
    (("tier", "NotIn", ("web",)), True),
    (("app", "Exists", ()), True),
    (("tier", "Exists", ()), False),
    (("tier", "DoesNotExist", ()), True),
    (("app", "DoesNotExist", ()), False),
]


@pytest.mark.parametrize(
    ("expression", "admitted"), EXPRESSIONS, ids=[f"{e[0]} {e[1]}" for e, _ in EXPRESSIONS]
)
def test_X10_expressions_are_read_as_kubernetes_reads_them(
    expression: tuple[str, str, tuple[str, ...]], admitted: bool
) -> None:
    facts = under(policy(Peer((), None, pod_expressions=(expression,))))
    assert codes(check(facts)) == ([] if admitted else ["RP251"])


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param(("team", "In", ("auth",)), [], id="the namespace's label"),
        pytest.param(("team", "NotIn", ("auth",)), ["RP251"], id="another label"),
        pytest.param(("kubernetes.io/metadata.name", "In", ("shop-auth",)), [], id="its name"),
    ],
)
def test_X10_expressions_on_namespaces(
    expression: tuple[str, str, tuple[str, ...]], expected: list[str]
) -> None:
    peer = Peer(None, (), namespace_expressions=(expression,))
    facts = under(policy(peer), namespace="shop-auth", namespace_labels=LABELS)
    assert codes(check(facts)) == expected
    unknown = under(policy(peer), namespace="shop-auth")
    sure = expression[0] == "kubernetes.io/metadata.name"
    assert codes(check(unknown)) == ([] if sure else ["RP252"])


def test_X10_a_label_that_the_operator_may_set_is_in_doubt() -> None:
    closed = PolicyFacts(
        "closed", "shop", (), (), expressions=(("cnpg.io/podRole", "In", ("pooler",)),)
    )
    assert codes(check(under(closed))) == ["RP252"]
