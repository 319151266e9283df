"""Which words name environments, and which overlays and files belong to them."""

from __future__ import annotations

import pytest

from repoint.kube.environments import find_environments
from repoint.kube.kustomize import Kustomizer
from repoint.kube.words import in_file_name, is_word
from tests.unit.kube.trees import Tree, index


def names(tree: Tree) -> dict[str, tuple[str, ...]]:
    """Environment names with their overlays."""
    files = index(tree)
    found = find_environments(files, Kustomizer(files))
    return {one.name: one.overlays for one in found.environments}


def overlay(*resources: str) -> str:
    """A kustomization of some resources."""
    return f"resources: [{', '.join(resources)}]\n"


@pytest.mark.parametrize(
    "word",
    [
        "prod",
        "production",
        "prod-eu",
        "eu-prod",
        "staging-2",
        "production-us-east-1",
        "qa",
        "live",
        "euw1a-prod",
    ],
)
def test_environment_words(word: str) -> None:
    assert is_word(word)


@pytest.mark.parametrize(
    "word",
    [
        "product",
        "production-line",
        "local-path-provisioner",
        "demo-app",
        "base",
        "testdata",
        "n8n-qa",
    ],
)
def test_other_words(word: str) -> None:
    assert not is_word(word)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("values-staging.yaml", "staging"),
        ("values.prod.yaml", "prod"),
        ("values-prod-eu.yaml", "prod-eu"),
        (".env.staging", "staging"),
        ("docker-compose.prod.yml", "prod"),
        ("secret-staging.enc.yaml", "staging"),
        ("prod.yaml", "prod"),
        ("n8n-prod.yaml", "prod"),
        ("values.yaml", ""),
        ("deployment.yaml", ""),
        (".env", ""),
    ],
)
def test_words_in_file_names(name: str, word: str) -> None:
    assert in_file_name(name) == word


def test_overlays_of_one_environment_are_one_in_promotion_order() -> None:
    assert names(
        {
            "apps/a/overlays/prod/kustomization.yaml": overlay("../../base"),
            "apps/a/overlays/local/kustomization.yaml": overlay("../../base"),
            "apps/a/base/kustomization.yaml": overlay(),
            "apps/b/overlays/prod/kustomization.yaml": overlay(),
            "apps/b/overlays/staging/kustomization.yaml": overlay(),
            "components/prod/kustomization.yaml": "kind: Component\n",
        }
    ) == {
        "local": ("apps/a/overlays/local",),
        "staging": ("apps/b/overlays/staging",),
        "prod": ("apps/a/overlays/prod", "apps/b/overlays/prod"),
    }


def test_cluster_directories_and_included_parts() -> None:
    assert names(
        {
            "clusters/acme/apps/kustomization.yaml": overlay("../../../apps"),
            "clusters/globex/apps/kustomization.yaml": overlay("../../../apps"),
            "apps/kustomization.yaml": overlay("part"),
            "apps/part/kustomization.yaml": overlay(),
        }
    ) == {"acme": ("clusters/acme/apps",), "globex": ("clusters/globex/apps",)}


def test_siblings_that_share_a_base_are_named_after_themselves() -> None:
    assert names(
        {
            "k8s/base/kustomization.yaml": overlay(),
            "k8s/north/kustomization.yaml": overlay("../base"),
            "k8s/south/kustomization.yaml": overlay("../base"),
        }
    ) == {"north": ("k8s/north",), "south": ("k8s/south",)}


def test_folders_that_repeat_the_same_overlays_are_environments() -> None:
    tree = {"base/app/kustomization.yaml": overlay(), "base/db/kustomization.yaml": overlay()}
    for place in ("pr", "st"):
        for part in ("app", "db"):
            tree[f"deploy/{place}/{part}/kustomization.yaml"] = overlay(f"../../../base/{part}")

    assert names(tree) == {
        "pr": ("deploy/pr/app", "deploy/pr/db"),
        "st": ("deploy/st/app", "deploy/st/db"),
    }


def test_folders_with_one_overlay_each_tell_too_little() -> None:
    tree = {"base/kustomization.yaml": overlay()}
    for place in ("shop", "blog"):
        tree[f"apps/{place}/web/kustomization.yaml"] = overlay("../../../base")

    assert names(tree) == {}


def test_applications_with_parts_of_their_own_are_no_environments() -> None:
    tree = {}
    for app in ("shop", "blog"):
        for part in ("web", "worker"):
            tree[f"apps/{app}/{part}/kustomization.yaml"] = overlay("x.yaml")
            tree[f"apps/{app}/{part}/x.yaml"] = "kind: A\n"

    assert names(tree) == {}


def test_one_place_without_a_name_is_no_environment() -> None:
    assert names({"deploy/kustomization.yaml": overlay("a.yaml"), "deploy/a.yaml": ""}) == {}


def test_a_developers_own_files_name_no_environment() -> None:
    tree = {
        "src/main/resources/application-local.yml": "a: b\n",
        "src/test/fixtures/pod.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: x}\n",
        ".github/workflows/production.yml": "on: push\n",
        "docs/production.yaml": "title: x\n",
    }
    assert names(tree) == {}


def test_values_compose_and_plain_directories_name_environments() -> None:
    tree = {
        "chart/values-dev.yaml": "a: b\n",
        "docker-compose.prod.yml": "services: {}\n",
        "manifests/staging/app.yaml": "kind: Pod\napiVersion: v1\nmetadata: {name: x}\n",
    }
    assert list(names(tree)) == ["dev", "staging", "prod"]


def test_other_spellings_join_the_overlays_environment() -> None:
    files = index(
        {
            "overlays/production/kustomization.yaml": overlay(),
            "overlays/staging/kustomization.yaml": overlay(),
            "secrets/prod/db.yaml": "a: b\n",
            "chart/values-stg.yaml": "a: b\n",
        }
    )
    layout = find_environments(files, Kustomizer(files))

    assert layout.names == ("staging", "production")
    assert layout.environment_of("secrets/prod/db.yaml") == "production"
    assert layout.environment_of("chart/values-stg.yaml") == "staging"
    assert layout.environment_of("base/app.yaml") == ""


def test_a_chart_that_several_environments_install_is_none_of_theirs() -> None:
    """Nor are its values files, but by their own names."""
    files = index({"chart/Chart.yaml": "name: chart\n", "own/Chart.yaml": "name: own\n"})
    delivered = [("chart", "staging"), ("chart", "production"), ("own", "staging")]
    words = ["staging", "production"]
    found = find_environments(files, Kustomizer(files), delivered=delivered, words=words)
    places = (
        "chart/values-production.yaml",
        "chart/values-staging.yaml",
        "chart/a.yaml",
        "own/a.yaml",
    )

    assert [found.environment_of(one) for one in places] == ["production", "staging", "", "staging"]
