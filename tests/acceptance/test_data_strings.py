"""Where `repoint data` finds both databases: in what apply replaced, and in what it wrote."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from repoint.adapters.filetree import FileTree
from repoint.cli.options import Session
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress
from repoint.cli.wiring import open_desk
from repoint.flows.comparing.strings import ConnectionString, before_apply, migration_strings
from repoint.flows.comparing.way_back import source_standing
from repoint.model.rehearsal import Verdict
from tests.acceptance.example import NAMESPACE, Checkout, direct, password_of


def strings(checkout: Checkout, environment: str) -> tuple[dict[str, ConnectionString], ...]:
    quiet = Session(checkout.root, Terminal(False, True, 80), StderrProgress(quiet=True))
    with open_desk(quiet, None) as desk:
        earlier = before_apply(desk.workspace, environment, desk.tree, desk.sealed)
        return (
            migration_strings(earlier, environment, None, of_source=True),
            migration_strings(desk.workspace, environment, None, of_source=False),
        )


@pytest.mark.parametrize("environment", ["local", "staging", "production"])
def test_the_migrations_string_is_read_as_it_was_and_as_it_is(
    moved: Checkout, before: Checkout, environment: str
) -> None:
    files = FileTree(moved.root).paths()
    source, target = strings(moved, environment)

    jobs = [name for name in source if name.startswith("Job/")]
    assert len(jobs) == 2 and set(jobs) <= set(target)
    secret = before.secret(f"deploy/secrets/{environment}/backend-secret.yaml")["DATABASE_URL"]
    for job in jobs:
        one, other = source[job], target[job]
        assert "postgres" in one.connection.host.split(".")[0]
        assert other.connection.host == direct(environment)
        assert other.connection.param("sslmode") == "require"
        assert (one.connection.database, one.connection.user) == ("naytifedb", "naytife")
        assert other.namespace.startswith(NAMESPACE[environment].partition("-")[0])
        assert one.password == other.password
        assert one.password.reveal() == unquote(password_of(secret))
        # The local password is `postgres`, a word of the host's name.
        assert environment == "local" or one.password.reveal() not in repr((one, other))
    assert FileTree(moved.root).paths() == files


def test_before_apply_the_target_is_not_known(before: Checkout) -> None:
    source, target = strings(before, "local")

    assert len(source) == 2
    assert target == {}


def test_the_command_says_what_it_does_not_know(before: Checkout, tmp_path: Path) -> None:
    done = before.run("data", "compare", "--env", "local", "--direct", status=1)
    without = before.run("data", "compare", "--env", "local", status=2)

    assert "nothing tells how to log in at the target" in done.stderr
    assert "apply first" in done.stderr
    assert "it is not said which Kubernetes context" in without.stderr


@pytest.mark.parametrize("environment", ["local", "staging", "production"])
def test_each_environments_own_source_is_found_in_its_render(
    moved: Checkout, environment: str
) -> None:
    quiet = Session(moved.root, Terminal(False, True, 80), StderrProgress(quiet=True))
    with open_desk(quiet, None) as desk:
        found = source_standing(desk.workspace, environment)

    # Only the cluster is left to be asked.
    assert found.reasons == ("nobody looked into the cluster",)
    assert found.verdict is Verdict.UNKNOWN
    assert {ref.namespace for ref in found.parts.refs} == {NAMESPACE[environment]}
    assert [ref.kind for ref in found.parts.refs] == [
        "Service",
        "StatefulSet",
        "PersistentVolumeClaim",
    ]
