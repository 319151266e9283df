"""Repositories laid out otherwise: Flux, Argo CD, charts, helmfile, compose."""

from __future__ import annotations

import pytest

from repoint.kube.facts import external_values, made_secrets, poolers, services
from repoint.kube.helmfile import environment_names
from repoint.kube.kustomize import Kustomizer
from repoint.kube.resolve import resolve
from tests.unit.kube.test_resolve import deployment, rows, uses
from tests.unit.kube.trees import index, parse, sites_at


def test_flux_substitution_leads_to_the_kustomization() -> None:
    tree = {
        "clusters/staging/apps.yaml": """
            apiVersion: kustomize.toolkit.fluxcd.io/v1
            kind: Kustomization
            metadata: {name: apps, namespace: flux-system}
            spec:
              path: ./apps
              targetNamespace: team
              postBuild: {substitute: {DB: staging-host}}
            """,
        "clusters/prod/apps.yaml": """
            apiVersion: kustomize.toolkit.fluxcd.io/v1
            kind: Kustomization
            metadata: {name: apps, namespace: flux-system}
            spec: {path: ./apps, postBuild: {substitute: {DB: prod-host}}}
            """,
        "apps/kustomization.yaml": "resources: [app.yaml]\n",
        "apps/app.yaml": deployment("app", "env: [{name: DB_HOST, value: '${DB:=none}'}]"),
    }
    place = "/0/spec/postBuild/substitute/DB"

    found = rows(tree, ("clusters/staging/apps.yaml", place), ("clusters/prod/apps.yaml", place))

    assert found == [
        ("staging", "Deployment/team/app/c", "env DB_HOST <- ${DB}", "clusters/staging/apps.yaml"),
        ("prod", "Deployment/app/c", "env DB_HOST <- ${DB}", "clusters/prod/apps.yaml"),
    ]


def test_helm_release_without_its_chart_is_the_consumer() -> None:
    tree = {
        "apps/gitea.yaml": """
            apiVersion: helm.toolkit.fluxcd.io/v2
            kind: HelmRelease
            metadata: {name: gitea, namespace: git}
            spec: {values: {gitea: {database: {HOST: db}}, existingSecret: gitea-db}}
            """,
        "apps/secret.yaml": """
            apiVersion: v1
            kind: Secret
            metadata: {name: gitea-db, namespace: git}
            stringData: {url: x}
            """,
    }

    found = rows(
        tree,
        ("apps/gitea.yaml", "/0/spec/values/gitea/database/HOST"),
        ("apps/secret.yaml", "/0/stringData/url"),
    )

    assert [(who, where) for _, who, _, where in found] == [
        ("HelmRelease/git/gitea", "apps/secret.yaml"),
        ("HelmRelease/git/gitea", "apps/gitea.yaml"),
    ]


CHART = {
    "chart/Chart.yaml": "apiVersion: v2\nname: shop\n",
    "chart/values.yaml": "database: {host: base, port: 1}\nextra: []\nidle: {host: x}\n",
    "chart/templates/_helpers.tpl": """
        {{- define "shop.url" -}}
        postgres://{{ .Values.database.host }}/x
        {{- end }}
        """,
    "chart/templates/web.yaml": """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: {{ .Release.Name }}-web
        spec:
          template:
            spec:
              containers:
              - name: web
                image: web
                env:
                - name: URL
                  value: {{ include "shop.url" . | quote }}
                {{- with .Values.extra }}
                {{- toYaml . | nindent 12 }}
                {{- end }}
        """,
}


def test_values_reach_the_template_workload_through_a_helper() -> None:
    tree = {
        **CHART,
        "chart/values-staging.yaml": "database: {host: staging}\n",
        "chart/values-production.yaml": """
            database: {host: prod}
            extra: [{name: E, value: extra}]
            """,
    }

    found = rows(
        tree,
        ("chart/values.yaml", "/0/database/host"),
        ("chart/values.yaml", "/0/idle/host"),
        ("chart/values-staging.yaml", "/0/database/host"),
        ("chart/values-production.yaml", "/0/database/host"),
        ("chart/values-production.yaml", "/0/extra/0/value"),
    )

    web = "Deployment/shop-web/web"
    url = "env URL <- .Values.database.host"
    assert sorted(found) == [
        ("", web, url, "chart/values.yaml"),
        ("", "HelmRelease/shop", "value idle.host", "chart/values.yaml"),
        ("production", web, url, "chart/values-production.yaml"),
        ("production", web, "value .Values.extra", "chart/values-production.yaml"),
        ("staging", web, url, "chart/values-staging.yaml"),
    ]


