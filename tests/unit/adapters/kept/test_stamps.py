"""Stamps: what changed since decides, told without git, and never told wrongly."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from repoint.adapters.filetree import FileTree
from repoint.adapters.kept import marks, watching
from repoint.adapters.kept.answers import Answers
from repoint.adapters.kept.stamps import still_told

REQUEST = ("program", "config", "json")
FILES = {
    ".gitignore": "out/\n*.log\nold*/\n!old-in/\n",
    "deploy/secret.yaml": "kind: Secret\n",
    "deploy/deep/er/values.yaml": "a: 1\n",
    "src/main.go": "package main\n",
    "out/made.yaml": "a: 1\n",
    "logs/run.log": "words\n",
    "notes/page.txt": "untracked\n",
    "own/.gitignore": "*\n",
    "own/page.txt": "ignored with the file that says so\n",
    ".repoint/ledger.jsonl": "{}\n",
}
TRACKED = (".gitignore", "deploy", "src")


class Shop:
    """A repository whose scan read all of `deploy`, what it kept, and what changed since."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root, self.cache = root, cache
        for path, text in FILES.items():
            self.write(path, text)
        for name in ("empty", "old-in"):
            (root / name).mkdir()
        self.write("hidden.log", "host: a\n")
        (root / "deploy/link.yaml").symlink_to("../hidden.log")
        self.git("init", "-q")
        self.git("add", *TRACKED)
        self.git("commit", "-qm", "first")
        (root / ".git/info/exclude").unlink(missing_ok=True)

    def git(self, *arguments: str) -> None:
        who = ("-c", "user.name=a", "-c", "user.email=a@b.example")
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, capture_output=True)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def keep(self, text: str = "the answer", below: str = "") -> None:
        """Keep an answer, let git show that it stands, and stamp it."""
        root = self.root / below
        tree = FileTree(root)
        listing = tree.listing()
        assert listing is not None
        read = [path for path in tree.paths() if path.startswith("deploy")]
        contents = {path: tree.read(path) for path in read}
        Answers(self.cache, REQUEST).keep(text, listing, contents, (), tree.glance)
        self.stamp(below)

    def stamp(self, below: str = "") -> None:
        root = self.root / below
        watch, tree = watching.Watch(root), FileTree(root)
        listing = tree.listing(watch.tracked)
        assert listing is not None
        watch.others(listing)
        kept = Answers(self.cache, REQUEST).recall(listing, tree.glance, _never)
        assert kept is not None
        watching.keep(self.cache, REQUEST, root, watch.make(kept.seal))

    def told(self, below: str = "") -> str | None:
        told = still_told(self.cache, REQUEST, str(self.root / below))
        return None if told is None else str(told, "utf-8")

    def told_by_git(self, below: str = "") -> str | None:
        tree = FileTree(self.root / below)
        listing = tree.listing()
        kept = listing and Answers(self.cache, REQUEST).recall(listing, tree.glance, _never)
        return None if not kept else str(kept.text, "utf-8")

    def stamp_file(self) -> Path:
        (found,) = (self.cache / "stamps").iterdir()
        return found


def _never(path: str, raw: bytes) -> bool:
    return False


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shop:
    cache = tmp_path / "cache"
    cache.mkdir()
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("XDG_CONFIG_HOME", "GIT_CONFIG_GLOBAL"):
        monkeypatch.delenv(name, raising=False)
    made = Shop(tmp_path / "shop", cache)
    # Files that were just made are too young for a stamp.
    now = time.time_ns
    monkeypatch.setattr(watching.time, "time_ns", lambda: now() + 10**11)
    return made


def _same_size_and_time(shop: Shop) -> None:
    file = shop.root / "deploy/secret.yaml"
    before = file.stat()
    file.write_text("kind: Secrex\n")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


def _replaced_by_one_of_the_same_time(shop: Shop) -> None:
    file, other = shop.root / "deploy/secret.yaml", shop.root / "out/other"
    before = file.stat()
    other.write_text("kind: Secrex\n")
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


