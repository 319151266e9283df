"""Which container reads which value, in which environment, over small repositories."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.kube.environments import EnvironmentSpec
from repoint.kube.resolve import Resolution, resolve
from repoint.kube.sealed import sealed_view
from tests.unit.kube.trees import Tree, parse, sites_at

Row = tuple[str, str, str, str]


def rows(tree: Tree, *places: tuple[str, str]) -> list[Row]:
    """`(environment, workload, how, site's file)` of every use."""
    files = parse(tree)
    found = resolve(files, sites_at(files, places), known=tree)
    return uses(found)


def uses(found: Resolution) -> list[Row]:
    """The uses of a resolution as rows."""
    return [
        (one.environment, one.container.workload.id, one.via, one.site.location.path)
        for one in found.uses
    ]


def deployment(name: str, container: str) -> str:
    """A Deployment with one container called `c`; `container` holds its other fields."""
    return (
        "apiVersion: apps/v1\nkind: Deployment\n"
        f"metadata: {{name: {name}}}\n"
        "spec: {template: {spec: {containers: [{name: c, image: i, " + container + "}]}}}\n"
    )


SECRET = "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\nstringData: {URL: u, OTHER: o}\n"
CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: conf}\ndata: {HOST: h}\n"
URL = ("k8s/secret.yaml", "/0/stringData/URL")
HOST = ("k8s/conf.yaml", "/0/data/HOST")

PLAIN: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "literal": (
        "env: [{name: A, value: x}]",
        [("Deployment/app/c", "env A")],
    ),
    "secret-key": (
        "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: URL}}}]",
        [("Deployment/app/c", "env A <- secret db/URL")],
    ),
    "configmap-key": (
        "env: [{name: A, valueFrom: {configMapKeyRef: {name: conf, key: HOST}}}]",
        [("Deployment/app/c", "env A <- configmap conf/HOST")],
    ),
    "env-from-with-prefix": (
        "envFrom: [{prefix: P_, secretRef: {name: db}}]",
        [("Deployment/app/c", "envFrom P_URL <- secret db/URL")],
    ),
    "env-wins-over-env-from": (
        "envFrom: [{secretRef: {name: db}}], env: [{name: URL, value: other}]",
        [],
    ),
    "env-from-elsewhere-wins-over-env-from": (
        "envFrom: [{secretRef: {name: db}}],"
        " env: [{name: URL, valueFrom: {secretKeyRef: {name: cluster-app, key: uri}}}]",
        [],
    ),
    "composition-in-order": (
        "env: [{name: H, valueFrom: {configMapKeyRef: {name: conf, key: HOST}}},"
        " {name: DSN, value: 'postgres://$(H)/x'}]",
        [
            ("Deployment/app/c", "env H <- configmap conf/HOST"),
            ("Deployment/app/c", "env DSN <- $(H)"),
        ],
    ),
    "composition-before-its-variable-is-text": (
        "env: [{name: DSN, value: 'postgres://$(H)/x'},"
        " {name: H, valueFrom: {configMapKeyRef: {name: conf, key: HOST}}}]",
        [("Deployment/app/c", "env H <- configmap conf/HOST")],
    ),
    "shell-braces-compose-nothing": (
        "env: [{name: H, valueFrom: {configMapKeyRef: {name: conf, key: HOST}}},"
        " {name: DSN, value: 'postgres://${H}/x'}]",
        [("Deployment/app/c", "env H <- configmap conf/HOST")],
    ),
    "another-name": ("env: [{name: A, valueFrom: {secretKeyRef: {name: xx, key: URL}}}]", []),
    "another-key": ("env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: NONE}}}]", []),
}


@pytest.mark.parametrize(("container", "expected"), PLAIN.values(), ids=PLAIN.keys())
def test_plain_manifests(container: str, expected: list[tuple[str, str]]) -> None:
    tree = {
        "k8s/app.yaml": deployment("app", container),
        "k8s/secret.yaml": SECRET,
        "k8s/conf.yaml": CONFIG,
    }
    literal = ("k8s/app.yaml", "/0/spec/template/spec/containers/0/env/0/value")
    places = [URL, HOST, literal] if "value: x" in container else [URL, HOST]

    assert [(who, via) for _, who, via, _ in rows(tree, *places)] == expected


def test_volume_subpath_takes_one_key() -> None:
    pod = """
        apiVersion: v1
        kind: Pod
        metadata: {name: p}
        spec:
          containers:
          - {name: one, image: i, volumeMounts: [{name: v, mountPath: /f, subPath: URL}]}
          - {name: all, image: i, volumeMounts: [{name: v, mountPath: /d}]}
          - {name: none, image: i, volumeMounts: [{name: v, mountPath: /o, subPath: OTHER}]}
          - {name: renamed, image: i, volumeMounts: [{name: w, mountPath: /w, subPath: u.txt}]}
          volumes:
          - {name: v, secret: {secretName: db}}
          - name: w
            projected: {sources: [{secret: {name: db, items: [{key: URL, path: u.txt}]}}]}
        """

    found = rows({"k8s/p.yaml": pod, "k8s/secret.yaml": SECRET}, URL)

    assert [(who, via) for _, who, via, _ in found] == [
        ("Pod/p/one", "file /f <- secret db/URL"),
        ("Pod/p/all", "file /d <- secret db/URL"),
        ("Pod/p/renamed", "file /w <- secret db/URL"),
    ]


READS_URL = "env: [{name: A, valueFrom: {secretKeyRef: {name: db, key: URL}}}]"


def test_a_base_belongs_to_every_overlay_that_keeps_its_value() -> None:
    literal = "/0/spec/template/spec/containers/0/env/0/value"
    tree = {
        "base/kustomization.yaml": "resources: [app.yaml]\n",
        "base/app.yaml": deployment("app", "env: [{name: A, value: base}]"),
        "overlays/staging/kustomization.yaml": "resources: [../../base]\nnamespace: stg\n",
        "overlays/prod/kustomization.yaml": "resources: [../../base]\npatches: [{path: p.yaml}]\n",
        "overlays/prod/p.yaml": deployment("app", "env: [{name: A, value: prod}]"),
    }
    files = parse(tree)
    places = [("base/app.yaml", literal), ("overlays/prod/p.yaml", literal)]
    found = resolve(files, sites_at(files, places))

    assert [one.name for one in found.environments] == ["staging", "prod"]
    assert uses(found) == [
        ("staging", "Deployment/stg/app/c", "env A", "base/app.yaml"),
        ("prod", "Deployment/app/c", "env A", "overlays/prod/p.yaml"),
    ]
    assert sorted(found.site_environments.values()) == [("prod",), ("staging",)]


def test_secret_applied_by_hand_serves_its_own_environment() -> None:
    tree = {
        "base/kustomization.yaml": "resources: [app.yaml]\n",
        "base/app.yaml": deployment("app", READS_URL),
        "overlays/staging/kustomization.yaml": "resources: [../../base]\nnamespace: s\n",
        "overlays/production/kustomization.yaml": "resources: [../../base]\nnamespace: p\n",
        "secrets/staging/db.yaml": SECRET,
        "secrets/prod/db.yaml": SECRET,
    }
    places = [(path, "/0/stringData/URL") for path in tree if path.startswith("secrets")]

    assert [(env, where) for env, _, _, where in rows(tree, *places)] == [
        ("staging", "secrets/staging/db.yaml"),
        ("production", "secrets/prod/db.yaml"),
    ]


def test_configured_environments_are_taken_as_they_are() -> None:
    tree = {
        "x/kustomization.yaml": "resources: [app.yaml]\n",
        "x/app.yaml": deployment("app", READS_URL),
        "y/kustomization.yaml": "resources: [../x]\n",
        "keys/one/db.yaml": SECRET,
    }
    files = parse(tree)
    spec = EnvironmentSpec("live", "ns", overlays=("./y/",), secrets=("keys/one",))
    sites = sites_at(files, [("keys/one/db.yaml", "/0/stringData/URL")])
    found = resolve(files, sites, environments=(spec,))

    assert [(env, where) for env, _, _, where in uses(found)] == [("live", "keys/one/db.yaml")]
    assert found.environments[0].namespace == "ns"


def test_the_overlays_own_secret_wins_over_a_namesake() -> None:
    tree = {
        f"apps/{app}/overlays/prod/{name}": text
        for app in ("one", "two")
        for name, text in {
            "kustomization.yaml": "resources: [app.yaml, secret.yaml]\n",
            "app.yaml": deployment(app, READS_URL),
            "secret.yaml": SECRET,
        }.items()
    }
    places = [(path, "/0/stringData/URL") for path in tree if path.endswith("secret.yaml")]

    assert [(who, where) for _, who, _, where in rows(tree, *places)] == [
        ("Deployment/one/c", "apps/one/overlays/prod/secret.yaml"),
        ("Deployment/two/c", "apps/two/overlays/prod/secret.yaml"),
    ]


def test_an_overlay_reads_the_secret_it_includes() -> None:
    tree = {
        "base/kustomization.yaml": "resources: [app.yaml]\n",
        "base/app.yaml": deployment("app", READS_URL),
        **{
            path: text
            for one in ("blue", "green")
            for path, text in {
                f"keys/{one}/kustomization.yaml": "resources: [s.yaml]\n",
                f"keys/{one}/s.yaml": SECRET,
                f"{one}/prod/kustomization.yaml": (
                    f"resources: [../../base, ../../keys/{one}]\n"
                    f"patches: [{{target: {{kind: Deployment}}, path: p.yaml}}]\n"
                ),
                f"{one}/prod/p.yaml": f"[{{op: replace, path: /metadata/name, value: {one}}}]\n",
            }.items()
        },
    }
    places = [(f"keys/{one}/s.yaml", "/0/stringData/URL") for one in ("blue", "green")]

    assert [(who, where) for _, who, _, where in rows(tree, *places)] == [
        ("Deployment/blue/c", "keys/blue/s.yaml"),
        ("Deployment/green/c", "keys/green/s.yaml"),
    ]


def test_the_same_namespace_wins_over_none() -> None:
    tree = {
        "k8s/a-any.yaml": SECRET,
        "k8s/b-other.yaml": SECRET.replace("{name: db}", "{name: db, namespace: other}"),
        "k8s/c-same.yaml": SECRET.replace("{name: db}", "{name: db, namespace: ns}"),
        "k8s/app.yaml": deployment("app", READS_URL).replace(
            "{name: app}", "{name: app, namespace: ns}"
        ),
    }
    places = [(path, "/0/stringData/URL") for path in tree if path != "k8s/app.yaml"]

    assert [where for *_, where in rows(tree, *places)] == ["k8s/c-same.yaml"]


def test_plain_namesakes_are_told_apart_by_their_directory() -> None:
    tree = {
        "two/secret.yaml": SECRET,
        "one/secret.yaml": SECRET,
        "one/app.yaml": deployment("first", READS_URL),
        "two/app.yaml": deployment("second", READS_URL),
    }
    places = [(path, "/0/stringData/URL") for path in tree if path.endswith("secret.yaml")]

    assert [(who, where) for _, who, _, where in rows(tree, *places)] == [
        ("Deployment/first/c", "one/secret.yaml"),
        ("Deployment/second/c", "two/secret.yaml"),
    ]


def test_inline_patches_are_told_apart_by_their_bytes() -> None:
    tree = {
        "base/kustomization.yaml": "resources: [a.yaml, b.yaml]\n",
        "base/a.yaml": deployment("a", "env: [{name: A, value: x}]"),
        "base/b.yaml": deployment("b", "env: [{name: A, value: x}]"),
        "overlays/prod/kustomization.yaml": """
            resources: [../../base]
            patches:
            - target: {kind: Deployment, name: a}
              patch: |-
                - {op: replace, path: /spec/template/spec/containers/0/env/0/value, value: one}
                - {op: add, path: /spec/template/spec/containers/0/args, value: [two]}
            """,
    }
    files = parse(tree)
    path = "overlays/prod/kustomization.yaml"
    (site,) = sites_at(files, [(path, "/0/patches/0/patch")])[path]
    start = files[path].text.index("two")
    span = files[path].map.span(start, start + 3)
    placed = replace(site, host=replace(site.host, span=span))
    found = resolve(files, {path: (placed,)})

    assert uses(found) == [("prod", "Deployment/a/c", "args", path)]


SEALED = """
    apiVersion: {api}
    kind: {kind}
    metadata: {{name: {name}}}
    stringData: {{URL: 'ENC[AES256_GCM,data:x]', PASSWORD: 'ENC[AES256_GCM,data:y]'}}
    sops: {{mac: 'ENC[x]', lastmodified: '2024-01-01T00:00:00Z'}}
    """
HIDDEN = "'ENC[AES256_GCM,data:z]'"


@pytest.mark.parametrize(
    ("file", "kind", "name", "certainty"),
    [
        ("anything.yaml", "Secret", "db", "certain"),
        ("db.enc.yaml", HIDDEN, HIDDEN, "likely"),
        ("db-secret.yaml", HIDDEN, HIDDEN, "likely"),
        ("zzz.yaml", HIDDEN, HIDDEN, "guess"),
    ],
    ids=["by-name", "by-stem", "by-bare-stem", "by-keys"],
)
def test_sealed_file_links_by_name_stem_or_keys(
    file: str, kind: str, name: str, certainty: str
) -> None:
    tree = {
        "overlays/prod/kustomization.yaml": "resources: [app.yaml]\n",
        "overlays/prod/app.yaml": deployment("app", READS_URL),
        f"secrets/prod/{file}": SEALED.format(api="v1", kind=kind, name=name),
    }
    files = parse(tree)
    views = tuple(sealed_view(one, None) for one in files.values() if one.sealed)
    found = resolve(files, {}, views)

    assert [
        (one.environment, one.path, one.key, one.variable, one.pointer, one.certainty)
        for one in found.sealed
    ] == [("prod", f"secrets/prod/{file}", "URL", "A", "/0/stringData/URL", certainty)]


def test_decryption_gives_a_sealed_secret_its_name() -> None:
    path = "secrets/prod/zzz.yaml"
    tree = {
        "overlays/prod/kustomization.yaml": "resources: [app.yaml]\n",
        "overlays/prod/app.yaml": deployment("app", READS_URL),
        path: SEALED.format(api="v1", kind=HIDDEN, name=HIDDEN),
    }
    files = parse(tree)
    (opened,) = parse({path: SECRET}).values()
    view = sealed_view(files[path], opened)
    sites = sites_at(files, [(path, "/0/stringData/URL")])
    found = resolve(files, sites, (view,))

    assert (view.kind, view.name, view.readable) == ("Secret", "db", True)
    assert uses(found) == [("prod", "Deployment/app/c", "env A <- secret db/URL", path)]
    assert found.uses[0].certainty == "certain"
    assert found.sealed == ()
