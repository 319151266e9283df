"""Rights by environment: names where the API takes them, the whole cluster only where needed."""

from __future__ import annotations

from typing import Any

import pytest

from repoint.model.cluster import ClusterVerb
from repoint.rollout.rights import Ground, plural_of
from repoint.rollout.roles import Subject, binding_of, role_name, role_of, rules_of

CNPG = "postgresql.cnpg.io/v1"


def one(api_version: str, kind: str, name: str, namespace: str = "shop", **more: Any) -> Any:
    metadata = {"name": name, "namespace": namespace} if namespace else {"name": name}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **more}


def reading(secret: str) -> dict[str, Any]:
    container = {"name": "c", "envFrom": [{"secretRef": {"name": secret}}]}
    return {"template": {"spec": {"containers": [container]}}}


SHOP = (
    one(CNPG, "Cluster", "pg"),
    one(CNPG, "Pooler", "pooler", spec={"pgbouncer": {"poolMode": "transaction"}}),
    one("batch/v1", "Job", "migrate", spec=reading("owner")),
    one("apps/v1", "Deployment", "web", spec=reading("web")),
    one("v1", "Secret", "web"),
)


def ground(*documents: Any, **more: Any) -> Ground:
    return Ground("staging", "shop", "repoint-staging", ("shop",), documents, **more)


def given(command: ClusterVerb, where: Ground) -> set[tuple[str, str, str, str]]:
    """Every (namespace, resource, name, verb) of the rules; the name is `*` for any."""
    return {
        (namespace, resource, name, verb)
        for namespace, rules in rules_of([command], where).items()
        for rule in rules
        for resource in rule.resources
        for name in rule.names or ("*",)
        for verb in rule.verbs
    }


def test_a_rollout_writes_its_own_objects_by_name() -> None:
    found = given(ClusterVerb.ROLLOUT, ground(*SHOP))
    writing = {"create", "patch", "update", "delete"}

    assert {(resource, name, verb) for _, resource, name, verb in found if verb in writing} == {
        *(("clusters", "pg", verb) for verb in ("create", "patch")),
        *(("poolers", "pooler", verb) for verb in ("create", "patch")),
        *(("deployments", "web", verb) for verb in ("create", "patch")),
        ("deployments", "pooler", "patch"),
        *(("secrets", "web", verb) for verb in ("create", "patch")),
        *(("jobs", "*", "create"), ("jobs", "migrate", "delete")),
        *(("leases", "*", "create"), ("leases", "repoint-staging", "update")),
        ("pods/portforward", "*", "create"),
    }
    assert {namespace for namespace, *_ in found} == {"shop"}


def test_secrets_are_read_by_name() -> None:
    for command, names in (
        (ClusterVerb.ROLLOUT, {"web", "owner", "pg-ca"}),
        (ClusterVerb.DATA, {"owner", "pg-ca"}),
        (ClusterVerb.VERIFY, {"web", "owner", "pg-ca"}),
        (ClusterVerb.STATUS, set()),
    ):
        found = given(command, ground(*SHOP, migration_secrets=(("shop", "owner"),)))
        assert {name for _, resource, name, _ in found if resource == "secrets"} == names


def test_a_pooler_may_be_restarted_and_not_made() -> None:
    found = given(ClusterVerb.ROLLOUT, ground(*SHOP))

    assert ("shop", "deployments", "pooler", "patch") in found
    assert ("shop", "deployments", "pooler", "create") not in found


def test_the_whole_cluster_is_for_objects_without_a_namespace_only() -> None:
    space = one("v1", "Namespace", "shop", "")
    rules = rules_of([ClusterVerb.ROLLOUT], ground(space, *SHOP))

    assert [rule.document() for rule in rules[""]] == [
        {
            "apiGroups": [""],
            "resources": ["namespaces"],
            "resourceNames": ["shop"],
            "verbs": ["get", "create", "patch"],
        }
    ]