def test_application_set_elements_name_their_environment() -> None:
    tree = {
        "argo/appset.yaml": """
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {name: billing, namespace: argocd}
            spec:
              generators:
              - list: {elements: [{env: qa, dbHost: one}, {env: prod, dbHost: two}]}
              template: {spec: {source: {path: chart, helm: {values: 'x: 1'}}}}
            """
    }
    places = [
        ("argo/appset.yaml", f"/0/spec/generators/0/list/elements/{n}/dbHost") for n in (0, 1)
    ]

    assert [(env, who) for env, who, _, _ in rows(tree, *places)] == [
        ("qa", "ApplicationSet/argocd/billing"),
        ("prod", "ApplicationSet/argocd/billing"),
    ]


def test_compose_services_read_env_files_and_the_env_beside_them() -> None:
    tree = {
        "docker-compose.yml": """
            x-db: &db {DB_HOST: db}
            services:
              web: {image: w, environment: {<<: *db, URL: 'postgres://${PGHOST:-x}/y'}}
              job: {image: w, env_file: [app.env], environment: [PGHOST]}
              over: {image: w, env_file: app.env, environment: {APP_DB: other}}
            """,
        "docker-compose.prod.yml": "services: {web: {image: w, environment: [DB_HOST=prod]}}\n",
        ".env": "PGHOST=db\n",
        "app.env": "APP_DB=db\n",
    }
    found = rows(
        tree,
        ("docker-compose.yml", "/0/x-db/DB_HOST"),
        ("docker-compose.prod.yml", "/0/services/web/environment/0"),
        (".env", "/0/PGHOST"),
        ("app.env", "/0/APP_DB"),
    )

    assert found == [
        ("prod", "ComposeService/web", "env DB_HOST", "docker-compose.prod.yml"),
        ("", "ComposeService/web", "env DB_HOST", "docker-compose.yml"),
        ("", "ComposeService/web", "env URL <- ${PGHOST}", ".env"),
        ("", "ComposeService/job", "env APP_DB", "app.env"),
        ("", "ComposeService/job", "env PGHOST <- ${PGHOST}", ".env"),
    ]


def test_helmfile_gives_values_files_their_release_and_environments() -> None:
    tree = {
        "helmfile.yaml": """
            environments: {default: {}, dev: {}, prod: {}}
            releases: [{name: flow, namespace: data, chart: x/flow, values: [values/flow.yaml]}]
            """,
        "values/flow.yaml": "db: {host: h}\n",
    }

    assert rows(tree, ("values/flow.yaml", "/0/db/host")) == [
        ("dev", "HelmRelease/data/flow", "value db.host", "values/flow.yaml"),
        ("prod", "HelmRelease/data/flow", "value db.host", "values/flow.yaml"),
    ]


def test_other_pod_bearing_kinds_are_read() -> None:
    tree = {
        "k8s/argo.yaml": """
            apiVersion: argoproj.io/v1alpha1
            kind: Workflow
            metadata: {generateName: load-}
            spec: {templates: [{name: t, container: {image: i, args: [a]}},
                               {name: s, script: {image: i, source: b}}]}
            """,
        "k8s/tekton.yaml": """
            apiVersion: tekton.dev/v1
            kind: Task
            metadata: {name: build}
            spec: {steps: [{name: one, image: i, script: c}]}
            """,
        "k8s/knative.yaml": """
            apiVersion: serving.knative.dev/v1
            kind: Service
            metadata: {name: fn}
            spec: {template: {spec: {containers: [{image: i, env: [{name: A, value: d}]}]}}}
            """,
    }
    found = rows(
        tree,
        ("k8s/argo.yaml", "/0/spec/templates/0/container/args/0"),
        ("k8s/argo.yaml", "/0/spec/templates/1/script/source"),
        ("k8s/tekton.yaml", "/0/spec/steps/0/script"),
        ("k8s/knative.yaml", "/0/spec/template/spec/containers/0/env/0/value"),
    )

    assert [(who, via) for _, who, via, _ in found] == [
        ("Workflow/load-/t", "args"),
        ("Workflow/load-/s", "source"),
        ("Service/fn", "env A"),
        ("Task/build/one", "script"),
    ]


