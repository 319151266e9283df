"""How a change reaches each kind of value: the texts that apply writes, and a calm second plan."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from repoint.errors import StalePlan
from repoint.planning.assemble import contents_after
from repoint.planning.codec import decode_plan, encode_plan
from repoint.planning.copied import shown
from repoint.planning.sealed import new_value, steps
from tests.unit.planning.small_repository import (
    DEV_DIRECT,
    DEV_POOLED,
    DIRECT,
    POOLED,
    TARGETS,
    Trial,
    repository,
    workload,
)

WEB = workload(
    "Deployment",
    "web",
    "containers:\n  - {name: web, image: acme/web, envFrom: [{secretRef: {name: db}}]}",
)
MIGRATE = workload(
    "Job",
    "migrate",
    """
    containers:
      - name: migrate
        image: acme/web
        command: [alembic, upgrade, head]
        env:
          - name: DATABASE_URL
            valueFrom: {secretKeyRef: {name: db, key: DATABASE_URL}}
    """,
)
URL = "postgresql://shop:canary-x@postgres:5432/shop"
KUSTOMIZATION = "namespace: shop-{env}\nresources:\n  - ../../base\n"
ENV_FILE = KUSTOMIZATION + "secretGenerator:\n  - name: db\n    envs: [db.env]\n"
BASE = {"web.yaml": WEB, "migrate.yaml": MIGRATE}


def direct(text: str) -> str:
    return text.replace("postgres:5432", DEV_DIRECT + ":5432")


def pooled(text: str) -> str:
    return text.replace("postgres:5432", DEV_POOLED + ":5432")


SPLIT_CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {name: db}
data:
  PGHOST: postgres
  PGPORT: "5432"
  PGSSLMODE: prefer
  PGDATABASE: shop
"""
READS_CONFIG = workload(
    "Deployment",
    "web",
    "containers:\n  - {name: web, image: acme/web, envFrom: [{configMapRef: {name: db}}]}",
)
DUMP = workload(
    "Job",
    "dump",
    """
    containers:
      - name: dump
        image: postgres:18
        command: [pg_dump]
        envFrom: [{configMapRef: {name: db}}]
    """,
)
ALIASED = workload(
    "Deployment",
    "web",
    """
    containers:
      - name: web
        image: acme/web
        env:
          - {name: DATABASE_HOST, value: &host postgres}
          - {name: DATABASE_REPLICA_HOST, value: *host}
    """,
)
FLOW_SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
    f'stringData: {{DATABASE_URL: "{URL}?sslmode=disable", OTHER: x}}\n'
)
LAST_FLOW = FLOW_SECRET.replace(", OTHER: x", "").replace(
    "{DATABASE_URL", "{OTHER: x, DATABASE_URL"
)

