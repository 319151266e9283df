"""A session Pooler beside the named one: written, found, shared, and refused."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any, cast

import pytest
import yaml

from repoint.formats.read import read_file
from repoint.kube.effective import Effective, effective
from repoint.kube.resource import Resource
from repoint.model.plan import Plan, PlannedConsumer
from repoint.planning.session_pooler import rendered_session
from tests.unit.planning.small_repository import CONFIG, TARGETS, Trial, repository, workload

LISTENS = {
    "apps/web/requirements.txt": "psycopg\n",
    "apps/web/db.py": 'connection.execute("LISTEN jobs")\n',
}
LIB_PQ = {
    "apps/web/go.mod": "module web\n\nrequire github.com/lib/pq v1.10.9\n",
    "apps/web/main.go": 'package main\n\nimport _ "github.com/lib/pq"\n',
}
PGX = {
    "apps/web/go.mod": "module web\n\nrequire github.com/jackc/pgx/v5 v5.9.2\n",
    "apps/web/main.go": 'package main\n\nimport "github.com/jackc/pgx/v5"\n',
}
SECRET = """apiVersion: v1
kind: Secret
metadata: {name: db, namespace: shop-{env}}
stringData:
  DATABASE_URL: postgresql://shop:canary-s@postgres:5432/shop?sslmode=require
