"""RP109: values that apply wrote that somebody changed since, as plan and check tell of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint import __version__
from repoint.flows.receipts import receipt_path
from repoint.model.plan import Op
from repoint.model.receipt import RECEIPT_FORMAT, Receipt, ReceiptFile, Undo
from repoint.planning.codec import encode_receipt
from repoint.planning.meaning import meaning
from repoint.planning.undo import describe
from tests.unit.flows.hand_plans import edit, sha
from tests.unit.planning.small_repository import DEV_POOLED, Trial, repository, workload

_PODS = (
    "containers:\n- name: ferry\n  image: quay/ferry:4\n"
    "  env: [{name: FERRY_DSN, value: postgres://ferry:canary-f@postgres/ferry}]\n"
)
_PATH = "overlays/dev/ferry.yaml"
_POINTER = "/0/spec/template/spec/containers/0/env/0/value"
_NEW = DEV_POOLED


@pytest.fixture
def trial(tmp_path: Path) -> Trial:
    """A repository whose one consumer was moved, with the receipt of it."""
    own = {"kustomization.yaml": "namespace: shop-{env}\nresources: [../../base, ferry.yaml]\n"}
    manifest = workload("Deployment", "ferry", _PODS)
    made = Trial(tmp_path, repository({}, {**own, "ferry.yaml": manifest}))
    raw = manifest.encode()
    start = raw.index(b"@postgres/") + 1
    edits = [
        edit(
            Op.SPLICE,
            _POINTER,
            "FERRY_DSN",
            start=start,
            end=start + 8,
            before="postgres",
            after=_NEW,
        )
    ]
    after = raw[:start] + _NEW.encode() + raw[start + 8 :]
    entry = ReceiptFile(_PATH, "f", sha(raw), sha(after), undos=describe(_PATH, raw, after, edits))
    (tmp_path / _PATH).write_bytes(after)
    path = tmp_path / receipt_path("dev")
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_receipt(Receipt(RECEIPT_FORMAT, __version__, "dev", (entry,))))
    return made


def _told(trial: Trial, *names: str) -> list[str]:
    plan, check = trial.plan("dev").findings, trial.check(*names)
    both = [
        [f"{one.message}: {one.hint}" for one in some if one.code == "RP109"]
        for some in (plan, check)
    ]
    assert both[0] == both[1]
    return both[0]


def test_a_third_host_is_told_with_what_was_written(trial: Trial) -> None:
    path = trial.root / _PATH
    path.write_text(path.read_text().replace(_NEW, "elsewhere.example.com"))

    (told,) = _told(trial)

    assert told.startswith(f"`{_PATH}`: `FERRY_DSN` (line 1 when it was changed) was changed since")
    assert f"apply wrote: {_NEW}" in told and "put it back" in told and "canary" not in told
    assert not [one for one in trial.check("prod") if one.code == "RP109"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param("", "", id="as apply left it"),
        pytest.param("quay/ferry:4", "quay/ferry:5", id="another value"),
        pytest.param("\n", "\r\n", id="autocrlf"),
        pytest.param(_NEW, "postgres", id="set back, which RP110 tells"),
    ],
)
def test_what_stands_is_not_told(trial: Trial, old: str, new: str) -> None:
    path = trial.root / _PATH
    path.write_bytes(
        path.read_bytes().replace(old.encode(), new.encode()) if old else path.read_bytes()
    )

    assert _told(trial) == []


_CREATED = "overlays/dev/web-dev-patch.yaml"


def _created(root: Path) -> Trial:
    """A repository whose apply made a patch, with the receipt of it."""
    made = Trial(root, repository({"web.yaml": workload("Deployment", "web", _WEB)}, {}))
    raw = made.apply("dev")[_CREATED].encode()
    entry = ReceiptFile(
        *(_CREATED, "f", "", sha(raw)),
        undos=(Undo(Op.CREATE, "", 1, "Deployment/web"),),
        meaning=meaning(_CREATED, raw),
    )
    path = root / receipt_path("dev")
    path.parent.mkdir(parents=True)
    path.write_bytes(encode_receipt(Receipt(RECEIPT_FORMAT, __version__, "dev", (entry,))))
    return made


_WEB = "containers:\n- name: web\n  env: [{name: URL, value: postgres://web@postgres/web}]\n"


def test_another_layout_of_a_patch_of_ours_is_no_change(tmp_path: Path) -> None:
    trial = _created(tmp_path)
    path = tmp_path / _CREATED
    head, rest = path.read_text().split("kind: Deployment\n")
    path.write_text(f"# ours\nkind: 'Deployment'\n{head}{rest}")

    assert _told(trial) == [] and trial.plan("dev").changes == ()


def test_another_value_in_a_patch_of_ours_is_told_once(tmp_path: Path) -> None:
    trial = _created(tmp_path)
    path = tmp_path / _CREATED
    path.write_text(path.read_text().replace("name: web", "name: web # ours", 1))
    assert _told(trial) == []
    path.write_text(path.read_text() + "  replicas: 2\n")
    (told,) = _told(trial)
    assert "was created by apply and changed since" in told

    path.write_text(path.read_text().replace(DEV_POOLED, "elsewhere.example.com"))
    codes = [one.code for one in trial.check("dev")]
    assert codes.count("RP107") == 1 and "RP109" not in codes
    plan = trial.plan("dev")
    assert {edit.rule for one in plan.changes for edit in one.edits} == {"RP107"}
    assert "RP109" not in {one.code for one in plan.findings}
