"""Provenance of what the kustomize reader builds."""

from __future__ import annotations

from repoint.kube.effective import Value, child, items, text
from repoint.kube.kustomize import build
from tests.unit.kube.trees import index

DEPLOYMENT = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          containers:
          - name: api
            image: api:1
            env:
            - {name: A, value: from-base}
    """


def test_patched_value_comes_from_the_patch() -> None:
    built = build(
        "over",
        index(
            {
                "base/kustomization.yaml": "resources: [api.yaml]\n",
                "base/api.yaml": DEPLOYMENT,
                "over/kustomization.yaml": "resources: [../base]\npatches: [{path: p.yaml}]\n",
                "over/p.yaml": """
                    apiVersion: apps/v1
                    kind: Deployment
                    metadata: {name: api}
                    spec:
                      template:
                        spec:
                          containers:
                          - name: api
                            env:
                            - {name: A, value: from-patch}
                    """,
            }
        ),
    )

    pod = child(built.objects[0].body, "spec", "template", "spec")
    value = child(items(items(pod, "containers")[0], "env")[0], "value")
    assert isinstance(value, Value)
    assert value.text == "from-patch"
    assert value.origin.path == "over/p.yaml"
    assert value.origin.pointer == "/0/spec/template/spec/containers/0/env/0/value"
    assert built.files == {
        "base/kustomization.yaml",
        "base/api.yaml",
        "over/kustomization.yaml",
        "over/p.yaml",
    }
    assert built.problems == ()


def test_missing_files_are_named_and_the_rest_is_built() -> None:
    built = build(
        "over",
        index(
            {
                "over/kustomization.yaml": """
                    resources: [api.yaml, gone.yaml, 'https://example.com/base?ref=1']
                    patches: [{path: gone-patch.yaml}]
                    """,
                "over/api.yaml": DEPLOYMENT,
            }
        ),
    )

    assert [text(one.body, "metadata", "name") for one in built.objects] == ["api"]
    assert built.problems == (
        "`over/kustomization.yaml`: `over/gone.yaml` is missing",
        "`over/kustomization.yaml`: remote base `https://example.com/base?ref=1` is not seen",
        "`over/kustomization.yaml`: patch `over/gone-patch.yaml` is missing",
    )


def test_null_removes_a_field_and_an_unfit_json_patch_is_named() -> None:
    built = build(
        "over",
        index(
            {
                "over/kustomization.yaml": """
                    resources: [api.yaml]
                    patches:
                    - patch: |
                        apiVersion: apps/v1
                        kind: Deployment
                        metadata: {name: api}
                        spec: {template: null}
                    - target: {kind: Deployment}
                      patch: '[{"op": "remove", "path": "/spec/gone"}]'
                    """,
                "over/api.yaml": DEPLOYMENT,
            }
        ),
    )

    assert child(built.objects[0].body, "spec") == {}
    assert built.problems == (
        "inline patch in `over/kustomization.yaml` on Deployment `api`: "
        "JSON patch path `/spec/gone` names nothing to remove",
    )


def test_a_kustomization_that_includes_itself_ends() -> None:
    built = build(
        "a",
        index(
            {
                "a/kustomization.yaml": "resources: [../b]\n",
                "b/kustomization.yaml": "resources: [../a]\n",
            }
        ),
    )

    assert built.problems == ("`a/kustomization.yaml` includes itself",)


def test_ksops_files_are_resources() -> None:
    built = build(
        "over",
        index(
            {
                "over/kustomization.yaml": "generators: [gen.yaml]\nnamePrefix: p-\n",
                "over/gen.yaml": """
                    apiVersion: viaduct.ai/v1
                    kind: ksops
                    metadata: {name: gen}
                    files: [./keys/db.enc.yaml]
                    """,
                "over/keys/db.enc.yaml": """
                    apiVersion: v1
                    kind: Secret
                    metadata: {name: db}
                    stringData: {URL: 'ENC[AES256_GCM,data:x]'}
                    """,
            }
        ),
    )

    assert [(one.kind, one.name) for one in built.objects] == [("Secret", "p-db")]
    assert "over/keys/db.enc.yaml" in built.files
    assert built.problems == built.unsupported == ()


def _named(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def test_an_object_that_is_listed_twice_is_told_wherever_the_first_came_from() -> None:
    files = {
        "base/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: x-\n",
        "part/kustomization.yaml": "kind: Component\nresources: [z.yaml, y.yaml]\nnamePrefix: w-\n",
        "over/kustomization.yaml": (
            "resources: [../base, b.yaml, c.yaml, b2.yaml, x.yaml]\n"
            "components: [../part, ../part]\n"
        ),
    }
    names = {"base/a": "a", "over/b": "b", "over/c": "c", "over/b2": "b", "over/x": "x-a"}
    names |= {"part/z": "c", "part/y": "w-b"}
    built = build(
        "over", index(files | {f"{path}.yaml": _named(name) for path, name in names.items()})
    )

    told = [one for one in built.problems if "several objects" in one]
    # The first time the component meets `c`; then what it has renamed is `w-b` and others.
    assert told == [
        "several objects are ConfigMap `b`",
        "several objects are ConfigMap `x-a`",
        "several objects are ConfigMap `c`",
        "several objects are ConfigMap `w-b`",
    ]
