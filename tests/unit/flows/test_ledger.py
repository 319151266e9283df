"""The ledger of a real repository: what apply and rollback tell, and what stands after others."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.errors import FileRefused, LockHeld
from repoint.flows import ledger
from repoint.flows.apply import apply_plan
from repoint.flows.noting import note_plan
from repoint.flows.rollback import roll_back
from repoint.flows.standing import planned_content, standing_of
from repoint.model.ledger import Phase
from repoint.model.plan import Op, Plan
from repoint.model.rehearsal import Verdict
from repoint.promotion.content import untouched
from repoint.promotion.lines import LEDGER_PATH
from repoint.promotion.standing import Standing
from tests.unit.flows.hand_plans import (
    DIRECT,
    OLD,
    POOLED,
    Repository,
    change,
    edit,
    host,
    plan_of,
    snapshot,
    swap,
)

DEPLOY = f"image: api:1\nurl: postgres://app:canary-1@{OLD}/app\nhost: {OLD}\n"
SECRET = f"stringData:\n  URL: postgres://app:canary-2@{OLD}/app\n  OTHER: x\n"
CONFIG = "source: {hosts: [postgres]}\ntarget: {cluster: pg, pooler: pg-pooler}\n"


@dataclass(frozen=True)
class Ada:
    """Does everything in the same second."""

    def who(self) -> str:
        return "Ada <ada@example.org>"

    def now(self) -> datetime:
        return datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def small_plan(repository: Repository, fingerprint: str = "f1") -> Plan:
    """An edited file, and one that is created."""
    raw = repository.write("app/deploy.yaml", DEPLOY)
    moves = [
        swap(raw, OLD, POOLED, pointer="/0/url"),
        swap(raw, OLD, POOLED, pointer="/0/host", nth=1),
    ]
    new = edit(Op.CREATE, "", "", after="kind: Patch\n")
    changes = [
        change(repository.root, "app/deploy.yaml", moves),
        change(repository.root, "app/new.yaml", [new]),
    ]
    return plan_of(repository.root, changes, fingerprint)


def sealed_plan(repository: Repository) -> Plan:
    repository.seal("secret.yaml", SECRET, "--indent", "2")
    one = edit(Op.SEALED, '["stringData"]["URL"]', "URL", parts=(host(),))
    return plan_of(repository.root, [change(repository.root, "secret.yaml", [one])], "f9")


def apply(repository: Repository, plan: Plan) -> None:
    apply_plan(plan, repository.tree, repository.store, allow_dirty=True, identity=Ada())


def back(repository: Repository) -> tuple[str, ...]:
    tree, store = repository.tree, repository.store
    return roll_back(("local",), tree, store, identity=Ada()).notes


def stands(repository: Repository, *, with_keys: bool = True) -> Standing:
    store = repository.store if with_keys else None
    return standing_of(repository.tree, "local", ledger.read(repository.tree), store)


def content(repository: Repository) -> str:
    return ledger.content_of(repository.tree, "local", repository.store)


def rewrite(repository: Repository, path: str, before: str, after: str) -> None:
    target = repository.root / path
    text = target.read_text()
    assert before in text
    target.write_text(text.replace(before, after))


def sops_set(repository: Repository, path: str, pointer: str, value: str) -> None:
    """A colleague changes a sealed value."""
    raw = (repository.root / path).read_bytes()
    (repository.root / path).write_bytes(repository.store.set_value(path, raw, pointer, value))


def test_reading_and_having_nothing_to_add_writes_nothing(repository: Repository) -> None:
    assert ledger.read(repository.tree) == ()
    ledger.append(repository.tree)
    assert ledger.content_of(repository.tree, "local") == untouched("local")
    assert list(repository.root.iterdir()) == []


def test_a_record_tells_who_when_by_which_tool_and_settings(repository: Repository) -> None:
    repository.write("repoint.yaml", CONFIG)
    entry = ledger.entry_of(
        *(repository.tree, Ada(), "local", Phase.SOAKED, Verdict.PASS),
        content="c" * 64,
        detail="two pools",
        overrides=("data: there is none yet",),
        seconds=1800.0,
    )
    ledger.append(repository.tree, entry)
    (one,) = ledger.read(repository.tree)
    assert (one.who, one.at, one.phase) == (Ada().who(), Ada().now(), Phase.SOAKED)
    assert (one.content, one.detail, one.seconds) == ("c" * 64, "two pools", 1800.0)
    assert one.overrides == ("data: there is none yet",)
    assert len(one.settings) == 64 and one.tool
    rewrite(repository, "repoint.yaml", "pg-pooler", "pg-other")
    assert ledger.settings_now(repository.tree) != one.settings
    repository.write("repoint.yaml", "source: [")
    assert ledger.settings_now(repository.tree) == ""


def test_many_at_once_lose_no_line(repository: Repository) -> None:
    def add(number: int) -> None:
        tree = FileTree(repository.root)
        add_line(tree, str(number))

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(add, range(12)))
    read = ledger.read(repository.tree)
    assert sorted(int(one.detail) for one in read) == list(range(12))
    assert len({one.at for one in read}) == 12


def test_a_lock_that_stays_is_an_error(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("repoint.flows.patience._TRIES", 2)
    with repository.tree.locked("apply"), pytest.raises(LockHeld):
        add_line(repository.tree)


def test_the_content_is_the_same_before_apply_and_after_it(repository: Repository) -> None:
    plan = small_plan(repository)
    planned = planned_content(repository.tree, plan, "local", ())
    note_plan(plan, repository.tree, Ada())
    note_plan(plan, repository.tree, Ada())
    apply(repository, plan)

    made, applied = ledger.read(repository.tree)
    assert (made.phase, made.content, made.detail) == (Phase.PLANNED, planned, "2 files")
    assert (applied.phase, applied.plan) == (Phase.APPLIED, "f1")
    assert content(repository) == planned != untouched("local")
    again = planned_content(repository.tree, plan, "local", (made, applied))
    assert again == planned


def test_two_plans_one_after_another_are_another_content(repository: Repository) -> None:
    apply(repository, small_plan(repository))
    first = content(repository)
    raw = repository.write("app/worker.yaml", f"host: {OLD}\n")
    second = plan_of(
        repository.root,
        [change(repository.root, "app/worker.yaml", [swap(raw, OLD, DIRECT)])],
        "f2",
    )
    planned = planned_content(repository.tree, second, "local", ledger.read(repository.tree))
    apply(repository, second)
    assert content(repository) == planned != first


def test_a_plan_laid_over_another_is_no_drift(repository: Repository) -> None:
    apply(repository, small_plan(repository))
    raw = (repository.root / "app/deploy.yaml").read_bytes()
    later = swap(raw, POOLED, DIRECT, pointer="/0/url")
    again = plan_of(repository.root, [change(repository.root, "app/deploy.yaml", [later])], "f2")
    apply(repository, again)
    assert stands(repository).verdict is Verdict.PASS


def test_rollback_brings_back_the_bytes_and_the_ledger_stays(repository: Repository) -> None:
    plan = small_plan(repository)
    before = snapshot(repository.root)
    apply(repository, plan)
    applied = content(repository)
    back(repository)

    after = snapshot(repository.root)
    raw = after.pop(LEDGER_PATH)
    assert after == before and raw is not None
    first, second = ledger.read(repository.tree)
    assert (first.phase, second.phase) == (Phase.APPLIED, Phase.TAKEN_BACK)
    assert second.content == applied and second.at > first.at
    assert content(repository) == untouched("local")
    back(repository)
    assert snapshot(repository.root)[LEDGER_PATH] == raw

    apply(repository, plan)
    assert content(repository) == applied
    longer = snapshot(repository.root)[LEDGER_PATH]
    assert longer is not None and longer.startswith(raw)


def test_the_ledger_changes_no_plan_and_is_no_file_of_it(repository: Repository) -> None:
    plan = small_plan(repository)
    apply(repository, plan)
    apply(repository, plan)
    assert len(ledger.read(repository.tree)) == 1
    assert LEDGER_PATH not in repository.tree.paths()


def test_a_broken_ledger_stops_apply_before_it_writes(repository: Repository) -> None:
    plan = small_plan(repository)
    repository.write(LEDGER_PATH, "<<<<<<< HEAD\n")
    before = snapshot(repository.root)
    with pytest.raises(FileRefused, match="line 1 is a marker"):
        apply(repository, plan)
    assert snapshot(repository.root) == before


def test_a_broken_ledger_does_not_stop_the_way_back(repository: Repository) -> None:
    plan = small_plan(repository)
    apply(repository, plan)
    broken = (repository.root / LEDGER_PATH).read_bytes() + b"=======\n"
    repository.write(LEDGER_PATH, broken)
    (note,) = back(repository)
    assert "the ledger does not tell of this rollback" in note and "line 2" in note
    assert (repository.root / "app/deploy.yaml").read_text() == DEPLOY
    assert (repository.root / LEDGER_PATH).read_bytes() == broken


def test_other_lines_of_a_file_may_change(repository: Repository) -> None:
    apply(repository, small_plan(repository))
    applied = content(repository)
    rewrite(repository, "app/deploy.yaml", "image: api:1", "image: api:2\nreplicas: 3")
    found = stands(repository)
    assert (found.verdict, found.why) == (Verdict.PASS, "")
    assert found.edited == ("app/deploy.yaml",)
    assert content(repository) == applied


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        pytest.param(f"host: {POOLED}", "host: elsewhere", "was changed since", id="other host"),
        pytest.param(f"host: {POOLED}", f"host: {OLD}", "is gone already", id="set back"),
        pytest.param(f"host: {POOLED}\n", "", "is gone already", id="line removed"),
    ],
)
def test_a_value_that_changed_is_drift(
    repository: Repository, before: str, after: str, told: str
) -> None:
    apply(repository, small_plan(repository))
    rewrite(repository, "app/deploy.yaml", before, after)
    found = stands(repository)
    assert found.verdict is Verdict.FAIL and told in found.why
    assert content(repository) == ""


@pytest.mark.parametrize("path", ["app/deploy.yaml", "app/new.yaml"])
def test_a_file_that_is_gone_is_drift(repository: Repository, path: str) -> None:
    apply(repository, small_plan(repository))
    (repository.root / path).unlink()
    found = stands(repository)
    assert (found.verdict, found.why) == (Verdict.FAIL, f"`{path}` is gone already")


def test_a_created_file_that_changed_is_drift(repository: Repository) -> None:
    apply(repository, small_plan(repository))
    rewrite(repository, "app/new.yaml", "kind: Patch", "kind: Other")
    assert stands(repository).verdict is Verdict.FAIL


def test_a_sealed_file_is_judged_by_its_values(repository: Repository) -> None:
    apply(repository, sealed_plan(repository))
    assert stands(repository, with_keys=False).verdict is Verdict.PASS
    applied = content(repository)

    sops_set(repository, "secret.yaml", '["stringData"]["OTHER"]', "y")
    blind = stands(repository, with_keys=False)
    assert (blind.verdict, ledger.content_of(repository.tree, "local")) == (Verdict.UNKNOWN, "")
    assert "is sealed" in blind.why
    assert stands(repository).verdict is Verdict.PASS
    assert content(repository) == applied

    moved = f"postgres://app:canary-3@{DIRECT}/app"
    sops_set(repository, "secret.yaml", '["stringData"]["URL"]', moved)
    found = stands(repository)
    assert found.verdict is Verdict.FAIL and "canary" not in found.why


def test_a_receipt_that_no_ledger_tells_of_is_a_content_of_its_own(repository: Repository) -> None:
    plan = small_plan(repository)
    planned = planned_content(repository.tree, plan, "local", ())
    apply_plan(plan, repository.tree, repository.store, allow_dirty=True)
    assert content(repository) not in ("", planned, untouched("local"))
    assert stands(repository).is_applied


def test_git_merges_two_ledgers_by_the_line_that_is_suggested(repository: Repository) -> None:
    root = repository.root
    git(root, "init", "--quiet")
    repository.write(".gitattributes", f"{LEDGER_PATH} merge=union\n")
    one(repository, "begin")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "begin")
    git(root, "checkout", "--quiet", "-b", "theirs")
    one(repository, "theirs")
    git(root, "commit", "--quiet", "--all", "--message", "theirs")
    git(root, "checkout", "--quiet", "-")
    one(repository, "ours")
    git(root, "commit", "--quiet", "--all", "--message", "ours")
    git(root, "merge", "--quiet", "--no-edit", "theirs")
    read = ledger.read(repository.tree)
    assert sorted(entry.detail for entry in read) == ["begin", "ours", "theirs"]


def one(repository: Repository, detail: str) -> None:
    add_line(repository.tree, detail)


def add_line(tree: FileTree, detail: str = "") -> None:
    entry = ledger.entry_of(tree, Ada(), "local", Phase.VERIFIED, Verdict.PASS, detail=detail)
    ledger.append(tree, entry)


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True)
