"""`pytest --canaries`: no password of a fixture is anywhere but where it belongs.

Around any tests, without a change to them, it records what repoint starts, writes and shows
(recorder.py, sampler.py, objects.py), searches that at the end for every form of every password
(canaries.py, searching.py), and fails the session for a find that no excuse covers (excuses.py).
The last lines of the session tell how much was searched. A leak is told by the canary's label
and the place, never by its text.

A test that makes a password up tells it with the fixture `canary`: `password = canary("mine")`.
With xdist each worker records and searches for itself, and the totals are added.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Generator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.leaks.canaries import Canary, collect
from tests.leaks.objects import Reader
from tests.leaks.recorder import Recorder, install
from tests.leaks.searching import Totals, search, written
from tests.prepared import start_each

ROOT = Path(__file__).parents[2]
_SAMPLER = Path(__file__).with_name("sampler.py")
_HARNESS = pytest.StashKey["Harness"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("leaks")
    group.addoption("--canaries", action="store_true", help="search everything for passwords")
    group.addoption(
        "--canaries-source",
        action="append",
        default=[],
        metavar="FOLDER",
        help="take code below FOLDER for repoint's own (for the tests of the search itself)",
    )
    group.addoption(
        "--canaries-known",
        type=Path,
        metavar="FILE",
        help="what `collect` found, as JSON; a search through all fixtures takes a second",
    )


class Harness:
    """The search around one session, or around one worker's part of it."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.totals = Totals()
        self.recorder: Recorder | None = None
        self._reader: Reader | None = None
        self._sampler: subprocess.Popen[bytes] | None = None
        given = getattr(config, "workerinput", {}).get("leaks")
        self.worker = given is not None
        if self.worker:
            self.base = Path(given)
            self.canaries = [Canary(**one) for one in json.loads(self._list.read_text())]
        else:
            self.base = Path(tempfile.mkdtemp(prefix="leaks-"))
            self.canaries, self.ordinary = _known(config.option.canaries_known)
            self._list.write_text(json.dumps([asdict(one) for one in self.canaries]))
            _own_temporary_folder(self.base)

    @property
    def _list(self) -> Path:
        return self.base / "canaries.json"

    def begin(self) -> None:
        """Record from now on."""
        self.spool = Path(tempfile.mkdtemp(dir=self.base, prefix="spool-"))
        sources = (str(ROOT / "src"), *map(os.path.abspath, self.config.option.canaries_source))
        tests = [str(ROOT / name) for name in ("tests", "scripts", "bench")]
        if self.config.rootpath != ROOT:
            tests.append(str(self.config.rootpath))
        told = {"sources": sources, "tests": tests}
        (self.spool / "config.json").write_text(json.dumps(told))
        argv = [sys.executable, "-I", "-S", str(_SAMPLER), str(self.spool), str(os.getpid())]
        self._sampler = subprocess.Popen([*argv, tempfile.gettempdir()], stdin=subprocess.PIPE)
        self.recorder = install(self.spool)
        start_each()
        _listen(self.recorder)

    def look(self, item: pytest.Item) -> None:
        """After a test, before its fixtures go: its files, and the objects of its cluster."""
        assert self.recorder is not None
        self.recorder.look_again()
        if "api" in getattr(item, "fixturenames", ()):
            from tests.cluster.fix_api import _UP

            plane = item.config.stash.get(_UP, None)
            if plane is not None:
                self._reader = self._reader or Reader(plane)
                for where, owner, data in self._reader.objects():
                    self.recorder.add("object", where, data, by=owner)

    def end(self) -> None:
        """Stop recording, and search."""
        if self.recorder is not None and self._sampler is not None:
            assert self._sampler.stdin is not None
            self._sampler.stdin.close()
            self._sampler.wait()
            self.recorder.look_again()
            for path, by in written(self.spool).items():
                self.recorder.look(path, by)
            self.totals.add(search(self.spool, self.canaries).plain())
            shutil.rmtree(self.spool, ignore_errors=True)


def as_json(found: tuple[list[Canary], list[str]]) -> str:
    """What `collect` found, for `--canaries-known`."""
    return json.dumps([[asdict(one) for one in found[0]], found[1]])


def _known(file: Path | None) -> tuple[list[Canary], list[str]]:
    if file is None:
        return collect(ROOT)
    canaries, ordinary = json.loads(file.read_text())
    return [Canary(**one) for one in canaries], ordinary


