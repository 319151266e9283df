"""The whole way of a role's default (SP9): plan, apply, kubectl's render, plan again, roll back."""

from __future__ import annotations

from ast import literal_eval
from pathlib import Path

import pytest

from tests.acceptance.example import Checkout, checkout, fields, objects, render
from tests.unit.planning.small_repository import DEV_DIRECT, DEV_POOLED
from tests.unit.planning.test_role_defaults import NEW, PRE_CHECK, trial

STATEMENT = "ALTER ROLE shop IN DATABASE shop SET search_path = 'shop_schema';"
HOST = DEV_POOLED


@pytest.fixture(params=["", PRE_CHECK], ids=["bootstrap", "pre-check"])
def shop(request: pytest.FixtureRequest, tmp_path: Path, keys: Path) -> Checkout:
    """PostgreSQL 17 and a search_path in the URL, without and with a migration's pre-check."""
    trial(tmp_path / "source", job=request.param)
    (tmp_path / "source/repoint.yaml").write_text(NEW)
    return checkout(tmp_path / "source", tmp_path / "repository", keys)


def test_there_and_back(shop: Checkout) -> None:
    before, built = shop.files(), render(shop.root / "overlays/prod")
    plan = shop.json("plan", "--env", "dev")
    routes = {row["name"]: row["route"] for row in plan["consumers"]}
    assert routes["web"] == "pooled"
    shop.run("apply", "--yes", "--env", "dev")

    built_now = fields(render(shop.root / "overlays/dev"))
    texts = {field: str(literal_eval(value)) for field, value in built_now.items()}
    secret = next(value for key, value in texts.items() if "DATABASE_URL" in str(key))
    assert f"{HOST}:5432/shop?sslmode=require" in secret and "search_path" not in secret
    carriers = [value for value in texts.values() if STATEMENT in value]
    assert len(carriers) == 1
    if "psql" in carriers[0]:
        host = DEV_DIRECT
        assert f'psql -h {host} -U shop -d shop -c "{STATEMENT}" || exit 1' in carriers[0]
    assert render(shop.root / "overlays/prod") == built
    assert objects(built)

    shop.commit("repoint apply")
    assert shop.json("plan", "--env", "dev")["changes"] == []
    shop.run("rollback", "--yes")
    assert shop.files() == before
