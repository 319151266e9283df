"""HCL with several blocks of one name: each is edited as itself."""

from __future__ import annotations

from pathlib import Path

from tests.unit.planning.small_repository import CONFIG, Trial, repository

BLOCKS = "".join(
    f'connection {{\n  url = "postgres://{role}@postgres.shop-dev.svc/shop"\n}}\n'
    for role in ("one", "two", "three")
)


def test_every_block_gets_the_same_edits(tmp_path: Path) -> None:
    config = f"{CONFIG}consumers:\n  tools/main.hcl: {{purpose: migration}}\n"
    files = repository({}, {}) | {"tools/main.hcl": BLOCKS}
    after = Trial(tmp_path, files, config=config).apply("dev")["tools/main.hcl"]
    for role in ("one", "two", "three"):
        assert f"{role}@pg-rw.shop-dev.svc.cluster.local/shop?sslmode=require" in after