EXTERNAL = """
    apiVersion: external-secrets.io/v1
    kind: ExternalSecret
    metadata: {name: ext, namespace: shop}
    spec:
      target: {name: shop-db, template: {data: {URL: 'postgres://u:{{ .p }}@db/x'}}}
      data: [{secretKey: p, remoteRef: {key: prod/shop, property: password}}]
    """


def test_external_secret_tells_where_the_value_lives_and_its_template_is_read() -> None:
    tree = {
        "k8s/ext.yaml": EXTERNAL,
        "k8s/app.yaml": deployment("app", "envFrom: [{secretRef: {name: shop-db}}]").replace(
            "{name: app}", "{name: app, namespace: shop}"
        ),
    }
    files = parse(tree)
    place = ("k8s/ext.yaml", "/0/spec/target/template/data/URL")
    found = resolve(files, sites_at(files, [place]))
    resources = Kustomizer(index(tree)).load("k8s/ext.yaml")

    (value,) = external_values(resources)
    assert (value.secret, value.key, value.remote, value.line) == (
        "shop-db",
        "p",
        "prod/shop#password",
        6,
    )
    assert [one.name for one in made_secrets(resources)] == ["shop-db"]
    assert uses(found) == [
        ("", "Deployment/shop/app/c", "envFrom URL <- secret shop-db/URL", "k8s/ext.yaml")
    ]


def test_facts_name_services_and_poolers_as_renamed() -> None:
    tree = {
        "over/kustomization.yaml": "resources: [o.yaml]\nnamePrefix: p-\nnamespace: n\n",
        "over/o.yaml": """
            apiVersion: v1
            kind: Service
            metadata: {name: pg}
            spec: {selector: {app: pg}, ports: [{port: 5432}]}
            ---
            apiVersion: postgresql.cnpg.io/v1
            kind: Pooler
            metadata: {name: rw}
            spec: {cluster: {name: main}, pgbouncer: {poolMode: session}}
            """,
    }
    built = Kustomizer(index(tree)).build("over")

    (service,) = services(built.objects)
    (pooler,) = poolers(built.objects)
    assert (service.name, service.namespace, service.selector, service.ports) == (
        "p-pg",
        "n",
        (("app", "pg"),),
        ("5432",),
    )
    assert (pooler.name, pooler.original, pooler.namespace) == ("p-rw", "rw", "n")
    assert pooler.body["spec"] == {
        "cluster": {"name": "main"},
        "pgbouncer": {"poolMode": "session"},
    }


SHOP_CHART = {
    "charts/shop/Chart.yaml": "apiVersion: v2\nname: shop\n",
    "charts/shop/values.yaml": "db: {host: one}\n",
    "charts/shop/templates/app.yaml": deployment(
        "shop", 'env: [{name: DB_HOST, value: "{{ .Values.db.host }}"}]'
    ),
}


def test_application_set_pattern_leads_to_each_environments_values() -> None:
    tree = {
        **SHOP_CHART,
        "apps/set.yaml": """
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {name: shop}
            spec:
              generators: [{list: {elements: [{env: staging}, {env: production}]}}]
              template:
                spec:
                  source:
                    path: charts/shop
                    helm: {valueFiles: [values.yaml, '../../envs/{{env}}/shop.yaml']}
            """,
        "envs/staging/shop.yaml": "db: {host: two}\n",
        "envs/production/shop.yaml": "db: {host: three}\n",
    }

    found = rows(
        tree,
        ("envs/staging/shop.yaml", "/0/db/host"),
        ("envs/production/shop.yaml", "/0/db/host"),
    )

    assert {(one[0], one[1], one[3]) for one in found} == {
        ("staging", "Deployment/shop/c", "envs/staging/shop.yaml"),
        ("production", "Deployment/shop/c", "envs/production/shop.yaml"),
    }


