"""Proofs that earlier runs made, with the real kubectl."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kept_results import UserResults
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.runner import find_tool
from repoint.flows.planning import make_plan
from repoint.flows.workspace import Workspace
from repoint.model.plan import OverlayProof
from repoint.planning.config import load_config
from tests.unit.planning.small_repository import Trial, repository, workload

APP = """
containers:
  - name: app
    image: app:1
    env:
      - {name: DATABASE_URL, value: "postgresql://app@postgres:5432/app"}
"""


class World:
    """A repository with two environments, a place for proofs, and a count of the builds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        files = repository({"app.yaml": workload("Deployment", "app", APP)}, {})
        self.trial = Trial(folder / "repository", files)
        self.log = folder / "starts"
        self.program = "p"

    @property
    def root(self) -> Path:
        """Where the repository is."""
        return self.trial.root

    def prove(self) -> tuple[tuple[OverlayProof, ...], int]:
        """The proofs of a plan as another process makes it, and how many builds it took."""
        self.log.write_text("")
        tree, config = FileTree(self.root), load_config(self.trial.config)
        work = Workspace(
            *(str(self.root), tree, config, self.trial.config, Nothing(), Kustomize(tree)),
            progress=Nothing(),
            kept=UserResults(self.folder, self.program),
        )
        plan = make_plan(work)
        assert plan == make_plan(replace(work, kept=None, tree=FileTree(self.root)))
        return plan.proofs, self.log.read_text().count("kustomize") - self.plain

    @property
    def plain(self) -> int:
        """The builds without kept proofs: both overlays, before and after."""
        return 4


class Nothing:
    """Opens nothing, and tells nothing."""

    def decrypt(self, path: str) -> bytes:
        """Nothing is sealed here."""
        raise AssertionError(path)

    def prefetch(self, paths: object) -> None:
        """Nothing to open."""

    def step(self, label: str, total: int | None = None) -> None:
        """Begin a step."""

    def advance(self, count: int = 1) -> None:
        """Go on."""

    def at(self, place: str) -> None:
        """Here."""


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    """A world whose builds are counted."""
    counting = tmp_path / "kubectl"
    log, kubectl = tmp_path / "starts", find_tool("kubectl")
    counting.write_text(f'#!/bin/sh\necho "$1" >>"{log}"\nexec "{kubectl}" "$@"\n')
    counting.chmod(0o755)
    monkeypatch.setenv("REPOINT_KUBECTL", str(counting))
    return World(tmp_path)


def test_nothing_is_built_again_for_the_same_plan(world: World) -> None:
    first, builds = world.prove()
    assert builds == 4
    assert {proof.method for proof in first} == {"render", "untouched"}

    again, builds = world.prove()
    assert (again, builds) == (first, 0)


@pytest.mark.parametrize(
    ("path", "text", "builds"),
    [
        ("base/app.yaml", "# more\n", 4),
        ("overlays/dev/kustomization.yaml", "commonAnnotations: {a: b}\n", 2),
        ("elsewhere.yaml", "a: b\n", 0),
    ],
)
def test_what_reads_a_changed_file_is_built_again(
    world: World, path: str, text: str, builds: int
) -> None:
    world.prove()
    with (world.root / path).open("a") as file:
        file.write(text)
    assert world.prove()[1] == builds


def test_another_target_is_another_plan(world: World) -> None:
    world.prove()
    targets = world.root / "base/targets.yaml"
    targets.write_text(targets.read_text().replace("pg-pooler", "pg-gate"))
    assert world.prove()[1] == 4


def test_another_program_or_another_kubectl_proves_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.prove()
    world.program = "q"
    assert world.prove()[1] == 4
    assert world.prove()[1] == 0
    counting = world.folder / "kubectl"
    counting.write_text(counting.read_text() + "\n")
    assert world.prove()[1] == 4


def test_the_environment_of_kubectl_is_part_of_the_question(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of an env file without a value takes it from there."""
    world.prove()
    monkeypatch.setenv("LANG", "other")
    assert world.prove()[1] == 4


def test_a_second_kustomization_beside_is_seen(world: World) -> None:
    """kustomize refuses a folder with two; a copy without the second would not tell."""
    world.prove()
    (world.root / "overlays/dev/Kustomization").write_text("resources: [../../base]\n")
    proofs, _ = world.prove()
    assert next(p for p in proofs if p.overlay == "overlays/dev" and p.applied == "dev").reason


def test_damaged_proofs_are_made_again(world: World) -> None:
    first, _ = world.prove()
    for one in (world.folder / "results").iterdir():
        one.write_bytes(one.read_bytes()[:-2] + b"xx")
    assert world.prove() == (first, 4)
