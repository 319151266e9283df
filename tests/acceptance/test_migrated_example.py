"""examples/naytife-migrated is what repoint makes of examples/naytife today."""

from __future__ import annotations

import stat
import subprocess
import sys

import yaml

from tests.acceptance.example import MIGRATED, ROOT, SECRETS, Checkout, decrypt

NOTES = "MIGRATED.md"


def test_the_migrated_example_is_what_repoint_writes_now(moved: Checkout) -> None:
    there = {
        str(path.relative_to(MIGRATED)): path.read_bytes()
        for path in MIGRATED.rglob("*")
        if path.is_file()
    }
    assert there.pop(NOTES)
    here = moved.files()
    assert sorted(there) == sorted(here), "run scripts/migrate_example.py"
    differing = [path for path in here if path not in SECRETS and here[path] != there[path]]
    assert not differing, "run scripts/migrate_example.py"
    for path in here:
        runs = [(root / path).stat().st_mode & stat.S_IXUSR for root in (moved.root, MIGRATED)]
        assert runs[0] == runs[1], path


def test_the_sealed_files_of_the_migrated_example_say_the_same(moved: Checkout) -> None:
    for path in SECRETS:
        assert decrypt(MIGRATED / path, moved.keys) == moved.opened(path), path
        shape = [
            _shape(yaml.safe_load((root / path).read_text())) for root in (MIGRATED, moved.root)
        ]
        assert shape[0] == shape[1], path


def _shape(node: object) -> object:
    """The keys of a sealed file, in order."""
    if isinstance(node, dict):
        return [(key, _shape(value)) for key, value in node.items()]
    return len(node) if isinstance(node, list) else ""


def test_its_notes_and_its_script_agree() -> None:
    script = ROOT / "scripts" / "migrate_example.py"
    done = subprocess.run(
        [sys.executable, str(script), "--check"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, ""), "run scripts/migrate_example.py"


def test_its_notes_name_files_that_are_there() -> None:
    text = (MIGRATED / NOTES).read_text(encoding="utf-8")
    for link in {part.partition(")")[0] for part in text.split("](")[1:]}:
        assert (MIGRATED / link).is_file(), link