@pytest.mark.parametrize("path", ["{{path}}", "charts/{{a}}/../{{b}}/../{{path.basename}}"])
def test_application_set_finds_its_chart_by_a_path_that_goes_up_again(path: str) -> None:
    tree = {
        **SHOP_CHART,
        "apps/set.yaml": f"""
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {{name: shop}}
            spec:
              generators: [{{git: {{directories: [{{path: charts/*}}]}}}}]
              template:
                spec:
                  source: {{path: '{path}', helm: {{valueFiles: ['../../envs/qa/shop.yaml']}}}}
            """,
        "envs/qa/shop.yaml": "db: {host: two}\n",
    }
    found = rows(tree, ("envs/qa/shop.yaml", "/0/db/host"))
    assert [one[:2] for one in found] == [("qa", "Deployment/shop/c")]


def test_chart_inside_a_chart_reads_its_part_of_the_values() -> None:
    inner = {f"umbrella/{path}": text for path, text in SHOP_CHART.items()}
    tree = {
        **inner,
        "umbrella/Chart.yaml": """
            apiVersion: v2
            name: umbrella
            dependencies: [{name: shop, alias: store}]
            """,
        "umbrella/values.yaml": "store: {db: {host: two}}\nshop: {db: {host: none}}\n",
    }

    found = rows(
        tree,
        ("umbrella/values.yaml", "/0/store/db/host"),
        ("umbrella/values.yaml", "/0/shop/db/host"),
    )

    assert [one[1] for one in found] == ["Deployment/shop/c", "HelmRelease/umbrella"]


def test_a_chart_beside_the_one_that_brings_it_is_read_there_alone() -> None:
    read = 'env: [{name: DB_HOST, value: "{{ .Values.db.host }}"}]'
    child = {
        "parts/shop/Chart.yaml": "apiVersion: v2\nname: shop\n",
        "parts/shop/values.yaml": "db: {host: one}\n",
        "parts/shop/templates/app.yaml": deployment("'{{ .Release.Name }}-web'", read),
    }
    umbrella = {
        "all/Chart.yaml": """
            apiVersion: v2
            name: all
            dependencies: [{name: shop, repository: "file://../parts/shop"}]
            """,
        "all/values.yaml": "shop: {size: 2}\n",
    }
    default = ("parts/shop/values.yaml", "/0/db/host")
    assert [one[1] for one in rows(child, default)] == ["Deployment/shop-web/c"]
    assert [one[1] for one in rows(child | umbrella, default)] == ["Deployment/all-web/c"]


def test_values_that_switch_a_migration_on_feed_it_too() -> None:
    switched = "kratos:\n  automigration: {enabled: true}\n  config: {dsn: x}\n"
    off = switched.replace("true", "false")
    own = f"{switched}migration: {{url: y}}\n"
    dsn, url = "/0/kratos/config/dsn", "/0/migration/url"

    on_rows = rows({"kratos/values.yaml": switched}, ("kratos/values.yaml", dsn))
    off_rows = rows({"kratos/values.yaml": off}, ("kratos/values.yaml", dsn))
    own_rows = rows(
        {"kratos/values.yaml": own}, ("kratos/values.yaml", dsn), ("kratos/values.yaml", url)
    )

    assert [one[1] for one in on_rows] == [
        "HelmRelease/kratos",
        "HelmRelease/kratos/automigration",
    ]
    assert [one[1] for one in off_rows] == ["HelmRelease/kratos"]
    assert [one[1] for one in own_rows] == ["HelmRelease/kratos", "HelmRelease/kratos"]


def test_a_migration_reads_what_stands_around_its_block_alone() -> None:
    values = "api:\n  dbMigrate: {enabled: true}\n  db: {host: x}\nmailer: {db: {host: y}}\n"
    path = "remote/values.yaml"
    found = rows({path: values}, (path, "/0/api/db/host"), (path, "/0/mailer/db/host"))
    assert [one[1:3] for one in found] == [
        ("HelmRelease/remote", "value api.db.host"),
        ("HelmRelease/remote/dbMigrate", "value api.db.host"),
        ("HelmRelease/remote", "value mailer.db.host"),
    ]


