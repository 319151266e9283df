"""Connections that nobody here can see are told by their names, and by who reads them."""

from __future__ import annotations

import pytest

from repoint.kube.resolve import resolve
from repoint.kube.unseen import style_of_name, unseen_uses
from tests.unit.kube.test_resolve import deployment
from tests.unit.kube.trees import Tree, parse

EXTERNAL = """
    apiVersion: external-secrets.io/v1beta1
    kind: ExternalSecret
    metadata: {name: app-db}
    spec:
      data:
        - {secretKey: DATABASE_URL, remoteRef: {key: app}}
        - {secretKey: STRIPE_KEY, remoteRef: {key: app}}
    """
SEALED = """
    apiVersion: bitnami.com/v1alpha1
    kind: SealedSecret
    metadata: {name: app-db}
    spec: {encryptedData: {DB_HOST: AgB, DB_PASSWORD: AgC, REDIS_HOST: AgD}}
    """


def unseen(tree: Tree) -> list[tuple[str, str, str, str]]:
    """`(path, key, workload, variable)` of every value that cannot be seen."""
    found = resolve(parse(tree), {}, known=tree)
    builds = (*found.environments, found.unnamed)
    return [
        (one.site.location.path, one.site.key, one.container.workload.id, one.variable)
        for one in unseen_uses(builds, found.sealed, {})
    ]


def test_an_external_secret_is_a_site_of_each_reader() -> None:
    keyed = "env: [{name: DSN, valueFrom: {secretKeyRef: {name: app-db, key: DATABASE_URL}}}]"
    tree = {
        "es.yaml": EXTERNAL,
        "a.yaml": deployment("a", "envFrom: [{secretRef: {name: app-db}}]"),
        "b.yaml": deployment("b", keyed),
        "c.yaml": deployment("c", "envFrom: [{secretRef: {name: other}}]"),
    }

    assert unseen(tree) == [
        ("es.yaml", "DATABASE_URL", "Deployment/a/c", "DATABASE_URL"),
        ("es.yaml", "DATABASE_URL", "Deployment/b/c", "DSN"),
    ]


def test_a_sealed_secret_is_a_site_where_its_key_names_a_host() -> None:
    tree = {
        "ss.yaml": SEALED,
        "a.yaml": deployment("a", "envFrom: [{secretRef: {name: app-db}}]"),
    }

    assert unseen(tree) == [("ss.yaml", "DB_HOST", "Deployment/a/c", "DB_HOST")]


def test_a_value_that_the_container_sets_itself_is_not_read() -> None:
    own = "envFrom: [{secretRef: {name: app-db}}], env: [{name: DATABASE_URL, value: x}]"

    assert unseen({"es.yaml": EXTERNAL, "a.yaml": deployment("a", own)}) == []


@pytest.mark.parametrize(
    ("name", "style"),
    [
        ("DATABASE_URL", "url"),
        ("dsn", "url"),
        ("ConnectionStrings__Orders", "url"),
        ("PGHOST", "split-env"),
        ("DB_HOST", "split-env"),
        ("DB_PASSWORD", None),
        ("REDIS_URL", None),
        ("SENTRY_DSN", None),
        ("STRIPE_KEY", None),
        ("HOST", None),
        ("url", None),
    ],
)
def test_a_name_tells_how_a_value_holds_a_server(name: str, style: str | None) -> None:
    assert style_of_name(name) == style
