"""Kept answers: they stand as long as nothing changed, and are never believed when damaged."""

from __future__ import annotations

import os
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from repoint.adapters.filetree import FileTree
from repoint.adapters.gitrepo import Listing
from repoint.adapters.kept import answers
from repoint.adapters.kept.answers import Answers, Made, blob_id
from repoint.adapters.kept.program import program_mark
from repoint.errors import FileRefused

FILES = {
    "deploy/secret.yaml": "kind: Secret\n",
    "src/main.go": "package main\n",
    "src/other.go": "package other\n",
    "docs/page.md": "words\n",
}


class Shop:
    """A repository whose scan read the Secret, kept answers, and what changed since."""

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        self.cache = cache
        for path, text in FILES.items():
            self.write(path, text)
        self.git("init", "-q")
        self.git("add", "-A")
        self.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "first")

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.root, capture_output=True, check=True)
        return done.stdout.decode()

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def keep(self, text: str = "the answer", request: tuple[str, ...] = ("json",)) -> Made | None:
        tree = FileTree(self.root)
        tree.read("deploy/secret.yaml")
        listing = tree.listing()
        assert listing is not None
        return Answers(self.cache, request).keep(
            text, listing, tree.remembered(), tree.refused(), tree.glance
        )

    def recall(self, request: tuple[str, ...] = ("json",), root: Path | None = None) -> str | None:
        tree = FileTree(root or self.root)
        listing = tree.listing()
        assert listing is not None
        told = Answers(self.cache, request).recall(listing, tree.glance, _names_a_database)
        return None if told is None else str(told.text, "utf-8", "surrogateescape")

    def kept_file(self) -> Path:
        (found,) = (self.cache / "scans").iterdir()
        return found


def _never(path: str, raw: bytes) -> bool:
    return False


def _names_a_database(_: str, raw: bytes) -> bool:
    return b"postgres" in raw


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    cache = tmp_path / "cache"
    cache.mkdir()
    return Shop(tmp_path / "shop", cache)


def test_an_answer_stands_while_nothing_changes(shop: Shop) -> None:
    assert shop.recall() is None
    shop.keep("päswort\udc80\n")
    assert shop.recall() == "päswort\udc80\n"
    assert shop.recall(("human",)) is None


def test_it_stands_in_a_fresh_clone(shop: Shop, tmp_path: Path) -> None:
    shop.keep()
    shop.git("clone", "-q", ".", str(tmp_path / "clone"))
    assert shop.recall(root=tmp_path / "clone") == "the answer"
    (tmp_path / "clone" / "deploy" / "secret.yaml").write_text("kind: Pooler\n")
    assert shop.recall(root=tmp_path / "clone") is None


