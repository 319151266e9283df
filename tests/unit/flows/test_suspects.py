"""Files that are looked into for findings: by far not all, and each that has one."""

from __future__ import annotations

from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kubectl import Kustomize
from repoint.adapters.sops import Sops
from repoint.flows.evidence import gather
from repoint.flows.findings import repository_findings
from repoint.flows.scanning import Survey, survey
from repoint.flows.suspects import scripts, unread, with_passwords
from repoint.flows.workspace import Workspace
from repoint.ports.work import UNWATCHED
from repoint.rules.sealing import clear_passwords

FILES = {
    "a-broken.yaml": "kind: ConfigMap\ndata: {DB_HOST: db\n",
    "b-broken.yaml": "colour: {red\n",
    "c-sound.json": '{"colour": "red"}\n',
    "d-plain.yaml": "kind: Service\nmetadata: {name: a}\n",
    "e-secret.yaml": "kind: Secret\nstringData: {PGPASSWORD: hunter2}\n",
    "f-colours.yaml": "smtp: {password: hunter2}\n",
    "g-print.sh": 'echo "$DATABASE_URL"\n',
    "bin/print": '#!/bin/sh\necho "$DATABASE_URL"\n',
    "h-roles.yaml": "kind: Job\nargs:\n- ALTER ROLE app SET lock_timeout = 5\n",
    "i-roles.yaml": "args:\n- alter role app SET lock_timeout = 6\n",
}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    for path, text in FILES.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    tree = FileTree(tmp_path)
    return Workspace(str(tmp_path), tree, None, "", Sops(tree), Kustomize(tree), UNWATCHED)


@pytest.fixture
def found(workspace: Workspace) -> Survey:
    return survey(workspace)


def test_each_file_with_a_finding_is_looked_into(workspace: Workspace, found: Survey) -> None:
    findings = repository_findings(workspace, found, frozenset())
    told = {(f.code, f.location.path) for f in findings if f.location}
    assert told >= {("RP131", "g-print.sh"), ("RP131", "bin/print")}
    assert {path for code, path in told if code == "RP313"} == {"a-broken.yaml", "b-broken.yaml"}
    every = holding_passwords(found)
    assert {one.path for one in with_passwords(found)} >= every >= {"e-secret.yaml"}


def holding_passwords(found: Survey) -> set[str]:
    """The paths with a password in clear text, when every file is looked into."""
    return {one.path for one in found.files.values() if clear_passwords(one)}


def test_what_can_have_no_finding_is_left_alone(found: Survey) -> None:
    assert {one.path for one in unread(found)} == {"a-broken.yaml", "b-broken.yaml"}
    assert {one.path for one in scripts(found)} == {"g-print.sh", "bin/print"}
    looked = {one.path for one in with_passwords(found)}
    assert not looked & {"c-sound.json", "d-plain.yaml"}


def test_role_defaults_are_found_in_manifests_of_any_kind(
    workspace: Workspace, found: Survey
) -> None:
    defaults = gather(workspace, found).role_defaults
    assert {(one.location.path, one.value) for one in defaults} == {
        ("h-roles.yaml", "5"),
        ("i-roles.yaml", "6"),
    }
