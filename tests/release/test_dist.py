"""The archives of a release: the same bytes wherever they are built, and nothing else in them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from repoint import __version__
from scripts import dist

PATHS = {"README.md", "src/repoint/__init__.py", "tests/test_it.py"}
IN_WHEEL = {
    "repoint/__init__.py",
    "repoint/py.typed",
    "repoint/data/images.toml",
    "repoint/cli/door.py",
    *(
        f"repoint-1.0.dist-info/{name}"
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    ),
}
METADATA = b"""Metadata-Version: 2.4
Name: repoint
Version: 1.0
Requires-Python: >=3.11
License-Expression: Apache-2.0
License-File: LICENSE
Classifier: Programming Language :: Python :: 3.12
Classifier: Programming Language :: Python :: 3.11
Description-Content-Type: text/markdown

# repoint
"""
needs_git = pytest.mark.skipif(
    not (dist.ROOT / ".git").exists(), reason="no checkout: built from an sdist"
)


def test_an_sdist_is_the_commit_and_nothing_else() -> None:
    assert dist.sdist_errors({*PATHS, "PKG-INFO"}, PATHS) == []
    assert dist.sdist_errors({*PATHS, "PKG-INFO", ".env"}, PATHS) == ["the sdist holds `.env`"]
    assert dist.sdist_errors(PATHS, PATHS) == ["the sdist lacks `PKG-INFO`"]


def test_a_wheel_is_the_package_and_its_license() -> None:
    assert dist.wheel_errors(IN_WHEEL, PATHS) == []
    assert dist.wheel_errors({*IN_WHEEL, "tests/test_it.py"}, PATHS) == [
        "the wheel holds `tests/test_it.py`"
    ]
    assert dist.wheel_errors(IN_WHEEL - {"repoint/py.typed"}, PATHS) == [
        "the wheel lacks `repoint/py.typed`"
    ]
    cache = "repoint/__pycache__/door.cpython-311.pyc"
    assert dist.wheel_errors({*IN_WHEEL, cache}, PATHS) == [f"the wheel holds `{cache}`"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"3.11\nL", b"3.10\nL", "`Requires-Python` is not where"),
        (b"text/markdown", b"text/plain", "no long description in Markdown"),
        (b"\n# repoint\n", b"\n", "no long description in Markdown"),
        (b"License-File: LICENSE\n", b"", "the license file is not named"),
        (b"Name: repoint", b"Name: re point", "METADATA: "),
        (b"Apache-2.0", b"Apache 2", "METADATA: "),
    ],
)
def test_metadata_that_misleads_is_told(old: bytes, new: bytes, said: str) -> None:
    assert dist.metadata_errors(METADATA) == []
    assert said in "\n".join(dist.metadata_errors(METADATA.replace(old, new)))


def test_an_archive_that_names_its_folder_is_told(tmp_path: Path) -> None:
    wheel = tmp_path / "repoint.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("repoint/good.py", "pass")
        archive.writestr("repoint/bad.py", f"HOME = '{tmp_path}'")
    assert dist.place_errors([wheel], [tmp_path, Path("/")]) == [
        "repoint.whl: `repoint/bad.py` names the folder it was built in"
    ]


def test_the_changelog_names_this_version_unless_it_is_still_to_come() -> None:
    changelog = (dist.ROOT / "CHANGELOG.md").read_text("utf-8")
    sections = re.findall(r"^## (.+)$", changelog, re.MULTILINE)
    released = [line for line in sections if line != "Unreleased"]
    assert sections.index("Unreleased") == 0 if "Unreleased" in sections else released
    assert all(re.fullmatch(r"\d+\.\d+\.\d+ - \d{4}-\d\d-\d\d", line) for line in released)
    assert not released or released[0].split()[0] == __version__


def test_the_version_is_told_in_one_place() -> None:
    """pyproject.toml reads it from the package, and nothing else names it."""
    pyproject = (dist.ROOT / "pyproject.toml").read_text("utf-8")
    assert 'dynamic = ["version"]' in pyproject
    named = [
        path.relative_to(dist.ROOT).as_posix()
        for path in (dist.ROOT / "src").rglob("*.py")
        if f'"{__version__}"' in path.read_text("utf-8")
    ]
    assert named == ["src/repoint/__init__.py"]


@needs_git
@pytest.mark.slow
def test_two_clones_give_the_same_bytes(tmp_path: Path) -> None:
    one, two = tmp_path / "a", tmp_path / "another and a longer folder"
    built = _build(dist.ROOT, one, 0o022, TZ="UTC", LC_ALL="C.UTF-8", PYTHONHASHSEED="1")
    # Of the first clone, since somebody may commit in between.
    again = _build(one, two, 0o077, TZ="Asia/Tokyo", LC_ALL="C", PYTHONHASHSEED="2")
    assert built == again
    told = built[-1].decode().splitlines()
    assert [line.split()[1][-4:] for line in told] == [".whl", "r.gz"]


def _build(origin: Path, clone: Path, umask: int, **settings: str) -> tuple[bytes, bytes, bytes]:
    """Wheel, sdist and sums of a clone whose files are old, dirty and readable by few."""
    argv = ["git", "clone", "--quiet", "--no-local", str(origin), str(clone)]
    subprocess.run(argv, check=True, umask=umask)
    for path in clone.rglob("*.py"):
        os.utime(path, (10**9, 10**9))
    (clone / "src" / "repoint" / "left_over.py").write_text("password = 'canary-left-over'\n")
    (clone / "README.md").write_text("changed, and not committed\n")
    out = clone / "dist"
    done = subprocess.run(
        [sys.executable, "scripts/dist.py", "--out", str(out)],
        cwd=clone,
        env={**os.environ, **settings},
        umask=umask,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (
        0,
        "note: changes that are not committed are left out\n",
    )
    (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
    assert "repoint/left_over.py" not in dist.names_in_wheel(wheel)
    return wheel.read_bytes(), sdist.read_bytes(), (out / dist.SUMS).read_bytes()
