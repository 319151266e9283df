"""A URL's mode as its reader takes it: SQLAlchemy's drivers have their own, Ecto has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.planning.small_repository import CONFIG, POOLED, Trial, repository, workload


def _patch(root: Path, url: str) -> str:
    text = workload(
        "Deployment",
        "web",
        "containers:\n- name: web\n  image: shop/web:1\n  env:\n"
        f"  - name: DATABASE_URL\n    value: {url}\n",
    )
    config = CONFIG.replace("pooler: pg-pooler", "pooler: pg-pooler, sslmode: require")
    trial = Trial(root, repository({"web.yaml": text}, {}), config=config)
    return trial.apply("dev")["overlays/dev/web-dev-patch.yaml"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("postgresql+asyncpg://app@postgres/shop", "?ssl=require"),
        ("postgresql+asyncpg://app@postgres/shop?ssl=disable", "?ssl=require"),
        ("postgresql+asyncpg://app@postgres/shop?ssl=verify-full", "?ssl=verify-full"),
        ("postgresql+pg8000://app@postgres/shop", ""),
        ("postgresql+psycopg://app@postgres/shop", "?sslmode=require"),
        ("postgresql://app@postgres/shop", "?sslmode=require"),
        ("ecto://app@postgres/shop", ""),
        ("ecto://app@postgres/shop?ssl=true", "?ssl=true"),
    ],
)
def test_the_mode_is_spelled_as_the_driver_takes_it(
    tmp_path: Path, before: str, after: str
) -> None:
    scheme = before.partition("://")[0]
    host = POOLED.replace("{env}", "dev")
    assert f"{scheme}://app@{host}/shop{after}\n" in _patch(tmp_path, before).replace('"', "")