"""
OVERLAY = "namespace: shop-{env}\nresources:\n  - ../../base\n  - db.yaml\n"
POOLED, BESIDE = "pg-pooler.shop-dev.svc", "pg-pooler-session.shop-dev.svc"


def reader(name: str, kind: str = "Deployment", extra: str = "") -> str:
    container = f"""
        containers:
          - name: {name}
            image: acme/{name}
            {extra or "args: [serve]"}
            env:
              - name: DATABASE_URL
                valueFrom: {{secretKeyRef: {{name: db, key: DATABASE_URL}}}}
        """
    return workload(kind, name, textwrap.dedent(container))


def targets(pooler: str = "", cluster: str = "") -> str:
    text = TARGETS.replace("poolMode: session", f"poolMode: transaction{pooler}")
    return text.replace(":18.1}", f":18.1{cluster}}}")


def trial(
    root: Path,
    source: dict[str, str] | None = None,
    *,
    base: dict[str, str] | None = None,
    overlay: dict[str, str] | None = None,
    objects: str = "",
    config: str = CONFIG,
) -> Trial:
    """Two environments whose `web` reads one Secret, with this source text."""
    own = {"kustomization.yaml": OVERLAY, "db.yaml": SECRET, **(overlay or {})}
    files = repository({"web.yaml": reader("web"), **(base or {})}, own)
    files["base/targets.yaml"] = objects or targets()
    return Trial(root, {**files, **(LISTENS if source is None else source)}, config=config)


def row(plan: Plan, name: str = "web") -> PlannedConsumer:
    return next(one for one in plan.consumers if one.name == name)


def made(after: dict[str, str], name: str = "overlays/dev/pg-pooler-session.yaml") -> Any:
    return yaml.safe_load(after[name])


def test_a_session_pooler_is_written_listed_and_found_again(tmp_path: Path) -> None:
    one = trial(tmp_path)
    plan = one.plan("dev")
    assert (row(plan).way, row(plan).new) == ("pooled (session)", f"{BESIDE}.cluster.local")
    assert "(RP223, apps/web/db.py:1)" in row(plan).reasons[0]
    assert plan.applicable
    after = one.apply("dev")
    pooler = made(after)
    assert pooler["metadata"] == {"name": "pg-pooler-session", "namespace": "shop-dev"}
    assert pooler["spec"]["cluster"] == {"name": "pg"}
    assert pooler["spec"]["pgbouncer"]["poolMode"] == "session"
    assert pooler["spec"]["pgbouncer"]["parameters"] == {"default_pool_size": "20"}
    assert "- pg-pooler-session.yaml" in after["overlays/dev/kustomization.yaml"]
    assert f"@{BESIDE}.cluster.local:5432/shop" in after["overlays/dev/db.yaml"]
    assert one.plan("dev").is_empty


def test_what_a_pooler_is_made_of_is_copied(tmp_path: Path) -> None:
    extra = (
        ", parameters: {max_client_conn: '400', default_pool_size: '5', max_db_connections: '9',"
        " server_login_retry: '1'}, pg_hba: ['hostssl all all all md5'], paused: false,"
        " authQuery: 'select 1'"
    )
    body = targets(extra).replace(
        "type: rw,",
        "type: ro, instances: 3, serviceTemplate: {metadata: {annotations: {dns: a}}},"
        " template: {metadata: {labels: {of: pg-pooler, n: '1'}}, spec: {containers: []}},",
    )
    after = trial(tmp_path, objects=body).apply("dev")
    spec = made(after)["spec"]
    assert (spec["type"], spec["instances"]) == ("rw", 3)
    assert spec["template"]["metadata"]["labels"] == {"of": "pg-pooler-session", "n": "1"}
    assert set(spec) == {"cluster", "type", "instances", "template", "pgbouncer"}
    bouncer = spec["pgbouncer"]
    assert (bouncer["pg_hba"], bouncer["authQuery"]) == (["hostssl all all all md5"], "select 1")
    assert set(bouncer) == {"poolMode", "pg_hba", "authQuery", "parameters"}
    assert bouncer["parameters"] == {
        "max_client_conn": "400",
        "server_login_retry": "1",
        "default_pool_size": "20",
    }


def test_a_prefix_is_put_around_once_and_the_cluster_is_named_as_rendered(tmp_path: Path) -> None:
    prefixed = {"kustomization.yaml": "namePrefix: x-\nnameSuffix: -y\n" + OVERLAY}
    one = trial(tmp_path, overlay=prefixed)
    plan = one.plan("dev")
    assert row(plan, "x-web-y").new == "x-pg-pooler-session-y.shop-dev.svc.cluster.local"
    pooler = made(one.apply("dev"))
    assert pooler["metadata"]["name"] == "pg-pooler-session"
    assert pooler["spec"]["cluster"]["name"] == "x-pg-y"
    assert one.plan("dev").is_empty


RENDERED = """---
apiVersion: postgresql.cnpg.io/v1
kind: Pooler
metadata: {name: calm}
spec: {cluster: {name: pg}, type: rw, pgbouncer: {poolMode: session}}
"""


def test_a_rendered_session_pooler_is_used_as_it_stands(tmp_path: Path) -> None:
    one = trial(tmp_path, objects=targets() + RENDERED)
    assert row(one.plan("dev")).new == "calm.shop-dev.svc.cluster.local"
    assert not [path for path in one.apply("dev") if "pooler" in path or "calm" in path]
    assert one.plan("dev").is_empty


OTHERS = [
    pytest.param("poolMode: session", "poolMode: transaction", id="pools transactions"),
    pytest.param("type: rw", "type: ro", id="read-only"),
    pytest.param("{name: pg}", "{name: other}", id="of another Cluster"),
]


@pytest.mark.parametrize(("old", "new"), OTHERS)
def test_another_kind_of_pooler_is_not_used(tmp_path: Path, old: str, new: str) -> None:
    one = trial(tmp_path, objects=targets() + RENDERED.replace(old, new))
    assert row(one.plan("dev")).new == f"{BESIDE}.cluster.local"


def test_of_two_rendered_ones_the_one_called_like_the_named_pooler_is_used(tmp_path: Path) -> None:
    mine = RENDERED.replace("{name: calm}", "{name: pg-pooler-z}")
    one = trial(tmp_path / "a", objects=targets() + RENDERED + mine)
    assert row(one.plan("dev")).new == "pg-pooler-z.shop-dev.svc.cluster.local"

    named = CONFIG.replace("pooler: pg-pooler", "pooler: pg-pooler, session_pooler: calm")
    one = trial(tmp_path / "b", objects=targets() + RENDERED + mine, config=named)
    assert row(one.plan("dev")).new == "calm.shop-dev.svc.cluster.local"


def test_a_session_pooler_of_another_namespace_is_not_this_one_s() -> None:
    def pooler(name: str, namespace: str, mode: str = "session") -> Resource:
        text = (
            "apiVersion: postgresql.cnpg.io/v1\nkind: Pooler\n"
            f"metadata: {{name: {name}, namespace: {namespace}}}\n"
            f"spec: {{cluster: {{name: pg}}, pgbouncer: {{poolMode: {mode}}}}}\n"
        )
        root = read_file("x.yaml", text.encode()).documents[0].root
        assert root is not None
        return Resource(cast(dict[str, Effective], effective(root, "x.yaml", (0,))), "x.yaml")

    named = pooler("pooler", "shop", "transaction")
    calm, other = pooler("calm", "shop"), pooler("calm", "elsewhere")

    assert rendered_session([named, other, calm], named, None) is calm
    assert rendered_session([named, other], named, None) is None


def test_what_is_null_stays_null_in_the_copy(tmp_path: Path) -> None:
    one = trial(tmp_path, objects=targets(", authQuery: ~"))

    assert made(one.apply("dev"))["spec"]["pgbouncer"]["authQuery"] is None


def test_a_route_in_the_configuration_wins(tmp_path: Path) -> None:
    """Nothing moves it; the finding says what is wrong there."""
    plan = trial(tmp_path, config=CONFIG + "consumers: {web: {route: pooled}}\n").plan("dev")

    assert row(plan).new == f"{POOLED}.cluster.local"
    assert any(one.blocks and "LISTEN" in one.message for one in plan.findings)


def test_what_a_chart_is_told_goes_direct_as_a_whole(tmp_path: Path) -> None:
    """A chart's own keys are judged one by one, but not against what its program needs."""
    release = (
        "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nmetadata: {name: web}\n"
        "spec:\n  values:\n    databaseUrl: "
        "postgresql://shop:canary-s@postgres:5432/shop?search_path=a\n"
    )
    objects = targets().replace(":18.1", ":17.6")
    plan = trial(tmp_path, PGX, base={"web.yaml": release}, objects=objects).plan("dev")

    assert (row(plan).route, row(plan).new) == ("direct", "pg-rw.shop-dev.svc.cluster.local")


