"""Records what a process starts, writes and shows, so that a search can look for passwords.

It runs in pytest's own process and, through `site/sitecustomize.py`, in every Python that a test
starts; it uses the standard library only. What repoint's code does is told from what a test does
by the frames on the stack. Python's audit events come before the act: a file is read just before
it is removed, renamed or written anew, so nothing depends on the moment of a sample.

One file per process lies in the spool, a private folder. It holds records: a line of JSON
(`kind`, `where`, `by`, `mode`, `digest`, `size`), the bytes, and a line feed. Bytes that this
process recorded before are not repeated (`size` is 0), but the record is.

    argv, env       of a program that repoint starts, exactly as given
    file            that repoint wrote, or that lay in a temporary folder of its own
    output          stdout and stderr of a run of repoint, what a test captured, texts of errors
    object          of Kubernetes
    wrote           the path of a file, told before it is written: its writer may be killed
    mark            who started a process: `user` (a test runs repoint), `test` or `repoint`
    canary          a password made at run time; its bytes are not searched but searched for
    fault           what the recorder could not do
"""

from __future__ import annotations

import atexit
import json
import os
import stat
import sys
import threading
from _blake2 import blake2b  # hashlib would load OpenSSL into every child
from collections.abc import Callable
from pathlib import Path
from typing import Any

SPOOL = "REPOINT_LEAKS"
SITE = str(Path(__file__).with_name("site"))
INHERITS = "inherits"
THROWAWAY = "a throwaway of a rehearsal"
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_MOST = 8 << 20
_RUNNER = "runner.py"


class Recorder:
    """What this process records; `sources` and `tests` are folders of repoint's and test code."""

    def __init__(self, spool: Path, sources: tuple[str, ...], tests: tuple[str, ...]) -> None:
        self.spool = spool
        self._sources, self._tests = sources, tests
        self._owners: dict[str, str] = {}
        self._seen: set[bytes] = set()
        self._written: dict[str, str] = {}
        self._folders: dict[str, str] = {}
        self._busy = threading.local()
        name = spool / f"{os.getpid()}-{os.urandom(4).hex()}.rec"
        self._fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def add(self, kind: str, where: str, data: bytes, *, by: str = "", mode: int = 0) -> None:
        """Append one record."""
        digest = blake2b(data, digest_size=16).digest()
        fresh = digest not in self._seen
        if kind != "canary":
            self._seen.add(digest)
        head = {"kind": kind, "where": where, "by": by, "mode": mode, "digest": digest.hex()}
        head["size"] = len(data) if fresh else 0
        line = json.dumps(head, separators=(",", ":")).encode()
        os.write(self._fd, line + b"\n" + (data if fresh else b"") + b"\n")

    def look(self, path: str, by: str) -> None:
        """Record a file as it is now; a missing one is nothing."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return
        try:
            about = os.fstat(fd)
            if stat.S_ISREG(about.st_mode) and about.st_size:
                mode = stat.S_IMODE(about.st_mode)
                self.add("file", path, os.read(fd, _MOST), by=by, mode=mode)
        finally:
            os.close(fd)

    def look_around(self, folder: str, by: str) -> None:
        """Record every file below a folder."""
        for root, _, names in os.walk(folder):
            for name in names:
                self.look(f"{root}/{name}", by)

    def look_again(self) -> None:
        """Record all that was written and is still there."""
        for path, by in list(self._written.items()):
            self._written.pop(path, None)
            self.look(path, by)
        for folder, by in list(self._folders.items()):
            if not Path(folder).exists():
                self._folders.pop(folder, None)
            self.look_around(folder, by)

    def who(self) -> tuple[str, str]:
        """Whose code acts, `repoint`, `test` or nobody's, and where it is."""
        frame: Any = sys._getframe(1)
        last = ""
        while frame is not None:
            name = frame.f_code.co_filename
            owner = self._owner(name)
            if owner:
                place = f"{Path(name).name}:{frame.f_lineno}"
                # What a test hands to the runner itself is the test's own doing.
                if owner == "repoint" and name.endswith(_RUNNER):
                    last = place
                else:
                    return owner, place
            frame = frame.f_back
        return ("repoint", last) if last else ("", "")

    def _owner(self, name: str) -> str:
        known = self._owners.get(name)
        if known is None:
            known = "repoint" if name.startswith(self._sources) else ""
            known = known or ("test" if name.startswith(self._tests) else "")
            if name.startswith(str(Path(__file__).parent)) and "test_" not in Path(name).name:
                known = ""
            self._owners[name] = known
        return known

    # Audit events: each comes before the act.

    def heard(self, event: str, args: tuple[Any, ...]) -> None:
        """The hook for `sys.addaudithook`."""
        act = _ACTS.get(event)
        if act is None or getattr(self._busy, "on", False):
            return
        self._busy.on = True
        try:
            act(self, args)
        except Exception as error:
            self.add("fault", event, repr(error).encode())
        finally:
            self._busy.on = False

    def _opened(self, args: tuple[Any, ...]) -> None:
        path, _, flags = args
        if not isinstance(flags, int) or not flags & _WRITES or isinstance(path, int):
            return
        owner, by = self.who()
        if owner != "repoint":
            return
        full = os.path.abspath(os.fsdecode(path))  # noqa: PTH100 - links stay as they are
        if full.startswith("/dev/"):
            return
        if full in self._written:
            self.look(full, by)
        else:
            self.add("wrote", full, b"", by=by)
        self._written[full] = by

    def _going(self, args: tuple[Any, ...]) -> None:
        path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100
        by = self._written.pop(path, "") or self._below(path)
        if by:
            self.look(path, by)

    def _renamed(self, args: tuple[Any, ...]) -> None:
        old, new = (os.path.abspath(os.fsdecode(one)) for one in args[:2])  # noqa: PTH100
        by = self._written.pop(old, "")
        if by:
            self.look(old, by)
            self._written[new] = by

    def _tree_goes(self, args: tuple[Any, ...]) -> None:
        path = os.path.abspath(os.fsdecode(args[0]))  # noqa: PTH100
        by = self._folders.pop(path, "") or self._below(path)
        if by:
            self.look_around(path, by)
            return
        for one in [one for one in self._written if one.startswith(f"{path}/")]:
            self.look(one, self._written.pop(one))

    def _below(self, path: str) -> str:
        return next((by for one, by in self._folders.items() if path.startswith(f"{one}/")), "")

    def _folder_made(self, args: tuple[Any, ...]) -> None:
        owner, by = self.who()
        if owner == "repoint":
            self._folders[str(args[0])] = by

    def _file_made(self, args: tuple[Any, ...]) -> None:
        owner, by = self.who()
        if owner == "repoint":
            self._written[str(args[0])] = by

    def _started(self, args: tuple[Any, ...]) -> None:
        _, argv, _, env = args
        owner, by = self.who()
        if owner != "repoint":
            return
        words = [argv] if isinstance(argv, (str, bytes, os.PathLike)) else list(argv)
        self.add("argv", os.fsdecode(words[0]), b"\0".join(map(os.fsencode, words)), by=by)
        inherited = env is None
        pairs = os.environ.items() if inherited else env.items()
        data = b"\0".join(os.fsencode(name) + b"=" + os.fsencode(text) for name, text in pairs)
        self.add("env", os.fsdecode(words[0]), data, by=f"{by} {INHERITS}" if inherited else by)


