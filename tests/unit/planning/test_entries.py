"""Second keys for values that a kustomize patch brings to a Secret (X7)."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from tests.unit.planning.small_repository import (
    CONFIG,
    DEV_DIRECT,
    DEV_POOLED,
    Trial,
    repository,
    workload,
)

_POD = (
    "containers:\n- name: mill\n  image: grain/mill:1\n{more}"
    "  env: [{{name: DSN, valueFrom: {{secretKeyRef: {{name: mill, key: MILL_DSN}}}}}}]\n"
)
_BASE = {
    "mill.yaml": workload("Deployment", "mill", _POD.format(more="")),
    "press.yaml": workload("Job", "press", _POD.format(more="  command: [dbmate, up]\n")),
    "secret.yaml": (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: mill}\n"
        "stringData:\n  MILL_DSN: postgres://mill:canary-a@postgres/mill\n"
    ),
}
_OWN = "namespace: shop-{env}\nresources:\n  - ../../base\n"
_DSN = "postgres://mill:canary-b@postgres/mill"
_OPERATION = f"- op: replace\n  path: /stringData/MILL_DSN\n  value: {_DSN}\n"
_JSON = f'[{{"op": "add", "path": "/stringData/MILL_DSN", "value": "{_DSN}"}}]'
_INDENTED = _JSON.replace("{", "{\n  ").replace(", ", ",\n  ").replace("}", "\n}") + "\n"
_MERGED = (
    f"kind: Secret\napiVersion: v1\nmetadata: {{name: mill}}\nstringData:\n  MILL_DSN: {_DSN}\n"
)
_TARGET = "  - target: {kind: Secret, name: mill}\n"


def _inline(text: str, target: str = _TARGET) -> dict[str, str]:
    body = textwrap.indent(text, " " * 6)
    lead = f"{target}    patch" if target else "  - patch"
    return {"kustomization.yaml": f"{_OWN}patches:\n{lead}: |\n{body}"}


def _file(name: str, text: str) -> dict[str, str]:
    return {"kustomization.yaml": f"{_OWN}patches:\n{_TARGET}    path: {name}\n", name: text}


@pytest.mark.parametrize(
    "overlay",
    [
        pytest.param(_inline(_OPERATION), id="inline"),
        pytest.param(
            _inline(f"{_OPERATION}- op: add\n  path: /metadata/labels\n  value: {{a: b}}\n"),
            id="inline-with-another",
        ),
        pytest.param(_inline(_MERGED, ""), id="inline-merge"),
        pytest.param(_file("ops.yaml", _OPERATION), id="file"),
        pytest.param(_file("ops.json", _INDENTED), id="json-file"),
        pytest.param(
            {"kustomization.yaml": f"{_OWN}patches:\n{_TARGET}    patch: '{_JSON}'\n"},
            id="json-inline",
        ),
    ],
)
def test_the_second_key_comes_by_the_same_patch(tmp_path: Path, overlay: dict[str, str]) -> None:
    trial = Trial(tmp_path, repository(_BASE, overlay))
    plan = trial.plan("dev")
    assert plan.applicable and plan.tasks == ()
    after = trial.apply("dev")
    text = after[f"overlays/dev/{list(overlay)[-1]}"]
    assert text.count("MILL_DSN_DIRECT") == 1 and text.count("canary-b") == 2
    assert text.index(DEV_POOLED) < text.index("MILL_DSN_DIRECT") < text.index(DEV_DIRECT)
    assert "key: MILL_DSN_DIRECT" in after["overlays/dev/press-dev-patch.yaml"]
    (proof,) = [one for one in plan.proofs if one.environment == one.applied]
    fields = {one.field for one in proof.changed if one.object.startswith("Secret/")}
    assert fields == {"stringData.MILL_DSN", "stringData.MILL_DSN_DIRECT"}
    assert trial.plan("dev").changes == ()


@pytest.mark.parametrize(
    "operation",
    [
        f"- value: {_DSN}\n  path: /stringData/MILL_DSN\n  op: replace\n",
        f"- op: replace\n  path: /stringData/MILL_DSN\n  value: >-\n    {_DSN}\n",
    ],
    ids=["value-first", "folded"],
)
def test_what_cannot_be_repeated_is_told_word_for_word(tmp_path: Path, operation: str) -> None:
    plan = Trial(tmp_path, repository(_BASE, _file("ops.yaml", operation))).plan("dev")
    (finding,) = plan.blocking
    assert finding.code == "RP102" and finding.hint.endswith(f"of its own with host `{DEV_DIRECT}`")
    (task,) = plan.tasks
    assert "an operation `add` of the path `/stringData/MILL_DSN_DIRECT`" in task.reason
    assert task.put.startswith(f"host {DEV_DIRECT}")


def test_a_runtime_that_is_sent_direct_can_do_without_a_value_of_its_own(tmp_path: Path) -> None:
    operation = f"- value: {_DSN}\n  path: /stringData/MILL_DSN\n  op: replace\n"
    base = _BASE | {"press.yaml": workload("Deployment", "press", _POD.format(more=""))}
    config = f"{CONFIG}consumers: {{press: {{route: direct}}}}\n"
    trial = Trial(tmp_path, repository(base, _file("ops.yaml", operation)), config=config)
    (finding,) = trial.plan("dev").blocking
    assert finding.hint.endswith(", or take its `route: direct` out of repoint.yaml")