def test_a_rendered_pooler_is_raised_for_its_consumers(tmp_path: Path) -> None:
    told = CONFIG + "consumers: {web: {pool_size: 30}}\n"
    one = trial(tmp_path, objects=targets() + RENDERED, config=told)
    assert row(one.plan("dev")).new == "calm.shop-dev.svc.cluster.local"
    patch = yaml.safe_load(one.apply("dev")["overlays/dev/calm-dev-patch.yaml"])
    # One replica, and the one that a rollout starts beside it.
    assert patch["spec"]["pgbouncer"]["parameters"] == {"default_pool_size": "60"}
    assert one.plan("dev").is_empty


def test_the_name_of_the_configuration_is_taken(tmp_path: Path) -> None:
    named = CONFIG.replace("pooler: pg-pooler", "pooler: pg-pooler, session_pooler: calm")
    one = trial(tmp_path / "new", config=named)
    assert row(one.plan("dev")).new == "calm.shop-dev.svc.cluster.local"
    assert made(one.apply("dev"), "overlays/dev/calm.yaml")["metadata"]["name"] == "calm"
    assert one.plan("dev").is_empty
    unfit = targets() + RENDERED.replace("poolMode: session", "poolMode: transaction")
    stuck = row(trial(tmp_path / "unfit", config=named, objects=unfit).plan("dev"))
    assert stuck.route == "direct"
    assert "belongs to another object" in stuck.reasons[0]


