"""The way back from every state in which a rollout, or a way back, can be cut off.

What is compared is every object that the shop had before the move: each value of its Secret and
ConfigMap, its pod templates, the Job's and the Pooler's spec. Annotations of repoint stay
(`repoint.dev/..`), and so does a Pooler's `paused: false`, which is its default.
"""

from __future__ import annotations

import pytest

from repoint.model.tokens import CHANGED
from repoint.rollout.names import GATED, INPUTS, PAUSED_BY, RECYCLED, SPEC
from repoint.rollout.recycling import is_paused
from repoint.rollout.steps import Draft
from tests.cluster.rolling_back.ground import Ground

pytestmark = pytest.mark.cluster

THERE = [
    "apply ConfigMap/mail",
    "apply Secret/web",
    "run Job/migrate",
    "wait for Job/migrate",
    "recycle Pooler/pooler",
    "roll out Deployment/mail",
    "roll out Deployment/web",
]
HOME = [one for one in THERE if "Pooler" not in one]


def titles(draft: Draft) -> list[str]:
    """The steps of consumers, without namespaces; the source's own volume may still be awaited."""
    found = [f"{one.action.value} {one.ref.kind}/{one.ref.name}" for one in draft.steps]
    return [one for one in found if "old-postgres" not in one]


def is_home(ground: Ground) -> None:
    """All is as before the move, and nothing is left to do."""
    assert ground.state() == ground.before
    assert ground.pods_are_new()
    assert titles(ground.run(ground.home())) == []


def test_there_and_back(ground: Ground) -> None:
    ground.apply()
    assert titles(ground.run(ground.there())) == THERE
    assert "pg-rw." in ground.values("web")["url_direct"]
    moved = ground.state()
    assert [name for name in moved if moved[name] != ground.before[name]] == [
        *("ConfigMap/mail", "Job/migrate", "Deployment/web", "Secret/web")
    ]

    home = ground.home()
    ground.files_back()
    assert titles(ground.run(home)) == HOME

    is_home(ground)
    marks = {
        kind: set(ground.shop.get(kind, name)["metadata"].get("annotations", {}))
        for kind, name in (("secret", "web"), ("job", "migrate"), ("pooler", "pooler"))
    }
    assert CHANGED in marks["secret"] and SPEC in marks["job"] and RECYCLED in marks["pooler"]
    template = ground.shop.get("deployment", "web")["spec"]["template"]["metadata"]
    assert INPUTS in template["annotations"]


def test_what_was_never_rolled_out_has_nothing_to_bring_back(ground: Ground) -> None:
    ground.apply()
    home = ground.home()
    ground.files_back()
    assert titles(ground.run(home)) == []
    assert ground.state() == ground.before


def test_nothing_else_is_restarted(ground: Ground) -> None:
    ground.apply()
    ground.run(ground.there())
    generation = ground.shop.generations()["cache"]
    home = ground.home()
    ground.files_back()
    ground.run(home)
    assert ground.shop.generations()["cache"] == generation


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(1, len(THERE)))
def test_back_from_a_rollout_that_was_cut_off(ground: Ground, steps: int) -> None:
    ground.apply()
    ground.run(ground.there(), steps=steps)
    home = ground.home()
    ground.files_back()
    ground.run(home)
    is_home(ground)


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(len(HOME)))
def test_a_way_back_that_was_cut_off_is_continued(ground: Ground, steps: int) -> None:
    ground.apply()
    ground.run(ground.there())
    home = ground.home()
    ground.files_back()
    ground.run(home, steps=steps)
    # There is no receipt any more: what is left to do is seen in the cluster.
    ground.run(ground.home())
    is_home(ground)


def _pause(ground: Ground) -> None:
    ref = next(one.ref for one in ground.there().desired.of_kind("Pooler"))
    patch = {
        "spec": {"pgbouncer": {"paused": True}},
        "metadata": {"annotations": {PAUSED_BY: "tester@here"}},
    }
    ground.api.merge(ref, patch)
    assert is_paused(ground.api.get(ref))


def test_a_pool_that_a_killed_rollout_left_paused_is_let_go_first(ground: Ground) -> None:
    ground.apply()
    ground.run(ground.there(), steps=THERE.index("recycle Pooler/pooler"))
    _pause(ground)
    home = ground.home()
    ground.files_back()
    assert titles(ground.run(home)) == ["let go Pooler/pooler", *HOME]
    assert not is_paused(ground.shop.get("pooler", "pooler"))
    is_home(ground)


def test_a_target_that_is_down_holds_nobody_back(ground: Ground) -> None:
    ground.apply()
    ground.run(ground.there())
    path = f"/apis/postgresql.cnpg.io/v1/namespaces/{ground.shop.namespace}/clusters/pg"
    ground.shop.api.delete(path)
    home = ground.home()
    ground.files_back()
    assert titles(ground.run(home)) == ["apply Cluster/pg", *HOME]
    assert ground.state()["Secret/web"] == ground.before["Secret/web"]


def test_there_back_and_there_again(ground: Ground) -> None:
    ground.apply()
    ground.run(ground.there())
    home = ground.home()
    ground.files_back()
    ground.run(home)
    ground.apply()
    assert titles(ground.run(ground.there())) == THERE
    assert "pooler." in ground.values("web")["url"]


def test_a_later_switch_passes_the_data_gate_again(ground: Ground) -> None:
    """The Lease's mark of a switch is gone as soon as a way back begins."""
    ground.apply()
    asked: list[bool] = []

    def gate(_: object, begun: bool) -> tuple[str, ...]:
        asked.append(begun)
        return ()

    ground.run(ground.there(gate, content="one"), steps=3)
    assert asked == [False]
    ground.run(ground.there(gate, content="one"))
    assert asked == [False], "a rollout that goes on has passed it"
    assert ground.lease_marks()[GATED]
    ground.shop.commit()
    home = ground.home()
    ground.files_back()
    ground.run(home, steps=0)
    assert GATED not in ground.lease_marks()
    ground.run(ground.home())
    ground.apply()
    ground.run(ground.there(gate, content="one"))
    assert asked == [False, False]


def test_a_change_that_moves_nobody_asks_no_data_gate(ground: Ground) -> None:
    ground.apply()
    asked: list[bool] = []

    def gate(_: object, begun: bool) -> tuple[str, ...]:
        asked.append(begun)
        return ()

    ground.run(ground.there(gate, content="one"))
    config = ground.root / "deploy" / "mail-config.yaml"
    config.write_text(config.read_text().replace("blue", "green"))
    again = ground.run(ground.there(gate, content="two"))
    assert titles(again) == ["apply ConfigMap/mail"], "nobody reads this key"
    assert asked == [False]
