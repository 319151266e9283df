"""The probe Job of a consumer, and what its log comes to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from repoint.verification.activity import Session
from repoint.verification.identity import kind_of
from repoint.verification.probe_job import Answers, Asked, answers_in, probe_job

ASKED = Asked(
    name="repoint-probe-ab12",
    namespace="shop",
    image="psql:18",
    run="ab12",
    timeout_s=10,
    connection={"PGUSER": "web", "REPOINT_URL": "$(DATABASE_URL)"},
    primary="pg-rw.shop.svc:5432",
    other="pg-rw.shop.svc:5432",
    source="postgres.shop.svc:5432",
    health=("web.shop.svc", 80, "/health"),
)
REFERENCE = {"secretKeyRef": {"name": "db", "key": "DATABASE_URL"}}
CONTAINER = {
    "name": "web",
    "image": "web:1",
    "command": ["serve"],
    "env": [{"name": "DATABASE_URL", "valueFrom": REFERENCE}],
    "envFrom": [{"configMapRef": {"name": "settings"}}],
    "volumeMounts": [
        {"name": "ca", "mountPath": "/ca"},
        {"name": "data", "mountPath": "/data"},
    ],
}
POD = {
    "imagePullSecrets": [{"name": "pull"}],
    "serviceAccountName": "web",
    "volumes": [
        {"name": "ca", "secret": {"secretName": "pg-ca"}},
        {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "unused", "secret": {"secretName": "other"}},
    ],
}
LABELS = {"app": "web", "pod-template-hash": "x", "app.kubernetes.io/managed-by": "Helm"}


def made() -> Any:
    return probe_job(ASKED, POD, CONTAINER, LABELS)


def test_it_ends_goes_away_and_may_do_nothing() -> None:
    job = made()
    spec, pod = job["spec"], job["spec"]["template"]["spec"]
    [one] = pod["containers"]
    assert spec["backoffLimit"] == 0 and spec["ttlSecondsAfterFinished"] > 0
    assert 60 < spec["activeDeadlineSeconds"] <= 300
    assert pod["restartPolicy"] == "Never" and pod["automountServiceAccountToken"] is False
    assert "serviceAccountName" not in pod
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert one["securityContext"]["allowPrivilegeEscalation"] is False
    assert one["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert one["resources"]["limits"] and one["resources"]["requests"]
    assert job["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "repoint"


def test_it_gets_the_consumer_s_own_references_and_no_value() -> None:
    [one] = made()["spec"]["template"]["spec"]["containers"]
    env = {entry["name"]: entry for entry in one["env"]}
    assert one["env"][0] == CONTAINER["env"][0]
    assert env["REPOINT_URL"] == {"name": "REPOINT_URL", "value": "$(DATABASE_URL)"}
    assert one["envFrom"] == CONTAINER["envFrom"]
    assert one["image"] == "psql:18" and one["command"][:2] == ["sh", "-c"]


def test_it_sees_what_the_consumer_mounts_and_can_write_nothing() -> None:
    pod = made()["spec"]["template"]["spec"]
    assert [volume["name"] for volume in pod["volumes"]] == ["ca"]
    [mount] = pod["containers"][0]["volumeMounts"]
    assert mount == {"name": "ca", "mountPath": "/ca", "readOnly": True}


def test_policies_take_it_for_the_consumer_and_no_service_does() -> None:
    template = made()["spec"]["template"]
    assert template["metadata"]["labels"] == {
        "app": "web",
        "app.kubernetes.io/managed-by": "repoint",
        "repoint.dev/probe": "ab12",
    }
    [one] = template["spec"]["containers"]
    assert one["readinessProbe"]["exec"]["command"] == ["false"]


ME = {"user": "web", "database": "shop", "schema": None, "path": "a", "read_only": "off"}
WHO = {"mark": "here", "recovery": "false", "started": "1", "cluster": "pg"}
LINE = {
    "repoint": 1,
    "me": ME,
    "marked": {**WHO, "mark": ""},
    "other": WHO,
    "primary": {"refused": "no way"},
    "source": {"own": 1, "sessions": [["web", "app", "10.0.0.7", "false"]]},
    "left": "pool_max_conns x",
    "host": "pooler.shop.svc",
    "health": "200",
}


def test_what_a_log_tells() -> None:
    found = answers_in(f"some words\n{json.dumps(LINE)}\n")
    assert isinstance(found, Answers)
    assert not isinstance(found.me, str) and found.me["schema"] == ""
    assert not isinstance(found.marked, str) and kind_of(found.marked) == "PgBouncer"
    assert not isinstance(found.other, str) and kind_of(found.other) == "PostgreSQL itself"
    assert found.primary == "no way"
    assert found.source == (Session("web", "app", "10.0.0.7", False),)
    assert found.shows and found.left == ("pool_max_conns", "x") and found.health == "200"


@pytest.mark.parametrize(
    ("log", "told"),
    [
        ("", "the probe told nothing"),
        ('{"repoint": 1, "me": ', "the probe's answer cannot be read"),
        ('{"repoint": 1, "unreadable": "port"}', "the port in the connection string"),
    ],
)
def test_a_log_that_tells_nothing(log: str, told: str) -> None:
    found = answers_in(log)
    assert isinstance(found, str) and told in found


def test_a_login_that_is_refused_and_a_source_that_is_not_asked() -> None:
    line = {**LINE, "me": {"refused": "FATAL: no"}, "source": {}}
    found = answers_in(json.dumps(line))
    assert isinstance(found, Answers)
    assert (found.me, found.source, found.shows) == ("FATAL: no", None, False)
