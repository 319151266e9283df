"""Rows 4.1, 4.2 and P4: a second way beside the old one, in the file's own words."""

from __future__ import annotations

import pytest

from repoint.planning.local_development import atlas_edits, makefile_edits, makefiles_for
from repoint.planning.overlay_edits import PlannedEdit
from repoint.planning.splice import apply_edits

DIRECT = "shop-postgres-rw.shop.svc.cluster.local"


def applied(path: str, text: str, edits: tuple[PlannedEdit, ...]) -> str:
    return apply_edits(path, text.encode(), [one.edit for one in edits]).decode()


ATLAS = """\
# who runs this? make migrate-up
env "local" {
  url = "postgres://shop:canary-a@localhost:5432/shop?search_path=app&sslmode=disable" # mine
  migration {
    dir = "file://migrations"
  }
}

env "prod" {
  migration { dir = "file://migrations" }
}
"""


def test_row_4_1_adds_an_environment_and_keeps_the_others() -> None:
    edits, name = atlas_edits("atlas.hcl", ATLAS, DIRECT, "require")
    after = applied("atlas.hcl", ATLAS, edits)

    assert name == "local_cnpg"
    head, added, tail = after.partition('\n# The "local_cnpg"')
    assert ATLAS.startswith(head)
    assert f"shop:canary-a@{DIRECT}:5432/shop?search_path=app&sslmode=require" in added + tail
    assert after.replace(after[len(head) : after.index('\nenv "prod"')], "") == ATLAS
    assert not any("canary" in repr(one) for one in edits)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('env "prod" {\n  url = "postgres://a:b@db/x"\n}\n', id="no local environment"),
        pytest.param('env "local" {\n  url = var.url\n}\n', id="no literal connection string"),
        pytest.param(ATLAS + f'env "x" {{\n  url = "postgres://a@{DIRECT}/s"\n}}\n', id="has one"),
        pytest.param(ATLAS + 'env "local_cnpg" {\n}\n', id="the name is taken"),
        pytest.param(
            'env "local" {\n  url = "postgres://a@h1/x"\n  dev = "postgres://a@h2/x"\n}\n',
            id="two connection strings in one block",
        ),
        pytest.param('# env "local" {\n', id="a comment"),
        pytest.param('env "local" {\n  url = "postgres://a@localhost/x"\n', id="not closed"),
    ],
)
def test_row_4_1_leaves_alone(text: str) -> None:
    assert atlas_edits("atlas.hcl", text, DIRECT, "require") == ((), "")


def test_row_4_1_keeps_line_ends_and_a_stronger_sslmode() -> None:
    text = 'env "dev" {\r\n  url = "postgres://a@localhost:15432/x?sslmode=verify-ca"\r\n}\r\n'
    edits, name = atlas_edits("atlas.hcl", text, DIRECT, "require")
    after = applied("atlas.hcl", text, edits)

    assert name == "dev_cnpg"
    assert "\n" not in after.replace("\r\n", "")
    assert f"@{DIRECT}:5432/x?sslmode=verify-ca" in after


MAKE = """\
.PHONY: db
db: ## Start PostgreSQL
\tdocker run -d postgres

.PHONY: migrate-up
migrate-up: db tools ## Apply migrations (local development)
\tatlas migrate apply --env local

.PHONY: migrate-status
migrate-status:
\tatlas migrate status \\
\t  --env=local

lint:
\tatlas migrate lint --env local
"""

ADDED = """\

# CNPG migration targets
.PHONY: migrate-up-cnpg
migrate-up-cnpg: tools ## Apply migrations on the CNPG cluster (local development)
\tatlas migrate apply --env local_cnpg

.PHONY: migrate-status-cnpg
migrate-status-cnpg:
\tatlas migrate status \\
\t  --env=local_cnpg
"""


def test_row_4_2_repeats_targets_with_their_phony_and_help_lines() -> None:
    after = applied("Makefile", MAKE, makefile_edits("Makefile", MAKE, "local", "local_cnpg"))

    assert after == MAKE.replace("\t  --env=local\n", "\t  --env=local\n" + ADDED)


def test_row_4_2_adds_to_a_phony_list_in_one_place() -> None:
    text = ".PHONY: all up \\\n  test\nall: up\nup:\n\tatlas migrate apply --env local\n"
    after = applied("Makefile", text, makefile_edits("Makefile", text, "local", "local_cnpg"))

    assert after.startswith(".PHONY: all up up-cnpg \\\n  test\nall: up\nup:\n")
    assert after.endswith("\nup-cnpg:\n\tatlas migrate apply --env local_cnpg\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("up:\n\tatlas migrate apply --env prod\n", id="another environment"),
        pytest.param("up:\n\tatlas migrate apply --env local-ci\n", id="a longer name"),
        pytest.param("up:\n\tatlas migrate new x --env local\n", id="no apply or status"),
        pytest.param("# atlas migrate apply --env local\n", id="a comment"),
        pytest.param("up := atlas migrate apply --env local\n", id="a variable"),
        pytest.param(
            "up:\n\tatlas migrate apply --env local\nup-cnpg:\n\ttrue\n", id="there already"
        ),
    ],
)
def test_row_4_2_leaves_alone(text: str) -> None:
    assert makefile_edits("Makefile", text, "local", "local_cnpg") == ()


def test_makefiles_beside_and_above_the_atlas_file_are_looked_at() -> None:
    paths = ("Makefile", "backend/Makefile", "web/Makefile", "backend/db/atlas.hcl")

    assert makefiles_for("backend/db/atlas.hcl", paths) == ("Makefile", "backend/Makefile")