def _moved_away(shop: Shop) -> None:
    (shop.root / "src/main.go").rename(shop.root / "src/m.go")


def _damaged_index(shop: Shop) -> None:
    (shop.root / ".git/index").write_bytes(b"DIRC\0\0\0\2 no index")


def _home(shop: Shop, path: str, text: str) -> None:
    (shop.root.parent / "home" / path).parent.mkdir(parents=True, exist_ok=True)
    (shop.root.parent / "home" / path).write_text(text)


SEEN: dict[str, Callable[[Shop], object]] = {
    "other bytes in a file": lambda s: s.write("deploy/secret.yaml", "kind: Pooler\n"),
    "as many, at the same time": _same_size_and_time,
    "another file of the same time": _replaced_by_one_of_the_same_time,
    "deep down": lambda s: s.write("deploy/deep/er/values.yaml", "a: 2\n"),
    "a file that is not tracked": lambda s: s.write("notes/page.txt", "other words\n"),
    "a file more at the top": lambda s: s.write("new.yaml", "a: 1\n"),
    "one in a folder of tracked files": lambda s: s.write("deploy/deep/new.yaml", "a: 1\n"),
    "one in an empty folder": lambda s: s.write("empty/new.yaml", "a: 1\n"),
    "one in a folder of ignored files": lambda s: s.write("logs/new.yaml", "a: 1\n"),
    "one in a folder that is let in again": lambda s: s.write("old-in/new.yaml", "a: 1\n"),
    "one in a new folder": lambda s: s.write("fresh/deep/new.yaml", "a: 1\n"),
    "a file less": lambda s: (s.root / "src/main.go").unlink(),
    "a folder less": lambda s: shutil.rmtree(s.root / "src"),
    "a renamed file": _moved_away,
    "a file made executable": lambda s: (s.root / "src/main.go").chmod(0o755),
    "a link elsewhere": lambda s: _linked_anew(s),
    "what a link leads to": lambda s: s.write("hidden.log", "host: b\n"),
    "what a link leads to is gone": lambda s: (s.root / "hidden.log").unlink(),
    "an ignore file": lambda s: s.write(".gitignore", "*.log\n"),
    "one that ignores itself": lambda s: s.write("own/.gitignore", ".gitignore\n"),
    "a new one": lambda s: s.write("deploy/.gitignore", "*.yaml\n"),
    "a private one": lambda s: s.write(".git/info/exclude", "notes\n"),
    "one of the user": lambda s: _home(s, ".config/git/ignore", "notes\n"),
    "a setting that names one": lambda s: s.git("config", "core.excludesFile", "/dev/null"),
    "a setting for line ends": lambda s: s.git("config", "core.autocrlf", "true"),
    "one of the user for them": lambda s: _home(s, ".gitconfig", "[core]\nautocrlf = true\n"),
    "a file that git now tracks": lambda s: s.git("add", "notes"),
    "one that it forgot": lambda s: s.git("rm", "-q", "--cached", "src/main.go"),
    "a mark not to look": lambda s: s.git("update-index", "--assume-unchanged", "src/main.go"),
    "a mark not to have it": lambda s: s.git("update-index", "--skip-worktree", "src/main.go"),
    "no index": lambda s: (s.root / ".git/index").unlink(),
    "a damaged index": _damaged_index,
    "no repository": lambda s: shutil.rmtree(s.root / ".git"),
    "another repository inside": lambda s: s.git("init", "-q", "src"),
}
UNSEEN: dict[str, Callable[[Shop], object]] = {
    "nothing": lambda s: None,
    "an ignored file": lambda s: s.write("out/made.yaml", "a: 2\n"),
    "a new one": lambda s: s.write("out/deep/new.yaml", "a: 2\n"),
    "one that ignores itself": lambda s: s.write("own/page.txt", "other words\n"),
    "own records": lambda s: s.write(".repoint/ledger.jsonl", "{}\n{}\n"),
    "what git keeps": lambda s: s.git("tag", "first"),
    "another setting": lambda s: s.git("config", "user.name", "somebody"),
    "a look": lambda s: (s.root / "deploy/secret.yaml").read_bytes(),
}