def test_a_name_that_is_taken_gets_a_number_and_a_long_one_is_cut(tmp_path: Path) -> None:
    service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: pg-pooler-session}\nspec: {}\n"
    one = trial(tmp_path / "taken", objects=targets() + service)
    assert row(one.plan("dev")).new == "pg-pooler-session-2.shop-dev.svc.cluster.local"
    long = "p" * 60
    objects = targets().replace("name: pg-pooler", f"name: {long}")
    config = CONFIG.replace("pg-pooler", long)
    host = row(trial(tmp_path / "long", objects=objects, config=config).plan("dev")).new
    name = host.partition(".")[0]
    assert (len(name), name) == (63, "p" * 55 + "-session")


def test_a_file_of_that_name_is_not_overwritten(tmp_path: Path) -> None:
    one = trial(tmp_path, overlay={"pg-pooler-session.yaml": "# somebody's\n"})
    after = one.apply("dev")
    assert made(after, "overlays/dev/pg-pooler-session-2.yaml")["kind"] == "Pooler"
    assert (tmp_path / "overlays/dev/pg-pooler-session.yaml").read_text() == "# somebody's\n"


PATCH = """
patches:
  - target: {kind: Pooler}
    patch: |-
      [{op: replace, path: /spec/pgbouncer/poolMode, value: transaction}]
"""
NOWHERE = [
    pytest.param(
        {"overlay": {"kustomization.yaml": OVERLAY + PATCH}}, "changes every Pooler", id="a patch"
    ),
    pytest.param(
        {"objects": targets(cluster=", postgresql: {parameters: {max_connections: '27'}}")},
        "cannot hold a session pool of 20",
        id="CA4 no connections left",
    ),
    pytest.param(
        {
            "objects": targets().replace(
                "type: rw,",
                "type: rw, template: {spec: {containers: [{name: pgbouncer,"
                " env: [{name: PASSWORD, value: canary-p}]}]}},",
            )
        },
        "spells a password",
        id="a password in the pod template",
    ),
]


@pytest.mark.parametrize(("given", "why"), NOWHERE)
def test_where_none_can_be_written_the_consumer_goes_direct(
    tmp_path: Path, given: dict[str, Any], why: str
) -> None:
    plan = trial(tmp_path, **given).plan("dev")
    assert row(plan).route == "direct"
    assert why in row(plan).reasons[0]
    assert plan.applicable


def test_without_an_overlay_the_consumer_goes_direct(tmp_path: Path) -> None:
    files = {
        "deploy/targets.yaml": targets(),
        "deploy/web.yaml": reader("web"),
        "deploy/db.yaml": SECRET.replace(", namespace: shop-{env}", ""),
    }
    config = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {manifests: deploy}
