"""apt under private settings, asked about an archive in a folder laid out as Ubuntu's is."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.adapters.servers.apt import PrivateApt
from repoint.adapters.servers.apt_sources import read_sources
from repoint.adapters.servers.debs import libraries, pgbouncer_job
from repoint.adapters.servers.pins import Archive, archive_of
from repoint.adapters.servers.system import can_fetch_debs
from repoint.errors import ToolFailed, ToolMissing
from repoint.model.version import VersionWish

pytestmark = pytest.mark.skipif(not can_fetch_debs(), reason="there is no apt here")
PACKAGES = {
    "noble": {"pgbouncer": ("1.22.0-1build4", "database", "libevent-2.1-7t64 (>= 2)")},
    "resolute": {
        "pgbouncer": ("1.25.1-1", "database", "libevent-2.1-7t64 (>= 2), postgresql-common"),
        "libevent-2.1-7t64": ("2.1.12", "libs", "libc6"),
        "libc6": ("2.43", "libs", ""),
        "postgresql-common": ("290", "database", "libc6"),
        "unrelated": ("1", "libs", ""),
    },
}


def ubuntu() -> Archive:
    found = archive_of("ubuntu")
    assert found is not None
    return found


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that apt's own user can enter."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def mirror(place: Path) -> Path:
    """The archive: `universe` of noble and resolute, nothing of questing and stonking."""
    top = place / "ubuntu"
    for suite, packages in PACKAGES.items():
        records = [_deb(top, suite, name, *about) for name, about in packages.items()]
        _index(top, suite, "universe", "\n".join(records))
        _index(top, suite, "main", "")
        _release(top, suite)
    return top


def _deb(top: Path, suite: str, name: str, version: str, section: str, depends: str) -> str:
    tree = top / "build" / suite / name
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share").mkdir(parents=True)
    (tree / "usr/share" / name).write_text(version)
    control = (
        f"Package: {name}\nVersion: {version}\nArchitecture: all\nSection: {section}\n"
        f"Maintainer: nobody <nobody@example.org>\nDescription: a test\n"
        + (f"Depends: {depends}\n" if depends else "")
    )
    (tree / "DEBIAN/control").write_text(control)
    file = top / f"pool/{suite}_{name}.deb"
    file.parent.mkdir(exist_ok=True)
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", str(tree), str(file)],
        check=True,
        capture_output=True,
    )
    data = file.read_bytes()
    return (
        f"{control}Filename: {file.relative_to(top)}\nSize: {len(data)}\n"
        f"SHA256: {hashlib.sha256(data).hexdigest()}\n"
    )


def _index(top: Path, suite: str, component: str, text: str) -> None:
    asked = ["dpkg", "--print-architecture"]
    machine = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    folder = top / f"dists/{suite}/{component}/binary-{machine}"
    folder.mkdir(parents=True)
    (folder / "Packages").write_text(text)


def _release(top: Path, suite: str) -> None:
    folder = top / "dists" / suite
    date = "Thu, 23 Apr 2026 12:00:00 UTC"
    lines = [f"Origin: Ubuntu\nSuite: {suite}\nCodename: {suite}\nDate: {date}\nSHA256:"]
    for path in sorted(folder.rglob("Packages")):
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        lines.append(f" {digest} {len(data)} {path.relative_to(folder)}")
    (folder / "Release").write_text("\n".join(lines) + "\n")


@pytest.fixture
def apt(mirror: Path, place: Path) -> PrivateApt:
    line = f"deb [trusted=yes] file:{mirror} noble main universe\n"
    folder = Path(tempfile.mkdtemp(dir=place))
    folder.chmod(0o755)
    return PrivateApt(folder, ubuntu(), read_sources({"sources.list": line}))


def test_a_newer_suite_of_the_machines_own_mirror_is_found_and_missing_ones_passed_over(
    apt: PrivateApt,
) -> None:
    offered = apt.update()
    assert offered == {"resolute": {"pgbouncer": "1.25.1-1"}}
    job = pgbouncer_job(offered, VersionWish((1, 24), or_newer=True))
    assert (job.suite, job.place) == ("resolute", "pgbouncer/1.25.1")


def test_pgbouncer_and_its_libraries_are_resolved_and_brought_unprivileged_of_the_system(
    apt: PrivateApt, tmp_path: Path
) -> None:
    apt.update()
    universe = apt.closure("resolute", "pgbouncer")
    assert "postgresql-common" in universe and "unrelated" not in universe
    wanted = libraries(apt.records(universe), universe, "pgbouncer")
    assert wanted == {"libc6": "2.43", "libevent-2.1-7t64": "2.1.12", "pgbouncer": "1.25.1-1"}
    names = [path.name.partition("_")[0] for path in apt.download(wanted, tmp_path)]
    assert names == sorted(wanted)


def test_a_package_that_differs_from_the_index_is_refused(
    apt: PrivateApt, mirror: Path, tmp_path: Path
) -> None:
    apt.update()
    file = mirror / "pool/resolute_unrelated.deb"
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(ToolFailed, match="`apt-get` could not do its part: E: "):
        apt.download({"unrelated": "1"}, tmp_path)


def test_an_archive_that_cannot_be_read_is_told_with_its_reason(place: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=place))
    sources = read_sources({"a.list": f"deb [trusted=yes] file:{place}/gone noble main"})
    with pytest.raises(ToolFailed, match="apt could not read newer suites of the archive: "):
        PrivateApt(folder, ubuntu(), sources).update()


def test_a_machine_without_a_source_for_its_archive_is_told_so(place: Path) -> None:
    folder = Path(tempfile.mkdtemp(dir=place))
    with pytest.raises(ToolMissing, match="no source for the archive of ubuntu"):
        PrivateApt(folder, ubuntu(), ()).update()


@pytest.mark.skipif(os.geteuid() != 0, reason="a system's lists can be written by root only")
def test_the_systems_own_lists_stay_as_they_were(apt: PrivateApt) -> None:
    lists = Path("/var/lib/apt/lists")
    before = {path: path.stat().st_mtime_ns for path in lists.iterdir()}
    apt.update()
    assert {path: path.stat().st_mtime_ns for path in lists.iterdir()} == before
