"""A plan, a receipt or a repoint.yaml made by somebody who means harm: refused, nothing written."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.prepared import run

CONFIG = """\
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop, manifests: k8s}
accept:
  - {code: RP201, reason: it is in another repository}
"""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  template:
    spec:
      containers:
        - {name: app, image: app, env: [{name: DATABASE_URL, value: "postgres://u@postgres/x"}]}
"""
VICTIM = "host: postgres\n"
Spoil = Callable[[Any], None]


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A repository, and the plan for it."""
    root = tmp_path_factory.mktemp("original") / "repository"
    (root / "k8s").mkdir(parents=True)
    (root / "repoint.yaml").write_text(CONFIG)
    (root / "k8s" / "app.yaml").write_text(APP)
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x")
    plan = root.parent / "plan.json"
    assert repoint(root, "plan", "--output", str(plan)).returncode == 0
    return root, json.loads(plan.read_text())


@pytest.fixture
def root(original: tuple[Path, dict[str, Any]], tmp_path: Path) -> Path:
    """A repository of its own, beside a file that is nobody's business."""
    (tmp_path / "victim.yaml").write_text(VICTIM)
    subprocess.run(["cp", "-a", str(original[0]), str(tmp_path)], check=True)
    return tmp_path / "repository"


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True)


def repoint(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run(*arguments, cwd=root, timeout=60)


def everything(above: Path) -> dict[str, object]:
    """All files, links and folders, but what only a run's lock leaves."""
    found: dict[str, object] = {}
    for path in sorted(above.rglob("*")):
        name = str(path.relative_to(above))
        if path.is_symlink():
            found[name] = path.readlink()
        elif path.is_file():
            found[name] = path.read_bytes()
        else:
            found[name] = "folder"
    own = ("repository/.repoint", "repository/.repoint/lock", "repository/.repoint/.gitignore")
    return {name: one for name, one in found.items() if name not in own}


def refused(root: Path, *arguments: str) -> str:
    """What is said about it; nothing is written, and nothing breaks."""
    before = everything(root.parent)
    done = repoint(root, *arguments)
    assert everything(root.parent) == before, done
    assert done.returncode in (1, 2, 4), done
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr.startswith("error: ")
    assert "hint: " in done.stderr
    assert not any(ord(one) < 32 and one != "\n" for one in done.stderr), ascii(done.stderr)
    return done.stderr


def spoilt(plan: dict[str, Any], spoil: Spoil, above: Path) -> str:
    made = json.loads(json.dumps(plan))
    spoil(made)
    path = above / "plan.json"
    path.write_text(json.dumps(made))
    return str(path)


def at_path(path: str, *, as_input: bool = True) -> Spoil:
    """The plan's change goes elsewhere."""

    def spoil(plan: Any) -> None:
        change = plan["changes"][0]
        if as_input:
            plan["inputs"].append({"path": path, "sha256": change["before_sha256"]})
        change["path"] = path

    return spoil


def created(path: str, **fields: object) -> Spoil:
    """The plan makes a file."""

    def spoil(plan: Any) -> None:
        change, edit = plan["changes"][0], plan["changes"][0]["edits"][0]
        edit |= {"op": "create", "start": 0, "end": 0, "before": "", "after": "evil\n", **fields}
        change |= {"path": path, "before_sha256": "", "after_sha256": "", "edits": [edit]}

    return spoil


def edited(**fields: object) -> Spoil:
    """The plan's first edit is another."""
    return lambda plan: plan["changes"][0]["edits"][0].update(fields)


def changed(**fields: object) -> Spoil:
    """The plan's change has other facts."""
    return lambda plan: plan["changes"][0].update(fields)


def named(name: str) -> Spoil:
    """The plan's environment is called otherwise."""

    def spoil(plan: Any) -> None:
        plan["environments"] = [name]
        plan["changes"][0]["environment"] = name

    return spoil


_PATHS = [
    *("../victim.yaml", "k8s/../../victim.yaml", "/etc/passwd", "", ".", "./x", "k8s//app.yaml"),
    *(".git/hooks/pre-commit", ".GIT/config", "sub/.git/config", ".repoint/journal", "a\0b"),
    *(".repoint/receipts/dev.json", "x/.Repoint/lock"),
]
_FOREIGN = {
    **{f"a change of {path!r}": at_path(path) for path in _PATHS},
    **{f"a file made at {path!r}": created(path) for path in _PATHS},
    "a file over another": created("k8s/app.yaml"),
    "a file over one beside": created("repoint.yaml"),
    "a password taken from git": created(
        "new.yaml", copies=[{"path": ".git/config", "start": 0, "end": 9, "at": 0}]
    ),
    "a password taken from outside": created(
        "new.yaml", copies=[{"path": "../victim.yaml", "start": 0, "end": 9, "at": 0}]
    ),
    "a file that is no input": at_path("repoint.yaml", as_input=False),
    "another digest before": changed(before_sha256="0" * 64),
    "another digest after": changed(after_sha256="0" * 64),
    "no digest after": changed(after_sha256=""),
    "what is no digest": changed(before_sha256="\x1b[31m"),
    "an environment not its own": changed(environment="prod"),
    "another text before": edited(before="other"),
    "another text after": edited(after="evil"),
    "a negative span": edited(start=-5),
    "an end before its start": edited(start=9, end=3),
    "a huge number": edited(start=10**30, end=10**31),
    "a number beyond the file": edited(start=10**15, end=10**15 + 8),
    "a fraction": edited(start=0.5),
    "a mode": changed(mode=0o777),
    "a newer format": lambda plan: plan.update(format=2),
    "no format": lambda plan: plan.pop("format"),
    "another fingerprint": lambda plan: plan.update(fingerprint="0" * 64),
    "inputs of another plan": lambda plan: plan["inputs"].pop(0),
    "another version": lambda plan: plan.update(tool_version="0.0.1"),
    "an operation that is none": edited(op="run"),
    **{
        f"an environment called {name!r}": named(name)
        for name in ("../../x", "\x1b]0;x\x07", "a/b", "", "dev\n")
    },
}


@pytest.mark.parametrize("spoil", _FOREIGN.values(), ids=_FOREIGN)
def test_a_plan_that_reaches_out_is_refused(
    original: tuple[Path, dict[str, Any]], root: Path, spoil: Spoil
) -> None:
    refused(root, "apply", spoilt(original[1], spoil, root.parent))


def test_the_plan_as_it_was_is_applied(original: tuple[Path, dict[str, Any]], root: Path) -> None:
    done = repoint(root, "apply", spoilt(original[1], lambda _: None, root.parent))
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("where", ["outside", "git", "own", "folder"])
def test_a_file_swapped_for_a_link_is_refused(
    original: tuple[Path, dict[str, Any]], root: Path, where: str
) -> None:
    app = root / "k8s" / "app.yaml"
    if where == "folder":
        (root / "k8s").rename(root.parent / "k8s")
        (root / "k8s").symlink_to(root.parent / "k8s")
    else:
        (root / ".repoint").mkdir()
        target = {"outside": root.parent, "git": root / ".git", "own": root / ".repoint"}[where]
        app.rename(target / "app.yaml")
        app.symlink_to(target / "app.yaml")
    plan = spoilt(original[1], lambda _: None, root.parent)
    refused(root, "apply", "--allow-dirty", plan)


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"null", b"{", b"\xff", b'{"format": 1}', b"[" * 100_000, b"1" * 10_000]
)
def test_what_is_no_plan_is_refused(root: Path, raw: bytes) -> None:
    (root.parent / "plan.json").write_bytes(raw)
    refused(root, "apply", "../plan.json")


