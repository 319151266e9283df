"""The way back with real servers on both sides: what is refused, what is lost, who is where."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.rolling_back.moving_town import MovingTown

pytestmark = [pytest.mark.cluster, pytest.mark.servers]


def checks(found: Any, name: str = "") -> dict[str, Any]:
    """The checks of a consumer, or of the environment, by their ids."""
    told = found["verification"]
    if not name:
        return {one["id"]: one for one in told["checks"]}
    [row] = [one for one in told["consumers"] if one["id"].split("/")[2] == name]
    return {one["id"]: one for one in row["checks"]}


def test_row_r_there_and_back_when_nothing_was_written(moving: MovingTown) -> None:
    moving.settle()
    files, url = moving.snapshot()
    moving.move()
    assert moving.live_url() != url
    baseline = json.loads((moving.folder / ".repoint/baselines/local.json").read_text())
    assert baseline["tables"]["shop.orders"]["rows"] == 50

    listed = moving.rollback("--dry-run")
    assert listed["outcome"] == "dry-run" and moving.live_url() != url
    found = moving.rollback()

    assert found["outcome"] == "done"
    assert found["data"]["accepted"] == [] and found["data"]["source"] == "pass"
    assert moving.snapshot() == (files, url)
    web = checks(found, "web")
    assert web["connection"]["verdict"] == web["login"]["verdict"] == "pass"
    assert web["server"]["observed"] == "PostgreSQL itself, another server"
    assert web["health"]["observed"] == "200" and web["restarted"]["verdict"] == "pass"
    assert checks(found, "migrate")["login"]["verdict"] == "pass"
    assert {name: one["verdict"] for name, one in checks(found).items()} == dict.fromkeys(
        ("target-named", "target-sessions", "target-written"), "pass"
    )
    assert moving.phases()[-3:] == [
        ("rolled-out", "pass"),
        ("taken-back", "pass"),
        ("rolled-back", "pass"),
    ]
    again = moving.rollback()
    assert again["outcome"] == "nothing"


def test_row_r_a_command_that_spells_its_variable_is_one_connection(moving: MovingTown) -> None:
    moving.settle("migrate", "-path", "/m", "-database", "$(DATABASE_URL)", "up")
    moving.move()

    found = moving.rollback()

    assert checks(found, "migrate")["connection"]["verdict"] == "pass"
    assert found["outcome"] == "done"


def test_rows_that_would_be_lost_hold_the_way_back_until_they_are_accepted(
    moving: MovingTown,
) -> None:
    moving.settle()
    before, url = moving.snapshot()
    moving.move()
    moved = moving.snapshot()
    moving.at_target("INSERT INTO shop.orders VALUES (51, 'new'), (52, 'newer')")

    refused = moving.rollback(status=1)

    [written] = refused["data"]["written"]
    [table] = [one for one in written["tables"] if one["change"] == "changed"]
    assert (table["name"], table["rows_before"], table["rows_after"]) == ("shop.orders", 50, 52)
    assert "would lose data: 1 tables were written since (shop.orders)" in moving.output
    assert moving.snapshot() == moved, "neither files nor cluster were touched"

    found = moving.rollback("--accept-data-loss")
    assert found["outcome"] == "done"
    assert moving.snapshot() == (before, url)
    for phase in ("taken-back", "rolled-back"):
        [line] = [one for one in moving.ledger() if one["phase"] == phase]
        assert line["overrides"] == ["data: 1 tables were written since (shop.orders)"]


def test_a_way_back_that_nobody_can_vouch_for(moving: MovingTown) -> None:
    moving.settle()
    moving.move()
    moved = moving.snapshot()
    kept = moving.folder / ".repoint/baselines/local.json"
    text = kept.read_text()
    kept.unlink()
    moving.rollback(status=1)
    assert "no baseline was taken" in moving.output
    kept.write_text(text)

    database = moving.town.ground.database
    moving.at_source(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    frozen = moving.rollback(status=1)
    assert frozen["data"]["trouble"] == "the source takes no writes: its transactions are read only"
    assert "cannot go back yet: the source takes no writes" in moving.output
    moving.at_source(
        "SET default_transaction_read_only = off",
        f"ALTER DATABASE {database} RESET default_transaction_read_only",
    )

    api, namespace = moving.town.api, moving.town.namespace
    service = f"/api/v1/namespaces/{namespace}/services/postgres"
    live = api.get(service)
    api.delete(service)
    moving.rollback("--accept-data-loss", status=1)
    assert f"Service/{namespace}/postgres is gone from the cluster" in moving.output
    for key in ("resourceVersion", "uid", "creationTimestamp"):
        del live["metadata"][key]
    api.create(live)

    source = moving.folder / "deploy/source.yaml"
    text = source.read_text()
    source.unlink()
    moving.rollback("--accept-data-loss", status=1)
    assert "is gone from the environment's objects" in moving.output
    source.write_text(text)
    assert moving.snapshot() == moved, "neither files nor cluster were touched"


def test_a_killed_way_back_is_finished_though_the_files_are_back(moving: MovingTown) -> None:
    moving.settle()
    before, url = moving.snapshot()
    moving.move()
    argv = ("rollback", "--env", "local", "--rollout", "--yes")
    moving.cut_off(*argv, at="[1/")
    assert moving.snapshot()[0] == before, "the files were back"
    assert ("rolled-back", "pass") not in moving.phases()
    moving.at_target("INSERT INTO shop.orders VALUES (51, 'written by who is still there')")
    moving.rollback(status=1)
    assert "shop.orders" in moving.output.splitlines()[-3] + moving.output

    found = moving.rollback("--accept-data-loss")

    assert found["outcome"] == "done" and found["files"] == []
    assert moving.snapshot() == (before, url)
    assert moving.phases()[-1] == ("rolled-back", "pass")


def test_files_alone_leave_the_cluster_and_say_so(moving: MovingTown) -> None:
    moving.settle()
    moving.move()
    url = moving.live_url()
    done = moving.repoint("rollback", "--env", "local", "--yes")
    assert "repoint rollback --env local --rollout" in done.stderr
    assert moving.live_url() == url
    assert moving.rollback()["outcome"] == "done"


def test_a_failed_verify_goes_back_by_itself_where_it_is_told_to(moving: MovingTown) -> None:
    moving.settle()
    before, url = moving.snapshot()
    moving.move()
    name = moving.town.role
    moving.town.ground.sql(f"ALTER ROLE {name} PASSWORD 'another'")
    offered = moving.repoint("verify", "--env", "local", status=1)
    assert "the way back: repoint rollback --env local --rollout" in offered.stderr
    moving.repoint("verify", "--env", "local", "--auto-rollback", status=1)
    assert "would lose data: nobody can tell what was written" in moving.output
    quoted = _quoted()
    moving.town.ground.sql(f"ALTER ROLE {name} PASSWORD '{quoted}'")
    moving.town.health.status = 503  # type: ignore[attr-defined]
    mended = threading.Event()

    with _mending(moving, mended):
        moving.repoint("verify", "--env", "local", "--auto-rollback", status=1)

    assert moving.snapshot() == (before, url)
    # PgBouncer keeps a server connection, and is at 127.0.0.1 here: no Pooler's pod, so it is told.
    assert "from 127.0.0.1, which is no pod of a consumer" in " ".join(moving.output.split())
    assert moving.phases()[-1] == ("rolled-back", "unknown")


def _quoted() -> str:
    from tests.cluster.verifying.town import PASSWORD

    return PASSWORD.replace("'", "''")


@contextmanager
def _mending(moving: MovingTown, ended: threading.Event) -> Iterator[None]:
    """The consumer is well again as soon as its connection is the old one."""

    def look() -> None:
        while not ended.wait(0.2):
            if moving.town.old in moving.live_url():
                moving.town.health.status = 200  # type: ignore[attr-defined]

    player = threading.Thread(target=look, daemon=True)
    player.start()
    try:
        yield
    finally:
        ended.set()
        player.join()


def test_a_person_is_asked_and_a_second_operator_held_off(moving: MovingTown) -> None:
    moving.settle()
    moving.move()
    moved = moving.snapshot()
    asked = moving.repoint("rollback", "--env", "local", "--rollout", status=2)
    assert "nobody can be asked here" in asked.stderr
    lease = f"/apis/coordination.k8s.io/v1/namespaces/{moving.town.namespace}/leases/repoint-local"
    ended = threading.Event()
    player = threading.Thread(target=_renew, args=(moving, lease, ended), daemon=True)
    player.start()
    try:
        moving.rollback(status=1)
    finally:
        ended.set()
        player.join()
    assert "is rolling out here" in moving.output
    assert moving.snapshot() == moved, "neither files nor cluster were touched"


def _renew(moving: MovingTown, lease: str, ended: threading.Event) -> None:
    number = 0
    while not ended.wait(0.3):
        number += 1
        spec = {
            "holderIdentity": "ada@laptop",
            "leaseDurationSeconds": 30,
            "renewTime": f"2026-01-01T00:{number // 60:02}:{number % 60:02}.000000Z",
        }
        patch = {"spec": spec, "metadata": {"annotations": {"repoint.dev/process": "elsewhere"}}}
        moving.town.api.call("PATCH", lease, patch, content_type="application/merge-patch+json")


def test_a_controller_is_watched_and_nothing_in_the_cluster_written(moving: MovingTown) -> None:
    moving.settle()
    before, url = moving.snapshot()
    moving.move()
    config = moving.folder / "repoint.yaml"
    config.write_text(
        config.read_text().replace(
            "    manifests: deploy", "    manifests: deploy\n    mode: gitops"
        )
    )
    assert "mode: gitops" in config.read_text()
    moving.commit()
    held = moving.live_url()
    late = moving.rollback("--timeout", "1s", status=1)
    assert late["outcome"] == "waiting" and moving.live_url() == held
    assert "commit and push" in moving.output
    moving.commit()
    _deliver(moving)
    found = moving.rollback()
    assert found["outcome"] == "done" and moving.live_url() == url
    config.write_text(config.read_text().replace("\n    mode: gitops", ""))
    assert moving.snapshot()[0] == before


def _deliver(moving: MovingTown) -> None:
    """What a controller does: the repository's objects, Jobs made anew, readers restarted."""
    api, namespace = moving.town.api, moving.town.namespace
    api.kubectl("delete", "job/migrate", "-n", namespace, "--wait")
    folder = str(Path(moving.folder) / "deploy")
    api.kubectl("apply", "--server-side", "--force-conflicts", "-n", namespace, "-f", folder)
    api.kubectl("rollout", "restart", "deployment/web", "-n", namespace)
    api.kubectl("rollout", "status", "deployment/web", "-n", namespace, "--timeout=60s")
    wait = ("--for=condition=Complete", "--timeout=60s", "-n", namespace)
    api.kubectl("wait", "job/migrate", *wait)
