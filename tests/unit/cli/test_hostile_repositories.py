"""The whole program in repositories made to harm: it refuses or goes on, within bounds.

Every run is a process of its own with limited memory and CPU time; one that needs more dies, and
the test is red. What it prints is never obeyed by a terminal, and no password is in it.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """\
source: {hosts: [postgres]}
target: {cluster: pg, pooler: pg-pooler}
environments:
  dev: {namespace: shop, overlay: overlays/dev}
"""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  template:
    spec:
      containers:
        - name: app
          image: app
          env: [{name: DATABASE_URL, value: "postgres://u:canary-1@postgres:5432/x"}]
"""
_MEMORY = 3 << 30
_CPU_S = 60
_CONTROLS = {*map(chr, range(32)), *map(chr, range(0x7F, 0xA0))} - {"\n", "\t"}
_TURNS = {"\u202e"}


@pytest.fixture(params=[True, False], ids=["git", "no git"])
def root(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A small repository with one consumer, in git and without."""
    root = tmp_path / "repository"
    (root / "overlays/dev").mkdir(parents=True)
    (root / "repoint.yaml").write_text(CONFIG)
    (root / "overlays/dev/app.yaml").write_text(APP)
    (root / "overlays/dev/kustomization.yaml").write_text("resources: [app.yaml]\n")
    if request.param:
        subprocess.run(["git", "init", "-q", str(root)], check=True)
    return root


def repoint(root: Path, *arguments: str, statuses: tuple[int, ...] = (0, 1)) -> str:
    """Run the command line within limits; what it said on both streams."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_CPU_S, _CPU_S))

    done = subprocess.run(
        [sys.executable, "-m", "repoint", "-C", str(root), *arguments],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "REPOINT_CACHE": "off"},
        preexec_fn=limit,
        timeout=4 * _CPU_S,
        check=False,
    )
    said = (done.stdout + done.stderr).decode()
    assert done.returncode in statuses, said[-2000:]
    assert "canary-" not in said
    return said


def test_aliases_that_explode_are_not_expanded(root: Path) -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 40)]
    bomb = "\n".join([*lines, "DB_HOST: postgres", ""])
    (root / "values.yaml").write_text(bomb)
    assert "DATABASE_URL" in repoint(root, "scan")

    (root / "repoint.yaml").write_text(f"{bomb}{CONFIG}exclude: *a39\n")
    assert "unknown key" in repoint(root, "scan", statuses=(2,))


def test_files_too_big_are_told_and_not_read(root: Path) -> None:
    with (root / "hole.yaml").open("wb") as hole:
        hole.truncate(100 << 20)
    (root / "big.yaml").write_bytes(b"a: postgres://u:canary-2@postgres/x\n" * (21 << 15))
    said = repoint(root, "scan")
    assert "hole.yaml" in said and "big.yaml" in said
    assert "DATABASE_URL" in said


def test_what_is_nested_too_deep_is_told_or_read_in_part(root: Path) -> None:
    deep = {
        "flow.yaml": "DB_HOST: postgres\nx: " + "[" * 10_000 + "]" * 10_000,
        "block.yaml": "".join(" " * i + "a:\n" for i in range(3000)) + " " * 3000 + "DB_HOST: x\n",
        "deep.json": '{"DB_HOST": "postgres", "a":' * 10_000 + "1" + "}" * 10_000,
        "deep.tf": "a = " + "[" * 10_000 + '"postgres://a@postgres/x"' + "]" * 10_000,
        "deep.sh": "DB_HOST=postgres\n" + "$(" * 10_000 + "psql -h postgres" + ")" * 10_000,
        "deep.toml": 'host="postgres"\na=' + "[" * 10_000,
        "config.yaml": "kind: ConfigMap\ndata:\n  x: |\n    " + '{"host":"postgres","a":' * 5000,
    }
    for name, text in deep.items():
        (root / name).write_text(text)
    assert "DATABASE_URL" in repoint(root, "scan")

    (root / "repoint.yaml").write_text(f"{CONFIG}exclude: {'[' * 10_000}\n")
    repoint(root, "scan", statuses=(2,))


