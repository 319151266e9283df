"""The servers that a rehearsal starts, made of what is rendered and of who asks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from repoint.formats.read import read_file
from repoint.kube.effective import effective
from repoint.kube.resource import Resource
from repoint.model.sensitive import Sensitive
from repoint.rehearsal.cast import Client
from repoint.rehearsal.lab import BouncerSpec, DatabaseSpec, OwnLogin, RoleSpec
from repoint.rehearsal.setup import initdb, managed_roles, post_init
from repoint.rehearsal.spec import (
    Ground,
    beside_host,
    certificate_names,
    lab_spec,
    narrow,
    owners,
    role_names,
)
from repoint.rules.facts import ClusterFacts, ConsumerFacts, Hazard, HazardKind, PoolerFacts
from repoint.wire.login import Login

CLUSTER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Cluster
metadata: {name: pg, namespace: shop}
spec:
  bootstrap:
    initdb:
      database: shop
      owner: keeper
      postInitSQL: [SELECT 1]
      postInitTemplateSQL: [SELECT 2]
      postInitApplicationSQL: [SELECT 3, SELECT 4]
  managed:
    roles:
      - {name: web, connectionLimit: 7, createdb: true}
      - {name: root, superuser: true, connectionLimit: -1}
      - {name: gone, ensure: absent}
      - {name: odd, connectionLimit: many}
  postgresql:
    parameters: {max_connections: "60", work_mem: 8MB}
"""
POOLER = """\
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: pooler, namespace: shop}
spec:
  pgbouncer:
    clientTLSSecret: {name: pooler-tls}
    pg_hba: [host all web 0.0.0.0/0 md5]
"""
FACTS = ClusterFacts("pg", "shop", 17, 1, 60, ("pg.example.org",), own_server_certificate=False)
WEB = Login("pgx", "web", Sensitive("a"), "shop")


def resource(text: str) -> Resource:
    """A rendered object."""
    root = read_file("x.yaml", text.encode()).documents[0].root
    assert root is not None
    body = effective(root, "x.yaml", (0,))
    assert isinstance(body, dict)
    return Resource(body, "x.yaml")


def pooler(*parameters: tuple[str, str]) -> PoolerFacts:
    return PoolerFacts("pooler", "shop", "pg", "transaction", 2, parameters, (1, 24), False)


def ground(*parameters: tuple[str, str], cluster: Resource | None = None) -> Ground:
    poolers = ((pooler(*parameters), resource(POOLER)),)
    return Ground("local", FACTS, cluster or resource(CLUSTER), poolers, "example.local")


def client(login: Login | None, *hazards: Hazard) -> Client:
    facts = ConsumerFacts(
        *("Deployment/shop/web/web", "Deployment", "shop", "web", "runtime", "pooled"),
        *(1, 0, (), (), hazards),
    )
    return Client(facts.id, "local", "runtime", "host", "pooler", "transaction", facts, login)


PASSWORDS = {name: Sensitive(name) for name in ("keeper", "web", "root", "odd", "late")}


def test_postgresql_is_as_the_cluster_says() -> None:
    late = client(replace(WEB, user="late", database="reports"))
    admin = client(replace(WEB, database="postgres"))

    made = lab_spec(ground(), [client(WEB), late, admin, client(None)], PASSWORDS)

    assert made.environment == "local"
    assert (made.postgres.major, made.postgres.host) == (17, "pg-rw.shop.svc.example.local")
    assert made.postgres.parameters == (("max_connections", "60"), ("work_mem", "8MB"))
    assert made.postgres.roles == (
        RoleSpec("keeper", PASSWORDS["keeper"]),
        RoleSpec("web", PASSWORDS["web"], createdb=True, connection_limit=7),
        RoleSpec("root", PASSWORDS["root"], superuser=True),
        RoleSpec("odd", PASSWORDS["odd"]),
        RoleSpec("late", PASSWORDS["late"]),
    )
    # `postgres` is there already, and is nobody's to make.
    assert made.postgres.databases == (
        DatabaseSpec("shop", "keeper"),
        DatabaseSpec("reports", "late"),
    )


def test_a_database_that_the_cluster_does_not_make_is_whose_migrations_run_in_it() -> None:
    runtime = client(replace(WEB, user="hydra", database="auth"))
    migration = replace(client(replace(WEB, user="keeper2", database="auth")), purpose="migration")

    assert owners(ground(), [runtime])["auth"] == "hydra"
    assert owners(ground(), [runtime, migration])["auth"] == "keeper2"


def test_without_a_bootstrap_a_database_is_its_client_s() -> None:
    here = ground(cluster=resource("kind: Cluster\nspec: {instances: 1}\n"))

    made = lab_spec(here, [client(WEB)], PASSWORDS)

    assert made.postgres.databases == (DatabaseSpec("shop", "web"),)
    assert [one.name for one in made.postgres.roles] == ["web"]


def test_every_role_is_given_a_password() -> None:
    assert role_names(ground(), ["late", "web"]) == ("keeper", "web", "root", "odd", "late")


def test_a_pooler_is_as_it_is_rendered() -> None:
    [made] = lab_spec(ground(("client_tls_sslmode", "require")), [], PASSWORDS).bouncers

    assert made == BouncerSpec(
        name="pooler",
        host="pooler.shop.svc.example.local",
        cluster_host="pg-rw.shop.svc.example.local",
        mode="transaction",
        parameters=(("client_tls_sslmode", "require"),),
        pg_hba=("host all web 0.0.0.0/0 md5",),
        version=(1, 24),
        client_tls_sslmode="require",
        own_certificate=True,
    )
    assert lab_spec(ground(), [], PASSWORDS).bouncers[0].client_tls_sslmode == "prefer"