CASES = {
    "an env file of a generator takes the second key": (
        repository(BASE, {"kustomization.yaml": ENV_FILE, "db.env": f"# db\nDATABASE_URL={URL}\n"}),
        {
            "overlays/dev/db.env": f"# db\nDATABASE_URL={pooled(URL)}?sslmode=require\n"
            f"DATABASE_URL_DIRECT={direct(URL)}?sslmode=require\n"
        },
    ),
    "a pair between braces is repeated before its neighbour": (
        repository(
            BASE,
            {"kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n", "db.yaml": FLOW_SECRET},
        ),
        {
            "overlays/dev/db.yaml": FLOW_SECRET.replace(
                f'"{URL}?sslmode=disable"',
                f'"{pooled(URL)}?sslmode=require", '
                f'DATABASE_URL_DIRECT: "{direct(URL)}?sslmode=require"',
            )
        },
    ),
    "the last pair between braces is repeated behind itself": (
        repository(
            BASE, {"kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n", "db.yaml": LAST_FLOW}
        ),
        {
            "overlays/dev/db.yaml": LAST_FLOW.replace(
                f'"{URL}?sslmode=disable"',
                f'"{pooled(URL)}?sslmode=require", '
                f'DATABASE_URL_DIRECT: "{direct(URL)}?sslmode=require"',
            )
        },
    ),
    "a shared host of a ConfigMap is split by a plain value": (
        repository({"config.yaml": SPLIT_CONFIG, "web.yaml": READS_CONFIG, "dump.yaml": DUMP}, {}),
        {
            "overlays/dev/dump-dev-patch.yaml": "apiVersion: batch/v1\nkind: Job\nmetadata:\n"
            "  name: dump\nspec:\n  template:\n    spec:\n      containers:\n"
            "        - name: dump\n          env:\n            - name: PGHOST\n"
            f"              value: {DIRECT.replace('{env}', 'dev')}\n",
            "overlays/dev/db-dev-patch.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n"
            f"  name: db\ndata:\n  PGHOST: {POOLED.replace('{env}', 'dev')}\n"
            "  PGSSLMODE: require\n",
        },
    ),
    "an alias of a shared value moves with its anchor": (
        repository({"web.yaml": ALIASED}, {}),
        {
            "overlays/dev/web-dev-patch.yaml": "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n"
            "  name: web\nspec:\n  template:\n    spec:\n      containers:\n"
            "        - name: web\n          env:\n"
            "            - name: DATABASE_HOST\n"
            f"              value: {POOLED.replace('{env}', 'dev')}\n"
            "            - name: DATABASE_REPLICA_HOST\n"
            f"              value: {POOLED.replace('{env}', 'dev')}\n"
        },
    ),
}


@pytest.mark.parametrize(("files", "wanted"), CASES.values(), ids=CASES.keys())
def test_what_apply_writes(tmp_path: Path, files: dict[str, str], wanted: dict[str, str]) -> None:
    trial = Trial(tmp_path, files)
    after = trial.apply("dev")
    for path, text in wanted.items():
        assert after[path] == text
    trial.apply("prod")
    again = trial.plan()
    assert (again.changes, again.tasks, again.blocking) == ((), (), ())


def test_an_override_stands_in_the_nearest_kustomization(tmp_path: Path) -> None:
    files = repository(BASE, {"db.env": f"DATABASE_URL={URL}\n"})
    for env in ("dev", "prod"):
        files[f"apps/{env}/kustomization.yaml"] = (
            f"namespace: shop-{env}\n\nresources:\n  - ../../base\n\n"
            "secretGenerator:\n  - name: db\n    literals:\n"
            f"      - DATABASE_URL={URL}\n"
        )
        files[f"overlays/{env}/kustomization.yaml"] = f"resources: [../../apps/{env}]\n"
    after = Trial(tmp_path, files).apply("dev")
    assert sorted(after) == ["apps/dev/kustomization.yaml", "apps/dev/migrate-dev-patch.yaml"]
    assert after["apps/dev/kustomization.yaml"].endswith(
        "\n\npatches:\n  - path: migrate-dev-patch.yaml\n"
    )


@pytest.mark.parametrize(
    ("section", "wanted"),
    [
        ("patches: []\n", "patches: [{path: web-dev-patch.yaml}]\n"),
        (
            "patches: [{path: size.yaml}]\n",
            "patches: [{path: size.yaml}, {path: web-dev-patch.yaml}]\n",
        ),
        (
            "patches:\n- path: size.yaml\n",
            "patches:\n- path: size.yaml\n- path: web-dev-patch.yaml\n",
        ),
        (
            "patchesStrategicMerge: [size.yaml]\n",
            "patchesStrategicMerge: [size.yaml, web-dev-patch.yaml]\n",
        ),
    ],
)
def test_a_new_patch_is_listed_in_the_files_own_way(
    tmp_path: Path, section: str, wanted: str
) -> None:
    size = "apiVersion: v1\nkind: Service\nmetadata: {name: postgres}\nspec: {type: ClusterIP}\n"
    files = repository(
        {"web.yaml": ALIASED}, {"kustomization.yaml": KUSTOMIZATION + section, "size.yaml": size}
    )
    after = Trial(tmp_path, files).apply("dev")
    own = KUSTOMIZATION.replace("{env}", "dev")
    assert after["overlays/dev/kustomization.yaml"] == own + wanted


