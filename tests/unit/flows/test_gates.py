"""The gates on a repository: overrides as they are typed, errors that name everything at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from repoint.errors import GateClosed, UsageError
from repoint.flows import ledger
from repoint.flows.gates import check_gates, overrides_of, passed_by, require
from repoint.flows.receipts import digest
from repoint.flows.rehearsing.record import record
from repoint.model.ledger import Entry, Phase
from repoint.model.plan import InputDigest
from repoint.model.rehearsal import REHEARSAL_FORMAT, Rehearsal, Verdict
from repoint.planning.config import Config, load_config
from tests.unit.flows.hand_plans import Repository

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
CONFIG = """
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments: {local: {}, staging: {}}
"""


@pytest.fixture
def config(repository: Repository) -> Config:
    """Two environments and every gate."""
    repository.write("repoint.yaml", CONFIG)
    return load_config(CONFIG)


def entry(repository: Repository, phase: Phase, environment: str, **given: object) -> Entry:
    tree = repository.tree
    base = {
        "id": f"{environment}-{phase}",
        "at": NOW - timedelta(hours=1),
        "who": "Ada",
        "tool": "1",
        "environment": environment,
        "phase": phase,
        "verdict": Verdict.PASS,
        "content": ledger.content_of(tree, environment),
        "settings": ledger.settings_now(tree),
    }
    return Entry(**{**base, **given})  # type: ignore[arg-type]


def moved(repository: Repository) -> None:
    """Local is done, staging ready to be rolled out."""
    done = [
        *((Phase.REHEARSED, "local"), (Phase.ROLLED_OUT, "local")),
        *((Phase.VERIFIED, "local"), (Phase.SOAKED, "local")),
        *((Phase.REHEARSED, "staging"), (Phase.COMPARED, "staging")),
    ]
    entries = [entry(repository, phase, name, plan="f1", seconds=1800.0) for phase, name in done]
    ledger.append(repository.tree, *entries)


def rehearsal(repository: Repository, path: str) -> Rehearsal:
    raw = repository.write(path, "kind: Pooler\n")
    return Rehearsal(
        *(REHEARSAL_FORMAT, "1", "f1", ("staging",), "18.4", "1.24.1", (), (), ()),
        content="c" * 64,
        inputs=(InputDigest(path, digest(raw)), InputDigest("repoint.yaml", "0" * 64)),
    )


def test_gates_open_with_what_was_recorded(repository: Repository, config: Config) -> None:
    moved(repository)
    found = check_gates(repository.tree, config, "staging", NOW)
    assert [one.verdict for one in found] == [Verdict.PASS] * 4
    require(found, "staging")
    assert passed_by(found) == ()


def test_an_input_of_the_rehearsal_that_changed_closes(
    repository: Repository, config: Config
) -> None:
    moved(repository)
    record([rehearsal(repository, "base/pooler.yaml")], repository.tree)
    assert check_gates(repository.tree, config, "staging", NOW)[0].is_open
    repository.write("base/pooler.yaml", "kind: Pooler\nspec: {}\n")
    first = check_gates(repository.tree, config, "staging", NOW)[0]
    assert first.verdict is Verdict.UNKNOWN and "`base/pooler.yaml` changed" in first.observed


def test_the_error_names_every_closed_gate_with_its_command(
    repository: Repository, config: Config
) -> None:
    reasons = {"data": "the source holds no rows"}
    found = check_gates(repository.tree, config, "staging", NOW, overrides=reasons)
    with pytest.raises(GateClosed) as caught:
        require(found, "staging")
    assert "3 gates" in caught.value.message
    assert all(f"`{gate}`" in caught.value.message for gate in ("rehearsed", "predecessor"))
    hints = "\n".join(caught.value.hints)
    assert "run `repoint rehearse --env staging`" in hints
    assert "run `repoint verify --env local --soak 30m`" in hints
    assert "data" not in hints and "--override GATE --reason TEXT" in hints
    assert passed_by(found) == ("data: the source holds no rows",)


def test_only_the_gates_of_repoint_yaml_are_asked(repository: Repository) -> None:
    config = load_config(CONFIG + "gates: {rollout: [soaked]}\n")
    assert [one.id for one in check_gates(repository.tree, config, "staging", NOW)] == ["soaked"]
    none = load_config(CONFIG + "gates: {rollout: []}\n")
    require(check_gates(repository.tree, none, "staging", NOW), "staging")


def test_an_environment_that_is_not_named_is_an_error(
    repository: Repository, config: Config
) -> None:
    with pytest.raises(UsageError) as caught:
        check_gates(repository.tree, config, "production", NOW)
    assert caught.value.hints == ("it names: local, staging",)


def test_overrides_are_pairs() -> None:
    given = overrides_of(
        ["soaked", "data"],
        ["the fair   begins tomorrow", "see postgres://u:canary-pw@h/d"],
    )
    assert given == {
        "soaked": "the fair begins tomorrow",
        "data": "see postgres://u:***@h/d",
    }
    assert overrides_of([], []) == {}


@pytest.mark.parametrize(
    ("gates", "reasons", "message", "hint"),
    [
        (["soak"], ["the fair begins"], "no gate `soak`", "did you mean `soaked`?"),
        (["zzz"], ["the fair begins"], "no gate `zzz`", "the gates are: rehearsed"),
        (["soaked"], [], "needs one `--reason`", "--override soaked --reason"),
        ([], ["the fair begins"], "needs one `--reason`", "--override soaked --reason"),
        (["soaked"], ["why  not  "], "too short", "10 characters or more"),
    ],
)
def test_what_is_no_override(gates: list[str], reasons: list[str], message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        overrides_of(gates, reasons)
    assert message in caught.value.message
    assert hint in caught.value.hints[0]
