"""What a container is: the facts of its object, and what kinds and hooks say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoint.model.consumer import Certainty, Purpose
from repoint.rules.purpose_clues import Clue

LONG_RUNNING = frozenset(
    [
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "ReplicationController",
        "Rollout",
        "DeploymentConfig",
        "CloneSet",
        "Revision",
        "Configuration",
        "KnativeService",
        "ComposeService",
        "HelmRelease",
        "Application",
        "ApplicationSet",
        "SparkApplication",
        "ScaledJob",
        "Keycloak",
        "Grafana",
        "Temporal",
    ]
)
FINISHING = frozenset({"Job", "CronJob", "Workflow", "CronWorkflow", "WorkflowTemplate", "TaskRun"})
KIND_PURPOSE = {
    "KafkaConnector": (Purpose.REPLICATION, "kind KafkaConnector"),
    "ScheduledBackup": (Purpose.BACKUP, "kind ScheduledBackup"),
    "Backup": (Purpose.BACKUP, "kind Backup"),
    "AtlasMigration": (Purpose.MIGRATION, "kind AtlasMigration (Atlas operator)"),
    "AtlasSchema": (Purpose.MIGRATION, "kind AtlasSchema (Atlas operator)"),
    "PostgresUser": (Purpose.ADMIN, "kind PostgresUser"),
    "Postgres": (Purpose.ADMIN, "kind Postgres"),
    "ProviderConfig": (Purpose.ADMIN, "kind ProviderConfig"),
    "DbInstance": (Purpose.ADMIN, "kind DbInstance"),
    "TriggerAuthentication": (Purpose.MONITORING, "kind TriggerAuthentication"),
    "ScaledObject": (Purpose.MONITORING, "kind ScaledObject"),
}
CLIENT_IMAGES = re.compile(
    r"(?:^|/)(?:postgres|postgresql|psql|pg-client|postgres-client|postgresql-client|pgclient"
    r"|spilo-\d+|timescaledb|postgis|alpine-psql|postgresql-repmgr|crunchy-postgres)$"
)
BASE_IMAGES = frozenset(
    [
        "alpine",
        "busybox",
        "debian",
        "ubuntu",
        "bash",
        "curl",
        "kubectl",
        "git",
        "amazonlinux",
        "rockylinux",
        "centos",
        "fedora",
        "wolfi-base",
        "static",
        "base",
        "aws-cli",
        "alpine-k8s",
        "curlimages",
    ]
)
_HOOKS = ("helm.sh/hook", "argocd.argoproj.io/hook", "kluctl.io/hook")
_BEFORE = frozenset(
    [
        "pre-install",
        "pre-upgrade",
        "pre-rollback",
        "PreSync",
        "pre-deploy",
        "pre-deploy-initial",
        "pre-deploy-upgrade",
    ]
)
_AFTER = frozenset({"post-install", "post-upgrade", "Sync", "post-deploy", "post-deploy-initial"})
_TESTS = frozenset({"test", "test-success", "test-failure"})


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """What the manifests say of one container.

    `script_commands` are the texts of scripts that it runs from mounted files; `env_names`
    its variables; `annotations` and `labels` those of its object and its pod; `path` is
    the file that it stands in, if that is known.
    """

    kind: str
    name: str
    container: str = ""
    init: bool = False
    image: str = ""
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    env_names: tuple[str, ...] = ()
    annotations: tuple[tuple[str, str], ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    schedule: str = ""
    restart_policy: str = ""
    script_commands: tuple[str, ...] = ()
    path: str = ""

    @property
    def serves(self) -> bool:
        """Whether its kind keeps it running."""
        return self.kind in LONG_RUNNING and not self.init


def hook_clue(facts: ContainerFacts) -> Clue | None:
    """What a Helm, Argo CD or Kluctl hook annotation says."""
    annotations = dict(facts.annotations)
    for name in _HOOKS:
        phases = {phase.strip() for phase in annotations.get(name, "").split(",")} - {""}
        owner = {"helm.sh/hook": "Helm", "kluctl.io/hook": "Kluctl"}.get(name, "Argo CD")
        if phases & _TESTS:
            return Clue(Purpose.PROBE, f"{owner} hook test", Certainty.LIKELY)
        for group in (_BEFORE, _AFTER):
            if phases & group and facts.kind not in LONG_RUNNING:
                phase = sorted(phases & group)[0]
                sure = Certainty.LIKELY if group is _BEFORE else Certainty.GUESS
                return Clue(Purpose.MIGRATION, f"{owner} hook {phase}", sure)
    return None


def is_sink(facts: ContainerFacts) -> bool:
    """Whether a Kafka connector writes to PostgreSQL, as an application does."""
    return "sink" in f"{facts.name} {facts.image} {' '.join(facts.args)}".lower()
