"""The library on the example: the same answers as the command line's, and the same laws."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import FrozenInstanceError, is_dataclass
from pathlib import Path
from typing import get_args, get_type_hints

import pytest

import repoint
from repoint.model.knowledge import in_force
from tests.prepared import run

EXAMPLE = Path(__file__).parents[3] / "examples" / "naytife"
RULE = "RP312"


def git(root: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=root, check=True, capture_output=True)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clone of the example with a repoint.yaml, committed; local alone can be opened."""
    folder = tmp_path / "naytife"
    shutil.copytree(EXAMPLE, folder)
    text = repoint.Repository(folder).propose().text
    (folder / "repoint.yaml").write_text(text)
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "all")
    return folder


@pytest.fixture
def opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> repoint.Repository:
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(root / "keys" / "local.txt"))
    return repoint.Repository(root)


def command_line(root: Path, *words: str) -> str:
    return run("-C", str(root), *words).stdout


def test_a_scan_is_the_command_line_s(opened: repoint.Repository) -> None:
    found = opened.scan()
    assert found.to_json() == command_line(opened.root, "scan", "--format", "json")
    assert not found.guessed
    assert {one.purpose for one in found.consumers} >= {"runtime", "migration"}
    some = opened.scan(["local"])
    assert some.to_json() == command_line(
        opened.root, *("scan", "--env", "local", "--format", "json")
    )
    assert len(some.sites) < len(found.sites)
    assert opened.scan("local") == some


def test_without_a_configuration_one_is_guessed(opened: repoint.Repository) -> None:
    (opened.root / "repoint.yaml").unlink()
    assert opened.scan().guessed
    with pytest.raises(repoint.ConfigError, match="there is no"):
        opened.plan()


def test_a_plan_is_the_command_line_s(opened: repoint.Repository) -> None:
    plan = opened.plan(["local"])
    assert plan.to_json() == command_line(
        opened.root, *("plan", "--env", "local", "--format", "json")
    )
    assert plan.applicable and plan.changes
    assert repoint.Plan.from_json(plan.to_json()) == plan
    assert repoint.Plan.from_json(plan.to_json().encode()) == plan


def test_a_check_is_the_command_line_s(opened: repoint.Repository) -> None:
    told = opened.check(["local"])
    assert told.to_json() == command_line(
        opened.root, *("check", "--env", "local", "--format", "json")
    )
    assert not told.passed and told.findings[0].severity is repoint.Severity.ERROR


def test_there_and_back(opened: repoint.Repository) -> None:
    before = {p: p.read_bytes() for p in opened.root.rglob("*.yaml") if ".git" not in p.parts}
    plan = opened.plan(["local"])
    done = opened.apply(plan)
    assert done.environments == ("local",)
    assert set(done.written) == {change.path for change in plan.changes}
    assert json.loads(done.to_json())["written"] == sorted(done.written)
    assert any(path.read_bytes() != raw for path, raw in before.items())
    assert opened.apply(plan).written == ()
    back = opened.rollback(["local"])
    assert (back.environments, back.inexact) == (("local",), ())
    assert set(json.loads(back.to_json())["written"]) == set(done.written)
    assert {p: p.read_bytes() for p in before} == before
    assert opened.recover() == "" and opened.rollback().environments == ()
    assert opened.rollback(["staging"]).environments == ()
    with pytest.raises(repoint.UsageError, match="there is no environment `prod`"):
        opened.rollback(["local", "prod"])


def test_a_stale_plan_is_refused(opened: repoint.Repository) -> None:
    plan = opened.plan(["local"])
    path = opened.root / plan.changes[0].path
    path.write_bytes(path.read_bytes() + b"# later\n")
    with pytest.raises(repoint.StalePlan) as caught:
        opened.apply(plan)
    assert caught.value.code == "RP401" and caught.value.hints


def test_a_plan_with_a_finding_in_its_way_is_refused(root: Path) -> None:
    here = repoint.Repository(root)
    plan = here.plan(["production"])
    assert not plan.applicable and plan.blocking[0].code == RULE
    with pytest.raises(repoint.PlanBlocked, match=RULE):
        here.apply(plan)


def test_a_gate_of_the_configuration_holds(opened: repoint.Repository) -> None:
    with (opened.root / "repoint.yaml").open("a") as file:
        file.write("gates: {apply: [rehearsed]}\n")
    with pytest.raises(repoint.GateClosed):
        opened.apply(opened.plan(["local"]), allow_dirty=True)


def test_a_plan_from_elsewhere_is_not_believed(opened: repoint.Repository) -> None:
    text = opened.plan(["local"]).to_json()
    with pytest.raises(repoint.UsageError):
        repoint.Plan.from_json(text.replace('"path": "deploy/', '"path": "../deploy/'))
    with pytest.raises(repoint.UsageError):
        repoint.Plan.from_json("{}")


