"""The laws on the worked example: twice is once, back is exact, others stay as they were."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.lock import held
from repoint.adapters.sops import Sops
from repoint.errors import ExitCode
from repoint.flows.apply import apply_plan
from repoint.flows.rollback import roll_back
from repoint.model.plan import Plan
from tests.acceptance.example import ENVIRONMENTS, SECRETS, Checkout

SUBSETS = [
    subset
    for size in range(1, len(ENVIRONMENTS) + 1)
    for subset in itertools.combinations(ENVIRONMENTS, size)
]
each = pytest.mark.parametrize("environment", ENVIRONMENTS)


def apply(checkout: Checkout, plan: Plan, *environments: str) -> None:
    tree = FileTree(checkout.root)
    apply_plan(plan, tree, Sops(tree), environments=environments)


def take_back(checkout: Checkout, *environments: str) -> tuple[str, ...]:
    tree = FileTree(checkout.root)
    return roll_back(environments, tree, Sops(tree)).written


def receipts(checkout: Checkout) -> dict[str, bytes]:
    folder = checkout.root / ".repoint"
    return {path.name: path.read_bytes() for path in folder.rglob("*.json")}


@pytest.fixture
def at_hand(before: Checkout, tmp_path: Path) -> Checkout:
    """A copy of the example to write to."""
    return before.copy(tmp_path / "naytife")


def test_apply_twice_is_apply_once(moved: Checkout, plan_file: Path, tmp_path: Path) -> None:
    again = moved.copy(tmp_path / "again")
    done = again.run("apply", str(plan_file))
    assert (done.stdout, "nothing to write" in done.stderr) == ("", True)
    assert again.files() == moved.files()
    assert receipts(again) == receipts(moved)
    done = again.run("apply", "--yes")  # and a plan made now finds nothing to do either
    assert done.stdout == ""
    assert again.files() == moved.files()


def test_rollback_twice_is_rollback_once(before: Checkout, moved: Checkout, tmp_path: Path) -> None:
    back = moved.copy(tmp_path / "back")
    back.run("rollback", "--yes")
    assert back.files() == before.files()
    assert back.folders() == before.folders()
    once = receipts(back)
    done = back.run("rollback", "--yes")
    assert "nothing to roll back" in done.stderr
    assert back.files() == before.files()
    assert receipts(back) == once
    assert back.git("status", "--porcelain", "--", ".", ":!.repoint") == ""


@pytest.mark.parametrize("subset", SUBSETS, ids="+".join)
def test_every_subset_goes_back_in_every_order(
    before: Checkout, at_hand: Checkout, plan: Plan, subset: tuple[str, ...]
) -> None:
    original, folders = before.files(), before.folders()
    apply(at_hand, plan, *subset)
    applied = at_hand.root.with_name("applied")
    shutil.copytree(at_hand.root, applied)
    for order in itertools.permutations(subset):
        shutil.rmtree(at_hand.root)
        shutil.copytree(applied, at_hand.root)
        for environment in order:
            assert take_back(at_hand, environment)
        assert at_hand.files() == original, order
        assert at_hand.folders() == folders, order


@pytest.mark.parametrize("order", [*itertools.permutations(ENVIRONMENTS)], ids="+".join)
def test_environments_applied_one_by_one_end_where_all_at_once_ends(
    at_hand: Checkout, moved: Checkout, plan: Plan, order: tuple[str, ...]
) -> None:
    original = at_hand.files()
    for environment in order:
        apply(at_hand, plan, environment)
    here, there = at_hand.files(), moved.files()
    assert sorted(here) == sorted(there)
    assert not [path for path in here if path not in SECRETS and here[path] != there[path]]
    for path in SECRETS:
        assert at_hand.opened(path) == moved.opened(path)
    for environment in order:  # the first that moved goes back first
        take_back(at_hand, environment)
    assert at_hand.files() == original


def test_the_promotion_of_a_user_ends_where_all_at_once_ends(
    at_hand: Checkout, moved: Checkout
) -> None:
    """Each environment is planned anew, applied and committed, as a team would."""
    original = at_hand.files()
    for environment in ENVIRONMENTS:
        at_hand.run("apply", "--env", environment, "--yes")
        at_hand.commit(environment)
    here, there = at_hand.files(), moved.files()
    assert sorted(here) == sorted(there)
    assert not [path for path in here if path not in SECRETS and here[path] != there[path]]
    at_hand.run("rollback", "--env", "staging", "--yes")
    at_hand.run("rollback", "--yes")
    assert at_hand.files() == original


@each
def test_one_environment_leaves_the_render_of_the_others_byte_for_byte(
    before: Checkout, at_hand: Checkout, plan: Plan, environment: str
) -> None:
    apply(at_hand, plan, environment)
    for other in ENVIRONMENTS:
        same = at_hand.render(other) == before.render(other)
        assert same is (other != environment), other
    sealed = {path for path in SECRETS if at_hand.text(path) != before.text(path)}
    assert sealed == {path for path, name in SECRETS.items() if name == environment}


@pytest.mark.parametrize("form", ["json", "human", "markdown", "sarif", "gitlab", "diff"])
def test_the_same_input_gives_the_same_plan(before: Checkout, tmp_path: Path, form: str) -> None:
    here = before.run("plan", "--format", form).stdout
    elsewhere = before.copy(tmp_path / "quite" / "another place")
    assert elsewhere.run("plan", "--format", form, start=True).stdout == here
    if form == "json":
        assert before.run("plan", "--format", form, start=True).stdout == here
        assert str(before.root) not in here


def stale_edits() -> Iterator[tuple[str, str]]:
    yield "a planned file", "deploy/overlays/local/backend-local-patch.yaml"
    yield "an input that no edit touches", "deploy/base/backend/service.yaml"
    yield "a sealed file", "deploy/secrets/production/hydra-secret.yaml"
    yield "repoint.yaml", "repoint.yaml"
    yield "source text that was evidence", "backend/internal/db/db.go"


@pytest.mark.parametrize(
    "path", [path for _, path in stale_edits()], ids=[name for name, _ in stale_edits()]
)
def test_a_stale_plan_is_refused_with_status_4(
    at_hand: Checkout, plan_file: Path, path: str
) -> None:
    with (at_hand.root / path).open("a") as file:
        file.write("\n# later\n")
    at_hand.commit("later")
    start = at_hand.files()
    done = at_hand.run("apply", str(plan_file), status=ExitCode.STALE)
    assert f"`{path}`" in done.stderr
    assert "run `repoint plan` again" in done.stderr
    assert at_hand.files() == start


def test_a_file_that_appeared_where_one_was_to_be_made_is_stale(
    at_hand: Checkout, plan_file: Path
) -> None:
    path = "deploy/overlays/staging/hydra-staging-patch.yaml"
    (at_hand.root / path).write_text("# mine\n")
    at_hand.commit("mine")
    done = at_hand.run("apply", str(plan_file), status=ExitCode.STALE)
    assert path in done.stderr
    assert at_hand.text(path) == "# mine\n"


def test_a_dirty_file_is_refused_unless_told(at_hand: Checkout) -> None:
    path = "deploy/overlays/local/backend-local-patch.yaml"
    with (at_hand.root / path).open("a") as file:
        file.write("# not committed\n")
    start = at_hand.files()
    done = at_hand.run("apply", "--env", "local", "--yes", status=ExitCode.REFUSED)
    assert f"`{path}`" in done.stderr and "--allow-dirty" in done.stderr
    assert at_hand.files() == start
    at_hand.run("apply", "--env", "local", "--yes", "--allow-dirty")
    assert at_hand.text(path).endswith("# not committed\n")
    at_hand.run("rollback", "--yes")
    assert at_hand.files() == start


def test_a_dirty_file_of_another_environment_is_no_reason(at_hand: Checkout) -> None:
    with (at_hand.root / "deploy/overlays/local/hydra-local-patch.yaml").open("a") as file:
        file.write("# not committed\n")
    at_hand.run("apply", "--env", "staging", "--yes")


def test_a_held_lock_names_its_holder(at_hand: Checkout, plan_file: Path) -> None:
    start = at_hand.files()
    with held(at_hand.root, "rollback"):
        done = at_hand.run("apply", str(plan_file), status=ExitCode.REFUSED)
    assert "rollback" in done.stderr
    assert str(_own_pid()) in done.stderr
    assert at_hand.files() == start
    at_hand.run("apply", str(plan_file))


def _own_pid() -> int:
    return int(Path("/proc/self").resolve().name)
