"""The search sees what is there: a leak of each kind, planted by code that counts as repoint's."""

from __future__ import annotations

import ast
import base64
import html
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus
from xml.sax import saxutils

import markupsafe
import pytest

from repoint.views.markup import plain
from tests.leaks.canaries import Canary, collect, is_canary
from tests.leaks.objects import Reader
from tests.leaks.plugin import ROOT, as_json
from tests.leaks.recorder import Recorder
from tests.leaks.searching import search

FIXTURE = "canary-hunter2"  # of tests/cli/samples.py
CODE = """
import base64, os, shutil, subprocess, sys, tempfile, time
from pathlib import Path
from urllib.parse import quote

from jinja2 import Template

from repoint.adapters.filetree import FileTree
from repoint.errors import RepointError
from repoint.model.receipt import FileWrite
from repoint.adapters.runner import run, scratch_folder


def argv(password, folder):
    subprocess.run(["true", f"postgres://app:{password}@db/x"], env={}, check=True)


def argv_of_the_runner(password, folder):
    run(["true", password], tool="psql")


def environment(password, folder):
    subprocess.run(["true"], env={"PGPASSWORD": password, "PATH": os.defpath}, check=True)


def everything(password, folder):
    subprocess.run(["true"], check=True)


def inherited(password, folder):
    os.environ["SOME_URL"] = f"postgres://app:{password}@db/x"
    subprocess.run(["true"], check=True)
    del os.environ["SOME_URL"]


def grandchild(password, folder):
    script = 'read -r word; sh -c "sleep 0.4; :" "$word"; :'
    subprocess.run(["sh", "-c", script], input=password.encode(), check=True)


def temporary(password, folder):
    with tempfile.TemporaryDirectory(prefix="repoint-x-") as made:
        (Path(made) / "one").write_text(password)


def temporary_of_a_child(password, folder):
    with scratch_folder("repoint-x-") as made:
        argv = ["sh", "-c", "cat > one"]
        subprocess.run(argv, cwd=made, input=password.encode(), check=True)


def written_over(password, folder):
    (folder / "one").write_text(password)
    (folder / "one").write_text("nothing")


def removed(password, folder):
    (folder / "one").write_text(password)
    (folder / "one").unlink()


def renamed(password, folder):
    (folder / "one").write_text(password)
    (folder / "one").replace(folder / "two")
    (folder / "two").unlink()


def left(password, folder):
    (folder / ".repoint").mkdir()
    (folder / ".repoint" / "ledger").write_text(password)


def die(folder, password):
    (Path(folder) / "one").write_text(password)
    os.kill(os.getpid(), 9)


def stdout(password, folder):
    print(f"connecting to postgres://app:{password}@db/x")


def encoded(password, folder):
    print(base64.b64encode(f"ab:{password}@db".encode()).decode())


def hexadecimal(password, folder):
    print(f"ab{password}".encode().hex())


def page(password, folder):
    Template("<b>{{ x }}</b>").render(x=password)


def error(password, folder):
    try:
        raise RepointError(f"cannot log in with `{password}`")
    except RepointError:
        pass


def applied(password, folder):
    tree = FileTree(folder)
    raw = (folder / "mine").read_bytes()
    with tree.locked("apply"):
        tree.commit("apply", [FileWrite("mine", raw, raw + b"\\n")])


def nothing(password, folder):
    subprocess.run(["cat"], input=password.encode(), env={}, capture_output=True, check=True)
    (folder / "one").write_text("postgres://app:***@db/x")
    print("postgres://app:***@db/x")
"""
# What a test itself does with a password is its own: no leak of repoint's.
TEST = """
import os, subprocess
import pytest
import planted

@pytest.fixture
def password(canary):
    return canary("planted") if {fresh} else "{fixture}"

def test_it(password, tmp_path):
    subprocess.run(["true", password], env={{"PGPASSWORD": password, "PATH": os.defpath}})
    (tmp_path / "mine").write_text(password)
    planted.{kind}(password, tmp_path)
"""
DYING = """
import subprocess, sys

def test_it(canary, tmp_path):
    code = "import planted, sys; planted.die(sys.argv[1], sys.stdin.read())"
    password = canary("planted").encode()
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], input=password)
"""
PLACES = {
    "argv": "argv of true",
    "argv_of_the_runner": "argv of true",
    "environment": "env of true",
    "inherited": "env of true",
    "grandchild": "cmdline of",
    "temporary": "/one",
    "temporary_of_a_child": "/one",
    "written_over": "/one",
    "removed": "/one",
    "renamed": "/one",
    "die": "/one",
    "left": "/.repoint/ledger",
    "stdout": "Captured stdout call",
    "encoded": "Captured stdout call",
    "hexadecimal": "Captured stdout call",
    "page": "a rendered page",
    "error": "an error's text",
}


