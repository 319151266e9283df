"""With exactly the printed rights verify passes; without any one of them it does not."""

from __future__ import annotations

import copy
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from repoint.errors import RepointError
from repoint.model.rehearsal import Verdict
from tests.cluster.rolling_out.shop import command
from tests.cluster.verifying.town import Town, check

pytestmark = [pytest.mark.cluster, pytest.mark.servers]
ACCOUNT = "looker"
_ROLES = "/apis/rbac.authorization.k8s.io/v1/namespaces/{}/roles/{}"
# What Argo Rollouts adds is asked for where it is installed.
_ELSEWHERE = {("rollouts", "list")}


def printed_role(town: Town, verb: str) -> dict[str, Any]:
    """Give the account what `repoint rbac` prints, and return the Role."""
    metadata = {"namespace": town.namespace, "name": ACCOUNT}
    town.api.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata})
    subject = f"ServiceAccount/{town.namespace}/{ACCOUNT}"
    done = subprocess.run(
        command("rbac", "--verb", verb, "--subject", subject, "--format", "json"),
        cwd=town.folder,
        env=town.api.environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    role, binding = json.loads(done.stdout)["items"]
    town.api.create(role, binding)
    return dict(role)


def pairs_of(role: dict[str, Any]) -> set[tuple[str, str]]:
    """Pairs of resource and verb that a role gives."""
    return {
        (resource, verb)
        for rule in role["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def without(role: dict[str, Any], resource: str, verb: str) -> dict[str, Any]:
    """The role without one verb on one resource."""
    changed = copy.deepcopy(role)
    changed["rules"] = [
        {**rule, "resources": [one], "verbs": kept}
        for rule in changed["rules"]
        for one in rule["resources"]
        if (kept := [v for v in rule["verbs"] if (one, v) != (resource, verb)])
    ]
    return changed


@pytest.fixture
def looker(town: Town, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The role of an account that verify runs as."""
    town.moved()
    role = printed_role(town, "verify")
    monkeypatch.setenv("KUBECONFIG", str(town.api.kubeconfig_for(ACCOUNT, town.namespace)))
    return role


def test_verify_passes_with_exactly_the_printed_rights(town: Town, looker: dict[str, Any]) -> None:
    found = town.verify()

    assert found.verdict is Verdict.PASS
    used = {(of, verb) for verb, _, of in town.api.asked_by(ACCOUNT, town.namespace)}
    assert pairs_of(looker) - _ELSEWHERE <= used


@pytest.mark.parametrize("of", [("secrets", "get"), ("deployments", "list")], ids=" ".join)
def test_what_may_not_be_read_is_unknown_and_never_a_failure(
    town: Town, looker: dict[str, Any], of: tuple[str, str]
) -> None:
    path = _ROLES.format(town.namespace, looker["metadata"]["name"])
    town.api.call("PUT", path, without(looker, *of))
    town.api.until("it may not any more", lambda: not may(town, *of))

    found = town.verify()

    connection, login = check(found, "connection", "web"), check(found, "login", "web")
    assert (connection.verdict, login.verdict) == (Verdict.UNKNOWN, Verdict.UNKNOWN)
    assert f"may not {of[1]} `{of[0]}`" in connection.observed
    assert found.verdict is Verdict.UNKNOWN


@pytest.mark.slow
def test_verify_does_not_pass_without_any_one_of_them(town: Town, looker: dict[str, Any]) -> None:
    path = _ROLES.format(town.namespace, looker["metadata"]["name"])
    passed = []
    for resource, verb in sorted(pairs_of(looker) - _ELSEWHERE):
        status, _ = town.api.call("PUT", path, without(looker, resource, verb))
        assert status == 200
        town.api.until("it may not any more", lambda of=resource, v=verb: not may(town, of, v))
        try:
            verdict = town.verify().verdict
        except RepointError:
            verdict = Verdict.FAIL
        if verdict is Verdict.PASS:
            passed.append((resource, verb))

    assert passed == []


def may(town: Town, resource: str, verb: str) -> bool:
    """Whether the account may do it to some object of a name that the role has."""
    names = {"secrets": "db", "deployments": ""}
    kubectl = ["auth", "can-i", verb, resource.partition("/")[0], "-n", town.namespace]
    kubectl += [f"--subresource={resource.partition('/')[2]}"] if "/" in resource else []
    if names.get(resource):
        kubectl[3] = f"{resource}/{names[resource]}"
    kubeconfig = town.api.kubeconfig_for(ACCOUNT, town.namespace)
    return town.api.kubectl(*kubectl, kubeconfig=Path(kubeconfig), check=False).status == 0
