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


def is_home(place: Ground) -> None:
    """All is as before the move, and nothing is left to do."""
    assert place.state() == place.before
    assert place.pods_are_new()
    assert titles(place.run(place.home())) == []


def test_there_and_back(place: Ground) -> None:
    place.apply()
    assert titles(place.run(place.there())) == THERE
    assert "pg-rw." in place.values("web")["url_direct"]
    moved = place.state()
    assert [name for name in moved if moved[name] != place.before[name]] == [
        *("ConfigMap/mail", "Job/migrate", "Deployment/web", "Secret/web")
    ]

    home = place.home()
    place.files_back()
    assert titles(place.run(home)) == HOME

    is_home(place)
    marks = {
        kind: set(place.shop.get(kind, name)["metadata"].get("annotations", {}))
        for kind, name in (("secret", "web"), ("job", "migrate"), ("pooler", "pooler"))
    }
    assert CHANGED in marks["secret"] and SPEC in marks["job"] and RECYCLED in marks["pooler"]
    template = place.shop.get("deployment", "web")["spec"]["template"]["metadata"]
    assert INPUTS in template["annotations"]


def test_what_was_never_rolled_out_has_nothing_to_bring_back(place: Ground) -> None:
    place.apply()
    home = place.home()
    place.files_back()
    assert titles(place.run(home)) == []
    assert place.state() == place.before


def test_nothing_else_is_restarted(place: Ground) -> None:
    place.apply()
    place.run(place.there())
    generation = place.shop.generations()["cache"]
    home = place.home()
    place.files_back()
    place.run(home)
    assert place.shop.generations()["cache"] == generation


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(1, len(THERE)))
def test_back_from_a_rollout_that_was_cut_off(place: Ground, steps: int) -> None:
    place.apply()
    place.run(place.there(), steps=steps)
    home = place.home()
    place.files_back()
    place.run(home)
    is_home(place)


@pytest.mark.slow
@pytest.mark.parametrize("steps", range(len(HOME)))
def test_a_way_back_that_was_cut_off_is_continued(place: Ground, steps: int) -> None:
    place.apply()
    place.run(place.there())
    home = place.home()
    place.files_back()
    place.run(home, steps=steps)
    # There is no receipt any more: what is left to do is seen in the cluster.
    place.run(place.home())
    is_home(place)


def _pause(place: Ground) -> None:
    ref = next(one.ref for one in place.there().desired.of_kind("Pooler"))
    patch = {
        "spec": {"pgbouncer": {"paused": True}},
        "metadata": {"annotations": {PAUSED_BY: "tester@here"}},
    }
    place.api.merge(ref, patch)
    assert is_paused(place.api.get(ref))


def test_a_pool_that_a_killed_rollout_left_paused_is_let_go_first(place: Ground) -> None:
    place.apply()
    place.run(place.there(), steps=THERE.index("recycle Pooler/pooler"))
    _pause(place)
    home = place.home()
    place.files_back()
    assert titles(place.run(home)) == ["let go Pooler/pooler", *HOME]
    assert not is_paused(place.shop.get("pooler", "pooler"))
    is_home(place)


def test_a_target_that_is_down_holds_nobody_back(place: Ground) -> None:
    place.apply()
    place.run(place.there())
    path = f"/apis/postgresql.cnpg.io/v1/namespaces/{place.shop.namespace}/clusters/pg"
    place.shop.api.delete(path)
    home = place.home()
    place.files_back()
    assert titles(place.run(home)) == ["apply Cluster/pg", *HOME]
    assert place.state()["Secret/web"] == place.before["Secret/web"]


def test_there_back_and_there_again(place: Ground) -> None:
    place.apply()
    place.run(place.there())
    home = place.home()
    place.files_back()
    place.run(home)
    place.apply()
    assert titles(place.run(place.there())) == THERE
    assert "pooler." in place.values("web")["url"]


def test_a_later_switch_passes_the_data_gate_again(place: Ground) -> None:
    """The Lease's mark of a switch is gone as soon as a way back begins."""
    place.apply()
    asked: list[bool] = []

    def gate(_: object, begun: bool) -> tuple[str, ...]:
        asked.append(begun)
        return ()

    place.run(place.there(gate, content="one"), steps=3)
    assert asked == [False]
    place.run(place.there(gate, content="one"))
    assert asked == [False], "a rollout that goes on has passed it"
    assert place.lease_marks()[GATED]
    place.shop.commit()
    home = place.home()
    place.files_back()
    place.run(home, steps=0)
    assert GATED not in place.lease_marks()
    place.run(place.home())
    place.apply()
    place.run(place.there(gate, content="one"))
    assert asked == [False, False]


def test_a_change_that_moves_nobody_asks_no_data_gate(place: Ground) -> None:
    place.apply()
    asked: list[bool] = []

    def gate(_: object, begun: bool) -> tuple[str, ...]:
        asked.append(begun)
        return ()

    place.run(place.there(gate, content="one"))
    config = place.root / "deploy" / "mail-config.yaml"
    config.write_text(config.read_text().replace("blue", "green"))
    again = place.run(place.there(gate, content="two"))
    assert titles(again) == ["apply ConfigMap/mail"], "nobody reads this key"
    assert asked == [False]


def test_what_only_the_move_brought_is_left_and_let_go(place: Ground) -> None:
    """A session Pooler beside the one that pools transactions, paused by a killed run."""
    config = place.root / "repoint.yaml"
    config.write_text(config.read_text() + "consumers:\n  web: {pool: session}\n")
    place.shop.commit()
    place.apply()
    place.run(place.there())
    [brought] = place.home().home.left  # type: ignore[union-attr]
    assert (brought.kind, brought.name) == ("Pooler", "pooler-session")
    assert "pooler-session." in place.values("web")["url"]
    marks = {"metadata": {"annotations": {PAUSED_BY: "tester@here"}}}
    place.api.merge(brought, {"spec": {"pgbouncer": {"paused": True}}, **marks})

    home = place.home()
    place.files_back()
    back = place.run(home)

    assert titles(back) == ["let go Pooler/pooler-session", *HOME]
    assert f"{brought} came with the move alone: it is left, nothing is deleted" in back.notes
    left = place.shop.get("pooler", "pooler-session")
    assert left["spec"]["pgbouncer"]["paused"] is False
    is_home(place)


def test_the_target_keeps_its_settings_until_its_last_client_has_left(place: Ground) -> None:
    """The plan has the Pooler track a parameter that the connection string asks for."""
    place.shop.secrets["web"]["url"] += "&search_path=shop"
    place.shop.write()
    sealed = str(place.root / "secrets")
    place.shop.api.kubectl("apply", "-n", place.shop.namespace, "-f", sealed)
    place.before = place.state()
    place.apply()
    there = titles(place.run(place.there()))
    assert there[0] == "apply Pooler/pooler"

    home = place.home()
    place.files_back()
    back = titles(place.run(home))

    assert back == [*HOME, "apply Pooler/pooler"]
    is_home(place)