_RECEIPTS: dict[str, Spoil] = {
    **{
        f"a file at {path!r}": lambda receipt, path=path: receipt["files"][0].update(path=path)
        for path in _PATHS
    },
    "a folder outside": lambda receipt: receipt["files"][0].update(made_dirs=["../empty"]),
    "a folder elsewhere": lambda receipt: receipt["files"][0].update(made_dirs=["other"]),
    "a folder of git": lambda receipt: receipt["files"][0].update(made_dirs=[".git/refs"]),
    "another environment": lambda receipt: receipt.update(environment="prod"),
    "an environment elsewhere": lambda receipt: receipt.update(environment="../../x"),
    "a place that is negative": lambda receipt: receipt["files"][0]["undos"][0].update(at=-3),
    "a place beyond the file": lambda receipt: receipt["files"][0]["undos"][0].update(at=10**12),
    "another text": lambda receipt: receipt["files"][0]["undos"][0].update(after="other"),
    "an unknown field": lambda receipt: receipt["files"][0].update(mode=0o777),
}


@pytest.mark.parametrize("spoil", _RECEIPTS.values(), ids=_RECEIPTS)
def test_a_receipt_that_reaches_out_is_refused(
    original: tuple[Path, dict[str, Any]], root: Path, spoil: Spoil
) -> None:
    (root.parent / "empty").mkdir()
    (root / "other").mkdir()
    plan = spoilt(original[1], lambda _: None, root.parent)
    assert repoint(root, "apply", plan).returncode == 0
    path = root / ".repoint" / "receipts" / "dev.json"
    receipt = json.loads(path.read_text())
    spoil(receipt)
    path.write_text(json.dumps(receipt))

    refused(root, "rollback", "--yes", "--env", "dev")


@pytest.mark.parametrize("key", ["overlay", "secrets", "manifests", "values"])
@pytest.mark.parametrize("place", ["..", "../other", "/etc", "k8s/../../other", ".git", "--help"])
def test_a_place_outside_is_not_read(root: Path, key: str, place: str) -> None:
    other = root.parent / "other"
    other.mkdir()
    outside = APP.replace("name: app", "name: stranger").replace("u@", "u:canary-1@")
    (other / "app.yaml").write_text(outside)
    (other / "kustomization.yaml").write_text("resources: [app.yaml]\n")
    (root / ".git" / "app.yaml").write_text(outside)
    places = f"{{namespace: shop, {key}: '{place}'}}"
    (root / "repoint.yaml").write_text(CONFIG.replace("{namespace: shop, manifests: k8s}", places))
    before = everything(root.parent)

    for verb in (["scan"], ["plan"], ["apply", "--yes", "--allow-dirty"]):
        done = repoint(root, *verb)
        assert "stranger" not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
    after = everything(root.parent)
    ours = ("repository/k8s/", "repository/.repoint")
    assert {name: one for name, one in after.items() if not name.startswith(ours)} == {
        name: one for name, one in before.items() if not name.startswith(ours)
    }
