#!/usr/bin/env python3
"""Builds the wheel and the sdist of the last commit, the same bytes every time.

    python scripts/dist.py              # dist/*.whl, dist/*.tar.gz, dist/SHA256SUMS
    python scripts/dist.py --out DIR

The sdist holds the commit and nothing else, and the wheel is built twice: from the commit and from
the unpacked sdist. Times are those of the commit, or of `SOURCE_DATE_EPOCH`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from packaging.metadata import ExceptionGroup, Metadata

ROOT = Path(__file__).resolve().parents[1]
SUMS = "SHA256SUMS"
_DIST_INFO = {"METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE"}
_NEEDED = ("py.typed", "data/images.toml", "cli/door.py")
_SEEN = ("PATH", "HOME", "LD_LIBRARY_PATH")
"""All that the build sees of the environment, beside what is set for it."""


def git(root: Path, *arguments: str) -> bytes:
    """What git says of `root`.

    Raises:
        subprocess.CalledProcessError: where `root` is no checkout.
    """
    argv = ["git", "-C", str(root), *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout


def epoch(root: Path) -> str:
    """Seconds since 1970 that every file in both archives gets."""
    said = os.environ.get("SOURCE_DATE_EPOCH")
    return said or git(root, "log", "-1", "--format=%ct").decode().strip()


def committed(root: Path) -> set[str]:
    """The paths of the last commit of `root`."""
    listed = git(root, "ls-tree", "-r", "-z", "--name-only", "HEAD")
    return set(listed.decode().rstrip("\0").split("\0"))


def export(root: Path, folder: Path) -> None:
    """Lay the last commit out in `folder`, without what is not committed."""
    _unpack(io.BytesIO(git(root, "archive", "HEAD")), folder)


def _unpack(packed: io.BytesIO, folder: Path) -> None:
    with tarfile.open(fileobj=packed) as archive:
        archive.extractall(folder, filter="data")


def build(tree: Path, out: Path, when: str, *targets: str) -> None:
    """Build `targets` ("sdist", "wheel") of `tree` into `out`, with the locked hatchling."""
    environment = {name: os.environ[name] for name in _SEEN if name in os.environ}
    environment |= {"SOURCE_DATE_EPOCH": when, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    argv = [sys.executable, "-m", "hatchling", "build", "-d", str(out)]
    argv += [word for target in targets for word in ("-t", target)]
    done = subprocess.run(argv, cwd=tree, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"error: hatchling could not build {' and '.join(targets)}\n{done.stderr}")


def make(root: Path, out: Path) -> list[str]:
    """Build the commit of `root` into `out`, with `SUMS` beside; what is wrong with it."""
    when, paths = epoch(root), committed(root)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        export(root, folder / "tree")
        build(folder / "tree", folder / "first", when, "sdist", "wheel")
        (sdist,), (wheel,) = (folder.glob(f"first/*.{end}") for end in ("tar.gz", "whl"))
        _unpack(io.BytesIO(sdist.read_bytes()), folder / "sdist")
        (unpacked,) = folder.glob("sdist/*")
        build(unpacked, folder / "second", when, "wheel")
        again = (folder / "second" / wheel.name).read_bytes()
        errors = [
            *([] if again == wheel.read_bytes() else ["the wheel of the sdist is another one"]),
            *sdist_errors(names_in_sdist(sdist), paths),
            *wheel_errors(names_in_wheel(wheel), paths),
            *metadata_errors(metadata_of(wheel)),
            *place_errors((sdist, wheel), (root, folder)),
        ]
        out.mkdir(parents=True, exist_ok=True)
        for file in (wheel, sdist):
            (out / file.name).write_bytes(file.read_bytes())
        (out / SUMS).write_text(sums((wheel, sdist)), encoding="utf-8")
    return errors


def sums(files: Iterable[Path]) -> str:
    """What `sha256sum --check` reads."""
    lines = (f"{hashlib.sha256(file.read_bytes()).hexdigest()}  {file.name}\n" for file in files)
    return "".join(lines)


def names_in_sdist(sdist: Path) -> set[str]:
    """Its paths, without the folder that they are all in."""
    with tarfile.open(sdist) as archive:
        return {name.partition("/")[2] for name in archive.getnames()}


def names_in_wheel(wheel: Path) -> set[str]:
    """Its paths."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata_of(wheel: Path) -> bytes:
    """The METADATA that an index shows and an installer reads."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith(".dist-info/METADATA"))
        return archive.read(name)


def sdist_errors(names: Collection[str], paths: Collection[str]) -> list[str]:
    """What the sdist holds beside the committed `paths`, and what it lacks of them."""
    return [
        *(f"the sdist lacks `{name}`" for name in sorted({*paths, "PKG-INFO"} - {*names})),
        *(f"the sdist holds `{name}`" for name in sorted({*names} - {*paths, "PKG-INFO"})),
    ]


def wheel_errors(names: Collection[str], paths: Collection[str]) -> list[str]:
    """What the wheel holds beside the package and its five own files, and what it lacks."""
    wanted = {path.removeprefix("src/") for path in paths if path.startswith("src/repoint/")}
    wanted |= {f"repoint/{path}" for path in _NEEDED}
    found = {re.sub(r"^repoint-[^/]+\.dist-info/", "*.dist-info/", name) for name in names}
    wanted |= {f"*.dist-info/{name}" for name in _DIST_INFO}
    return [
        *(f"the wheel lacks `{name}`" for name in sorted(wanted - found)),
        *(f"the wheel holds `{name}`" for name in sorted(found - wanted)),
    ]


def metadata_errors(text: bytes) -> list[str]:
    """What an index would refuse, and what would mislead a reader there."""
    try:
        said = Metadata.from_email(text)
    except ExceptionGroup as error:
        return [f"METADATA: {one}" for one in error.exceptions]
    errors = []
    pythons = {str(part) for part in said.classifiers or () if " :: 3." in str(part)}
    lowest = min((int(one.rpartition(".")[2]) for one in pythons), default=0)
    if str(said.requires_python) != f">=3.{lowest}":
        errors.append("METADATA: `Requires-Python` is not where the classifiers begin")
    if said.description_content_type != "text/markdown" or not said.description:
        errors.append("METADATA: no long description in Markdown")
    if said.license_files != ["LICENSE"]:
        errors.append("METADATA: the license file is not named")
    return errors


def place_errors(archives: Iterable[Path], places: Iterable[Path]) -> list[str]:
    """Files that name where they were built."""
    known = [str(place).encode() for place in places if len(place.parts) > 1]
    return [
        f"{archive.name}: `{name}` names the folder it was built in"
        for archive in archives
        for name, content in _files(archive)
        if any(place in content for place in known)
    ]


def _files(archive: Path) -> Iterator[tuple[str, bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield from ((name, wheel.read(name)) for name in wheel.namelist())
        return
    with tarfile.open(archive) as sdist:
        for member in sdist:
            if member.isfile() and (file := sdist.extractfile(member)):
                yield member.name, file.read()


def run() -> int:
    """Build, and print what was built; 1 when something is wrong with it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder to write to")
    out = parser.parse_args().out
    if git(ROOT, "status", "--porcelain"):
        print("note: changes that are not committed are left out", file=sys.stderr)
    errors = make(ROOT, out)
    print((out / SUMS).read_text("utf-8"), end="")
    for line in errors:
        print(f"error: {line}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(run())