def test_environments_with_short_names_name_their_patches(tmp_path: Path) -> None:
    # `dev` stands inside `developer`, and must not be cut out of it.
    patch = "apiVersion: v1\nkind: Service\nmetadata: {name: postgres}\nspec: {type: ClusterIP}\n"
    files = repository(
        {"web.yaml": ALIASED},
        {
            "kustomization.yaml": KUSTOMIZATION + "patches:\n  - path: developer-postgres.yaml\n",
            "developer-postgres.yaml": patch,
        },
    )
    assert "overlays/dev/developer-web.yaml" in Trial(tmp_path, files).apply("dev")


CLEAR_SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"
    "  DATABASE_URL: postgresql://shop:canary%40x@postgres:5432/shop\n"
)
ENC = "ENC[AES256_GCM,data:x,iv:x,tag:x,type:str]"
SEALED = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"
    f"  host: {ENC}\n  port: {ENC}\n  sslmode: {ENC}\n  password: {ENC}\n"
    "sops:\n  mac: x\n  encrypted_regex: ^(stringData)$\n  version: 3.9.0\n"
)
CLEAR = (
    "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\nstringData:\n"
    '  host: postgres\n  port: "6000"\n  sslmode: disable\n  password: canary-s\n'
)
READS_KEYS = workload(
    "Deployment",
    "web",
    """
    containers:
      - name: web
        image: acme/web
        env:
          - {name: DB_HOST, valueFrom: {secretKeyRef: {name: db, key: host}}}
          - {name: DB_PORT, valueFrom: {secretKeyRef: {name: db, key: port}}}
          - {name: DB_SSLMODE, valueFrom: {secretKeyRef: {name: db, key: sslmode}}}
          - {name: DB_PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}
    """,
)


def test_each_sealed_value_gets_the_parts_that_it_spells(tmp_path: Path) -> None:
    files = repository(
        {"web.yaml": READS_KEYS},
        {"kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n", "db.yaml": SEALED},
    )
    clear = {f"overlays/{env}/db.yaml": CLEAR for env in ("dev", "prod")}
    plan = Trial(tmp_path, files, clear).plan("dev")
    edits = {edit.pointer: edit.parts for change in plan.changes for edit in change.edits}
    told = {
        at: [(part.part, part.before, part.after) for part in all_] for at, all_ in edits.items()
    }
    assert told == {
        '["stringData"]["host"]': [("host", "postgres", DEV_POOLED)],
        '["stringData"]["port"]': [("port", "6000", "5432")],
        '["stringData"]["sslmode"]': [("param", "disable", "require")],
    }


def test_a_sealed_value_in_base64_is_changed_as_base64(tmp_path: Path) -> None:
    encoded = base64.b64encode(f"{URL}".encode()).decode()
    sealed = SEALED.replace("stringData", "data").replace("  host:", "  DATABASE_URL:")
    files = repository(
        BASE, {"kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n", "db.yaml": sealed}
    )
    clear = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n"
    clear += f"  DATABASE_URL: {encoded}\n  port: eA==\n  sslmode: eA==\n  password: eA==\n"
    trial = Trial(tmp_path, files, {f"overlays/{env}/db.yaml": clear for env in ("dev", "prod")})
    edits = [e for c in trial.plan("dev").changes for e in c.edits if c.sealed]
    texts = {steps('["data"]["DATABASE_URL"]'): encoded}
    made = [base64.b64decode(new_value("db.yaml", edit, texts)).decode() for edit in edits]
    assert made == [direct(URL) + "?sslmode=require", pooled(URL) + "?sslmode=require"]


