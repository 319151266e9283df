"""Repositories without overlays: what is proposed, scaffolded and checked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import convert, to_builtins

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.flows.checking import check
from repoint.flows.init import propose
from repoint.flows.planning import make_plan
from repoint.flows.reading import read_repository
from repoint.flows.scaffold import scaffold
from repoint.flows.scanning import scan
from repoint.flows.workspace import Workspace
from repoint.planning.config import Config, load_config
from repoint.ports.work import UNWATCHED

APP = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  template:
    spec:
      containers:
        - name: web
          image: acme/web
          env: [{name: DATABASE_URL, value: "postgres://shop@pg.shop.svc:5432/shop"}]
"""
VALUES = "web: {env: {DATABASE_URL: 'postgres://shop@pg.shop.svc:5432/shop'}}\n"


def workspace(folder: Path, files: dict[str, str]) -> Workspace:
    """A repository of these files, with the configuration that init proposes."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    tree = FileTree(folder)
    plain = Workspace(str(folder), tree, None, "", Sops(tree), Kustomize(tree), UNWATCHED)
    text = propose(plain).text
    return replace(plain, config=load_config(text), config_text=text)


def codes(found: Workspace) -> list[str]:
    """The codes of the errors of a plan."""
    return [one.code for one in make_plan(found).findings if one.blocks]


@pytest.mark.parametrize(
    "files",
    [
        {"k8s/web.yaml": APP},
        {"deploy/values-staging.yaml": VALUES, "deploy/values-prod.yaml": VALUES},
        {"k8s/staging/web.yaml": APP, "k8s/prod/web.yaml": APP},
    ],
    ids=["one folder", "values files", "a folder for each environment"],
)
def test_scaffolded_objects_resolve_the_hosts(tmp_path: Path, files: dict[str, str]) -> None:
    found = workspace(tmp_path, files)
    assert "RP201" in codes(found)

    made = dict(scaffold(found))
    assert not [path for path in made if path.endswith("kustomization.yaml")]
    for path, raw in made.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(raw)

    found = replace(found, tree=FileTree(tmp_path))
    assert "RP201" not in codes(found)
    assert scaffold(found) == ()


def test_a_values_file_that_every_helmfile_environment_names_is_not_edited(tmp_path: Path) -> None:
    files = {
        "helmfile.yaml": (
            "environments: {dev: {}, prod: {}}\n---\nreleases:\n"
            "  - {name: gitea, chart: gitea/gitea, values: [values/gitea.yaml]}\n"
        ),
        "values/gitea.yaml": "gitea: {database: {DB_TYPE: postgres, HOST: 'pg.git.svc:5432'}}\n",
    }
    made = make_plan(workspace(tmp_path, files))

    assert made.changes == ()
    assert {(one.environment, one.path) for one in made.tasks} == {
        ("dev", "values/gitea.yaml"),
        ("prod", "values/gitea.yaml"),
    }


def test_scaffold_tracks_the_search_path_of_a_runtime(tmp_path: Path) -> None:
    found = workspace(tmp_path, {"k8s/web.yaml": APP.replace('/shop"', '/shop?search_path=s"')})

    made = dict(scaffold(found))

    assert b"search_path" in made["cnpg/default/pooler.yaml"]


@pytest.mark.parametrize("query", ["", "?search_path=s"])
def test_a_scaffolded_pool_holds_a_runtime_that_goes_direct_until_it_is_tracked(
    tmp_path: Path, query: str
) -> None:
    size = 'env: [{name: DB_POOL_SIZE, value: "40"}, {name'
    app = APP.replace("spec:\n  template", "spec:\n  replicas: 3\n  template")
    app = app.replace('/shop"', f'/shop{query}"').replace("env: [{name", size)
    found = workspace(tmp_path, {"k8s/web.yaml": app})

    made = dict(scaffold(found))

    assert b'default_pool_size: "120"' in made["cnpg/default/pooler.yaml"]
    assert b'max_connections: "253"' in made["cnpg/default/cluster.yaml"]

    chosen = found.config_text + "consumers: {web: {route: direct}}\n"
    direct = replace(found, config=load_config(chosen), config_text=chosen)
    made = dict(scaffold(direct))
    assert b'default_pool_size: "20"' in made["cnpg/default/pooler.yaml"]
    assert b"search_path" not in made["cnpg/default/pooler.yaml"]
    assert b'max_connections: "173"' in made["cnpg/default/cluster.yaml"]


SOURCE = {
    "web/go.mod": "module web\n\nrequire github.com/jackc/pgx/v5 v5.9.2\n",
    "web/main.go": 'package main\n\nimport "github.com/jackc/pgx/v5"\n',
}


@pytest.mark.parametrize(
    ("source", "mode"),
    [
        pytest.param(SOURCE, b"transaction", id="read, with a driver and nothing against it"),
        pytest.param({}, b"session", id="no source text"),
        pytest.param({**SOURCE, "web/q.sql": "LISTEN jobs;\n"}, b"session", id="it listens"),
    ],
)
def test_scaffold_pools_transactions_where_evidence_earns_it(
    tmp_path: Path, source: dict[str, str], mode: bytes
) -> None:
    made = dict(scaffold(workspace(tmp_path, {"k8s/web.yaml": APP, **source})))

    assert b"poolMode: " + mode in made["cnpg/default/pooler.yaml"]


def test_an_overlay_inside_an_environments_place_belongs_to_it(tmp_path: Path) -> None:
    files = {
        "k8s/web.yaml": APP,
        "k8s/api/kustomization.yaml": "resources: [api.yaml]\n",
        "k8s/api/api.yaml": APP.replace("name: web", "name: api"),
    }
    found = workspace(tmp_path, files)
    text = found.config_text.replace("overlay: k8s/api", 'manifests: "."')
    found = replace(found, config=load_config(text), config_text=text)

    assert {one.environment for one in scan(found).consumers} == {"default"}


def test_a_base_value_that_the_overlay_replaces_has_its_own_reader(tmp_path: Path) -> None:
    patch = APP.replace("pg.shop.svc", "other.shop.svc").replace("image: acme/web", "")
    files = {
        "base/kustomization.yaml": "resources: [web.yaml]\n",
        "base/web.yaml": APP,
        "overlays/prod/kustomization.yaml": (
            "resources: [../../base]\npatches: [{path: patch.yaml}]\n"
        ),
        "overlays/prod/patch.yaml": patch,
    }
    sites = {one.site.location.path: one for one in scan(workspace(tmp_path, files)).sites}

    assert sites["base/web.yaml"].environments == ()
    assert sites["base/web.yaml"].consumer == "Deployment/shop/web/web"
    assert sites["base/web.yaml"].purpose == "runtime"


def test_scan_reads_no_file_again(tmp_path: Path) -> None:
    found = workspace(tmp_path, {"k8s/web.yaml": APP})
    reading = read_repository(found)
    (tmp_path / "k8s" / "web.yaml").unlink()

    assert [one.consumer for one in scan(found, (), reading).sites] == ["Deployment/shop/web/web"]


def test_check_bears_a_bare_target_host(tmp_path: Path) -> None:
    job = APP.replace("Deployment", "Job").replace(", namespace: shop", "")
    found = workspace(tmp_path, {"k8s/web.yaml": job.replace("pg.shop.svc", "postgres")})

    assert "RP110" in [one.code for one in check(found)]


def test_a_login_is_proposed_whole(tmp_path: Path) -> None:
    other = APP.replace("shop@", "reader@").replace("5432/shop", "5432/reports")
    third = APP.replace("postgres://shop@pg.shop.svc:5432/shop", "host=pg.shop.svc dbname=reports")
    config = workspace(
        tmp_path, {"a.yaml": APP, "b.yaml": APP, "c.yaml": other, "d.yaml": third, "e.yaml": third}
    ).config

    assert config is not None
    assert (config.target.user, config.target.database) == ("shop", "shop")


def test_a_default_that_every_environment_overrides_is_noted(tmp_path: Path) -> None:
    template = APP.replace("postgres://shop@pg.shop.svc:5432/shop", "{{ .Values.db.url }}")
    url = "postgres://shop@pg.shop.svc:5432/shop"
    moved = "postgres://shop@x-pooler-rw.shop.svc:5432/shop"
    files = {
        "chart/Chart.yaml": "apiVersion: v2\nname: shop\n",
        "chart/templates/web.yaml": template,
        "chart/values.yaml": f"db: {{url: '{url}'}}\n",
        "chart/values-staging.yaml": f"db: {{url: '{moved}'}}\n",
        "chart/values-prod.yaml": f"db: {{url: '{moved}'}}\n",
    }
    proposed = workspace(tmp_path, files)
    text = proposed.config_text.replace("x-pooler-rw.shop.svc", "pg.shop.svc")
    found = check(replace(proposed, config=load_config(text), config_text=text))

    assert [one.severity.value for one in found if one.code == "RP110"] == ["note"]


CNPG = """apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: main}
spec: {instances: 1, storage: {size: 1Gi}}
---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pool}
spec: {cluster: {name: main}, type: rw, instances: 1, pgbouncer: {poolMode: session}}
"""


def test_objects_without_a_namespace_are_in_the_environments(tmp_path: Path) -> None:
    found = workspace(tmp_path, {"k8s/web.yaml": APP, "k8s/cnpg.yaml": CNPG})
    for namespace, prefix in (("shop", "pool.shop.svc"), ("db", "pool.db.svc")):
        text = found.config_text.replace("namespace: shop", f"namespace: {namespace}")
        placed = replace(found, config=load_config(text), config_text=text)
        assert codes(placed) == []
        (change,) = make_plan(placed).changes
        assert [edit.after for edit in change.edits if prefix in edit.after]


def test_a_generators_file_of_any_name_is_read(tmp_path: Path) -> None:
    """What a generator puts into a Secret counts, also where nothing can be edited in place."""
    files = {
        "k8s/web.yaml": APP,
        "k8s/cnpg.yaml": CNPG.replace("metadata: {", "metadata: {namespace: shop, "),
        "k8s/queue.dsn": "postgres://shop@pg.shop.svc:5432/shop",
        "k8s/logo.bin": "\0postgres://shop@pg.shop.svc:5432/shop",
        "k8s/kustomization.yaml": (
            "namespace: shop\nresources: [web.yaml, cnpg.yaml]\n"
            "secretGenerator: [{name: queue, files: [dsn=queue.dsn, logo.bin]}]\n"
        ),
    }
    found = workspace(tmp_path, files)
    named = [one for one in make_plan(found).findings if one.code == "RP111"]
    places = {one.message.split("`")[1]: one.location and one.location.path for one in named}
    assert places == {"dsn": "k8s/queue.dsn", "logo.bin": "k8s/kustomization.yaml"}


@pytest.mark.parametrize(
    ("files", "folder"),
    [
        ({"k8s/web.yaml": APP}, "k8s"),
        ({"web.yaml": APP}, "."),
        ({"app/web.yaml": APP, "db/cnpg.yaml": CNPG}, "."),
        ({"k8s/app/web.yaml": APP, "k8s/db/cnpg.yaml": CNPG}, "k8s"),
        (
            {
                "k8s/web.yaml": APP,
                "argocd/app.yaml": "apiVersion: argoproj.io/v1alpha1\nkind: Application\n"
                "metadata: {name: shop, namespace: argocd}\n"
                "spec: {source: {path: k8s, repoURL: 'https://git.example.org/s'}}\n",
            },
            "k8s",
        ),
    ],
)
def test_the_folder_of_plain_manifests(tmp_path: Path, files: dict[str, str], folder: str) -> None:
    found = workspace(tmp_path, files)
    assert found.config is not None
    assert found.config.environments["default"].manifests == folder


def test_a_broken_chart_is_told_though_it_names_no_database(tmp_path: Path) -> None:
    files = {"chart/Chart.yaml": "name: [\n", "chart/values.yaml": VALUES, "notes.yaml": "a: [\n"}
    found = scan(workspace(tmp_path, files))
    assert [one.path for one in found.unreadable] == ["chart/Chart.yaml"]


@pytest.mark.parametrize(("exclude", "told"), [("docs/**", ["infra/base"]), ("infra/**", [])])
def test_submodules_are_told_as_not_read(tmp_path: Path, exclude: str, told: list[str]) -> None:
    modules = '[submodule "base"]\n\tpath = infra/base\n\turl = https://git.example/base\n'
    found = workspace(tmp_path, {"k8s/web.yaml": APP, ".gitmodules": modules})
    assert found.config is not None
    config = convert({**to_builtins(found.config), "exclude": [exclude]}, Config)

    unreadable = scan(replace(found, config=config)).unreadable

    assert [one.path for one in unreadable if "a submodule" in one.reason] == told
