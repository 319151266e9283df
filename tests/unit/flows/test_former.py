"""RP107: values that an apply wrote, after repoint.yaml got another target."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint import __version__
from repoint.flows.receipts import receipt_path
from repoint.model.plan import Op
from repoint.model.receipt import RECEIPT_FORMAT, Receipt, ReceiptFile, Undo
from repoint.planning.codec import encode_receipt
from tests.unit.planning.small_repository import CONFIG, DEV_POOLED, Trial, repository, workload

_PODS = (
    "containers:\n- name: ferry\n  image: quay/ferry:4\n"
    "  env: [{name: FERRY_DSN, value: postgres://ferry@postgres/ferry}]\n"
)
_PATCH = "overlays/dev/ferry-dev-patch.yaml"
_OLD = DEV_POOLED
_DIGEST = "0" * 64


def _moved(root: Path, entry: ReceiptFile | None) -> Trial:
    """A repository that moved to one Pooler, and whose repoint.yaml names another one."""
    files = repository({"ferry.yaml": workload("Deployment", "ferry", _PODS)}, {})
    Trial(root, files).apply("dev")
    targets = root / "base/targets.yaml"
    second = targets.read_text().rpartition("---")[2].replace("pg-pooler", "pg-second")
    targets.write_text(f"{targets.read_text()}---{second}")
    if entry is not None:
        told = Receipt(RECEIPT_FORMAT, __version__, "dev", (entry,))
        path = root / receipt_path("dev")
        path.parent.mkdir(parents=True)
        path.write_bytes(encode_receipt(told))
    return Trial(root, {}, config=CONFIG.replace("pooler: pg-pooler", "pooler: pg-second"))


@pytest.mark.parametrize(
    "entry",
    [
        ReceiptFile(_PATCH, _DIGEST, "", _DIGEST),
        ReceiptFile(
            _PATCH, _DIGEST, _DIGEST, _DIGEST, undos=(Undo(Op.SPLICE, "", 12, "", after=_OLD),)
        ),
    ],
    ids=["created", "edited"],
)
def test_what_apply_wrote_follows_the_target(tmp_path: Path, entry: ReceiptFile) -> None:
    trial = _moved(tmp_path, entry)
    plan = trial.plan("dev")
    new = _OLD.replace("pg-pooler", "pg-second")
    assert [(one.current, one.new) for one in plan.consumers] == [(_OLD, new)]
    assert {edit.rule for one in plan.changes for edit in one.edits} == {"RP107"}
    trial.apply("dev")
    assert trial.plan("dev").changes == ()


@pytest.mark.parametrize(
    "entry",
    [
        None,
        ReceiptFile("overlays/dev/other.yaml", _DIGEST, "", _DIGEST),
        ReceiptFile(
            _PATCH, _DIGEST, _DIGEST, _DIGEST, undos=(Undo(Op.SPLICE, "", 2, "", after="other"),)
        ),
    ],
    ids=["no-receipt", "another-file", "another-edit"],
)
def test_what_a_person_wrote_stays(tmp_path: Path, entry: ReceiptFile | None) -> None:
    assert _moved(tmp_path, entry).plan("dev").changes == ()


def test_a_host_that_another_ones_name_begins_with_is_no_former_target(tmp_path: Path) -> None:
    pods = _PODS.rstrip().removesuffix("]") + ", {name: AUDIT_DSN, value: postgres://a@pg/audit}]\n"
    files = repository({}, {"kustomization.yaml": "resources: [../../base]\n"})
    manifest = workload("Deployment", "ferry", pods).replace("@postgres/", f"@{_OLD}/")
    files["overlays/dev/ferry.yaml"] = manifest
    files["overlays/dev/kustomization.yaml"] = (
        "namespace: shop-dev\nresources: [../../base, ferry.yaml]\n"
    )
    undo = Undo(Op.SPLICE, "", 12, "FERRY_DSN", before="postgres", after=_OLD)
    entry = ReceiptFile("overlays/dev/ferry.yaml", _DIGEST, _DIGEST, _DIGEST, undos=(undo,))
    path = tmp_path / receipt_path("dev")
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_receipt(Receipt(RECEIPT_FORMAT, __version__, "dev", (entry,))))
    trial = Trial(tmp_path, files)
    assert "AUDIT_DSN" in manifest and trial.plan("dev").changes == ()
    assert not [one for one in trial.check("dev") if one.code == "RP107"]


def test_what_a_patch_repeats_beside_what_moved_is_left_alone(tmp_path: Path) -> None:
    settings = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: db}\ndata:\n  database.yml: |\n"
        "    production:\n      primary: {adapter: postgresql, host: postgres, database: ferry}\n"
        "      replica: {adapter: postgresql, host: reader.data.svc.cluster.local}\n"
    )
    pods = (
        "containers:\n- name: ferry\n  image: quay/ferry:4\n"
        "  volumeMounts: [{name: c, mountPath: /c}]\n"
        "volumes: [{name: c, configMap: {name: db}}]\n"
    )
    base = {"ferry.yaml": workload("Deployment", "ferry", pods), "db.yaml": settings}
    trial = Trial(tmp_path, repository(base, {}))
    after = trial.apply("dev")
    written = tuple(ReceiptFile(path, _DIGEST, "", _DIGEST) for path in after if "patch" in path)
    path = tmp_path / receipt_path("dev")
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_receipt(Receipt(RECEIPT_FORMAT, __version__, "dev", written)))

    assert written and "reader.data" in "".join(after.values())
    assert trial.plan("dev").changes == ()


_FIRST = "pg-first.shop-dev.svc.cluster.local"


@pytest.mark.parametrize(
    ("steps", "follows"),
    [
        pytest.param([("postgres", _OLD)], True, id="from the source"),
        pytest.param([("postgres", _FIRST), (_FIRST, _OLD)], True, id="by way of another target"),
        pytest.param([("mail-db", _OLD)], False, id="from another product's server"),
        pytest.param([("mail-db", _FIRST), (_FIRST, _OLD)], False, id="from there by way"),
        pytest.param([("mail-db", _OLD), ("postgres", _OLD)], True, id="from both"),
    ],
)
def test_what_came_from_another_products_server_stays(
    tmp_path: Path, steps: list[tuple[str, str]], follows: bool
) -> None:
    """One repoint.yaml after the other: the second product's target is not the first one's."""
    undos = tuple(
        Undo(Op.SPLICE, "", 12, "FERRY_DSN", before=before, after=after) for before, after in steps
    )
    trial = _moved(tmp_path, ReceiptFile(_PATCH, _DIGEST, _DIGEST, _DIGEST, undos=undos))
    plan = trial.plan("dev")
    assert bool(plan.changes) is follows
    assert bool([one for one in trial.check("dev") if one.code == "RP107"]) is follows
