"""`repoint rbac` on a small repository, and choosing an environment and a context."""

from __future__ import annotations

import io
import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from repoint.cli import main
from repoint.cli.context import agrees
from repoint.cli.options import Session
from repoint.cli.output import Terminal
from repoint.cli.progress import StderrProgress
from repoint.errors import UsageError
from repoint.planning.config import load_config

CONFIG = """\
source: {hosts: [postgres.old.svc]}
target: {cluster: pg, pooler: pooler}
environments:
  staging: {namespace: shop, manifests: deploy}
"""
OBJECTS = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData: {url: "postgres://web:hunter2-canary@postgres.old/shop"}
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "repoint.yaml").write_text(CONFIG)
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/shop.yaml").write_text(OBJECTS)
    return tmp_path


def run(root: Path, *args: str) -> Result:
    return CliRunner().invoke(main, ["-C", str(root), *args])


def printed(root: Path, *args: str) -> list[dict[str, Any]]:
    done = run(root, "rbac", *args)
    assert done.exit_code == 0, done.output
    assert "canary" not in done.output
    return list(yaml.safe_load_all(done.stdout))


def test_both_formats_hold_the_same_objects(repository: Path) -> None:
    subject = ("--subject", "Group/operators")

    human = printed(repository, *subject)
    done = run(repository, "rbac", "--format", "json", *subject)

    assert json.loads(done.stdout)["items"] == human
    assert [one["kind"] for one in human] == [
        *("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"),
        *("Role", "RoleBinding"),
    ]
    assert {one["metadata"].get("namespace") for one in human} == {None, "shop", "old"}


def test_without_a_subject_there_are_no_bindings(repository: Path) -> None:
    assert {one["kind"] for one in printed(repository)} == {"ClusterRole", "Role"}


def test_a_verb_has_roles_of_its_own(repository: Path) -> None:
    found = printed(repository, "--verb", "verify", "--env", "staging")

    assert {one["metadata"]["name"] for one in found} == {"repoint-staging-verify"}
    assert run(repository, "rbac", "--verb", "status").stdout.strip() == ""


@pytest.mark.parametrize(
    ("text", "subject"),
    [
        ("User/alice", {"kind": "User", "name": "alice", "apiGroup": "rbac.authorization.k8s.io"}),
        ("ServiceAccount/ci", {"kind": "ServiceAccount", "name": "ci", "namespace": "shop"}),
        ("ServiceAccount/x/ci", {"kind": "ServiceAccount", "name": "ci", "namespace": "x"}),
    ],
)
def test_a_subject_is_bound(repository: Path, text: str, subject: dict[str, str]) -> None:
    found = printed(repository, "--subject", text)

    assert next(one["subjects"] for one in found if "subjects" in one) == [subject]


@pytest.mark.parametrize("text", ["alice", "Robot/alice", "User/", "ServiceAccount//ci"])
def test_what_is_no_subject_is_wrong_usage(repository: Path, text: str) -> None:
    done = run(repository, "rbac", "--subject", text)

    assert done.exit_code == 2
    assert f"`{text}` names no subject" in done.stderr


def test_an_environment_that_is_not_there_names_those_that_are(repository: Path) -> None:
    done = run(repository, "rbac", "--env", "nope")

    assert done.exit_code == 2
    assert "repoint.yaml has: staging" in done.stderr


def test_a_context_is_never_guessed(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        **{"apiVersion": "v1", "kind": "Config", "current-context": "elsewhere"},
        "clusters": [{"name": "c", "cluster": {"server": "https://192.0.2.1"}}],
        "contexts": [{"name": "elsewhere", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))

    done = run(repository, "verify", "--env", "staging")

    assert done.exit_code == 2
    assert "not said which Kubernetes context environment `staging` is in" in done.stderr
    assert "the kubeconfig has: elsewhere" in done.stderr


def test_the_question_shows_the_server_and_no_credential(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {
        **{"apiVersion": "v1", "kind": "Config"},
        "clusters": [{"name": "c", "cluster": {"server": "https://u:hunter2-canary@192.0.2.1"}}],
        "contexts": [{"name": "prod", "context": {"cluster": "c", "user": "u"}}],
    }
    (tmp_path / "kubeconfig").write_text(json.dumps(config))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    session = Session(repository, Terminal(False, False, 80), StderrProgress(quiet=True))
    known = load_config(CONFIG.replace("shop,", "shop, confirm: true,"))
    asked: list[str] = []

    def no(question: str, **_: object) -> bool:
        asked.append(question)
        return False

    monkeypatch.setattr("click.confirm", no)
    ask = partial(agrees, session, known, "staging", "prod", "change `staging`")
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(UsageError, match="nobody can be asked"):
        ask(yes=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)

    assert ask(yes=True) and not asked
    assert not ask(yes=False)
    assert asked == ["change `staging` at https://u:***@192.0.2.1 (context `prod`)?"]