def test_a_migration_with_a_secret_of_its_own_reads_no_neighbour() -> None:
    block = "db: {host: x}\nmigrations: {enabled: true, {more}}\n"
    path = "remote/values.yaml"
    for more, count in (("existingSecret: ddl", 1), ("imagePullSecret: hub", 2), ("retries: 3", 2)):
        tree = {path: block.replace("{more}", more)}
        assert len(rows(tree, (path, "/0/db/host"))) == count, more


def test_the_templates_of_a_chart_at_hand_tell_what_its_migration_reads() -> None:
    job = """
        apiVersion: batch/v1
        kind: Job
        metadata: {name: schema}
        spec:
          template:
            spec:
              containers:
                - name: c
                  image: flyway/flyway
                  env: [{name: FLYWAY_URL, value: '{{ .Values.db.url }}'}]
        """
    values = "migrations: {enabled: true}\ndb: {url: x}\nreports: {db: {host: y}}\n"
    tree = {
        "shop/Chart.yaml": "apiVersion: v2\nname: shop\n",
        "shop/values.yaml": values,
        "shop/templates/job.yaml": job,
    }
    path = "shop/values.yaml"
    found = rows(tree, (path, "/0/db/url"), (path, "/0/reports/db/host"))
    assert [one[1] for one in found] == ["Job/schema/c", "HelmRelease/shop"]


def test_an_openshift_template_holds_objects() -> None:
    tree = {
        "t.yaml": """
            apiVersion: template.openshift.io/v1
            kind: Template
            metadata: {name: t}
            objects:
              - apiVersion: apps.openshift.io/v1
                kind: DeploymentConfig
                metadata: {name: app}
                spec: {template: {spec: {containers: [{name: c, env: [{name: A, value: x}],
                  image: i}]}}}
            """
    }
    place = "/0/objects/0/spec/template/spec/containers/0/env/0/value"

    assert [one[1] for one in rows(tree, ("t.yaml", place))] == ["DeploymentConfig/app/c"]


@pytest.mark.parametrize("named", ["environments: {qa: {}, prod: {}}\n---\n", ""])
def test_helmfile_spells_the_environment_in_paths_and_namespaces(named: str) -> None:
    helmfile = (
        f"{named}releases:\n  - name: flow\n    namespace: data-{{{{ .Environment.Name }}}}\n"
        "    chart: ./charts/flow\n    values: [envs/{{.Environment.Name}}/flow.yaml]\n"
    )
    tree = {
        "helmfile.yaml.gotmpl": helmfile,
        "envs/qa/flow.yaml": "db: {host: h}\n",
        "envs/prod/flow.yaml": "db: {host: h}\n",
    }
    found = rows(tree, ("envs/qa/flow.yaml", "/0/db/host"), ("envs/prod/flow.yaml", "/0/db/host"))

    assert sorted(found) == [
        ("prod", "HelmRelease/data-prod/flow", "value db.host", "envs/prod/flow.yaml"),
        ("qa", "HelmRelease/data-qa/flow", "value db.host", "envs/qa/flow.yaml"),
    ]


def test_a_values_file_that_helmfile_names_by_itself_is_no_environment() -> None:
    tree = {
        "helmfile.yaml.gotmpl": "releases:\n  - name: flow\n    chart: ./charts/flow\n"
        "    values: [values/common.yaml, 'values/{{ .Environment.Name }}.yaml']\n",
        "values/common.yaml": "db: {host: h}\n",
        "values/qa.yaml": "replicas: 1\n",
    }
    assert environment_names(index(tree)) == ("qa",)