def _linked_anew(shop: Shop) -> None:
    (shop.root / "deploy/link.yaml").unlink()
    (shop.root / "deploy/link.yaml").symlink_to("../notes/page.txt")


@pytest.mark.parametrize("name", SEEN)
def test_what_may_matter_is_seen(shop: Shop, name: str) -> None:
    shop.keep()
    assert shop.told() == shop.told_by_git() == "the answer"
    SEEN[name](shop)
    assert shop.told() is None


@pytest.mark.parametrize("name", UNSEEN)
def test_what_cannot_matter_costs_nothing(shop: Shop, name: str) -> None:
    shop.keep()
    UNSEEN[name](shop)
    assert shop.told() == shop.told_by_git() == "the answer"


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(["update-index", "--index-version", "4"], id="short paths"),
        pytest.param(["update-index", "--split-index"], id="in two files"),
        pytest.param(["update-index", "--untracked-cache"], id="with folders"),
    ],
)
def test_any_index_of_git_will_do(shop: Shop, how: list[str]) -> None:
    shop.git(*how)
    shop.keep()
    assert shop.told() == "the answer"
    shop.write("src/main.go", "package other\n")
    assert shop.told() is None
    shop.stamp()
    assert shop.told() == "the answer"
    shop.git("add", "src")
    assert shop.told() is None