@dataclass(frozen=True)
class Session:
    """A session of pytest with one planted test."""

    folder: Path
    known: Path

    def run(
        self, kind: str, *options: str, fresh: bool = True, collects: bool = False
    ) -> tuple[int, str]:
        """Its exit status and what it says."""
        source = self.folder / "source"
        source.mkdir()
        (source / "planted.py").write_text(CODE)
        test = DYING if kind == "die" else TEST.format(kind=kind, fresh=fresh, fixture=FIXTURE)
        (self.folder / "test_planted.py").write_text(test)
        argv = [sys.executable, "-m", "pytest", "-q", "-p", "tests.leaks.plugin", "--canaries"]
        argv += [f"--rootdir={self.folder}", "-c", os.devnull, "-p", "no:cacheprovider"]
        argv += [f"--canaries-source={source}", "-p", "no:hypothesispytest"]
        argv += [] if collects else [f"--canaries-known={self.known}"]
        argv += [*options, "test_planted.py"]
        path = f"{ROOT / 'src'}:{ROOT}:{source}"
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canaries of all fixtures, collected once for all sessions."""
    path = tmp_path_factory.mktemp("known") / "canaries.json"
    path.write_text(as_json(collect(ROOT)))
    return path


@pytest.fixture
def session(tmp_path: Path, known: Path) -> Session:
    return Session(tmp_path, known)


@pytest.mark.parametrize("kind", PLACES)
def test_a_planted_leak_fails_the_session(session: Session, kind: str) -> None:
    status, told = session.run(kind)

    assert status == 1, told
    (leak, *_) = [line for line in told.splitlines() if line.startswith("  leak: planted (")]
    assert PLACES[kind] in leak
    assert not re.search(r"canary-[0-9a-f]{16}", told), "the report itself shows it"


def test_a_password_of_a_fixture_is_told_by_its_label(session: Session) -> None:
    status, told = session.run("stdout", fresh=False)

    assert status == 1
    assert re.search(r"leak: tests/cli/samples.py #\d+ \(raw\) in output of Captured stdout", told)
    assert FIXTURE not in told


def test_no_leak_passes_and_tells_what_was_searched(session: Session) -> None:
    status, told = session.run("nothing", collects=True)

    assert status == 0, told
    numbers = re.search(
        r"leaks: (\d+) canaries in (\d+) forms, searched: .* of \d+ runs, (\d+) files,"
        r" (\d+) command lines, (\d+) environments, 0 objects: 0 hits",
        told,
    )
    assert numbers is not None, told
    assert all(int(number) > 0 for number in numbers.groups())


def test_a_file_that_held_it_before_may_hold_it_after_an_apply(session: Session) -> None:
    status, told = session.run("applied")

    assert status == 0, told
    assert "x the user's own file, or its new version beside it" in told


def test_a_child_that_inherits_everything_is_told(session: Session) -> None:
    status, told = session.run("everything")

    assert status == 1, told
    assert "the whole environment is given to env of true" in told


def test_workers_of_xdist_add_up(session: Session) -> None:
    # No process: whether the sampler meets one that is gone at once is chance, and a hit more.
    status, told = session.run("stdout", "-p", "xdist", "-n", "2")

    assert status == 1, told
    assert PLACES["stdout"] in told
    assert "1 hits" in told, told


class Plane:
    """An API server's answers, as far as the reader asks."""

    def __init__(self, kind: str, one: dict[str, Any]) -> None:
        self._answers: dict[str, dict[str, Any]] = {
            "/apis": {"groups": []},
            "/api/v1": {"resources": [{"name": kind, "verbs": ["list"]}]},
            f"/api/v1/{kind}": {"items": [one]},
        }

    def call(self, method: str, path: str) -> tuple[int, dict[str, Any]]:
        return 200, self._answers[path]


