"""The probe Job of one consumer, and what its log tells.

The probe gets the consumer's own `env` and `envFrom` as they stand, so that the kubelet hands
it the Secret, and repoint never reads it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from repoint.model.cluster import Document
from repoint.verification.activity import Session, session_of
from repoint.verification.identity import Who, who_of
from repoint.verification.probe_script import QUESTIONS, SCRIPT

CONTAINER = "probe"
MANAGED_BY = "app.kubernetes.io/managed-by"
PROBE_LABEL = "repoint.dev/probe"
_KEPT_FOR_S = 300
# A controller's own labels tell its pods from each other; a probe is none of them.
_CONTROLLERS = (
    "pod-template-hash",
    "controller-revision-hash",
    "controller-uid",
    "job-name",
    "batch.kubernetes.io/controller-uid",
    "batch.kubernetes.io/job-name",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
)


@dataclass(frozen=True, slots=True)
class Asked:
    """What one probe is to ask.

    `connection` are `PG..` variables and `REPOINT_URL`, as Kubernetes composes them: a password
    is in them as `$(NAME)` only. `primary`, `other` (the other route) and `source` are `host:port`,
    `health` is host, port and path; what is empty is not asked.
    """

    name: str
    namespace: str
    image: str
    run: str
    timeout_s: int
    connection: Mapping[str, str]
    primary: str
    other: str
    source: str = ""
    health: tuple[str, int, str] | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """What a probe found; a text in the place of a `Who` is the refusal.

    `left` are parameters of the URL that psql does not send, `health` the status, empty where
    the image has nothing to ask with. `shows` tells that the source showed the probe its own
    session, with its address.
    """

    me: Mapping[str, str] | str
    marked: Who | str
    other: Who | str
    primary: Who | str
    source: tuple[Session, ...] | str | None
    shows: bool
    left: tuple[str, ...]
    host: str
    health: str


def probe_job(
    asked: Asked,
    pod_spec: Mapping[str, Any],
    container: Mapping[str, Any],
    labels: Mapping[str, str],
) -> Document:
    """A Job that asks once and goes away by itself, if nobody deletes it before.

    It has the labels of the consumer's pods, so that NetworkPolicies take it for one, and is
    never ready, so that no Service does.
    """
    mine = {key: value for key, value in labels.items() if key not in _CONTROLLERS}
    own = {MANAGED_BY: "repoint", PROBE_LABEL: asked.run}
    template = {
        "metadata": {"labels": {**mine, **own}},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "terminationGracePeriodSeconds": 1,
            "imagePullSecrets": pod_spec.get("imagePullSecrets") or [],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 65534,
                "runAsGroup": 65534,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "volumes": _volumes(pod_spec, container),
            "containers": [_container(asked, pod_spec, container)],
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": asked.name, "namespace": asked.namespace, "labels": own},
        "spec": {
            "backoffLimit": 0,
            "completions": 1,
            "parallelism": 1,
            "activeDeadlineSeconds": 60 + 10 * asked.timeout_s,
            "ttlSecondsAfterFinished": _KEPT_FOR_S,
            "template": template,
        },
    }


def answers_in(log: str) -> Answers | str:
    """The answers in a probe's log, else why there are none."""
    for line in log.splitlines():
        if not line.startswith('{"repoint"'):
            continue
        try:
            found = json.loads(line)
        except ValueError:
            return "the probe's answer cannot be read"
        if "unreadable" in found:
            return f"the {found['unreadable']} in the connection string cannot be read in a shell"
        return _answers(found)
    return "the probe told nothing"


def _answers(found: Mapping[str, Any]) -> Answers:
    source: tuple[Session, ...] | str | None = None
    shows = False
    given = found.get("source") or {}
    if "refused" in given:
        source = str(given["refused"])
    elif "sessions" in given:
        source = tuple(session_of([str(part) for part in one]) for one in given["sessions"])
        shows = given.get("own") == 1
    me = found["me"]
    return Answers(
        me=str(me["refused"]) if "refused" in me else {k: str(v or "") for k, v in me.items()},
        marked=_who(found["marked"]),
        other=_who(found["other"]),
        primary=_who(found["primary"]),
        source=source,
        shows=shows,
        left=tuple(str(found.get("left", "")).split()),
        host=str(found.get("host", "")),
        health=str(found.get("health", "")),
    )


def _who(found: Mapping[str, Any]) -> Who | str:
    if "refused" in found:
        return str(found["refused"])
    parts = (found.get(key) for key in ("mark", "recovery", "started", "cluster"))
    mark, recovery, started, cluster = (str(part or "") for part in parts)
    return who_of(("", mark, recovery, started, cluster, ""))


def _container(
    asked: Asked, pod_spec: Mapping[str, Any], container: Mapping[str, Any]
) -> dict[str, Any]:
    health = asked.health or ("", 0, "")
    settings = {
        **asked.connection,
        **QUESTIONS,
        "REPOINT_TIMEOUT": str(asked.timeout_s),
        "REPOINT_RUN": f"repoint-{asked.run}",
        "REPOINT_PRIMARY": asked.primary,
        "REPOINT_OTHER": asked.other,
        "REPOINT_SOURCE": asked.source,
        "REPOINT_HEALTH_HOST": health[0],
        "REPOINT_HEALTH_PORT": str(health[1]),
        "REPOINT_HEALTH_PATH": health[2],
        "HOME": "/tmp",
    }
    names = {volume["name"] for volume in _volumes(pod_spec, container)}
    mounts = [one for one in container.get("volumeMounts") or () if one.get("name") in names]
    return {
        "name": CONTAINER,
        "image": asked.image,
        "command": ["sh", "-c", SCRIPT],
        "envFrom": list(container.get("envFrom") or ()),
        "env": [
            *(container.get("env") or ()),
            *({"name": name, "value": value} for name, value in settings.items()),
        ],
        "volumeMounts": [{**one, "readOnly": True} for one in mounts],
        "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 3600},
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"memory": "128Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def _volumes(pod_spec: Mapping[str, Any], container: Mapping[str, Any]) -> list[Any]:
    """The Secrets and ConfigMaps that the consumer mounts; nothing that could be written."""
    used = {one.get("name") for one in container.get("volumeMounts") or ()}
    return [
        volume
        for volume in pod_spec.get("volumes") or ()
        if volume.get("name") in used and ("secret" in volume or "configMap" in volume)
    ]
