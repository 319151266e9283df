"""X17: the Pooler of repoint.yaml is not there, and its consumers could not live behind it."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import CONFIG, DEV_DIRECT, Trial, repository, workload

URL = "postgres://shop@postgres/shop?search_path=sales"
WEB = workload(
    "Deployment",
    "web",
    f"containers:\n  - {{name: web, image: acme/web, env: [{{name: URL, value: '{URL}'}}]}}",
)
FILES = repository({"web.yaml": WEB}, {"kustomization.yaml": "resources: [../../base]\n"})
TYPO = CONFIG.replace("pooler: pg-pooler", "pooler: pg-poler")


def told(trial: Trial) -> list[str]:
    found = trial.plan("dev").findings
    return [f"{one.message}; {one.hint}" for one in found if one.code == "RP201"]


def test_x17_a_pooler_that_is_not_there_stands_in_the_way_though_nobody_is_pooled(
    tmp_path: Path,
) -> None:
    trial = Trial(tmp_path, FILES, config=TYPO)

    (row,) = trial.plan("dev").consumers

    assert (row.route, row.new) == ("direct", DEV_DIRECT)
    assert "is not there" in " ".join(row.reasons)
    (finding,) = told(trial)
    assert "the pooled host `pg-poler.shop-dev.svc.cluster.local`" in finding
    assert "did you mean `pg-pooler.shop-dev`?" in finding


def test_x17_it_is_told_once_where_somebody_is_pooled_too(tmp_path: Path) -> None:
    api = WEB.replace("name: web", "name: api").replace("?search_path=sales", "")
    files = repository(
        {"web.yaml": WEB, "api.yaml": api}, {"kustomization.yaml": "resources: [../../base]\n"}
    )

    assert len(told(Trial(tmp_path, files, config=TYPO))) == 1


def test_nobody_asks_for_a_pooler_where_everybody_was_sent_direct(tmp_path: Path) -> None:
    direct = TYPO + "consumers: {web: {route: direct}}\n"

    assert told(Trial(tmp_path / "direct", FILES, config=direct)) == []
    assert told(Trial(tmp_path / "there", FILES)) == []
