"""The example before and after the move: made once for each worker, never written to by a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.model.plan import Plan
from repoint.planning.codec import decode_plan
from tests.acceptance.example import EXAMPLE, VARIANTS, Checkout, checkout


@pytest.fixture(autouse=True)
def no_keys_but_ours(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what runs inside the test process open the example's secrets too."""
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", str(keys))


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The keys of all environments in one file."""
    path = tmp_path_factory.mktemp("keys") / "all.txt"
    path.write_text("".join(one.read_text() for one in sorted(EXAMPLE.glob("keys/*.txt"))))
    return path


@pytest.fixture(scope="session")
def before(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Checkout:
    """The example with a `repoint.yaml` that `repoint init` wrote."""
    made = checkout(EXAMPLE, tmp_path_factory.mktemp("before") / "naytife", keys)
    made.run("init")
    made.commit("repoint init")
    return made


@pytest.fixture(scope="session")
def plan_file(before: Checkout, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The plan of all environments, as `repoint plan --output` writes it."""
    path = tmp_path_factory.mktemp("plan") / "plan.json"
    before.run("plan", "--output", str(path))
    return path


@pytest.fixture(scope="session")
def plan(plan_file: Path) -> Plan:
    """The plan of all environments."""
    return decode_plan(plan_file.read_bytes())


@pytest.fixture(scope="session")
def moved(before: Checkout, plan_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Checkout:
    """The example after the plan was applied to all environments."""
    made = before.copy(tmp_path_factory.mktemp("moved") / "naytife")
    made.run("apply", str(plan_file))
    return made


@pytest.fixture
def variant(tmp_path: Path, keys: Path, request: pytest.FixtureRequest) -> Checkout:
    """A variant, named by the test's `variant` parameter, with a `repoint.yaml`."""
    made = checkout(VARIANTS / request.param, tmp_path / "repository", keys)
    if not (made.root / "repoint.yaml").exists():
        made.run("init")
        made.commit("repoint init")
    return made
