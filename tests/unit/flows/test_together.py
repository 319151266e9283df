"""Findings of one cause, told once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from repoint.flows.together import together
from repoint.model.plan import Finding, Severity
from repoint.model.source import Location
from tests.unit.planning.small_repository import (
    CONFIG,
    Trial,
    repository,
    workload,
)

_HERE = Location("base/pooler.yaml", 4, 1, "/0")
_NOTE = Finding("RP281", Severity.NOTE, "Pooler `p` has one instance", "two", _HERE, "dev")


def _in(*environments: str) -> list[Finding]:
    return [replace(_NOTE, environment=one) for one in environments]


def test_what_is_said_of_one_place_in_several_environments_is_said_once() -> None:
    (one,) = together(_in("dev", "stage", "prod"))
    assert one == replace(_NOTE, message=f"{_NOTE.message} (also in stage, prod)")


def test_what_differs_stays_apart() -> None:
    dev, prod = _in("dev", "prod")
    for other in (
        replace(prod, message="Pooler `q` has one instance"),
        replace(prod, location=replace(_HERE, line=9)),
        replace(prod, location=None),
        replace(prod, accepted="two are on their way"),
        replace(prod, severity=Severity.WARNING),
        replace(prod, code="RP283"),
    ):
        assert together([dev, other]) == (dev, other)


def test_an_error_stays_its_environments_own() -> None:
    errors = [replace(one, severity=Severity.ERROR) for one in _in("dev", "prod")]
    assert together(errors) == tuple(errors)


def _checked(root: Path, more: str = "") -> tuple[Finding, ...]:
    pods = (
        "containers:\n- name: app\n  image: fair/{name}:1\n"
        "  env: [{{name: DB_HOST, valueFrom: {{configMapKeyRef: {{name: fair, key: DB_HOST}}}}}}]\n"
    )
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fair}\ndata: {DB_HOST: postgres}\n"
    names = ("stall", "tent", "wheel")
    base = {f"{n}.yaml": workload("Deployment", n, pods.format(name=n)) for n in names}
    files = repository({**base, "config.yaml": config}, {})
    found = Trial(root, files, config=CONFIG + more).check()
    return tuple(one for one in found if one.code == "RP110")


def test_a_value_of_many_consumers_is_one_finding_of_a_check(tmp_path: Path) -> None:
    (one,) = _checked(tmp_path)
    assert one.environment == "", "it is not dev's alone"
    assert one.message.endswith(
        "(and 5 more: Deployment/shop-dev/tent/app, Deployment/shop-dev/wheel/app, "
        "Deployment/shop-prod/stall/app, ..)"
    )


def test_a_value_that_sends_many_migrations_through_a_pool_is_one_finding(tmp_path: Path) -> None:
    pods = (
        "containers:\n- name: app\n  image: fair/{name}:1\n  command: [alembic, upgrade, head]\n"
        "  env: [{{name: DB_HOST, valueFrom: {{configMapKeyRef: {{name: fair, key: DB_HOST}}}}}}]\n"
    )
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fair}\ndata: {DB_HOST: pg-pooler}\n"
    base = {f"{n}.yaml": workload("Job", n, pods.format(name=n)) for n in ("stall", "tent")}
    trial = Trial(tmp_path, repository({**base, "config.yaml": config}, {}))
    (one,) = (found for found in trial.check("dev") if found.code == "RP120")
    assert one.environment == "dev"
    assert one.message.startswith("`DB_HOST` sends Job/shop-dev/stall/app (migration) through")
    assert one.message.endswith("(and 1 more: Job/shop-dev/tent/app)")


def test_what_is_said_twice_of_no_environment_is_said_once() -> None:
    note = Finding("RP110", Severity.NOTE, "nothing reads it", "later", _HERE)
    assert together([note, note]) == (note,)
    assert together(_in("dev", "dev")) == tuple(_in("dev"))
    many = together(replace(note, consumer=name) for name in ("a", "b", "c", "d", "e"))
    assert [one.message for one in many] == ["nothing reads it (and 4 more: b, c, d, ..)"]


def test_a_consumer_that_is_accepted_is_told_by_itself(tmp_path: Path) -> None:
    accept = "accept: [{code: RP110, consumer: tent, reason: it is torn down}]\n"
    kept, accepted = sorted(_checked(tmp_path, accept), key=lambda one: one.accepted)
    assert "(and 3 more:" in kept.message and "tent" not in kept.message
    assert "(and 1 more: Deployment/shop-prod/tent/app)" in accepted.message