SAID = repoint.Knowledge(
    tools=(repoint.Tool("ours", repoint.Purpose.ADMIN, images=("naytife/backend*",)),)
)


def test_what_the_caller_knows(opened: repoint.Repository) -> None:
    knowing = repoint.Repository(opened.root, knowledge=SAID)
    plain, told = opened.scan(["local"]), knowing.scan(["local"])
    assert not any("says the caller" in line for c in plain.consumers for line in c.evidence)
    assert any("says the caller" in line for c in told.consumers for line in c.evidence)
    assert in_force().is_empty


def test_a_plan_made_with_other_knowledge_is_stale(opened: repoint.Repository) -> None:
    knowing = repoint.Repository(opened.root, knowledge=SAID)
    mine, theirs = opened.plan(["local"]), knowing.plan(["local"])
    assert mine.fingerprint != theirs.fingerprint
    with pytest.raises(repoint.StalePlan, match="installed packages"):
        opened.apply(theirs)
    with pytest.raises(repoint.StalePlan, match="installed packages"):
        knowing.apply(mine)
    assert knowing.apply(theirs).written


def test_a_file_with_knowledge_is_an_input(opened: repoint.Repository) -> None:
    known = opened.root / "known.yaml"
    known.write_text("tools: [{name: ours, purpose: admin, images: [naytife/backend*]}]\n")
    with (opened.root / "repoint.yaml").open("a") as file:
        file.write("knowledge: {files: [known.yaml]}\n")
    plan = opened.plan(["local"])
    assert "known.yaml" in {one.path for one in plan.inputs}
    known.write_text("tools: []\n")
    with pytest.raises(repoint.StalePlan, match=r"known\.yaml"):
        opened.apply(plan, allow_dirty=True)


def test_an_error_tells_its_place(root: Path) -> None:
    (root / "repoint.yaml").write_text(
        "source: {hosts: [a]}\ntarget: {cluster: c, pooler: p}\nknowlege: {}\n"
    )
    with pytest.raises(repoint.ConfigError) as caught:
        repoint.Repository(root).scan()
    assert caught.value.place == ("repoint.yaml", 3)
    assert caught.value.hints == ("did you mean `knowledge`?",)
    assert repoint.RepointError("`a` is no folder").place is None


def test_knowledge_that_cannot_be_is_refused(root: Path) -> None:
    wrong = repoint.Knowledge(tools=(repoint.Tool("x", repoint.Purpose.ADMIN),))
    with pytest.raises(repoint.ConfigError, match="`the caller`: `x` has neither"):
        repoint.Repository(root, knowledge=wrong)


def test_threads_do_not_meet(opened: repoint.Repository) -> None:
    knowing = repoint.Repository(opened.root, knowledge=SAID)
    alone = [one.scan(["local"]).to_json() for one in (opened, knowing)]
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(one.scan, ["local"]) for one in (opened, knowing) * 2]
        assert [one.result().to_json() for one in asked] == alone * 2


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(repoint.UsageError, match="is no folder"):
        repoint.Repository(tmp_path / "gone")


def test_values_do_not_change(opened: repoint.Repository) -> None:
    found = opened.scan()
    with pytest.raises(FrozenInstanceError):
        found.root = ""  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong", [lambda here: here.scan(["prod"]), lambda here: here.plan("prod")]
)
def test_an_environment_that_is_none(
    opened: repoint.Repository, wrong: Callable[[repoint.Repository], object]
) -> None:
    with pytest.raises(repoint.UsageError, match="no environment `prod`"):
        wrong(opened)


def test_rules() -> None:
    rules = repoint.all_rules()
    assert len({rule.code for rule in rules}) == len(rules) > 50
    assert repoint.explain(rules[0].code.lower()) == rules[0].page()
    with pytest.raises(repoint.UsageError):
        repoint.explain("RP000")


def test_every_public_name_is_there_and_documented() -> None:
    assert set(repoint.__all__) <= set(dir(repoint))
    for name in repoint.__all__:
        value = getattr(repoint, name)
        assert name.isupper() or name == "__version__" or value.__doc__, name
    with pytest.raises(AttributeError, match="no attribute `Repositry`"):
        repoint.Repositry  # type: ignore[attr-defined]  # noqa: B018


def test_every_type_that_a_public_value_holds_is_public() -> None:
    public = {getattr(repoint, name) for name in repoint.__all__}
    hidden = {}
    for value in public:
        for name, told in _annotations(value).items():
            for one in _types_in(told):
                if one.__module__.startswith("repoint") and one not in public:
                    hidden[f"{value.__name__}.{name}"] = one
    assert hidden == {}


def _annotations(value: object) -> dict[str, object]:
    return get_type_hints(value) if isinstance(value, type) and is_dataclass(value) else {}


def _types_in(told: object) -> Iterator[type]:
    if isinstance(told, type) and not get_args(told):
        yield told
    for inner in get_args(told):
        yield from _types_in(inner)
