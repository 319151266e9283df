"""One small repository per kustomize feature; each builds at `over`."""

from __future__ import annotations

API = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api, labels: {tier: web}}
    spec:
      replicas: 1
      selector: {matchLabels: {app: api}}
      template:
        metadata: {labels: {app: api}}
        spec:
          initContainers:
          - name: wait
            image: postgres:15
            command: [sh, -c, "until pg_isready -h db; do sleep 1; done"]
          - name: seed
            image: postgres:15
            args: [psql, -h, db]
          containers:
          - name: side
            image: side:1
          - name: api
            image: reg.example.com:5000/api:1
            ports: [{containerPort: 80}, {containerPort: 81, name: two}]
            env:
            - {name: A, value: a}
            - {name: HOST, value: db}
            - name: URL
              valueFrom: {secretKeyRef: {name: creds, key: url}}
            - name: LEVEL
              valueFrom: {configMapKeyRef: {name: conf, key: level}}
            envFrom:
            - configMapRef: {name: conf}
            - {secretRef: {name: creds}, prefix: S_}
            volumeMounts: [{name: files, mountPath: /etc/conf}, {name: certs, mountPath: /certs}]
          volumes:
          - {name: files, configMap: {name: conf}}
          - {name: certs, secret: {secretName: creds}}
    """
JOB = """
    apiVersion: batch/v1
    kind: CronJob
    metadata: {name: nightly, namespace: jobs}
    spec:
      schedule: "0 1 * * *"
      jobTemplate:
        spec:
          template:
            spec:
              restartPolicy: Never
              containers:
              - name: nightly
                image: api:1
                command: [run]
                env:
                - {name: URL, valueFrom: {secretKeyRef: {name: creds, key: url}}}
    """
CONF = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: conf}
    data: {level: info, host: db}
    ---
    apiVersion: v1
    kind: Secret
    metadata: {name: creds}
    stringData: {url: "postgres://u:canary-1@db/x"}
    """
BASE = {
    "base/kustomization.yaml": "resources: [api.yaml, job.yaml, conf.yaml]\n",
    "base/api.yaml": API,
    "base/job.yaml": JOB,
    "base/conf.yaml": CONF,
}


def over(text: str, **files: str) -> dict[str, str]:
    """The common base below one overlay; `__` in a name stands for a dot."""
    named = {f"over/{name.replace('__', '.')}": body for name, body in files.items()}
    return {**BASE, "over/kustomization.yaml": text, **named}


PATCH = """
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: api}
    spec:
      template:
        spec:
          initContainers:
          - name: seed
            command: [other]
          containers:
          - name: api
            command: [serve]
            ports: [{containerPort: 81, hostPort: 1}, {containerPort: 90}]
            env:
            - {name: NEW, value: new}
            - {name: HOST, value: patched}
            - name: LEVEL
              value: plain
              valueFrom: null
          - name: extra
            image: extra:1
    """