_ACTS: dict[str, Callable[[Recorder, tuple[Any, ...]], None]] = {
    "open": Recorder._opened,
    "os.remove": Recorder._going,
    "os.rename": Recorder._renamed,
    "shutil.rmtree": Recorder._tree_goes,
    "tempfile.mkdtemp": Recorder._folder_made,
    "tempfile.mkstemp": Recorder._file_made,
    "subprocess.Popen": Recorder._started,
}


class _Heard:
    """A pipe from a run of repoint: what is read from it is recorded."""

    def __init__(self, pipe: Any, record: Callable[[Any], None]) -> None:
        self._pipe, self._record = pipe, record

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._pipe, name)
        if name not in ("read", "read1", "readline", "readlines"):
            return found

        def reading(*args: Any) -> Any:
            data = found(*args)
            self._record(data)
            return data

        return reading

    def __iter__(self) -> Any:
        for line in self._pipe:
            self._record(line)
            yield line

    def __next__(self) -> Any:
        line = next(self._pipe)
        self._record(line)
        return line

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._pipe.close()


def started_at(pid: int) -> str:
    """When a process started, in ticks: with the id it is unique."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def is_repoint(argv: Any) -> bool:
    """Whether a command line runs repoint itself, or Python code that calls it."""
    words = [argv] if isinstance(argv, (str, bytes, os.PathLike)) else list(argv)
    texts = [os.fsdecode(word) for word in words]
    return any("repoint" in text or text.endswith(".py") for text in texts) and any(
        Path(text).name.startswith(("python", "repoint", "bash")) for text in texts[:1]
    )


def watch_children(recorder: Recorder) -> None:
    """Let every child that a test starts record as well, and record what repoint's runs show."""
    import subprocess

    begin, talk = subprocess.Popen.__init__, subprocess.Popen.communicate

    def start(self: Any, args: Any, *rest: Any, **named: Any) -> None:
        owner, _ = recorder.who()
        run = owner == "test" and is_repoint(args)
        if owner == "test":
            given = os.environ if named.get("env") is None else named["env"]
            path = ":".join(filter(None, (SITE, given.get("PYTHONPATH", ""))))
            named["env"] = {**given, "PYTHONPATH": path, SPOOL: str(recorder.spool)}
        begin(self, args, *rest, **named)
        mark = "user" if run else owner
        if mark:
            recorder.add("mark", f"{self.pid}:{started_at(self.pid)}", b"", by=mark)
        self._is_run = run
        if run:
            words = " ".join(map(str, args)) if not isinstance(args, (str, bytes)) else str(args)
            recorder.add("run", words[-120:], b"")
            for name in ("stdout", "stderr"):
                if pipe := getattr(self, name):
                    setattr(self, name, _Heard(pipe, lambda data: _shown(recorder, data)))

    def communicate(self: Any, *args: Any, **named: Any) -> Any:
        told = talk(self, *args, **named)
        if getattr(self, "_is_run", False):
            for data in told:
                _shown(recorder, data)
        return told

    subprocess.Popen.__init__ = start  # type: ignore[method-assign]
    subprocess.Popen.communicate = communicate  # type: ignore[method-assign]