"""
    plan = Trial(tmp_path, {**files, **LISTENS}, config=config).plan()
    assert row(plan).route == "direct"
    assert "no overlay of this environment can carry a new Pooler" in row(plan).reasons[0]


@pytest.mark.parametrize("head", ["namespace: shop-dev\nnamePrefix: a-", "namespace: other"])
def test_where_the_overlay_would_call_it_otherwise_the_consumer_goes_direct(
    tmp_path: Path, head: str
) -> None:
    files = _two_folders(head)
    del files["cnpg-dev/kustomization.yaml"]  # plain manifests: nothing lists a new one
    (only,) = Trial(tmp_path, {**files, **LISTENS}, config=TWO_FOLDERS).plan().consumers
    assert "another name or namespace" in only.reasons[0]


@pytest.mark.parametrize("head", ["namespace: shop-dev\nnamePrefix: a-", "namespace: other"])
def test_the_overlay_that_calls_it_right_takes_it(tmp_path: Path, head: str) -> None:
    trial = Trial(tmp_path, {**_two_folders(head), **LISTENS}, config=TWO_FOLDERS)
    plan = trial.plan()
    assert "cnpg-dev/pg-pooler-session.yaml" in {change.path for change in plan.changes}
    assert all(proof.holds for proof in plan.proofs)


TWO_FOLDERS = """
source: {hosts: [postgres, postgres.shop-dev]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop-dev, overlay: [apps-dev, cnpg-dev]}
"""


def _two_folders(head: str) -> dict[str, str]:
    return {
        "apps-dev/kustomization.yaml": f"{head}\nresources: [web.yaml, db.yaml]\n",
        "apps-dev/web.yaml": reader("web"),
        "apps-dev/db.yaml": SECRET.replace("{env}", "dev"),
        "cnpg-dev/kustomization.yaml": "namespace: shop-dev\nresources: [targets.yaml]\n",
        "cnpg-dev/targets.yaml": targets(),
    }


def test_one_value_for_both_pools_is_split(tmp_path: Path) -> None:
    calm = {"apps/api/go.mod": PGX["apps/web/go.mod"], "apps/api/main.go": PGX["apps/web/main.go"]}
    jobs = {"api.yaml": reader("api"), "dump.yaml": reader("dump", "Job", "command: [pg_dump]")}
    one = trial(tmp_path, {**LISTENS, **calm}, base=jobs)
    plan = one.plan("dev")
    assert (row(plan, "api").way, row(plan, "dump").way) == ("pooled (transaction)", "direct")
    after = one.apply("dev")
    values = yaml.safe_load(after["overlays/dev/db.yaml"])["stringData"]
    hosts = {key: url.partition("@")[2].partition(":")[0] for key, url in values.items()}
    assert hosts == {
        "DATABASE_URL": f"{POOLED}.cluster.local",
        "DATABASE_URL_SESSION": f"{BESIDE}.cluster.local",
        "DATABASE_URL_DIRECT": "pg-rw.shop-dev.svc.cluster.local",
    }
    assert one.plan("dev").is_empty


def test_a_wait_loop_asks_the_pooler_of_what_it_waits_for(tmp_path: Path) -> None:
    waits = reader("web").replace(
        "      containers:",
        "      initContainers:\n        - name: wait\n          image: postgres:18\n"
        "          command: [sh, -c, 'until pg_isready -h postgres; do sleep 1; done']\n"
        "      containers:",
    )
    one = trial(tmp_path, base={"web.yaml": waits})
    plan = one.plan("dev")
    assert {r.new for r in plan.consumers} == {f"{BESIDE}.cluster.local"}
    assert f"pg_isready -h {BESIDE}.cluster.local" in "".join(one.apply("dev").values())


def test_PS1_lib_pq_gets_its_parameter(tmp_path: Path) -> None:
    one = trial(tmp_path, LIB_PQ)
    plan = one.plan("dev")
    assert row(plan).way == "pooled (transaction)"
    assert "RP227" in row(plan).reasons[0]
    assert not [one for one in plan.findings if one.code == "RP211"]
    text = one.apply("dev")["overlays/dev/db.yaml"]
    assert f"@{POOLED}.cluster.local:5432/shop?sslmode=require&binary_parameters=yes\n" in text
    assert one.plan("dev").is_empty


def test_PS1_two_new_parameters_of_a_shared_value_are_proved(tmp_path: Path) -> None:
    secret = SECRET.replace(", namespace: shop-{env}", "").replace("?sslmode=require", "")
    plain = {"kustomization.yaml": OVERLAY.replace("  - db.yaml\n", ""), "db.yaml": "# empty\n"}
    one = trial(tmp_path, LIB_PQ, base={"secret.yaml": secret}, overlay=plain)
    assert one.plan("dev").applicable
    after = "".join(one.apply("dev").values())
    assert "/shop?sslmode=require&binary_parameters=yes" in after
    assert one.plan("dev").is_empty


def test_PS1_a_value_that_another_driver_reads_gets_no_parameter(tmp_path: Path) -> None:
    api = {"apps/api/go.mod": PGX["apps/web/go.mod"], "apps/api/main.go": PGX["apps/web/main.go"]}
    one = trial(tmp_path, {**LIB_PQ, **api}, base={"api.yaml": reader("api")})
    plan = one.plan("dev")
    assert (row(plan).way, row(plan, "api").way) == ("pooled (session)", "pooled (transaction)")
    assert "binary_parameters" not in "".join(one.apply("dev").values())


def test_PS1_a_migration_beside_it_reads_a_second_key_without_the_parameter(
    tmp_path: Path,
) -> None:
    job = {"dump.yaml": reader("dump", "Job", "command: [pg_dump]")}
    after = trial(tmp_path, LIB_PQ, base=job).apply("dev")
    values = yaml.safe_load(after["overlays/dev/db.yaml"])["stringData"]
    assert values["DATABASE_URL"].endswith("&binary_parameters=yes")
    assert values["DATABASE_URL_DIRECT"].endswith("/shop?sslmode=require")


def test_PS2_a_pooler_is_made_to_follow_statements(tmp_path: Path) -> None:
    off = targets(", parameters: {max_prepared_statements: '0'}")
    one = trial(tmp_path, PGX, objects=off)
    plan = one.plan("dev")
    assert row(plan).way == "pooled (transaction)"
    assert "RP228" in {edit.rule for change in plan.changes for edit in change.edits}
    told = {(f.code, f.severity.value) for f in plan.findings if f.code == "RP228"}
    assert told == {("RP228", "note")}
    assert 'max_prepared_statements: "200"' in "".join(one.apply("dev").values())
    assert one.plan("dev").is_empty


def test_SP4_the_new_pooler_tracks_what_its_consumers_ask_for(tmp_path: Path) -> None:
    secret = SECRET.replace("?sslmode=require", "?sslmode=require&search_path=shop")
    listens = {**PGX, "apps/web/jobs.sql": "LISTEN jobs;\n"}
    one = trial(tmp_path, listens, overlay={"db.yaml": secret})
    plan = one.plan("dev")
    assert plan.applicable and row(plan).way == "pooled (session)"
    parameters = made(one.apply("dev"))["spec"]["pgbouncer"]["parameters"]
    assert parameters["track_extra_parameters"] == "IntervalStyle,search_path"
    assert "track_extra_parameters" not in str(
        [change.path for change in plan.changes if "patch" in change.path]
    )


def test_TL1_and_X10_a_new_pooler_is_certified_and_admits_its_consumers(tmp_path: Path) -> None:
    secret = SECRET.replace("sslmode=require", "sslmode=verify-full")
    deny = """apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny}
