"""Builds by kubectl, traced back to the sources."""

from __future__ import annotations

import pytest

from bench.built import built, differences, rendered
from repoint.kube.configs import config_values
from repoint.kube.effective import MADE, Value, child, items, text
from repoint.kube.kustomize import Build, Kustomizer
from repoint.kube.rendered import from_render
from repoint.kube.workloads import containers
from tests.kustomize.test_features import UNKNOWN, answer, kustomizer
from tests.unit.kube.trees import index

# A patched Secret has values in base64 and in clear, of which only one kind is in its hash.
BUILT = sorted(one for one in UNKNOWN - {"secret-patched"} if answer(one) is not None)


def traced(feature: str) -> Build:
    """A feature as kubectl built it."""
    own = kustomizer().build(f"{feature}/over")
    return from_render(own, answer(feature) or "", kustomizer().index)


@pytest.mark.parametrize("feature", BUILT)
def test_it_is_the_build_of_kubectl(feature: str) -> None:
    build = traced(feature)

    assert not build.doubtful
    assert differences(built(build), rendered(answer(feature) or "")) == ()


def test_a_generated_secret_has_all_its_values_in_clear() -> None:
    (secret,) = traced("secret-patched").objects

    found = {key: leaf.text for key, leaf in config_values(secret).items()}
    assert found == {"url": "new", "kept": "1", "more": "x", "plain": "text"}


def variables(build: Build, kind: str, container: str) -> dict[str, Value]:
    """The literal environment of one container."""
    views = [view for one in build.objects if one.kind == kind for view in containers(one)]
    found = next(view for view in views if view.workload.container == container)
    return {one.name: one.value for one in found.env if one.value is not None}


def test_a_leaf_that_stays_the_same_keeps_its_source() -> None:
    env = variables(traced("replacements-delimiter"), "Deployment", "api")

    assert env["DB_PORT"].origin.path == "base/api.yaml"
    assert env["DB_PORT"].scalar is not None


def test_a_leaf_that_kustomize_makes_has_no_source_and_is_told() -> None:
    build = traced("vars")
    env = variables(build, "Deployment", "api")

    assert env["DB_HOST"].text == "p-db.data"
    assert env["DB_HOST"].origin.pointer == MADE
    assert any("`DB_HOST` names `p-db.data`" in line for line in build.untraced)


def test_references_name_generated_objects_without_their_hash() -> None:
    tree = {
        "over/kustomization.yaml": """
            resources: [d.yaml]
            buildMetadata: [managedByLabel]
            secretGenerator: [{name: creds, literals: ["url=postgres://app:canary@db/app"]}]
            """,
        "over/d.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers: [{name: api, image: "a:1", envFrom: [{secretRef: {name: creds}}]}]
            """,
    }
    stream = """
apiVersion: v1
kind: Secret
metadata: {name: creds-9gfh7b49h6, labels: {app.kubernetes.io/managed-by: kustomize}}
data: {url: cG9zdGdyZXM6Ly9hcHA6Y2FuYXJ5QGRiL2FwcA==}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  template:
    spec:
      containers: [{name: api, image: "a:1", envFrom: [{secretRef: {name: creds-9gfh7b49h6}}]}]
"""
    files = index(tree)

    build = from_render(Kustomizer(files).build("over"), stream, files)
    secret, deployment = build.objects

    assert secret.name == "creds"
    url = child(secret.body, "stringData", "url")
    assert isinstance(url, Value)
    assert (url.text, url.origin.path) == (
        "postgres://app:canary@db/app",
        "over/kustomization.yaml",
    )
    pod = child(deployment.body, "spec", "template", "spec")
    (api,) = items(pod, "containers")
    assert text(items(api, "envFrom")[0], "secretRef", "name") == "creds"
    assert build.untraced == ()