_POD = """
spec:
  template:
    spec:
      containers:
        - name: {name}
          image: i
          env:
            {{{{- include "lib.env" . | nindent 12 }}}}
"""
_HELPERS = (
    '{{- define "lib.env" -}}\n- name: PGHOST\n  value: {{ tpl .Values.db.host . }}\n{{- end }}\n'
    '{{- define "lib.web" -}}\napiVersion: apps/v1\nkind: Deployment\n'
    "metadata: {name: {{ .Release.Name }}}" + _POD.format(name="web") + "{{- end }}\n"
)


def _library() -> dict[str, str]:
    """A chart whose Deployment and whose variables are named templates of a library chart."""
    job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate}" + _POD.format(name="job")
    return {
        "lib/Chart.yaml": "name: lib\ntype: library\n",
        "lib/templates/_all.tpl": _HELPERS,
        "shop/Chart.yaml": (
            "name: shop\ndependencies: [{name: lib, version: 1.0.0, repository: 'file://../lib'}]\n"
        ),
        "shop/templates/deployment.yaml": '{{ include "lib.web" . }}\n',
        "shop/templates/migrate.yaml": job,
        "shop/values.yaml": "db: {host: '{{ .Values.global.host }}'}\nglobal: {host: h}\n",
    }


def test_a_library_charts_templates_are_read_where_they_are_included() -> None:
    found = rows(_library(), ("shop/values.yaml", "/0/global/host"))

    assert sorted((who, via) for _, who, via, _ in found) == [
        ("Deployment/shop/web", "value .Values.global.host"),
        ("Job/migrate/job", "value .Values.global.host"),
    ]


def test_every_file_that_includes_a_block_has_its_own_reader() -> None:
    tree = _library()
    tree["shop/templates/_env.tpl"] = _HELPERS.partition('{{- define "lib.web"')[0]
    tree["shop/templates/deployment.yaml"] = tree["shop/templates/migrate.yaml"].replace(
        "kind: Job", "kind: Deployment"
    )
    found = rows(tree, ("shop/values.yaml", "/0/global/host"))

    assert sorted(who for _, who, _, _ in found) == ["Deployment/migrate/job", "Job/migrate/job"]


def test_what_a_chart_makes_a_secret_of_is_read_by_the_charts_inside_it() -> None:
    tree = {
        "shop/Chart.yaml": "name: shop\n",
        "shop/values.yaml": "global: {host: h}\n",
        "shop/templates/secret.yaml": """
            apiVersion: external-secrets.io/v1
            kind: ExternalSecret
            metadata: {name: "{{ .Release.Name }}-db"}
            spec: {target: {template: {data: {URL: "postgres://u@{{ .Values.global.host }}/d"}}}}
            """,
        "shop/charts/web/Chart.yaml": "name: web\n",
        "shop/charts/web/templates/web.yaml": """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: web}
            spec:
              template:
                spec:
                  containers:
                    - name: web
                      envFrom: [{secretRef: {name: "{{ .Release.Name }}-db"}}]
            """,
    }
    found = rows(tree, ("shop/values.yaml", "/0/global/host"))

    assert ("Deployment/web/web", "envFrom URL <- secret shop-db/URL <- .Values.global.host") in {
        (who, via) for _, who, via, _ in found
    }


_AIRFLOW = """
            apiVersion: helm.toolkit.fluxcd.io/v2
            kind: HelmRelease
            metadata: {name: flow, namespace: data}
            spec:
              chartRef: {kind: OCIRepository, name: flow}
              valuesFrom: [{kind: Secret, name: flow-values}]
              values:
                redis: {enabled: false}
                migrateDatabaseJob: {enabled: %s}
                api: {db: {host: h}, migrations: {enabled: %s}}
            """


@pytest.mark.parametrize(
    ("job", "block", "readers"),
    [
        ("true", "false", ["flow", "flow/migrateDatabaseJob"]),
        ("false", "true", ["flow"]),
        ("false", "false", ["flow"]),
    ],
)
def test_a_release_of_a_chart_from_elsewhere_migrates_with_what_it_reads(
    job: str, block: str, readers: list[str]
) -> None:
    tree = {
        "flux/flow.yaml": _AIRFLOW % (job, block),
        "flux/values.yaml": """
            apiVersion: v1
            kind: Secret
            metadata: {name: flow-values, namespace: data}
            stringData: {values.yaml: "data: {host: h}"}
            """,
    }
    found = rows(tree, ("flux/values.yaml", "/0/stringData/values.yaml"))
    assert sorted(who.removeprefix("HelmRelease/data/") for _, who, _, _ in found) == readers

    inline = rows(tree, ("flux/flow.yaml", "/0/spec/values/api/db/host"))
    names = {who.removeprefix("HelmRelease/data/") for _, who, _, _ in inline}
    assert ("flow/migrations" in names) is (block == "true")


