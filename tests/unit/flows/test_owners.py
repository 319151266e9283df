"""Scripts that no workload reads: they go with the environment whose server they name."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

_WEB = "containers:\n- name: web\n  image: shop/web:1\n  env: [{name: PGHOST, value: %s}]\n"
_SCRIPT = "#!/bin/sh\npsql -h pg.data-dev shop\n"
_LIVE = "psql -h db.example.com shop\n"


def _moved(root: Path, script: str, environment: str) -> str:
    """The script once one environment is applied."""
    files = repository({}, {"kustomization.yaml": "namespace: shop-{env}\nresources: [web.yaml]\n"})
    files |= {
        f"overlays/{env}/web.yaml": workload("Deployment", "web", _WEB % host)
        for env, host in (("dev", "pg.data-dev"), ("prod", "db.example.com"))
    }
    files |= {"ops/psql.sh": script}
    config = CONFIG.replace("[postgres]", "[pg.data-dev, db.example.com]")
    return Trial(root, files, config=config).apply(environment).get("ops/psql.sh", "")


def test_a_script_for_the_later_environment_is_left_to_it(tmp_path: Path) -> None:
    script = f"#!/bin/sh\n{_LIVE}"
    assert _moved(tmp_path / "dev", script, "dev") == ""
    assert "-h pg-rw.shop-prod.svc.cluster.local" in _moved(tmp_path / "prod", script, "prod")


def test_a_script_for_both_is_moved_line_by_line(tmp_path: Path) -> None:
    both = _SCRIPT + _LIVE
    dev = _moved(tmp_path / "dev", both, "dev")
    assert "-h pg-rw.shop-dev.svc.cluster.local" in dev and dev.endswith(_LIVE)
    prod = _moved(tmp_path / "prod", both, "prod")
    assert prod.startswith(_SCRIPT) and "-h pg-rw.shop-prod.svc.cluster.local" in prod


def test_a_script_that_names_namespaces_is_moved_line_by_line(tmp_path: Path) -> None:
    """The file's first line is no reason to move production's with it."""
    files = repository({"web.yaml": workload("Deployment", "web", _WEB % "postgres")}, {})
    lines = [f"psql -h postgres.shop-{env}.svc shop\n" for env in ("dev", "prod")]
    files |= {"ops/psql.sh": "#!/bin/sh\n" + "".join(lines)}

    for env, other in (("dev", lines[1]), ("prod", lines[0])):
        moved = Trial(tmp_path / env, files).apply(env)["ops/psql.sh"]
        assert f"-h pg-rw.shop-{env}.svc.cluster.local" in moved and other in moved


def test_a_check_of_one_environment_leaves_the_scripts_of_others(tmp_path: Path) -> None:
    """What `plan --env dev` leaves to production is no error of dev's."""
    files = repository({"web.yaml": workload("Deployment", "web", _WEB % "postgres")}, {})
    lines = [f"psql -h postgres.shop-{env}.svc shop\n" for env in ("dev", "prod")]
    trial = Trial(tmp_path, {**files, "ops/psql.sh": "".join(lines)})
    trial.apply("dev")

    def scripts(*names: str) -> list[int]:
        found = [one.location for one in trial.check(*names) if one.code == "RP110"]
        return [one.line for one in found if one is not None and one.path == "ops/psql.sh"]

    assert (scripts("dev"), scripts("prod"), scripts()) == ([], [2], [2])