def test_a_value_is_not_moved_from_under_an_object_that_no_patch_can_name(tmp_path: Path) -> None:
    secret = CLEAR_SECRET.replace("%40", "")
    unnamed = MIGRATE.replace("  name: migrate\nspec", "  generateName: migrate-\nspec")
    files = repository(
        {"web.yaml": WEB, "migrate.yaml": unnamed},
        {"kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n", "db.yaml": secret},
    )
    plan = Trial(tmp_path, files).plan("dev")
    assert plan.changes == ()
    assert [(task.key, task.consumer) for task in plan.tasks] == [
        ("DATABASE_URL", "Job/shop-dev/migrate-/migrate")
    ]
    assert [finding.code for finding in plan.blocking] == ["RP102"]


def test_each_encoded_value_gets_the_parts_that_it_spells(tmp_path: Path) -> None:
    def coded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\ndata:\n  host: %s\n  sslmode: %s\n"
    )
    files = repository(
        {"web.yaml": READS_KEYS},
        {
            "kustomization.yaml": KUSTOMIZATION + "  - db.yaml\n",
            "db.yaml": secret % (coded("postgres"), coded("disable")),
        },
    )
    after = Trial(tmp_path, files).apply("dev")
    host = DEV_POOLED
    assert after["overlays/dev/db.yaml"] == secret % (coded(host), coded("require"))


LITERAL = workload(
    "Deployment",
    "api",
    """
    containers:
      - name: api
        image: acme/api
        args:
          - serve
          - --db=postgresql://api:canary-w@postgres/api
        env:
          - name: DATABASE_URL
            value: 'postgresql://api:canary-q@postgres/api'
          - name: SCRIPT
            value: |
              export DATABASE_URL=postgresql://api:canary-s@postgres/api
              exec serve
    """,
)
TAKES_OVER = {
    "a Secret": (
        {"db.yaml": CLEAR_SECRET, "web.yaml": WEB},
        "overlays/dev/db-dev-patch.yaml",
        ["  DATABASE_URL: postgresql://shop:canary%40x@{pooled}:5432/shop?sslmode=require"],
    ),
    "a Secret that a migration reads too": (
        {"db.yaml": CLEAR_SECRET, **BASE},
        "overlays/dev/db-dev-patch.yaml",
        [
            "  DATABASE_URL: postgresql://shop:canary%40x@{pooled}:5432/shop?sslmode=require",
            "  DATABASE_URL_DIRECT: postgresql://shop:canary%40x@{direct}:5432/shop?sslmode=require",
        ],
    ),
    "words, quotes and scripts": (
        {"api.yaml": LITERAL},
        "overlays/dev/api-dev-patch.yaml",
        [
            "            - serve",
            "            - --db=postgresql://api:canary-w@{pooled}/api?sslmode=require",
            "              value: 'postgresql://api:canary-q@{pooled}/api?sslmode=require'",
            "                export DATABASE_URL=postgresql://api:canary-s@{pooled}/api?sslmode=require",
        ],
    ),
}


@pytest.mark.parametrize(("base", "path", "lines"), TAKES_OVER.values(), ids=TAKES_OVER.keys())
def test_a_patch_takes_a_password_over_and_the_plan_never_holds_it(
    tmp_path: Path, base: dict[str, str], path: str, lines: list[str]
) -> None:
    trial = Trial(tmp_path, repository(base, {}))
    plan = trial.plan()
    assert b"canary" not in encode_plan(plan)
    assert b"canary" not in repr(plan).encode()
    assert decode_plan(encode_plan(plan)) == plan
    after = trial.apply("dev")[path].splitlines()
    for line in lines:
        filled = line.replace("{pooled}", POOLED).replace("{direct}", DIRECT)
        assert filled.replace("{env}", "dev") in after
    trial.apply("prod")
    again = trial.plan()
    assert (again.changes, again.tasks, again.blocking) == ((), (), ())


def test_a_patch_beside_another_takes_the_password_over_in_a_file_of_its_own(
    tmp_path: Path,
) -> None:
    size = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  replicas: 2\n"
    listed = KUSTOMIZATION + "patches:\n  - path: api-dev-patch.yaml\n"
    files = repository(
        {"api.yaml": LITERAL}, {"kustomization.yaml": listed, "api-dev-patch.yaml": size}
    )
    after = Trial(tmp_path, files).apply("dev")
    assert sorted(after) == [
        "overlays/dev/api-deployment-dev-patch.yaml",
        "overlays/dev/kustomization.yaml",
    ]