def chart_at(directory: str) -> dict[str, str]:
    """SHOP_CHART in another directory, everything under that directory's name."""
    name = directory.rpartition("/")[2]
    return {
        f"{directory}/{path.partition('shop/')[2]}": text.replace("shop", name)
        for path, text in SHOP_CHART.items()
    }


@pytest.mark.parametrize(
    ("generator", "path"),
    [
        ("list: {elements: [{app: cart}, {app: mail}]}", "charts/{{ .app }}"),
        ("list: {elements: [{at: charts/cart}, {at: charts/mail}]}", "{{at}}"),
        (
            "matrix: {generators: [{git: {directories: [{path: charts/*}, "
            "{path: charts/old, exclude: true}]}}, {list: {elements: [{app: x}]}}]}",
            "{{ .path.path }}",
        ),
        (
            "git: {directories: [{path: charts/cart}, {path: charts/mail}]}",
            "charts/{{path.basename}}",
        ),
    ],
)
def test_application_set_of_several_charts_gives_each_its_own_values(
    generator: str, path: str
) -> None:
    tree = {
        **chart_at("charts/cart"),
        **chart_at("charts/mail"),
        **chart_at("charts/old"),
        "apps/staging/set.yaml": f"""
            apiVersion: argoproj.io/v1alpha1
            kind: ApplicationSet
            metadata: {{name: services}}
            spec:
              generators: [{{{generator}}}]
              template:
                spec:
                  source: {{path: "{path}", helm: {{valueFiles: [values-staging.yaml]}}}}
                  destination: {{namespace: shop}}
            """,
        "charts/cart/values-staging.yaml": "db: {host: two}\n",
        "charts/mail/values-staging.yaml": "idle: 1\n",
    }

    found = rows(
        tree,
        ("charts/cart/values-staging.yaml", "/0/db/host"),
        ("charts/mail/values.yaml", "/0/db/host"),
        ("charts/old/values.yaml", "/0/db/host"),
    )

    assert {(one[1], one[3]) for one in found if one[0] == "staging"} == {
        ("Deployment/cart/c", "charts/cart/values-staging.yaml"),
        ("Deployment/mail/c", "charts/mail/values.yaml"),
    }


def test_a_chart_that_a_kustomization_inflates_reads_its_values() -> None:
    tree = {
        **{f"base/{path}": text for path, text in SHOP_CHART.items()},
        "base/kustomization.yaml": """
            helmCharts:
            - name: shop
              valuesInline: {db: {host: two}, idle: {host: x}}
            """,
        "overlays/dev/kustomization.yaml": """
            namespace: team
            resources: [../../base]
            helmCharts:
            - {name: bi, releaseName: reports, valuesFile: bi.yaml, valuesInline: {pg: {host: h}}}
            """,
        "overlays/dev/bi.yaml": "writer: {host: h}\n",
        "overlays/prod/kustomization.yaml": "resources: [../../base]\n",
    }
    inline = "/0/helmCharts/0/valuesInline"

    found = rows(
        tree,
        ("base/kustomization.yaml", f"{inline}/db/host"),
        ("overlays/dev/kustomization.yaml", f"{inline}/pg/host"),
        ("overlays/dev/bi.yaml", "/0/writer/host"),
    )

    assert [(one[0], one[1], one[3]) for one in found] == [
        ("dev", "Deployment/shop/c", "base/kustomization.yaml"),
        ("dev", "HelmRelease/team/reports", "overlays/dev/bi.yaml"),
        ("dev", "HelmRelease/team/reports", "overlays/dev/kustomization.yaml"),
        ("prod", "Deployment/shop/c", "base/kustomization.yaml"),
    ]