def test_a_submodule_is_seen_from_outside_alone(shop: Shop, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for arguments in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        who = ["-c", "user.name=a", "-c", "user.email=a@b.example"]
        subprocess.run(["git", *who, *arguments], cwd=other, check=True, capture_output=True)
    shop.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", str(other), "lib")
    shop.git("commit", "-qam", "second")
    shop.keep()
    shop.write("lib/deep/new.yaml", "a: 1\n")
    shop.stamp()
    shop.write("lib/deep/other.yaml", "a: 1\n")
    assert shop.told() == shop.told_by_git() == "the answer"
    shutil.rmtree(shop.root / "lib")
    assert shop.told() is None


def test_below_the_top_the_ignore_files_above_count(shop: Shop) -> None:
    shop.keep(below="deploy/deep")
    assert shop.told("deploy/deep") == "the answer"
    shop.write("deploy/.gitignore", "*.yaml\n")
    assert shop.told("deploy/deep") is None
    shop.stamp("deploy/deep")
    assert shop.told("deploy/deep") == "the answer"
    shop.write(".gitignore", "# other words\n")
    assert shop.told("deploy/deep") is None
    shop.stamp("deploy/deep")
    shop.git("init", "-q", "deploy")
    assert shop.told("deploy/deep") is None


def test_a_folder_that_becomes_a_repository_is_seen(shop: Shop) -> None:
    for name in ("notes", "logs"):
        (shop.root / name / ".git").mkdir()
    shop.keep()
    assert shop.told() == shop.told_by_git() == "the answer"
    shop.git("init", "-q", "notes")
    assert shop.told() is shop.told_by_git() is None


@pytest.mark.parametrize("name", ["HOME", "XDG_CONFIG_HOME"])
def test_a_relative_folder_of_the_user_gets_no_stamp(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "src")
    shop.keep()
    assert shop.told() is None and shop.told_by_git() == "the answer"


def test_the_ignore_file_is_the_one_that_git_reads(shop: Shop) -> None:
    shop.git("config", "core.excludesFile", "~/ignored")
    shop.git("config", "core.excludesFileOfOthers", "/dev/null")
    shop.keep()
    assert shop.told() == "the answer"
    _home(shop, "ignored", "notes\n")
    assert shop.told() is None


def test_a_linked_work_tree_has_an_index_of_its_own(shop: Shop, tmp_path: Path) -> None:
    shop.git("worktree", "add", "-q", str(tmp_path / "linked"))
    linked = Shop.__new__(Shop)
    linked.root, linked.cache = tmp_path / "linked", shop.cache
    (linked.root / "deploy/link.yaml").unlink()
    linked.git("commit", "-qam", "second")
    linked.keep()
    assert linked.told() == "the answer"
    linked.git("update-index", "--assume-unchanged", "src/main.go")
    assert linked.told() is None


@pytest.mark.parametrize("name", ["HOME", "XDG_CONFIG_HOME", "GIT_DIR", "GIT_WORK_TREE"])
def test_another_environment_is_another_place(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shop.keep()
    monkeypatch.setenv(name, str(shop.root.parent))
    assert shop.told() is None


def test_another_place_has_no_stamp(shop: Shop) -> None:
    shop.keep()
    shop.root = shop.root.rename(shop.root.parent / "moved")
    assert shop.told() is None


def test_without_git_nothing_is_told(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.keep()
    monkeypatch.setenv("PATH", str(shop.root))
    assert shop.told() is None


def test_a_folder_outside_git_gets_no_stamp(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(shop.root.parent))
    shutil.rmtree(shop.root / ".git")
    watch = watching.Watch(shop.root)
    watch.tracked(b"")
    assert watch.make(b"seal") is None


def test_files_that_were_just_changed_get_a_note_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.keep()
    shop.write("src/main.go", "package other\n")
    changed = (shop.root / "src/main.go").stat().st_ctime_ns
    monkeypatch.setattr(watching.time, "time_ns", lambda: changed + 10**7)
    shop.stamp()
    assert shop.told() is None
    assert watching.is_due(shop.cache, REQUEST, shop.root)
    monkeypatch.setattr(watching.time, "time_ns", lambda: changed + 10**10)
    shop.stamp()
    assert shop.told() == "the answer"


def test_a_clock_of_whole_seconds_needs_longer() -> None:
    second = 10**9
    fine, coarse = (
        marks.pack("=4Q", 7 * second + 1, 1, 1, 1),
        marks.pack("=4Q", 7 * second, 1, 1, 1),
    )
    assert marks.are_settled(fine, 8 * second) and not marks.are_settled(coarse, 8 * second)
    assert marks.are_settled(coarse, 11 * second)
    assert not marks.are_settled(fine, 7 * second)
    late = marks.pack("=4Q", 1, 9 * second + 1, 1, 1)
    assert not marks.are_settled(late, 8 * second)


def test_what_git_changed_its_mind_about_meanwhile_is_not_stamped(shop: Shop) -> None:
    shop.keep()
    watch, tree = watching.Watch(shop.root), FileTree(shop.root)
    assert tree.listing() is not None
    listing = tree.listing(watch.tracked)
    assert listing is not None
    watch.others(listing)
    assert watch.make(b"seal") is None, "the listing is older than the marks"


def test_a_change_between_marks_and_look_is_seen_next_time(shop: Shop) -> None:
    shop.keep()
    watch, tree = watching.Watch(shop.root), FileTree(shop.root)

    def change(entries: bytes) -> None:
        watch.tracked(entries)
        shop.write("deploy/secret.yaml", "kind: Pooler\n")
        shop.write("empty/new.yaml", "a: 1\n")

    listing = tree.listing(change)
    assert listing is not None
    watch.others(listing)
    watching.keep(shop.cache, REQUEST, shop.root, watch.make(_seal(shop)))
    assert shop.told() is None


def _seal(shop: Shop) -> bytes:
    from repoint.adapters.kept.answer_file import load

    (file,) = (shop.cache / "scans").iterdir()
    loaded = load(str(file), b"")
    assert loaded is not None
    return loaded.seal


def test_a_stamp_is_of_one_answer(shop: Shop) -> None:
    shop.keep()
    stamp = shop.stamp_file().read_bytes()
    shop.keep("another answer")
    assert shop.told() == "another answer"
    shop.stamp_file().write_bytes(stamp)
    assert shop.told() is None


def test_a_damaged_stamp_is_none(shop: Shop) -> None:
    shop.keep()
    file = shop.stamp_file()
    whole = file.read_bytes()
    for at in range(0, len(whole), 11):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert shop.told() is None, at
    for size in range(0, len(whole), 11):
        file.write_bytes(whole[:size])
        assert shop.told() is None, size
    file.write_bytes(whole + b"\0")
    assert shop.told() is None
    file.write_bytes(whole)
    assert shop.told() == "the answer"


def test_a_damaged_answer_is_none(shop: Shop) -> None:
    shop.keep()
    (file,) = (shop.cache / "scans").iterdir()
    whole = file.read_bytes()
    text = whole.rindex(b"the answer")
    file.write_bytes(whole[:text] + b"any" + whole[text + 3 :])
    assert shop.told() is None
    file.unlink()
    assert shop.told() is None


@pytest.mark.parametrize("some", [1, 2, 100])
def test_many_files_are_looked_at_from_two_sides(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, some: int
) -> None:
    monkeypatch.setattr(marks, "_MANY", 2)
    monkeypatch.setattr(marks, "_SOME", some)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    files = [tmp_path / name for name in "abcde"]
    for file in files:
        file.write_text("1")
    paths = [os.fsencode(file) for file in files]
    known = marks.marks_of(paths)
    assert known is not None and marks.have_marks(paths, memoryview(known))
    for file in files:
        before = file.stat().st_size
        file.write_text("12345"[: before + 1])
        assert not marks.have_marks(paths, memoryview(known))
        known = marks.marks_of(paths)
        assert known is not None and marks.have_marks(paths, memoryview(known))
    files[-1].unlink()
    assert not marks.have_marks(paths, memoryview(known))


def test_behind_a_file_that_differs_none_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marks, "_SOME", 2)
    files = [tmp_path / name for name in "abcdef"]
    for file in files:
        file.write_text("1")
    paths = [os.fsencode(file) for file in files]
    known = marks.marks_of(paths)
    files[2].write_text("12")
    seen: list[bytes] = []
    look = os.lstat
    monkeypatch.setattr(marks.os, "lstat", lambda path: seen.append(path) or look(path))
    assert known is not None and not marks.have_marks(paths, memoryview(known))
    assert seen == paths[:4]
    assert not marks.have_marks(paths[:2], memoryview(known)), "fewer files than marks"


@pytest.mark.parametrize("why", ["no fork on macOS", "no more processes"])
def test_without_a_second_process_one_looks_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    monkeypatch.setattr(marks, "_MANY", 2)
    if why == "no fork on macOS":
        monkeypatch.setattr(marks.sys, "platform", "darwin")
        monkeypatch.delattr(os, "sched_getaffinity")
        monkeypatch.delattr(os, "fork")
    else:
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
        monkeypatch.setattr(os, "fork", _refused)
    files = [tmp_path / name for name in "abc"]
    for file in files:
        file.write_text("1")
    paths = [os.fsencode(file) for file in files]
    known = marks.marks_of(paths)
    assert known is not None and marks.have_marks(paths, memoryview(known))
    files[-1].write_text("12")
    assert not marks.have_marks(paths, memoryview(known))


def _refused() -> int:
    raise BlockingIOError("too many processes")


def test_no_password_of_gits_settings_is_kept(shop: Shop) -> None:
    shop.git("config", "http.extraHeader", "Authorization: canary-1")
    shop.git("config", "remote.origin.url", "https://u:canary-2@host.example/shop")
    shop.git("config", "filter.sealed.smudge", "openssl enc -d -k canary-3")
    shop.git("config", "core.gitProxy", "through -p canary-4")
    shop.keep()
    assert shop.told() == "the answer"
    assert not [one for one in shop.cache.rglob("*/*") if b"canary" in one.read_bytes()]