def test_links_lead_nowhere_else(root: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.env").write_text("DATABASE_URL=postgres://u:canary-9@postgres/elsewhere\n")
    for name, target in {
        "loop.yaml": "loop.yaml",
        "one.yaml": "two.yaml",
        "two.yaml": "one.yaml",
        "up": "..",
        "out.env": "../outside.env",
        "absolute.env": str(tmp_path / "outside.env"),
        "folder": str(tmp_path),
        "zero.yaml": "/dev/zero",
        "none.yaml": "gone",
    }.items():
        (root / name).symlink_to(target)
    (root / "overlays/dev/kustomization.yaml").write_text(
        "resources: [app.yaml]\nsecretGenerator: [{name: s, envs: [../../out.env]}]\n"
    )
    for verb in ("scan", "plan"):
        said = repoint(root, verb)
        assert "elsewhere" not in said
        assert "leads out of the repository" in said


def test_what_is_no_file_is_not_opened(root: Path) -> None:
    os.mkfifo(root / "pipe.yaml")
    os.mkfifo(root / ".env")
    with socket.socket(socket.AF_UNIX) as door:
        folder = os.open(root, os.O_RDONLY)
        door.bind(f"/proc/self/fd/{folder}/sock.yaml")
        os.close(folder)
    if os.geteuid() == 0:
        os.mknod(root / "device.yaml", 0o20666, os.makedev(1, 5))
    assert "DATABASE_URL" in repoint(root, "scan")

    (root / "repoint.yaml").unlink()
    os.mkfifo(root / "repoint.yaml")
    repoint(root, "plan", statuses=(1, 2))


NAMES = [
    b"new\nline.yaml", b"\x1b[31mred\x1b]0;own\x07.yaml", b"bad\xff\xfe.yaml", b"-rf.yaml",
    b"--output=x.yaml", b" .yaml", b"a\tb\r.yaml", b"A.YAML", b"a.yaml", b"`id`.yaml",
    b"$(id).env", b'"q".yaml', "\u202eturned.yaml".encode(),
]  # fmt: skip


@pytest.mark.parametrize(
    "arguments",
    [["scan"], ["scan", "--format", "markdown"], ["plan"], ["check"], ["init", "--print"]],
    ids=" ".join,
)
def test_names_do_not_speak_to_the_terminal(root: Path, arguments: list[str]) -> None:
    value = b'spec: {env: [{name: DATABASE_URL, value: "postgres://u:canary-1@postgres:5432/x"}]}\n'
    for name in NAMES:
        (root / os.fsdecode(name)).write_bytes(value)
    said = set(repoint(root, *arguments))
    # The proposal of `init` is a file's content: letters of any script are kept in it.
    assert not said & (_CONTROLS if arguments[0] == "init" else _CONTROLS | _TURNS)


def test_values_do_not_speak_to_the_terminal(root: Path) -> None:
    app = APP.replace("name: app}", 'name: "a\\e[31m\\u202e"}')
    app = app.replace("image: app", 'image: "\\e]"')
    (root / "overlays/dev/app.yaml").write_text(app)
    for arguments in (["scan"], ["scan", "--format", "markdown"], ["plan"], ["check"]):
        assert not (_CONTROLS | _TURNS) & set(repoint(root, *arguments))


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_cannot_be_read_is_told(root: Path) -> None:
    (root / "closed.yaml").write_text(APP)
    (root / "closed.yaml").chmod(0)
    assert "closed.yaml" in repoint(root, "scan")


@pytest.mark.parametrize("arguments", [["scan"], ["plan"], ["check"], ["status"], ["doctor"]])
def test_modules_and_entry_points_of_the_repository_are_not_loaded(
    root: Path, arguments: list[str]
) -> None:
    for name in ("click", "evil", "json", "msgspec", "repoint_extra", "sitecustomize", "yaml"):
        (root / f"{name}.py").write_text("open('loaded', 'w').close()\nKNOWN = {}\n")
    for folder in ("evil-1.dist-info", "site-packages/evil-1.dist-info"):
        (root / folder).mkdir(parents=True)
        (root / folder / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
        (root / folder / "entry_points.txt").write_text("[repoint.knowledge]\na = evil:KNOWN\n")
    paths = os.pathsep.join(filter(None, sys.path))

    done = subprocess.run(
        [sys.executable, "-P", "-m", "repoint", *arguments],
        cwd=root,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": paths, "REPOINT_CACHE": "off"},
        check=False,
    )

    assert done.returncode in (0, 1), done.stderr
    assert not (root / "loaded").exists()
