"""Which spellings are the source, and which only look like it."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.kube.effective import Origin, Value
from repoint.kube.resource import Resource
from repoint.planning.sources import SourceHosts
from tests.unit.planning.small_repository import TARGETS, Trial, proposed, repository, workload

AT = Origin("x.yaml", "")


def service(name: str, namespace: str, original: str = "") -> Resource:
    def body(called: str, where: str) -> Resource:
        metadata = {"name": Value(called, AT), "namespace": Value(where, AT)}
        tree = {"apiVersion": Value("v1", AT), "kind": Value("Service", AT), "metadata": metadata}
        return Resource(dict(tree), "x.yaml")

    made = body(name, namespace)
    if original:
        made.previous.append(body(original, "shop").id)
    return made


SOURCES = SourceHosts(
    ["postgres.shop.svc.cluster.local", "db.example.com"],
    [service("postgres", "shop"), service("staging-postgres", "shop-staging", "postgres")],
    ["shop", "shop-staging", "shop-production"],
)


@pytest.mark.parametrize(
    ("host", "asking"),
    [
        ("postgres", "shop"),
        ("postgres", ""),
        ("postgres.shop", "other"),
        ("postgres.shop.svc", ""),
        ("POSTGRES.shop.svc.cluster.local.", ""),
        ("postgres.shop-production.svc.cluster.local", ""),
        ("staging-postgres.shop-staging.svc", ""),
        ("staging-postgres", "shop-staging"),
        ("DB.example.com", ""),
    ],
)
def test_spellings_of_the_source(host: str, asking: str) -> None:
    assert SOURCES.matches(host, asking)


@pytest.mark.parametrize(
    ("host", "asking"),
    [
        pytest.param("postgres", "billing", id="another team's namespace"),
        pytest.param("postgres.billing.svc", "shop", id="another team's server"),
        pytest.param("postgres-operator.shop.svc", "", id="a longer name"),
        pytest.param("mypostgres", "shop", id="a longer name in front"),
        pytest.param("dev-postgres.shop.svc", "", id="a prefix that nothing renders"),
        pytest.param("postgres.shop.svc.other.cluster", "", id="another cluster domain"),
        pytest.param("db.example.com.evil.org", "", id="another domain"),
        pytest.param("$(DB_HOST)", "shop", id="a variable"),
        pytest.param("10.0.0.7", "shop", id="an address"),
        pytest.param("", "shop", id="nothing"),
    ],
)
def test_what_only_looks_like_it(host: str, asking: str) -> None:
    assert not SOURCES.matches(host, asking)


def _external(name: str, namespace: str, host: str) -> Resource:
    made = service(name, namespace)
    made.body["spec"] = {"type": Value("ExternalName", AT), "externalName": Value(host, AT)}
    return made


def test_a_service_that_stands_for_a_source_is_a_name_of_it_in_its_namespace() -> None:
    stand_ins = [_external("pg", "shop", "db.example.com"), _external("pg", "crm", "crm.rds.com")]
    sources = SourceHosts(["db.example.com"], stand_ins, ["shop", "crm"])

    assert sources.matches("pg", "shop") and sources.matches("pg.shop.svc")
    assert not sources.matches("pg", "crm") and not sources.matches("pg.crm.svc.cluster.local")
    assert not sources.matches("pg.shop.svc.other.cluster")
    assert sources.services == ()


@pytest.mark.parametrize("target", ["pg-pooler.shop.svc.cluster.local", "pg-pooler"])
def test_a_target_is_no_source_whatever_service_hands_it_on(target: str) -> None:
    made = service("postgres", "shop")
    handed = "pg-pooler.shop.svc.cluster.local"
    made.body["spec"] = {"type": Value("ExternalName", AT), "externalName": Value(handed, AT)}
    source = SourceHosts(["postgres"], [made], ["shop"], targets=[target])
    assert source.matches("postgres", "shop")
    assert not source.matches(handed, "shop") and not source.matches("pg-pooler", "shop")


def test_what_names_the_target_has_moved_though_the_old_name_leads_there(tmp_path: Path) -> None:
    handed = (
        "apiVersion: v1\nkind: Service\nmetadata: {name: postgres}\n"
        "spec: {type: ExternalName, externalName: pg-pooler.shop-dev.svc.cluster.local}\n"
    )
    pods = (
        "containers:\n- name: ferry\n  image: quay/ferry:4\n"
        "  env: [{name: FERRY_DSN, value: postgres://ferry@postgres/ferry}]\n"
    )
    base = {"ferry.yaml": workload("Deployment", "ferry", pods)}
    files = repository(base, {})
    files["base/targets.yaml"] = f"{handed}---{TARGETS.partition('---')[2]}"
    trial = Trial(tmp_path, files)
    assert [one.current for one in trial.plan("dev").consumers] == ["postgres"]
    trial.apply("dev")
    assert trial.plan("dev").consumers == ()
    assert [one for one in trial.check("dev") if one.code == "RP110"] == []


def test_what_init_proposes_moves_who_goes_through_a_stand_in(tmp_path: Path) -> None:
    env = "env: [{name: PGHOST, value: %s}]\n"
    files = {
        "k8s/targets.yaml": TARGETS.partition("---\n")[2],
        "k8s/pg.yaml": (
            "apiVersion: v1\nkind: Service\nmetadata: {name: postgres, namespace: shop}\n"
            "spec: {type: ExternalName, externalName: old.abc.eu.rds.amazonaws.com}\n"
        ),
    }
    for name, host in {"web": "old.abc.eu.rds.amazonaws.com", "till": "postgres"}.items():
        pods = f"containers:\n- name: {name}\n  image: shop/{name}:1\n  {env % host}"
        files[f"k8s/{name}.yaml"] = workload("Deployment", name, pods).replace(
            f"name: {name}\nspec", f"name: {name}\n  namespace: shop\nspec"
        )
    trial = Trial(tmp_path, files)
    made = proposed(trial)

    assert made.notes == ()
    plan = Trial(tmp_path, {}, config=made.text.replace("pg-pooler-rw", "pg-pooler")).plan()
    assert {(one.name, one.route) for one in plan.consumers} == {
        ("web", "pooled"),
        ("till", "pooled"),
    }
