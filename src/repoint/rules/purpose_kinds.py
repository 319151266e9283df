"""What a container is: the facts of its object, and what kinds and hooks say."""

from __future__ import annotations

import re
from dataclasses import dataclass

from repoint.model.consumer import Certainty, Purpose
from repoint.model.knowledge import KindHabit, in_force, remembered, told_by
from repoint.rules.purpose_clues import Clue

_SERVE = (
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
)
_FINISH = ("Job", "CronJob", "Workflow", "CronWorkflow", "WorkflowTemplate", "TaskRun")
_WANT = {
    Purpose.REPLICATION: ("KafkaConnector",),
    Purpose.BACKUP: ("ScheduledBackup", "Backup"),
    Purpose.MIGRATION: ("AtlasMigration", "AtlasSchema"),
    Purpose.ADMIN: ("PostgresUser", "Postgres", "ProviderConfig", "DbInstance"),
    Purpose.MONITORING: ("TriggerAuthentication", "ScaledObject"),
}
KINDS: tuple[KindHabit, ...] = (
    *(KindHabit(kind, runs="serves") for kind in _SERVE),
    *(KindHabit(kind, runs="finishes") for kind in _FINISH),
    *(KindHabit(kind, purpose) for purpose, kinds in _WANT.items() for kind in kinds),
)
"""The kinds that repoint knows by itself."""
_OPERATORS = {"AtlasMigration": " (Atlas operator)", "AtlasSchema": " (Atlas operator)"}
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


@remembered(maxsize=8)
def _kinds() -> dict[str, KindHabit]:
    """Every kind by its name; what was added wins, its first entry before later ones."""
    return {one.kind: one for one in reversed((*in_force().kinds, *KINDS))}


def runs(kind: str) -> str:
    """How objects of a kind run: `serves`, `finishes`, or empty where nothing is known."""
    habit = _kinds().get(kind)
    return habit.runs if habit is not None else ""


def kind_clue(kind: str) -> Clue | None:
    """What a kind wants from PostgreSQL, whatever its objects run; None where they tell."""
    habit = _kinds().get(kind)
    if habit is None or habit.purpose is None:
        return None
    said = f"kind {kind}{_OPERATORS.get(kind, '')}{told_by(habit.origin)}"
    return Clue(habit.purpose, said, Certainty.CERTAIN)


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
        return runs(self.kind) == "serves" and not self.init


def hook_clue(facts: ContainerFacts) -> Clue | None:
    """What a Helm, Argo CD or Kluctl hook annotation says."""
    annotations = dict(facts.annotations)
    for name in _HOOKS:
        phases = {phase.strip() for phase in annotations.get(name, "").split(",")} - {""}
        owner = {"helm.sh/hook": "Helm", "kluctl.io/hook": "Kluctl"}.get(name, "Argo CD")
        if phases & _TESTS:
            return Clue(Purpose.PROBE, f"{owner} hook test", Certainty.LIKELY)
        for group in (_BEFORE, _AFTER):
            if phases & group and runs(facts.kind) != "serves":
                phase = sorted(phases & group)[0]
                sure = Certainty.LIKELY if group is _BEFORE else Certainty.GUESS
                return Clue(Purpose.MIGRATION, f"{owner} hook {phase}", sure)
    return None


def is_sink(facts: ContainerFacts) -> bool:
    """Whether a Kafka connector writes to PostgreSQL, as an application does."""
    return "sink" in f"{facts.name} {facts.image} {' '.join(facts.args)}".lower()