def test_a_pooler_asks_the_service_of_its_type() -> None:
    facts = replace(pooler(), type="ro")
    there = Ground("local", FACTS, None, ((facts, resource(POOLER)),), "example.local")

    [made] = lab_spec(there, [], PASSWORDS).bouncers

    assert made.cluster_host == "pg-ro.shop.svc.example.local"


@pytest.mark.parametrize(
    ("written", "login"),
    [
        ("{}", None),
        ("{authQuery: SELECT 1}", None),
        (
            "{authQuery: SELECT 1, authQuerySecret: {name: asker}}",
            OwnLogin("SELECT 1", "asker"),
        ),
        (
            "{authQuerySecret: {name: asker}, serverTLSSecret: {name: cert}}",
            OwnLogin("SELECT usename, passwd FROM public.user_search($1)", "cert", True),
        ),
    ],
)
def test_a_pooler_may_bring_its_own_login(written: str, login: OwnLogin | None) -> None:
    rendered = resource(f"kind: Pooler\nspec: {{pgbouncer: {written}}}\n")
    there = Ground("local", FACTS, None, ((pooler(), rendered),), "example.local")

    assert lab_spec(there, [], PASSWORDS).bouncers[0].login == login


def test_the_narrow_one_keeps_what_it_is_told_and_waits_for_a_second() -> None:
    base = BouncerSpec("pooler", "pooler.shop.svc", "pg-rw", "session", overrides=(("a", "1"),))

    made = narrow(base, beside_host(base, "-narrow"))

    assert (made.name, made.host) == ("pooler-narrow", "pooler-narrow.shop.svc")
    assert made.certificate_host == base.host
    assert made.overrides == (
        ("a", "1"),
        ("default_pool_size", "1"),
        ("min_pool_size", "0"),
        ("reserve_pool_size", "0"),
        ("query_wait_timeout", "1"),
    )
    assert (made.mode, made.parameters) == (base.mode, base.parameters)


def test_the_certificate_never_has_the_pooler_s_own_name() -> None:
    names = certificate_names(FACTS, "example.local")

    assert names[:4] == ("pg-rw", "pg-rw.shop", "pg-rw.shop.svc", "pg-rw.shop.svc.example.local")
    assert {"pg-r", "pg-ro.shop.svc", "pg.example.org"} < set(names)
    assert len(names) == 13 and not any("pooler" in name for name in names)


def test_the_cluster_s_own_sql_runs_where_cloudnativepg_runs_it() -> None:
    found = [(one.database, one.what, one.sql, one.must) for one in post_init(
        resource(CLUSTER), ["shop", "reports"]
    )]  # fmt: skip

    assert found == [
        ("postgres", "postInitSQL", "SELECT 1", False),
        ("shop", "postInitTemplateSQL", "SELECT 2", False),
        ("reports", "postInitTemplateSQL", "SELECT 2", False),
        ("shop", "postInitApplicationSQL", "SELECT 3", False),
        ("shop", "postInitApplicationSQL", "SELECT 4", False),
    ]
    assert list(post_init(None, ["shop"])) == []
    assert list(managed_roles(None)) == []


@pytest.mark.parametrize(
    ("bootstrap", "expected"),
    [
        ("{}", ("app", "app")),
        ("{database: shop}", ("shop", "shop")),
        ("{owner: web}", ("app", "web")),
    ],
)
def test_initdb_is_defaulted_as_cloudnativepg_does(
    bootstrap: str, expected: tuple[str, str]
) -> None:
    text = f"kind: Cluster\nspec: {{bootstrap: {{initdb: {bootstrap}}}}}\n"

    assert initdb(resource(text)) == expected
    assert initdb(resource("kind: Cluster\nspec: {bootstrap: {recovery: {}}}\n")) == ("", "")
    assert initdb(None) == ("", "")


def test_a_client_is_known_by_what_is_linked_to_it() -> None:
    def seen(kind: HazardKind, subject: str = "", *, linked: bool = True) -> Hazard:
        return Hazard(kind, "app.py", 7, "", "", subject, linked)

    one = client(
        WEB, seen(HazardKind.LISTEN, linked=False), seen(HazardKind.SESSION_GUC, "app.tenant")
    )

    assert one.is_known and one.driver == "pgx" and one.route == "pooled"
    assert one.uses(HazardKind.LISTEN) == ""
    assert one.uses(HazardKind.LISTEN, linked=False) == "app.py:7"
    assert one.uses(HazardKind.SESSION_GUC) == "app.py:7"
    assert one.uses(HazardKind.SESSION_GUC, subjects=("work_mem",)) == ""
    assert not client(WEB, seen(HazardKind.LISTEN, linked=False)).is_known
    direct = replace(client(None), pooler="", reader="libpq")
    assert (direct.route, direct.driver) == ("direct", "libpq")
    told = {
        purpose: (one.migrates, one.serves)
        for purpose in ("runtime", "migration", "admin", "monitoring")
        for one in [replace(direct, purpose=purpose)]
    }
    script = replace(direct, purpose="admin", facts=replace(direct.facts, kind="Job"))
    assert script.migrates
    # pgAdmin was asked to make a table, with a role that may not.
    assert told == {
        "runtime": (False, True),
        "migration": (True, False),
        "admin": (False, False),
        "monitoring": (False, True),
    }