def test_a_password_is_not_taken_over_from_a_file_that_changed(tmp_path: Path) -> None:
    trial = Trial(tmp_path, repository({"db.yaml": CLEAR_SECRET, "web.yaml": WEB}, {}))
    created = next(c for c in trial.plan("dev").changes if c.creates)
    with pytest.raises(StalePlan):
        contents_after([created], lambda path: b"short")


def test_a_person_sees_stars_where_a_password_goes(tmp_path: Path) -> None:
    trial = Trial(tmp_path, repository({"db.yaml": CLEAR_SECRET, "web.yaml": WEB}, {}))
    edits = [edit for change in trial.plan("dev").changes for edit in change.edits]
    created = next(edit for edit in edits if edit.copies)
    assert f"shop:***@{POOLED.replace('{env}', 'dev')}" in shown(created)


def test_a_new_policy_carries_the_prefix_once(tmp_path: Path) -> None:
    deny = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress]}\n"
    )
    aliased = ALIASED.replace("&host postgres", "&host dev-postgres.shop-dev.svc")
    files = repository(
        {"web.yaml": aliased, "deny.yaml": deny},
        {"kustomization.yaml": "namePrefix: dev-\n" + KUSTOMIZATION},
    )
    text = Trial(tmp_path, files).apply("dev")["overlays/dev/network-policy-cnpg.yaml"]
    assert "  name: allow-pg-clients\n" in text
    assert "cnpg.io/cluster: dev-pg\n" in text


def test_a_policy_goes_into_the_overlay_that_leaves_it_in_its_namespace(tmp_path: Path) -> None:
    deny = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: deny}\n"
        "spec: {podSelector: {}, policyTypes: [Ingress, Egress]}\n"
    )
    web = workload(
        "Deployment",
        "web",
        """
        containers:
          - name: web
            image: web:1
            env: [{name: DATABASE_URL, value: "postgres://u@postgres.data.svc:5432/d"}]
        """,
    )
    files = {"data/kustomization.yaml": "namespace: data\nresources: [targets.yaml, deny.yaml]\n"}
    files |= {"data/targets.yaml": TARGETS, "data/deny.yaml": deny}
    for app in ("one", "two"):
        own = f"namespace: {app}\nresources: [web.yaml, deny.yaml]\n"
        files |= {
            f"{app}/kustomization.yaml": own,
            f"{app}/web.yaml": web,
            f"{app}/deny.yaml": deny,
        }
    config = (
        "source: {hosts: [postgres.data.svc]}\ntarget: {cluster: pg, pooler: pg-pooler}\n"
        "environments:\n  dev: {namespace: data, overlay: [one, two, data]}\n"
    )
    trial = Trial(tmp_path, files, config=config)

    plan = trial.plan("dev")
    assert [proof.unexplained for proof in plan.proofs] == [()] * 3
    written = trial.apply("dev")
    for folder in ("one", "two", "data"):
        text = written[f"{folder}/network-policy-cnpg.yaml"]
        assert f"  namespace: {folder}\n" in text
        assert text.count("  namespace: ") == text.count(f"  namespace: {folder}\n")


def test_a_task_has_the_whole_value_of_a_generators_literal(tmp_path: Path) -> None:
    """The literal is `KEY=value`; what a person is to put is the value, and not cut elsewhere."""
    files = repository({"web.yaml": WEB}, {"kustomization.yaml": KUSTOMIZATION})
    literal = f"secretGenerator:\n  - name: db\n    literals: ['DATABASE_URL={URL}']\n"
    files["base/kustomization.yaml"] += literal

    tasks = Trial(tmp_path, files).plan("dev").tasks

    assert [one.put for one in tasks] == [
        f"{pooled(URL).replace('canary-x', '***')}?sslmode=require"
    ]
