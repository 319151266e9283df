"""Law 4: only an edit that can reach an overlay explains what changed in its render."""

from __future__ import annotations

import dataclasses

import pytest

from repoint.model.plan import Applicability, Edit, FileChange, Op, PartEdit
from repoint.planning.prove import Outcome, OverlayView, render_proof

VIEW = OverlayView(
    "local",
    "apps/one/overlays/local",
    frozenset({"apps/one/overlays/local/kustomization.yaml", "apps/one/base/config.yaml"}),
)
EDIT = Edit(
    Op.SPLICE, "", 1, "k", "RP110", "why", Applicability.SAFE,
    before="old.n.svc", after="new.n.svc", parts=(PartEdit("host", "old.n.svc", "new.n.svc"),),
)  # fmt: skip
RENDERS = [
    Outcome(f"kind: ConfigMap\nmetadata: {{name: c, namespace: n}}\ndata:\n  k: {host}\n", "")
    for host in ("old.n.svc", "new.n.svc")
]


def _unexplained(path: str, edit: Edit = EDIT, before: str = "x") -> tuple[str, ...]:
    change = FileChange(path, "local", before, "y", (edit,))
    before_render, after_render = RENDERS
    proof = render_proof(VIEW, "local", (change,), before_render, after_render, None)
    return proof.unexplained


def test_an_edit_of_a_file_that_it_reads_explains() -> None:
    assert _unexplained("apps/one/base/config.yaml") == ()


@pytest.mark.parametrize(
    "path", ["apps/two/base/config.yaml", "apps/one/backend/atlas.hcl", "apps/one/base/other.yaml"]
)
def test_the_same_words_in_a_file_that_it_does_not_read_explain_nothing(path: str) -> None:
    assert _unexplained(path) == ("ConfigMap/n/c: data.k",)


def test_a_new_file_explains_where_it_stands_beside_those() -> None:
    made = dataclasses.replace(EDIT, op=Op.CREATE)
    assert _unexplained("apps/one/overlays/local/patch.yaml", made, "") == ()
    assert _unexplained("apps/two/overlays/local/patch.yaml", made, "") == (
        "ConfigMap/n/c: data.k",
    )