CHANGES: dict[str, tuple[Callable[[Shop], object], bool]] = {
    "a file that was read": (lambda s: s.write("deploy/secret.yaml", "kind: Secret\n# x\n"), False),
    "as many other bytes in it": (lambda s: s.write("deploy/secret.yaml", "kind: Secrex\n"), False),
    "a file that cannot matter": (lambda s: s.write("src/main.go", "package x\n"), True),
    "one that matters now": (lambda s: s.write("src/main.go", "// postgres\n"), False),
    "a new file": (lambda s: s.write("src/new.go", "package new\n"), False),
    "a file less": (lambda s: (s.root / "src/main.go").unlink(), False),
    "a renamed file": (lambda s: (s.root / "src/main.go").rename(s.root / "src/m.go"), False),
    "an ignored file": (lambda s: s.write(".git/info/exclude", "docs\n"), True),
    "a file that git forgot": (lambda s: s.git("rm", "-q", "--cached", "src/main.go"), False),
    "own records": (lambda s: s.write(".repoint/ledger.jsonl", "{}\n"), True),
    "a mark not to look": (
        lambda s: s.git("update-index", "--assume-unchanged", "deploy/secret.yaml"),
        False,
    ),
    "line ends on checkout": (lambda s: s.git("config", "core.autocrlf", "true"), False),
    "attributes": (lambda s: s.write(".gitattributes", "* text\n"), False),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_changed_decides(shop: Shop, name: str) -> None:
    change, stands = CHANGES[name]
    shop.keep()
    change(shop)
    assert shop.recall() == ("the answer" if stands else None)


@pytest.mark.parametrize("name", ["a file that was read", "a file that cannot matter"])
def test_a_commit_of_a_change_is_that_change(shop: Shop, name: str) -> None:
    change, stands = CHANGES[name]
    shop.keep()
    change(shop)
    shop.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qam", "second")
    assert shop.recall() == ("the answer" if stands else None)


def test_a_change_that_was_taken_back_is_none(shop: Shop) -> None:
    shop.keep()
    shop.write("deploy/secret.yaml", "kind: Pooler\n")
    assert shop.recall() is None
    shop.write("deploy/secret.yaml", FILES["deploy/secret.yaml"])
    os.utime(shop.root / "deploy/secret.yaml", (1, 1))
    assert shop.recall() == "the answer"


def test_changed_files_of_the_time_are_remembered(shop: Shop) -> None:
    shop.write("deploy/secret.yaml", "kind: Secret\n# changed\n")
    shop.write("notes.txt", "untracked\n")
    shop.keep()
    assert shop.recall() == "the answer"
    shop.write("notes.txt", "other words\n")
    assert shop.recall() == "the answer"
    shop.write("deploy/secret.yaml", FILES["deploy/secret.yaml"])
    assert shop.recall() is None


def test_a_file_that_could_not_be_read_counts_when_it_can(shop: Shop) -> None:
    (shop.root / "out.yaml").symlink_to("/dev/null")
    tree = FileTree(shop.root)
    with pytest.raises(FileRefused):
        tree.read("out.yaml")
    listing = tree.listing()
    assert listing is not None
    Answers(shop.cache, ("json",)).keep("refused", listing, {}, tree.refused(), tree.glance)
    (shop.root / "out.yaml").unlink()
    shop.write("out.yaml", "a: 1\n")
    assert shop.recall() is None


def test_line_ends_that_git_would_change_back_count(shop: Shop) -> None:
    shop.write(".git/info/attributes", "* text=auto\n")
    shop.keep()
    (shop.root / "deploy/secret.yaml").write_bytes(b"kind: Secret\r\n")
    assert shop.recall() is None


def test_a_file_whose_time_was_set_back_counts(shop: Shop) -> None:
    shop.git("config", "core.trustctime", "false")
    shop.git("config", "core.checkStat", "minimal")
    os.utime(shop.root / "deploy/secret.yaml", (1, 1))
    shop.git("add", "-A")
    shop.keep()
    shop.write(".git/other", "kind: Secrex\n")
    os.utime(shop.root / ".git/other", (1, 1))
    (shop.root / ".git/other").rename(shop.root / "deploy/secret.yaml")
    assert shop.recall() is None


def test_a_copied_work_tree_is_seen_through(shop: Shop) -> None:
    shop.keep()
    for path in FILES:
        os.utime(shop.root / path, (1, 1))
    assert shop.recall() == "the answer"
    shop.write("src/main.go", "// postgres\n")
    assert shop.recall() is None


def test_what_a_link_leads_to_counts(shop: Shop) -> None:
    shop.write(".git/info/exclude", "hidden\n")
    shop.write("hidden/values.yaml", "host: a\n")
    (shop.root / "deploy/link.yaml").symlink_to("../hidden/values.yaml")
    shop.git("add", "deploy/link.yaml")
    tree = FileTree(shop.root)
    tree.read("deploy/link.yaml")
    listing = tree.listing()
    assert listing is not None
    Answers(shop.cache, ("json",)).keep("linked", listing, tree.remembered(), (), tree.glance)
    assert shop.recall() == "linked"
    shop.write("hidden/values.yaml", "host: b\n")
    assert shop.recall() is None


def test_a_link_that_is_no_file_stays_none(shop: Shop) -> None:
    (shop.root / "linked").symlink_to("docs")
    shop.git("add", "linked")
    shop.keep()
    assert shop.recall() == "the answer"
    (shop.root / "linked").unlink()
    (shop.root / "linked").symlink_to("src/main.go")
    assert shop.recall() == "the answer"
    shop.write("src/main.go", "// postgres\n")
    assert shop.recall() is None


def test_a_link_that_could_not_be_read_still_counts_where_it_was_told_of(shop: Shop) -> None:
    (shop.root / "out.yaml").symlink_to("/dev/null")
    shop.git("add", "out.yaml")
    tree = FileTree(shop.root)
    with pytest.raises(FileRefused):
        tree.read("out.yaml")
    listing = tree.listing()
    assert listing is not None
    Answers(shop.cache, ("json",)).keep("refused", listing, {}, tree.refused(), tree.glance)
    assert shop.recall() is None


def test_what_was_read_has_to_be_what_git_shows(shop: Shop) -> None:
    tree = FileTree(shop.root)
    listing = tree.listing()
    assert listing is not None
    contents = {"deploy/secret.yaml": b"kind: Other\n"}
    Answers(shop.cache, ("json",)).keep("wrong", listing, contents, (), tree.glance)
    assert shop.recall() is None


def test_what_was_kept_just_now_has_the_seal_of_what_is_read_again(shop: Shop) -> None:
    made = shop.keep("päswort\udc80\n")
    listing = FileTree(shop.root).listing()
    assert made is not None
    assert listing is not None
    found = Answers(shop.cache, ("json",)).recall(listing, FileTree(shop.root).glance, _never)
    assert found is not None
    assert found.seal == made.seal


def test_what_was_kept_just_now_stands_while_what_git_has_no_id_of_is_as_it_was(shop: Shop) -> None:
    shop.write("notes.txt", "words\n")
    shop.write(".repoint/ledger.jsonl", "{}\n")
    (shop.root / "linked").symlink_to("docs")
    shop.git("add", "linked")
    made = shop.keep()
    assert made is not None
    shop.write(".repoint/ledger.jsonl", "{} {}\n")
    assert made.stands(FileTree(shop.root).glance)
    shop.write("notes.txt", "other words\n")
    assert not made.stands(FileTree(shop.root).glance)
    shop.write("notes.txt", "words\n")
    assert made.stands(FileTree(shop.root).glance)
    (shop.root / "notes.txt").unlink()
    assert not made.stands(FileTree(shop.root).glance)


def test_a_link_that_was_told_of_and_cannot_be_read_does_not_stand(shop: Shop) -> None:
    (shop.root / "out.yaml").symlink_to("/dev/null")
    tree = FileTree(shop.root)
    with pytest.raises(FileRefused):
        tree.read("out.yaml")
    listing = tree.listing()
    assert listing is not None
    made = Answers(shop.cache, ("json",)).keep("no", listing, {}, tree.refused(), tree.glance)
    assert made is not None
    assert not made.stands(FileTree(shop.root).glance)


def test_a_large_answer_is_never_in_memory_a_second_time(shop: Shop) -> None:
    text = "ä" * 8_000_000
    shop.keep("loads what keeping needs")
    tracemalloc.start()
    try:
        shop.keep(text)
        assert tracemalloc.get_traced_memory()[1] < len(text)
    finally:
        tracemalloc.stop()
    assert shop.recall() == text


@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("head", ["h 100644 1a 0", "H 100644 1a 2", "S 100644 1a 0"])
def test_a_listing_is_plain_where_every_entry_is(place: int, head: str) -> None:
    entries = [f"H 100644 1a 0\t{name}\0" for name in "abc"]
    assert Listing("".join(entries).encode(), (), (), b"").is_plain
    entries[place] = f"{head}\tx\0"
    assert not Listing("".join(entries).encode(), (), (), b"").is_plain


def test_a_damaged_answer_is_none(shop: Shop) -> None:
    shop.keep()
    file = shop.kept_file()
    whole = file.read_bytes()
    for at in range(0, len(whole), 7):
        file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert shop.recall() is None, at
    for size in range(0, len(whole), 7):
        file.write_bytes(whole[:size])
        assert shop.recall() is None, size
    file.write_bytes(whole + b"\0")
    assert shop.recall() is None
    file.write_bytes(whole)
    assert shop.recall() == "the answer"


def test_a_folder_that_cannot_be_written_keeps_nothing(shop: Shop) -> None:
    (shop.cache / "scans").write_text("a file in the way")
    assert shop.keep() is None
    assert shop.recall() is None


def test_the_oldest_answers_go(shop: Shop) -> None:
    for number in range(40):
        shop.keep(request=("json", str(number)))
    assert len(list((shop.cache / "scans").iterdir())) == 32
    assert shop.recall(("json", "39")) == "the answer"


def test_a_blob_id_is_gits_own(shop: Shop) -> None:
    known = shop.git("hash-object", "deploy/secret.yaml").strip()
    assert blob_id((shop.root / "deploy/secret.yaml").read_bytes()) == known


def test_another_program_has_another_mark(tmp_path: Path) -> None:
    package = tmp_path / "repoint"
    package.mkdir()
    (package / "rules.py").write_text("A = 1\n")
    first = program_mark(package)
    (package / "rules.py").write_text("A = 12\n")
    assert program_mark(package) != first
    record = tmp_path / "repoint-1.0.dist-info" / "RECORD"
    record.parent.mkdir()
    record.write_text("repoint/rules.py,sha256=a,6\n")
    wheel = program_mark(package)
    os.utime(package / "rules.py", (1, 1))
    assert program_mark(package) == wheel
    record.write_text("repoint/rules.py,sha256=b,6\n")
    assert program_mark(package) != wheel


@given(st.sets(st.text("ab/é😀-", min_size=1), max_size=12))
def test_a_file_is_found_in_gits_listing(names: set[str]) -> None:
    """By halving, as git sorts; or by reading all, where many are asked for."""
    listed = sorted(name.encode() for name in names)
    entries = b"".join(b"H 100644 %040x 0\t%b\0" % (n, name) for n, name in enumerate(listed))
    for size in (0, 1000):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(answers, "_FEW", size)
            found = answers._ids(entries, {*names, "a/not/there", "~", ""})
        assert found == {name.decode(): f"{n:040x}" for n, name in enumerate(listed)}