def test_roles_of_the_environment_need_escalate_and_bind_by_name() -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    role = one(rbac, "Role", "reader")
    binding = one(rbac, "RoleBinding", "b", roleRef={"kind": "ClusterRole", "name": "view"})

    found = given(ClusterVerb.ROLLOUT, ground(role, binding))

    assert ("shop", "roles", "reader", "escalate") in found
    assert ("shop", "clusterroles", "view", "bind") in found


def test_a_controller_brings_the_objects_so_a_rollout_only_reads() -> None:
    found = given(ClusterVerb.ROLLOUT, ground(*SHOP, gitops=True))

    assert {verb for *_, verb in found} == {"get", "list"}


def test_a_probe_inside_reads_no_secret_and_forwards_no_port() -> None:
    container = {"name": "c", "envFrom": [{"configMapRef": {"name": "settings"}}]}
    template = {"template": {"spec": {"containers": [container]}}}
    other = one("apps/v1", "Deployment", "other", spec=template)

    found = given(ClusterVerb.VERIFY, ground(*SHOP, other, in_cluster=True))

    assert ("shop", "configmaps", "settings", "get") in found
    resources = {resource for _, resource, _, _ in found}
    assert not resources & {"secrets", "pods/portforward"}
    assert ("shop", "jobs", "*", "delete") in found


def test_the_source_is_reached_where_its_host_says() -> None:
    where = ground(*SHOP, sources=(("old", "postgres"),))

    for command in (ClusterVerb.VERIFY, ClusterVerb.DATA):
        reached = {verb for at, resource, _, verb in given(command, where) if at == "old"}
        assert reached == {"get", "list", "create"}
    assert ("old", "secrets", "postgres-ca", "get") in given(ClusterVerb.DATA, where)


def test_the_gate_asks_whether_there_is_a_way_back() -> None:
    def asked(**more: Any) -> bool:
        found = given(ClusterVerb.ROLLOUT, ground(*SHOP, **more))
        return ("shop", "persistentvolumeclaims", "*", "get") in found

    assert (asked(), asked(compares=True)) == (False, True)


def test_secrets_that_the_cluster_reads_are_looked_for() -> None:
    spec = {"bootstrap": {"initdb": {"secret": {"name": "owner-login"}}}}

    found = given(ClusterVerb.ROLLOUT, ground(one(CNPG, "Cluster", "pg", spec=spec)))

    assert ("shop", "secrets", "owner-login", "get") in found


def test_a_verb_on_every_object_is_not_said_again_by_name() -> None:
    rules = rules_of(list(ClusterVerb), ground(*SHOP))["shop"]

    named = [rule for rule in rules if rule.names and rule.resources == ("deployments",)]
    assert all("list" not in rule.verbs for rule in named)


def test_a_kind_of_the_environment_itself_has_its_own_plural() -> None:
    definition = one(
        *("apiextensions.k8s.io/v1", "CustomResourceDefinition", "x", ""),
        spec={
            "group": "example.org",
            "scope": "Namespaced",
            "names": {"kind": "Mouse", "plural": "mice"},
        },
    )

    found = given(ClusterVerb.ROLLOUT, ground(definition, one("example.org/v1", "Mouse", "m")))

    assert ("shop", "mice", "m", "patch") in found


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Deployment", "deployments"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
        ("StorageClass", "storageclasses"),
    ],
)
def test_plurals_are_those_of_kubernetes(kind: str, plural: str) -> None:
    assert plural_of(kind) == plural


def test_a_role_and_its_binding_have_one_name() -> None:
    name = role_name("EU_prod", [ClusterVerb.VERIFY])
    role = role_of(name, "shop", ())
    binding = binding_of(name, "shop", [Subject("ServiceAccount", "ci", "tools")])

    assert name == "repoint-eu-prod-verify"
    assert role_name("staging", list(ClusterVerb)) == "repoint-staging"
    assert role["metadata"] == binding["metadata"] == {"name": name, "namespace": "shop"}
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "ci", "namespace": "tools"}]
    assert role_of(name, "", ())["kind"] == "ClusterRole"