def _own_temporary_folder(base: Path) -> None:
    """A temporary folder for this session alone; others may use the machine's.

    Its path is short, for sockets, and the servers' user can go through it. pytest keeps its own.
    """
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", tempfile.gettempdir())
    folder = base / "t"
    base.chmod(0o711)
    folder.mkdir()
    folder.chmod(0o1777)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None


def _listen(recorder: Recorder) -> None:
    """Record what is shown in this process: runs of the command line, captures, errors."""
    from _pytest.capture import CaptureFixture
    from click.testing import CliRunner
    from jinja2 import Template

    from repoint.errors import RepointError

    invoke, read, begin = CliRunner.invoke, CaptureFixture.readouterr, RepointError.__init__
    render = Template.render

    def invoked(self: Any, cli: Any, args: Any = None, **named: Any) -> Any:
        result = invoke(self, cli, args, **named)
        recorder.add("run", str(args), b"")
        recorder.add("output", "a run's", result.output.encode(errors="replace"))
        if result.exception is not None:
            text = "".join(traceback.format_exception(result.exception))
            recorder.add("output", "the traceback of a run", text.encode(errors="replace"))
        return result

    def captured(self: Any) -> Any:
        found = read(self)
        for text in found:
            if isinstance(text, str) and text:
                recorder.add("output", "what a test captured", text.encode(errors="replace"))
        return found

    def made(self: Any, *args: Any, **named: Any) -> None:
        begin(self, *args, **named)
        text = "\n".join(map(str, (*self.args, *getattr(self, "hints", ()))))
        owner, by = recorder.who()
        if owner == "repoint":
            recorder.add("output", "an error's text", text.encode(errors="replace"), by=by)

    def rendered(self: Any, *args: Any, **named: Any) -> str:
        page = render(self, *args, **named)
        recorder.add("output", "a rendered page", page.encode(errors="replace"))
        return page

    Template.render = rendered  # type: ignore[method-assign]
    CliRunner.invoke = invoked  # type: ignore[method-assign]
    CaptureFixture.readouterr = captured  # type: ignore[method-assign]
    RepointError.__init__ = made  # type: ignore[method-assign]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if config.option.canaries:
        config.stash[_HARNESS] = Harness(config)


def pytest_sessionstart(session: pytest.Session) -> None:
    harness = session.config.stash.get(_HARNESS, None)
    # The process that only hands tests to workers has nothing to record.
    if harness is not None and (harness.worker or not getattr(session.config.option, "tx", None)):
        harness.begin()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    harness = node.config.stash.get(_HARNESS, None)
    if harness is not None:
        node.workerinput["leaks"] = str(harness.base)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    harness = node.config.stash.get(_HARNESS, None)
    if harness is not None and "leaks" in getattr(node, "workeroutput", {}):
        harness.totals.add(node.workeroutput["leaks"])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    if harness := item.config.stash.get(_HARNESS, None):
        harness.look(item)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport]:
    report = yield
    harness = item.config.stash.get(_HARNESS, None)
    # A failed test shows its own values.
    if harness is not None and harness.recorder is not None and report.passed:
        for name, text in report.sections:
            harness.recorder.add("output", name, text.encode(errors="replace"), by=item.nodeid)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    harness = session.config.stash.get(_HARNESS, None)
    if harness is None:
        return
    harness.end()
    if harness.worker:
        session.config.workeroutput["leaks"] = harness.totals.plain()
    elif harness.totals.hits and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    harness = config.stash.get(_HARNESS, None)
    if harness is not None:
        terminalreporter.section("leaks")
        for line in (harness.totals.line(), *harness.totals.story()):
            terminalreporter.write_line(line)
        told = " ".join(harness.ordinary)
        terminalreporter.write_line(f"  not searched for, since they are ordinary words: {told}")


def pytest_unconfigure(config: pytest.Config) -> None:
    harness = config.stash.get(_HARNESS, None)
    if harness is not None and not harness.worker:
        shutil.rmtree(harness.base, ignore_errors=True)


@pytest.fixture(scope="session")
def canary(pytestconfig: pytest.Config) -> Callable[[str], str]:
    """Makes a password that is nowhere else, and tells the search of it."""

    def make(label: str) -> str:
        text = f"canary-{secrets.token_hex(8)}"
        harness = pytestconfig.stash.get(_HARNESS, None)
        if harness is not None and harness.recorder is not None:
            harness.recorder.add("canary", label, text.encode())
        return text

    return make