spec: {podSelector: {}, policyTypes: [Ingress]}
"""
    one = trial(tmp_path, overlay={"db.yaml": secret}, base={"deny.yaml": deny})
    after = one.apply("dev")
    cluster = next(text for path, text in after.items() if "serverAltDNSNames" in text)
    names = yaml.safe_load(cluster)["spec"]["certificates"]["serverAltDNSNames"]
    assert names[0] == "pg-pooler-session" and f"{BESIDE}.cluster.local" in names
    policies = list(yaml.safe_load_all(after["overlays/dev/network-policy-cnpg.yaml"]))
    admitted = {p["metadata"]["name"]: p["spec"]["ingress"][0]["from"] for p in policies}
    assert admitted["allow-pg-pooler-session-clients"] == [
        {"podSelector": {"matchLabels": {"app": "web"}}}
    ]
    pods = {"podSelector": {"matchLabels": {"cnpg.io/poolerName": "pg-pooler-session"}}}
    assert admitted["allow-pg-clients"] == [pods]


def test_a_word_in_the_configuration_wins(tmp_path: Path) -> None:
    asks = CONFIG + "consumers: {web: {pool: session}}\n"
    plan = trial(tmp_path / "session", PGX, config=asks).plan("dev")
    assert row(plan).way == "pooled (session)" and plan.applicable
    stays = CONFIG + "consumers: {web: {pool: transaction}}\n"
    plan = trial(tmp_path / "transaction", config=stays).plan("dev")
    assert row(plan).way == "pooled (transaction)"
    assert {f.code for f in plan.findings if f.blocks} == {"RP223"}
    wrong = trial(tmp_path / "wrong", PGX, config=stays, objects=TARGETS).plan("dev")
    assert {f.code for f in wrong.findings if f.blocks} == {"RP206"}
