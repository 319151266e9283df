"""Consumers that have moved, and that repoint.yaml sends another way afterwards (P2, P3)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repoint.flows.receipts import receipt_path
from repoint.model.plan import Plan
from repoint.model.receipt import RECEIPT_FORMAT, Chosen, Receipt
from repoint.planning.codec import encode_receipt
from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

_SERVES = (
    "initContainers:\n- name: wait\n  image: postgres:17\n"
    "  command: [pg_isready, -h, postgres, -p, '5432']\n"
    "containers:\n- name: till\n  image: depot/till:2\n"
    "  env: [{name: TILL_DSN, valueFrom: {secretKeyRef: {name: till, key: dsn}}}]\n"
)
_SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: till}\n"
    "stringData:\n  dsn: postgres://till:canary-t@postgres/till?sslmode=require\n"
)
_MIGRATES = (
    "containers:\n- name: till\n  image: depot/till:2\n  command: [goose, up]\n"
    "  env: [{name: TILL_DSN, valueFrom: {secretKeyRef: {name: till, key: dsn}}}]\n"
)


def _trial(root: Path, **more: str) -> Trial:
    base = {"till.yaml": workload("Deployment", "till", _SERVES)} | more
    files = repository(base, {"till-secret.yaml": _SECRET})
    for env in ("dev", "prod"):
        files[f"overlays/{env}/kustomization.yaml"] += "  - till-secret.yaml\n"
    return Trial(root, files)


def _with(trial: Trial, consumers: str) -> Trial:
    return Trial(trial.root, {}, config=f"{CONFIG}consumers: {consumers}\n")


def _rows(plan: Plan) -> dict[str, tuple[str, str]]:
    return {one.container: (one.current, one.new) for one in plan.consumers}


def test_a_route_that_changes_moves_the_consumer_and_its_wait_loop(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    pooled = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    assert trial.plan("dev").changes == ()

    direct = _with(trial, "{till: {route: direct}}")
    plan = direct.plan("dev")
    assert _rows(plan) == {
        "wait": (DEV_POOLED, DEV_DIRECT),
        "till": (DEV_POOLED, DEV_DIRECT),
    }
    assert plan.applicable and plan.tasks == ()
    assert {edit.rule for one in plan.changes for edit in one.edits} == {"RP106"}
    direct.apply("dev")
    assert direct.plan("dev").changes == ()

    back = _with(trial, "{till: {route: pooled}}")
    back.apply("dev")
    assert back.plan("dev").changes == ()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == pooled


@pytest.mark.parametrize(
    "consumers", ["{till: {purpose: admin}}", "{Deployment/till: {purpose: migration}}"]
)
def test_a_purpose_that_changes_moves_the_consumer(tmp_path: Path, consumers: str) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    plan = _with(trial, consumers).plan("dev")
    assert _rows(plan) == {
        "wait": (DEV_POOLED, DEV_DIRECT),
        "till": (DEV_POOLED, DEV_DIRECT),
    }


def test_a_new_migration_of_the_pooled_value_gets_one_of_its_own(tmp_path: Path) -> None:
    """X7, where the runtime's key has moved before."""
    trial = _trial(tmp_path)
    trial.apply("dev")
    job = {"base/schema.yaml": workload("Job", "schema", _MIGRATES)}
    kustomization = (tmp_path / "base/kustomization.yaml").read_text()
    job["base/kustomization.yaml"] = f"{kustomization}  - schema.yaml\n"
    later = Trial(tmp_path, job)
    plan = later.plan("dev")
    assert [(one.name, one.current, one.new) for one in plan.consumers] == [
        ("schema", DEV_POOLED, DEV_DIRECT)
    ]
    after = later.apply("dev")
    secret = after["overlays/dev/till-secret.yaml"]
    assert f"  dsn: postgres://till:canary-t@{DEV_POOLED}/" in secret
    assert f"  dsn_direct: postgres://till:canary-t@{DEV_DIRECT}/" in secret
    assert later.plan("dev").changes == ()


def test_the_other_reader_of_a_shared_value_stays(tmp_path: Path) -> None:
    trial = _trial(
        tmp_path, **{"desk.yaml": workload("Deployment", "desk", _SERVES.replace("till:2", "desk"))}
    )
    trial.apply("dev")
    plan = _with(trial, "{desk: {route: direct}}").plan("dev")
    ways = {(one.name, one.container): one.new for one in plan.consumers}
    assert (
        ways["desk", "till"] == DEV_DIRECT and ways.get(("till", "till"), DEV_POOLED) == DEV_POOLED
    )
    secret = _with(trial, "{desk: {route: direct}}").apply("dev")["overlays/dev/till-secret.yaml"]
    assert f"  dsn: postgres://till:canary-t@{DEV_POOLED}/" in secret and "dsn_direct" in secret