META: dict[str, Any] = {"name": "web", "namespace": "shop"}
OBJECTS = {
    "an annotation": (
        "pods",
        {"metadata": {**META, "annotations": {"repoint.dev/note": "PASSWORD"}}},
        True,
    ),
    "a user's annotation": (
        "pods",
        {"metadata": {**META, "annotations": {"note": "PASSWORD"}}},
        False,
    ),
    "a label": ("pods", {"metadata": {**META, "labels": {"x": "PASSWORD"}}}, True),
    "a Secret's annotation": (
        "secrets",
        {"metadata": {**META, "annotations": {"repoint.dev/x": "PASSWORD"}}},
        True,
    ),
    "a Secret's data": ("secrets", {"metadata": META, "stringData": {"x": "PASSWORD"}}, False),
    "an event": (
        "events",
        {"metadata": META, "message": "no PASSWORD", "reportingComponent": "kubelet"},
        True,
    ),
    "a user's event": ("events", {"metadata": META, "message": "no PASSWORD"}, False),
    "a status": ("pods", {"metadata": META, "status": {"message": "PASSWORD"}}, False),
    "an object of repoint's": (
        "configmaps",
        {"metadata": {"name": "repoint-probe"}, "data": {"url": "PASSWORD"}},
        True,
    ),
    "a user's object": ("configmaps", {"metadata": META, "data": {"url": "PASSWORD"}}, False),
    "kubectl's copy of it": (
        "configmaps",
        {
            "metadata": {
                **META,
                "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "PASSWORD"},
            }
        },
        False,
    ),
}


@pytest.mark.parametrize(("kind", "one", "leaks"), OBJECTS.values(), ids=OBJECTS)
def test_a_planted_password_in_an_object(
    tmp_path: Path, kind: str, one: dict[str, Any], leaks: bool
) -> None:
    password = Canary("mine", "canary-0123456789")
    text = repr(one).replace("PASSWORD", password.text)
    recorder = Recorder(tmp_path, ("/nowhere",), ("/nowhere",))
    for where, owner, data in Reader(Plane(kind, ast.literal_eval(text))).objects():
        recorder.add("object", where, data, by=owner)

    totals = search(tmp_path, [password])

    assert bool(totals.hits) is leaks
    assert totals.counts["objects"] >= 1


@pytest.mark.parametrize("shift", range(3))
@pytest.mark.parametrize("text", ["canary-1", "Quahog-17/ö %", "a\"b\\c'd ef"])
def test_every_form_is_found_wherever_it_stands(tmp_path: Path, text: str, shift: int) -> None:
    around = "x" * shift + text + "yz"
    shown = [
        around,
        quote(around, safe=""),
        quote_plus(around),
        json.dumps(around),
        shlex.quote(text),
        around.encode().hex(),
        base64.b64encode(around.encode()).decode(),
    ]
    for number, one in enumerate(shown):
        folder = tmp_path / str(number)
        folder.mkdir()
        recorder = Recorder(folder, ("/nowhere",), ("/nowhere",))
        recorder.add("output", "x", b"before " + one.encode() + b" after")
        assert search(folder, [Canary("it", text)]).hits, one


@pytest.mark.parametrize(
    "escaped",
    [
        lambda text: html.escape(text),
        lambda text: str(markupsafe.escape(text)),
        lambda text: saxutils.quoteattr(f"x{text}"),
        lambda text: f"<b>{''.join(f'&#{ord(letter)};' for letter in text)}</b>",
        plain,
    ],
    ids=["html", "template", "attribute", "numbers", "markdown"],
)
def test_what_a_browser_shows_is_found(tmp_path: Path, escaped: Callable[[str], str]) -> None:
    text = "canary-<1>&\"'*b*_@you/#7"
    recorder = Recorder(tmp_path, ("/nowhere",), ("/nowhere",))
    recorder.add("output", "x", b"before")
    recorder.add("output", "report.html", escaped(text).encode())
    recorder.add("output", "y", b"after")

    hits = search(tmp_path, [Canary("it", text)]).hits

    assert hits == {"it (raw) in output of report.html"}


def test_the_fixtures_passwords_are_known() -> None:
    found, ordinary = collect(ROOT)
    texts = {one.text for one in found}

    assert len(found) > 150
    assert {one.text for one in found if one.sealed} >= {
        "hra87Kd50E23",
        "st@ging%40/Nay#tife-Zürich",
    }
    assert {"canary-hunter2", "canary-x02", "Quahog-17-bookings"} <= texts
    assert not any(is_canary(text) for text in ordinary)
    # Each of these is a word, or too short to be told from other text: a new one is a choice.
    assert len(ordinary) < 30, ordinary


def test_a_canary_is_never_shown() -> None:
    assert "canary-1" not in repr(Canary("a label", "canary-1"))
