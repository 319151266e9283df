"""Whether there is a source to go back to: its Service, workload and volume."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from repoint.comparison.baseline import Written
from repoint.comparison.standing import SourceParts, judge_standing, source_parts
from repoint.errors import WouldLoseData
from repoint.flows.comparing.way_back import FROZEN, require_way_back
from repoint.model.cluster import Document, ObjectRef
from repoint.model.rehearsal import Verdict

Doc = dict[str, Any]
NAMES = {("shop", "db")}
_AT = datetime(2026, 1, 2, tzinfo=UTC)


def service() -> Doc:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "db", "namespace": "shop"},
        "spec": {"selector": {"app": "db"}},
    }


def stateful_set(**spec: Any) -> Doc:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "pg", "namespace": "shop"},
        "spec": {
            "replicas": 1,
            "template": {
                "metadata": {"labels": {"app": "db", "tier": "data"}},
                "spec": {"volumes": [{"persistentVolumeClaim": {"claimName": "own"}}]},
            },
            "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            **spec,
        },
    }


def claim(name: str, **status: Any) -> Doc:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "shop"},
        "status": {"phase": "Bound", **status},
    }


PARTS = source_parts([service(), stateful_set()], NAMES)


def cluster(*left_out: str, **changed: Document) -> dict[ObjectRef, Document | None]:
    there: dict[str, Document] = {
        "db": service(),
        "pg": stateful_set(),
        "own": claim("own"),
        "data-pg-0": claim("data-pg-0"),
        **changed,
    }
    return {ref: None if ref.name in left_out else there.get(ref.name) for ref in PARTS.refs}


def test_the_source_is_a_service_a_workload_and_its_claims() -> None:
    assert [str(ref) for ref in PARTS.refs] == [
        "Service/shop/db",
        "StatefulSet/shop/pg",
        "PersistentVolumeClaim/shop/own",
        "PersistentVolumeClaim/shop/data-pg-0",
    ]
    elsewhere = {**stateful_set(), "metadata": {"name": "pg", "namespace": "other"}}
    assert source_parts([service(), elsewhere], NAMES).workloads == ()
    assert source_parts([service()], {("other", "db")}) == SourceParts()


DESIRED = [service(), stateful_set()]


@pytest.mark.parametrize(
    ("desired", "live", "verdict", "told"),
    [
        (DESIRED, cluster(), Verdict.PASS, ""),
        (DESIRED, None, Verdict.UNKNOWN, "nobody looked into the cluster"),
        ([service()], cluster(), Verdict.FAIL, "StatefulSet/shop/pg is gone from the environment"),
        ([stateful_set()], None, Verdict.FAIL, "Service/shop/db is gone from the environment"),
        ([service(), stateful_set(replicas=0)], cluster(), Verdict.FAIL, "is to have 0 replicas"),
        (DESIRED, cluster("db"), Verdict.FAIL, "Service/shop/db is gone from the cluster"),
        (DESIRED, cluster("pg"), Verdict.FAIL, "StatefulSet/shop/pg is gone from the cluster"),
        (DESIRED, cluster("data-pg-0"), Verdict.FAIL, "data-pg-0 is gone from the cluster"),
        (DESIRED, cluster(own=claim("own", phase="Lost")), Verdict.FAIL, "lost its volume"),
        (DESIRED, cluster(pg=stateful_set(replicas=0)), Verdict.FAIL, "pg has 0 replicas"),
        (
            DESIRED,
            cluster(
                own={**claim("own"), "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}
            ),
            Verdict.FAIL,
            "own is being deleted",
        ),
    ],
)
def test_every_part_has_to_be_desired_and_there(
    desired: list[Doc],
    live: dict[ObjectRef, Document | None] | None,
    verdict: Verdict,
    told: str,
) -> None:
    found = judge_standing(PARTS, desired, live)

    assert found.verdict is verdict
    assert told in "; ".join(found.reasons)


def test_nothing_known_of_a_source_is_no_proof_that_it_stands() -> None:
    assert judge_standing(SourceParts(), [], None).verdict is Verdict.UNKNOWN
    assert judge_standing(SourceParts(), [], {}).verdict is Verdict.FAIL
    alone = SourceParts(PARTS.services)
    assert judge_standing(alone, DESIRED, cluster()).verdict is Verdict.UNKNOWN


def test_a_source_that_is_gone_cannot_be_accepted() -> None:
    gone = judge_standing(PARTS, [], None)

    with pytest.raises(WouldLoseData, match="is gone from the environment"):
        require_way_back("local", gone, None, accept_data_loss=True)


def test_unknown_writes_stop_the_way_back_until_they_are_accepted() -> None:
    stands = judge_standing(PARTS, DESIRED, cluster())

    with pytest.raises(WouldLoseData, match="no baseline was taken") as refused:
        require_way_back("local", stands, None)
    assert "--accept-data-loss" in refused.value.hints[-1]
    assert require_way_back("local", stands, None, accept_data_loss=True) == (
        "no baseline was taken, so nobody can tell what was written since",
    )


def test_a_frozen_source_is_told_how_to_be_written_again_and_nothing_of_rows() -> None:
    stands = judge_standing(PARTS, DESIRED, cluster())
    unchanged = Written("local", _AT, _AT, ())

    with pytest.raises(WouldLoseData) as refused:
        require_way_back("local", stands, unchanged, trouble=FROZEN)

    assert refused.value.message == f"`local` cannot go back yet: {FROZEN}"
    assert "lose" not in refused.value.message
    assert any("RESET default_transaction_read_only" in one for one in refused.value.hints)
    assert not any("rows" in one for one in refused.value.hints)


def test_a_frozen_source_and_rows_that_were_written_have_both_hints() -> None:
    stands = judge_standing(PARTS, DESIRED, cluster())

    with pytest.raises(WouldLoseData, match="would lose data") as refused:
        require_way_back("local", stands, None, trouble=FROZEN)

    told = " ".join(refused.value.hints)
    assert "RESET default_transaction_read_only" in told and "data written" in told