@pytest.mark.parametrize(
    "consumers",
    ["{}", "{till: {route: pooled}}", "{till: {purpose: runtime}}", "{till: {route: unchanged}}"],
)
def test_nothing_is_planned_for_what_goes_as_it_is_told(tmp_path: Path, consumers: str) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    plan = _with(trial, consumers).plan("dev")
    assert plan.changes == () and plan.tasks == ()


def test_what_a_person_sent_direct_stays_there(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    for path in tmp_path.rglob("overlays/dev/*.yaml"):
        path.write_text(path.read_text().replace(DEV_POOLED, DEV_DIRECT))
    assert trial.plan("dev").changes == ()


def test_another_environment_is_left_alone(tmp_path: Path) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    plan = _with(trial, "{till: {route: direct}}").plan("dev")
    assert all("dev" in one.path for one in plan.changes)
    assert all(one.holds for one in plan.proofs)
    assert replace(plan, changes=()).blocking == ()


def _pooling_transactions(root: Path) -> Trial:
    trial = _trial(root)
    targets = root / "base/targets.yaml"
    targets.write_text(targets.read_text().replace("poolMode: session", "poolMode: transaction"))
    return trial


def test_a_pool_that_is_asked_for_after_the_move_moves_the_consumer_there_and_back(
    tmp_path: Path,
) -> None:
    trial = _pooling_transactions(tmp_path)
    _with(trial, "{till: {pool: transaction}}").apply("dev")
    sessions, named = DEV_POOLED.replace("pooler", "pooler-session"), DEV_POOLED

    asked = _with(trial, "{till: {pool: session}}")
    assert _rows(asked.plan("dev")) == {"wait": (named, sessions), "till": (named, sessions)}
    (told,) = (one for one in asked.check("dev") if one.code == "RP106" and "dsn" in one.message)
    assert told.message.endswith("goes pooled, and repoint.yaml asks for another pool, of sessions")
    assert asked.plan("dev").applicable
    asked.apply("dev")
    assert asked.plan("dev").changes == ()
    assert not [one for one in asked.check("dev") if one.code == "RP106"]

    back = _with(trial, "{till: {pool: transaction}}")
    assert _rows(back.plan("dev")) == {"wait": (sessions, named), "till": (sessions, named)}
    back.apply("dev")
    assert back.plan("dev").changes == ()


@pytest.mark.parametrize("pool", ["session", "transaction"])
def test_a_pool_that_a_named_pooler_of_sessions_has_or_cannot_have_moves_nothing(
    tmp_path: Path, pool: str
) -> None:
    trial = _trial(tmp_path)
    trial.apply("dev")
    plan = _with(trial, f"{{till: {{pool: {pool}}}}}").plan("dev")
    assert plan.changes == ()


def _applied(trial: Trial, *chosen: Chosen) -> None:
    """The receipt of an apply at which repoint.yaml said that of consumers."""
    path = trial.root / receipt_path("dev")
    path.parent.mkdir(parents=True, exist_ok=True)
    receipt = Receipt(RECEIPT_FORMAT, "1.0.0", "dev", (), chosen)
    path.write_bytes(encode_receipt(receipt))


@pytest.mark.parametrize(
    ("consumers", "chosen"),
    [
        ("{till: {route: direct}}", Chosen("till", route="direct")),
        ("{Deployment/till/till: {purpose: admin}}", Chosen("Deployment/till/till", "", "admin")),
    ],
)
def test_a_way_that_is_named_no_more_goes_back_to_what_evidence_says(
    tmp_path: Path, consumers: str, chosen: Chosen
) -> None:
    trial = _trial(tmp_path)
    _with(trial, consumers).apply("dev")
    assert trial.plan("dev").changes == ()  # As a person would have written it.

    _applied(trial, chosen)
    assert trial.plan("dev").applicable
    assert _rows(trial.plan("dev"))["till"] == (DEV_DIRECT, DEV_POOLED)
    (told,) = (one for one in trial.check("dev") if one.code == "RP106" and "dsn" in one.message)
    assert told.message.endswith("and repoint.yaml says so no more: by itself it goes pooled")
    trial.apply("dev")
    assert trial.plan("dev").changes == ()
    assert not [one for one in trial.check("dev") if one.code == "RP106"]


@pytest.mark.parametrize(
    ("now", "chosen"),
    [
        pytest.param("{till: {route: direct}}", Chosen("till", "direct"), id="still said"),
        pytest.param("{till: {purpose: admin}}", Chosen("till", "direct"), id="said otherwise"),
        pytest.param("{}", Chosen("till", "pooled"), id="another way was said"),
        pytest.param("{}", Chosen("other", "direct"), id="of another consumer"),
        pytest.param("{}", Chosen("till", "sideways"), id="a word of another version"),
        pytest.param("{}", Chosen("till"), id="nothing of its way"),
    ],
)
def test_what_was_not_said_of_the_way_that_it_has_moves_nothing(
    tmp_path: Path, now: str, chosen: Chosen
) -> None:
    trial = _trial(tmp_path)
    _with(trial, "{till: {route: direct}}").apply("dev")
    _applied(trial, chosen)
    assert _with(trial, now).plan("dev").changes == ()