FEATURES: dict[str, dict[str, str]] = {
    "plain": over("resources: [../base]"),
    "prefix": over("resources: [../base]\nnamePrefix: dev-\n"),
    "suffix": over("resources: [../base]\nnameSuffix: -v2\n"),
    "namespace": over("resources: [../base]\nnamespace: prod\n"),
    "prefix-and-namespace": over("resources: [../base]\nnamespace: prod\nnamePrefix: p-\n"),
    "old-field-names": over("bases: [../base]\npatchesStrategicMerge: [p.yaml]\n", p__yaml=PATCH),
    "strategic-merge": over("resources: [../base]\npatches: [{path: p.yaml}]\n", p__yaml=PATCH),
    "strategic-merge-after-prefix": {
        **over("resources: [../mid]\npatches: [{path: p.yaml}]\n", p__yaml=PATCH),
        "mid/kustomization.yaml": "resources: [../base]\nnamePrefix: m-\nnamespace: mid\n",
    },
    "inline-patch": over(
        """
        resources: [../base]
        patches:
        - patch: |-
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers:
                  - name: api
                    env:
                    - name: HOST
                      value: inline
        """
    ),
    "inline-strategic-list": over(
        """
        resources: [../base]
        patchesStrategicMerge:
        - |-
          apiVersion: apps/v1
          kind: Deployment
          metadata: {name: api}
          spec: {template: {spec: {containers: [{name: api, args: [x]}]}}}
        """
    ),
    "json6902": over(
        """
        resources: [../base]
        patches:
        - target: {kind: Deployment, name: api}
          patch: |-
            - {op: test, path: /spec/replicas, value: 1}
            - {op: replace, path: /spec/template/spec/containers/1/env/1/value, value: json}
            - op: add
              path: /spec/template/spec/containers/1/env/-
              value: {name: LAST, value: last}
            - op: add
              path: /spec/template/spec/containers/1/env/0
              value: {name: FIRST, value: first}
            - {op: remove, path: /spec/template/spec/initContainers/0}
            - {op: add, path: /metadata/annotations, value: {a~b/c: d}}
        """
    ),
    "json6902-old-field": over(
        """
        resources: [../base]
        namePrefix: x-
        patchesJson6902:
        - target: {group: apps, version: v1, kind: Deployment, name: api}
          path: p.yaml
        """,
        p__yaml="""
            - op: replace
              path: /spec/template/spec/containers/1/args
              value: [late]
            """.replace("replace", "add"),
    ),
    "target-by-regex-and-label": over(
        """
        resources: [../base]
        patches:
        - target: {kind: Deployment|CronJob, labelSelector: "tier in (web, api)"}
          patch: |-
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: whatever}
            spec: {template: {spec: {containers: [{name: side, args: [hit]}]}}}
        - target: {name: night.*}
          patch: '[{"op": "add", "path": "/spec/suspend", "value": true}]'
        """
    ),
    "generators": over(
        """
        resources: [../base]
        configMapGenerator:
        - name: made
          literals: [HOST=db, 'QUOTED="x=y"', EMPTY=]
          files: [app.ini, renamed.txt=app.ini]
          envs: [vars.env]
        secretGenerator:
        - name: hidden
          env: vars.env
          options: {disableNameSuffixHash: true}
        generatorOptions: {labels: {made: "yes"}}
        """,
        app__ini="[db]\nhost = db\n",
        vars__env="# comment\nONE=1\nTWO=two words\nURL=postgres://u:canary-2@db/x?a=b\n",
    ),
    "generator-merge-and-replace": {
        "base/kustomization.yaml": """
            resources: [api.yaml]
            configMapGenerator: [{name: conf, literals: [level=info, host=db]}]
            secretGenerator: [{name: creds, literals: [url=one, other=two]}]
            """,
        "base/api.yaml": API,
        "over/kustomization.yaml": """
            namePrefix: o-
            namespace: team
            resources: [../base]
            configMapGenerator: [{name: conf, behavior: merge, literals: [host=new, more=1]}]
            secretGenerator: [{name: creds, behavior: replace, literals: [url=three]}]
            """,
    },
    "component": {
        **over("resources: [../base]\ncomponents: [../comp]\nnamePrefix: z-\n"),
        "comp/kustomization.yaml": """
            apiVersion: kustomize.config.k8s.io/v1alpha1
            kind: Component
            configMapGenerator: [{name: from-component, literals: [a=b]}]
            patches: [{path: p.yaml}]
            """,
        "comp/p.yaml": PATCH,
    },
    "deletion": over(
        """
        resources: [../base]
        patches:
        - patch: |
            $patch: delete
            apiVersion: batch/v1
            kind: CronJob
            metadata: {name: nightly, namespace: jobs}
        - patch: |
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  initContainers: [{name: wait, $patch: delete}]
                  containers:
                  - name: api
                    command: null
                    envFrom: null
                    env:
                    - {name: A, $patch: delete}
                    - {name: HOST, value: kept}
        """
    ),
    "list-replace": over(
        """
        resources: [../base]
        patches:
        - patch: |
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers:
                  - name: api
                    env:
                    - {name: ONLY, value: one}
                    - $patch: replace
        """
    ),
    "nested-bases-with-two-prefixes": {
        **over("resources: [../mid]\nnamePrefix: outer-\nnamespace: last\n"),
        "mid/kustomization.yaml": "resources: [../base]\nnamePrefix: inner-\nnamespace: first\n",
    },
    "one-base-twice": {
        **over("resources: [../blue, ../green]\n"),
        "blue/kustomization.yaml": "resources: [../base]\nnamePrefix: blue-\nnamespace: one\n",
        "green/kustomization.yaml": "resources: [../base]\nnamePrefix: green-\nnamespace: two\n",
    },
    "two-namespaces-and-a-patch-by-old-id": {
        **over(
            "resources: [../app, ../jobs]\npatches: [{path: p.yaml}]\n",
            p__yaml=PATCH.replace("{name: api}", "{name: api, namespace: original}"),
        ),
        "app/kustomization.yaml": "resources: [api.yaml, conf.yaml]\nnamespace: app-ns\n",
        "app/api.yaml": API.replace(
            "{name: api, labels", "{name: api, namespace: original, labels"
        ),
        "app/conf.yaml": CONF,
        "jobs/kustomization.yaml": "resources: [job.yaml]\nnamespace: job-ns\nnamePrefix: j-\n",
        "jobs/job.yaml": JOB,
    },
    "images-and-replicas": over(
        """
        resources: [../base]
        images:
        - {name: postgres, newTag: "17"}
        - {name: reg.example.com:5000/api, newName: other/api, digest: "sha256:abc"}
        replicas: [{name: api, count: 4}]
        """
    ),
    "labels": over(
        """
        resources: [../base]
        commonLabels: {team: a}
        labels: [{pairs: {b: c}, includeTemplates: true}]
        commonAnnotations: {note: "1"}
        """
    ),
    "namespace-objects-and-cluster-scope": over(
        "resources: [../base, more.yaml]\nnamespace: ns\nnamePrefix: p-\n",
        more__yaml="""
            apiVersion: v1
            kind: Namespace
            metadata: {name: old}
            ---
            apiVersion: rbac.authorization.k8s.io/v1
            kind: ClusterRole
            metadata: {name: reader}
            rules: []
            ---
            apiVersion: argoproj.io/v1alpha1
            kind: Rollout
            metadata: {name: roll}
            spec:
              template:
                spec: {containers: [{name: c, image: i, env: [{name: A, value: b}]}]}
            """,
    ),
    "custom-resource-lists-are-replaced": over(
        """
        resources: [../base, roll.yaml]
        patches:
        - patch: |
            apiVersion: argoproj.io/v1alpha1
            kind: Rollout
            metadata: {name: roll}
            spec:
              template:
                spec: {containers: [{name: c, image: i, env: [{name: B, value: b}]}]}
        """,
        roll__yaml="""
            apiVersion: argoproj.io/v1alpha1
            kind: Rollout
            metadata: {name: roll}
            spec:
              template:
                spec: {containers: [{name: c, image: i, env: [{name: A, value: a}]}]}
            """,
    ),
    "list-kind-and-anchors": over(
        "resources: [list.yaml]\n",
        list__yaml="""
            apiVersion: v1
            kind: List
            items:
            - apiVersion: v1
              kind: Pod
              metadata: {name: one}
              spec:
                containers:
                - name: one
                  image: i
                  env: &env
                  - {name: HOST, value: &host db}
            - apiVersion: v1
              kind: Pod
              metadata: {name: two}
              spec: {containers: [{name: two, image: i, args: [*host], env: *env}]}
            """,
    ),
    "duplicate-key-first-wins": over(
        "resources: [../base]\npatches: [{path: p.yaml}]\n",
        p__yaml="""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: api}
            spec:
              template:
                spec:
                  containers:
                  - name: api
                    args: [first]
                    args: [second]
            """,
    ),
}

FEATURES["replacements"] = over(
    """
    resources: [../base]
    configMapGenerator: [{name: endpoint, literals: [host=replaced, port=1]}]
    replacements:
    - source: {kind: ConfigMap, name: endpoint, fieldPath: data.host}
      targets:
      - select: {kind: Deployment}
        fieldPaths: ["spec.template.spec.containers.[name=api].env.[name=HOST].value"]
    - path: more.yaml
    """,
    more__yaml="""
        source: {kind: ConfigMap, name: endpoint, fieldPath: data.host}
        targets:
        - select: {kind: CronJob}
          fieldPaths: [spec.jobTemplate.spec.template.spec.containers.*.command.0]
        """,
)
