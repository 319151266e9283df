"""With exactly the printed rights a rollout works; without any one of them it does not."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.control_plane import ControlPlane
from tests.cluster.rolling_out.shop import Shop, new_shop
from tests.cluster.rolling_out.stand_in import operator
from tests.cluster.stages import RUN
from tests.prepared import run

pytestmark = pytest.mark.cluster
ACCOUNT = "roller"
# Nothing listens behind the shop's Services, so that no way leads anywhere: that these rights are
# enough, and used, is seen where a port is forwarded (kubeapi/test_pods.py) and by verify.
_WAYS = {("pods", "get"), ("pods/portforward", "create")}
RBAC = "rbac.authorization.k8s.io"


def shop_for(api: ControlPlane, root: Path) -> Shop:
    """A shop with a role of its own, a session Pooler, and a Job that sets a role's default."""
    shop = new_shop(api, root)
    container = shop.objects["migrate"]["spec"]["template"]["spec"]["containers"][0]
    container["args"] = ["psql", "-c", "ALTER ROLE web SET search_path TO shop"]
    metadata = {"namespace": shop.namespace, "name": "reader"}
    rule = {"apiGroups": [""], "resources": ["endpoints"], "verbs": ["get"]}
    reference = {"apiGroup": RBAC, "kind": "Role", "name": "reader"}
    subject = {"kind": "ServiceAccount", "name": "default", "namespace": shop.namespace}
    shop.objects["role"] = {
        **{"apiVersion": f"{RBAC}/v1", "kind": "Role"},
        **{"metadata": metadata, "rules": [rule]},
    }
    shop.objects["binding"] = {
        **{"apiVersion": f"{RBAC}/v1", "kind": "RoleBinding"},
        **{"metadata": metadata, "roleRef": reference, "subjects": [subject]},
    }
    shop.objects["mail"]["spec"]["template"]["spec"]["containers"][0]["envFrom"].append(
        {"configMapRef": {"name": "shared", "optional": True}}
    )
    shop.write()
    api.create(
        {
            **{"apiVersion": "v1", "kind": "ServiceAccount"},
            "metadata": {"namespace": shop.namespace, "name": ACCOUNT},
        }
    )
    return shop


def printed_roles(shop: Shop, *more: str) -> list[dict[str, Any]]:
    """What `repoint rbac` prints for the account."""
    subject = f"ServiceAccount/{shop.namespace}/{ACCOUNT}"
    words = ("rbac", "--subject", subject, "--format", "json", *more)
    done = run(*words, cwd=shop.root, env=shop.environment(), timeout=120)
    assert done.returncode == 0, done.stderr
    items: list[dict[str, Any]] = json.loads(done.stdout)["items"]
    return items


def walk(api: ControlPlane, shop: Shop) -> tuple[int, ...]:
    """The statuses of runs: a Job that fails while another's Lease runs out, its mend, a change.

    The first that is not as when all is well is the last.
    """
    kubeconfig = api.kubeconfig_for(ACCOUNT, shop.namespace)
    spec = {"holderIdentity": "gone", "leaseDurationSeconds": 1, "leaseTransitions": 1}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "spec": spec}
    api.create({**lease, "metadata": {"namespace": shop.namespace, "name": "repoint-test"}})
    template = shop.objects["migrate"]["spec"]["template"]["metadata"]
    template["annotations"] = {RUN: "fail"}
    shop.write()
    failed = shop.rollout(kubeconfig=kubeconfig).returncode
    if failed != WELL[0]:
        return (failed,)
    template["annotations"] = {}
    shop.write()
    mended = shop.rollout(kubeconfig=kubeconfig).returncode
    if mended != WELL[1]:
        return failed, mended
    shop.commit()
    api.delete(f"/apis/coordination.k8s.io/v1/namespaces/{shop.namespace}/leases/repoint-test")
    shop.secrets["mail"]["more"] = "2"
    shop.write()
    return failed, mended, shop.rollout(kubeconfig=kubeconfig).returncode


WELL = (5, 0, 0)


def used_by(api: ControlPlane, shop: Shop) -> set[tuple[str, str]]:
    """Pairs of resource and verb that the account was allowed."""
    return {(resource, verb) for verb, _, resource in api.asked_by(ACCOUNT, shop.namespace)}


def pairs_of(roles: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """Pairs of resource and verb that roles give."""
    return {
        (resource, verb)
        for one in roles
        for rule in one.get("rules", ())
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def test_a_rollout_works_with_exactly_the_printed_rights(api: ControlPlane, tmp_path: Path) -> None:
    shop = shop_for(api, tmp_path)
    roles = printed_roles(shop, "--verb", "rollout")
    api.create(*roles)

    with operator(api, shop.namespace):
        went = walk(api, shop)

    assert went == WELL, shop.output
    assert "may not" not in shop.output
    given, used = pairs_of(roles), used_by(api, shop)
    # An apply of what is not there is logged as a patch, and so are the two of roles.
    inner = {(resource, "create") for resource, verb in given if verb == "patch"}
    inner |= {("roles", "escalate"), ("roles", "bind")}
    assert given - inner - _WAYS <= used
    assert all(verb in ("create", "escalate", "bind") for _, verb in given - used - _WAYS)


@pytest.mark.parametrize(
    "lacking",
    [
        *(("clusters", "create"), ("poolers", "create"), ("secrets", "create")),
        *(("deployments", "create"), ("roles", "create"), ("rolebindings", "create")),
        *(("roles", "escalate"), ("roles", "bind"), ("jobs", "create"), ("jobs", "delete")),
        *(("leases", "create"), ("leases", "get"), ("leases", "update"), ("leases", "watch")),
        *(("secrets", "get"), ("secrets", "patch"), ("deployments", "get")),
        *(("deployments", "patch"), ("deployments", "watch"), ("jobs", "watch")),
        *(("clusters", "get"), ("clusters", "patch"), ("poolers", "get"), ("poolers", "patch")),
    ],
    ids=" ".join,
)
@pytest.mark.slow
def test_a_rollout_fails_without_any_one_of_them(
    api: ControlPlane, tmp_path: Path, lacking: tuple[str, str]
) -> None:
    shop = shop_for(api, tmp_path)
    resource, verb = lacking
    roles = copy.deepcopy(printed_roles(shop, "--verb", "rollout"))
    assert lacking in pairs_of(roles)
    for one in roles:
        for rule in one.get("rules", ()):
            if resource in rule["resources"]:
                rule["verbs"] = [kept for kept in rule["verbs"] if kept != verb] or ["none"]
    api.create(*roles)

    with operator(api, shop.namespace):
        went = walk(api, shop)

    assert went != WELL, shop.output
    # Who may not bind a role has its rules compared with his own, and it is not made yet.
    told = ("needs `reader`, which is not there",) if verb == "bind" else ("may not", "forbid")
    assert any(text in shop.output for text in told), shop.output