def _shown(recorder: Recorder, data: Any) -> None:
    if isinstance(data, list):
        data = type(data[0])().join(data) if data else b""
    if data:
        recorder.add("output", "a run's", data.encode() if isinstance(data, str) else data)


def watch_passwords(recorder: Recorder, passwords: Any) -> None:
    """Know the passwords that repoint makes up for the servers of a rehearsal."""
    settle = passwords.Passwords.settle

    def settled(self: Any, *args: Any) -> None:
        settle(self, *args)
        for made in self.by_role.values():
            recorder.add("canary", THROWAWAY, made.reveal().encode())

    passwords.Passwords.settle = settled


def watch_guard(recorder: Recorder, guard: Any) -> None:
    """Read the folder of a rehearsal's servers before their guardian removes it."""
    end, ask = guard.Guard._end, guard.Guard._ask

    def ending(self: Any) -> None:
        if hasattr(self, "folder"):
            for path in (*self.folder.glob("*"), *self.folder.glob("*/*")):
                if path.is_file():
                    recorder.look(str(path), "guard.py:folder")
        end(self)

    def asking(self: Any, do: str, name: str, **more: Any) -> Any:
        if "argv" in more:
            by = f"guardian.py:{do}"
            recorder.add("argv", more["argv"][0], "\0".join(more["argv"]).encode(), by=by)
            pairs = "\0".join(f"{key}={text}" for key, text in more["env"].items())
            recorder.add("env", more["argv"][0], pairs.encode(), by=by)
        return ask(self, do, name, **more)

    guard.Guard._end, guard.Guard._ask = ending, asking


_WATCHED: dict[str, Callable[[Recorder, Any], None]] = {
    "repoint.adapters.lab.guard": watch_guard,
    "repoint.flows.rehearsing.passwords": watch_passwords,
}


class Finder:
    """Lets the watchers in once their module is imported, which a run may never do."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The module's own spec, with a loader that does one thing more."""
        if name not in _WATCHED:
            return None
        from importlib.machinery import PathFinder

        spec: Any = PathFinder.find_spec(name, path, target)
        execute = spec.loader.exec_module

        def exec_module(module: Any) -> None:
            execute(module)
            _WATCHED[name](self._recorder, module)

        spec.loader.exec_module = exec_module
        return spec


def install(spool: Path) -> Recorder:
    """Record in this process from now on, as the spool's `config.json` says."""
    config = json.loads((spool / "config.json").read_text())
    recorder = Recorder(spool, tuple(config["sources"]), tuple(config["tests"]))
    # In a run of repoint nothing is a test's: its processes are told by their parent.
    if sys.orig_argv[1:3] != ["-m", "repoint"]:
        watch_children(recorder)
    for name in _WATCHED.keys() & sys.modules.keys():
        _WATCHED[name](recorder, sys.modules[name])
    sys.meta_path.insert(0, Finder(recorder))  # type: ignore[arg-type]
    sys.addaudithook(recorder.heard)
    atexit.register(recorder.look_again)
    return recorder
