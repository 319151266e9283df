"""What check tells of values that stay, and whose a clear-text password is."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Severity
from tests.unit.planning.small_repository import CONFIG, Trial, repository, workload

URL = "  env:\n  - {name: DATABASE_URL, value: postgres://shop@postgres/shop}\n"
WEB = "containers:\n- name: web\n  image: shop/web:1\n" + URL
TOOL = "containers:\n- name: tool\n  image: shop/tool:1\n" + URL
NAMED = {"web": WEB, "tool": TOOL}


def _old(root: Path, files: dict[str, str], choice: str) -> list[tuple[str, Severity]]:
    config = f"{CONFIG}consumers: {{{choice}: {{route: unchanged}}}}\n"
    found = Trial(root, files, config=config).check("dev")
    return [(one.consumer, one.severity) for one in found if one.code == "RP110"]


def test_what_repoint_yaml_keeps_at_the_source_is_a_note(tmp_path: Path) -> None:
    both = {name: workload("Deployment", name, text) for name, text in NAMED.items()}
    files = repository({f"{name}.yaml": text for name, text in both.items()}, {})
    assert _old(tmp_path, files, "tool") == [
        ("Deployment/shop-dev/web/web", Severity.ERROR),
        ("Deployment/shop-dev/tool/tool", Severity.NOTE),
    ]


def test_so_is_a_file_that_it_keeps(tmp_path: Path) -> None:
    files = repository({}, {}) | {"bin/look.sh": "psql -h postgres.shop-dev.svc shop\n"}
    path = "bin/look.sh"
    assert [severity for _, severity in _old(tmp_path / "kept", files, path)] == [Severity.NOTE]
    assert [severity for _, severity in _old(tmp_path / "not", files, "base/targets.yaml")] == [
        Severity.ERROR
    ]


SOPS = "creation_rules:\n- {path_regex: ^secrets/, encrypted_regex: ^stringData$}\n"
SECRET = (
    "apiVersion: v1\nkind: Secret\nmetadata: {name: db}\n"
    "stringData: {url: 'postgres://shop:canary-s@postgres/shop'}\n"
)


@pytest.mark.parametrize(
    ("places", "home"),
    [
        ({"dev": "secrets/dev", "prod": "secrets/prod"}, "dev"),
        ({"dev": "secrets", "prod": "secrets/prod"}, "dev"),
        ({"dev": "secrets", "prod": "secrets"}, ""),
        ({"dev": "secrets/other", "prod": "secrets"}, "prod"),
    ],
)
def test_a_password_that_should_be_sealed_is_of_the_environment_whose_file_it_is_in(
    tmp_path: Path, places: dict[str, str], home: str
) -> None:
    config = CONFIG
    for name, place in places.items():
        config = config.replace(f"overlays/{name}}}", f"overlays/{name}, secrets: {place}}}")
    files = repository({}, {}) | {".sops.yaml": SOPS, "secrets/dev/db.yaml": SECRET}
    files["secrets/prod/db.yaml"] = SECRET.replace("url: 'postgres://shop:canary-s@", "url: '")
    files["secrets/other/none.yaml"] = "kind: ConfigMap\n"
    trial = Trial(tmp_path, files, config=config)

    for name in ("dev", "prod"):
        wanted = [home] if home in ("", name) else []
        for told in (trial.check(name), trial.plan(name).findings):
            assert [one.environment for one in told if one.code == "RP301"] == wanted
